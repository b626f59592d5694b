/* The smallest useful arena in plain C, as a yardstick: 24 agents on a byte grid with mines, generators, altars,
 * laseries and attacks, one 11x11 egocentric observation of (location, feature, value) tokens for each agent and step.
 * It keeps no statistics, masks, episodes or records, checks nothing, cannot be configured, and stays in the cache
 * (INSTANCES = 1).
 *
 *   gcc -O3 -march=native tokgrid.c -o tokgrid && ./tokgrid [SECONDS_PER_MEASURE=0.3] [INSTANCES=1] [REPEATS=5]
 *
 * Prints one JSON line: agent-steps per second with and without observations, and two ceilings of the machine: copying
 * 600-byte rows that lie in the cache or in memory, and filling them with padding. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kTokens = 200, kRowBytes = kTokens * 3, kSide = 37, kBorder = 6, kAgents = 24, kCells = 121, kItems = 6 };
enum { kOre = 0, kBattery = 1, kHeart = 2, kLaser = 3, kArmor = 4 };
enum { kWall = 1, kAltar = 2, kMine = 3, kGenerator = 4, kLasery = 5 };

static double Now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t state = 88172645463325252ull;
static uint32_t Random(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 32);
}

typedef struct {
  uint8_t* cell;
  uint8_t* occupant; /* agent + 1 */
  int* position;
  uint8_t (*held)[kItems];
  uint8_t* frozen;
  uint8_t* last;
  float* reward;
  uint8_t* rows;
} Env;

static int offsets[kCells];
static uint8_t locations[kCells];

static void MakeTables(void) {
  int k = 0;
  for (int distance = 0; distance <= 10; distance++)
    for (int dy = -5; dy <= 5; dy++)
      for (int dx = -5; dx <= 5; dx++)
        if (abs(dx) + abs(dy) == distance) {
          offsets[k] = dy * kSide + dx;
          locations[k++] = (uint8_t)(((dy + 5) << 4) | (dx + 5));
        }
}

static int FreeSpot(const Env* env) {
  for (;;) {
    const int y = kBorder + (int)(Random() % (kSide - 2 * kBorder)),
              x = kBorder + (int)(Random() % (kSide - 2 * kBorder));
    if (!env->cell[y * kSide + x] && !env->occupant[y * kSide + x]) return y * kSide + x;
  }
}

static void Make(Env* env) {
  static const int counts[] = {0, 10, 5, 10, 5, 2};
  env->cell = calloc(kSide, kSide);
  env->occupant = calloc(kSide, kSide);
  env->position = calloc(kAgents, sizeof(int));
  env->held = calloc(kAgents, kItems);
  env->frozen = calloc(kAgents, 1);
  env->last = calloc(kAgents, 1);
  env->reward = calloc(kAgents, sizeof(float));
  env->rows = aligned_alloc(64, (kAgents * kRowBytes + 63) / 64 * 64);
  for (int i = 0; i < kSide; i++)
    for (int j = 0; j < kSide; j++)
      if (i < kBorder || j < kBorder || i >= kSide - kBorder || j >= kSide - kBorder) env->cell[i * kSide + j] = kWall;
  for (uint8_t type = kWall; type <= kLasery; type++)
    for (int i = 0; i < counts[type]; i++) env->cell[FreeSpot(env)] = type;
  for (int agent = 0; agent < kAgents; agent++) {
    env->position[agent] = FreeSpot(env);
    env->occupant[env->position[agent]] = (uint8_t)(agent + 1);
  }
}

static void Attack(Env* env, uint8_t* mine, int target) {
  if (!mine[kLaser] || !env->occupant[target]) return;
  const int other = env->occupant[target] - 1;
  mine[kLaser]--;
  if (env->held[other][kArmor]) {
    env->held[other][kArmor]--;
    return;
  }
  env->frozen[other] = 10;
  for (int item = 0; item < kItems; item++) {
    const int sum = mine[item] + env->held[other][item];
    mine[item] = (uint8_t)(sum > 50 ? 50 : sum);
    env->held[other][item] = 0;
  }
}

static void Use(uint8_t* mine, uint8_t object, float* reward) {
  if (object == kMine && mine[kOre] < 50) mine[kOre]++;
  if (object == kGenerator && mine[kOre]) mine[kOre]--, mine[kBattery]++;
  if (object == kAltar && mine[kBattery] >= 3) mine[kBattery] -= 3, mine[kHeart]++, *reward = 1;
  if (object == kLasery && mine[kBattery] && mine[kOre] > 1) mine[kBattery]--, mine[kOre] -= 2, mine[kLaser]++;
}

static void Act(Env* env, const uint8_t* actions) {
  static const int ahead[4] = {-kSide, kSide, -1, 1};
  for (int agent = 0; agent < kAgents; agent++) {
    const uint8_t action = actions[agent];
    env->reward[agent] = 0;
    env->last[agent] = action;
    if (env->frozen[agent]) {
      env->frozen[agent]--;
      continue;
    }
    if (action == 0) continue;
    const int from = env->position[agent], to = from + ahead[(action - 1) & 3];
    if (action > 4) {
      Attack(env, env->held[agent], to);
    } else if (!env->cell[to] && !env->occupant[to]) {
      env->occupant[from] = 0;
      env->occupant[to] = (uint8_t)(agent + 1);
      env->position[agent] = to;
    } else {
      Use(env->held[agent], env->cell[to], &env->reward[agent]);
    }
  }
}

static inline uint8_t* Put(uint8_t* out, uint8_t location, uint8_t feature, uint8_t value) {
  out[0] = location;
  out[1] = feature;
  out[2] = value;
  return out + 3;
}

static void Observe(Env* env) {
  const uint8_t *const cells = env->cell, *const occupants = env->occupant, *const frozen = env->frozen;
  for (int agent = 0; agent < kAgents; agent++) {
    uint8_t *out = env->rows + agent * kRowBytes, *const end = out + kRowBytes;
    const int centre = env->position[agent];
    out = Put(out, 0xFE, 1, env->last[agent]);
    out = Put(out, 0xFE, 2, (uint8_t)env->reward[agent]);
    out = Put(out, 0xFE, 3, 0);
    for (int k = 0; k < kCells; k++) {
      const uint8_t cell = cells[centre + offsets[k]], occupant = occupants[centre + offsets[k]];
      if (!(cell | occupant)) continue;
      if (out + 27 > end) break;
      if (cell) out = Put(out, locations[k], 4, cell);
      if (!occupant) continue;
      const uint8_t other = (uint8_t)(occupant - 1);
      const uint8_t* const held = env->held[other];
      out = Put(out, locations[k], 5, other);
      out = Put(out, locations[k], 6, frozen[other]);
      for (int item = 0; item < kItems; item++)
        if (held[item]) out = Put(out, locations[k], (uint8_t)(7 + item), held[item]);
    }
    memset(out, 0xFF, (size_t)(end - out));
  }
}

static uint8_t actions[65536];

static double StepsPerSecond(Env* envs, int instances, double seconds, int observe) {
  const double start = Now();
  long steps = 0;
  while (Now() - start < seconds) {
    for (int i = 0; i < 1000; i++) {
      Act(envs + i % instances, actions + Random() % (65536 - kAgents));
      if (observe) Observe(envs + i % instances);
    }
    steps += 1000 * kAgents;
  }
  return (double)steps / (Now() - start);
}

static double RowCopiesPerSecond(size_t rows, double seconds) {
  uint8_t *from = malloc(rows * kRowBytes), *to = malloc(rows * kRowBytes);
  memset(from, 1, rows * kRowBytes);
  memset(to, 2, rows * kRowBytes);
  const double start = Now();
  long copies = 0;
  while (Now() - start < seconds)
    for (int repeat = 0; repeat < (rows > 1000 ? 1 : 1000); repeat++, copies += (long)rows) {
      for (size_t i = 0; i < rows; i++) memcpy(to + i * kRowBytes, from + i * kRowBytes, kRowBytes);
      __asm__ volatile("" ::"r"(to) : "memory");
    }
  const double rate = (double)copies / (Now() - start);
  free(from);
  free(to);
  return rate;
}

static double RowFillsPerSecond(double seconds) {
  uint8_t* rows = malloc(kAgents * kRowBytes);
  const double start = Now();
  long fills = 0;
  while (Now() - start < seconds)
    for (int repeat = 0; repeat < 1000; repeat++, fills += kAgents) {
      for (int i = 0; i < kAgents; i++) memset(rows + i * kRowBytes, 0xFF, kRowBytes);
      __asm__ volatile("" ::"r"(rows) : "memory");
    }
  const double rate = (double)fills / (Now() - start);
  free(rows);
  return rate;
}

static int Ascending(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

int main(int argc, char** argv) {
  enum { kMostRepeats = 99 };
  const double seconds = argc > 1 ? atof(argv[1]) : 0.3;
  const int instances = argc > 2 ? atoi(argv[2]) : 1;
  const int asked = argc > 3 ? atoi(argv[3]) : 5, repeats = asked < 1 ? 1 : asked > kMostRepeats ? kMostRepeats : asked;
  MakeTables();
  Env* envs = calloc((size_t)instances, sizeof(Env));
  for (int i = 0; i < instances; i++) Make(envs + i);
  for (int i = 0; i < 65536; i++) actions[i] = (uint8_t)(Random() % 6);
  double speeds[kMostRepeats];
  for (int i = 0; i < repeats; i++) speeds[i] = StepsPerSecond(envs, instances, seconds, 1);
  double used = 0;
  for (int i = 0; i < kAgents * kTokens; i++) used += envs[0].rows[3 * i] != 0xFF;
  qsort(speeds, (size_t)repeats, sizeof(double), Ascending);
  printf("{\"name\": \"tokgrid\", \"n\": %d, \"agent_steps_per_second\": %.0f, \"min\": %.0f, \"max\": %.0f, ", repeats,
         speeds[repeats / 2], speeds[0], speeds[repeats - 1]);
  printf("\"agents\": %d, \"envs\": %d, \"tokens_per_observation\": %.1f, ", kAgents, instances, used / kAgents);
  printf("\"without_observations\": %.0f, ", StepsPerSecond(envs, instances, seconds, 0));
  printf("\"row_copies_in_cache\": %.0f, ", RowCopiesPerSecond(kAgents, seconds));
  printf("\"row_copies_in_memory\": %.0f, ", RowCopiesPerSecond((256u << 20) / kRowBytes, seconds));
  printf("\"row_fills_in_cache\": %.0f}\n", RowFillsPerSecond(seconds));
  return 0;
}
