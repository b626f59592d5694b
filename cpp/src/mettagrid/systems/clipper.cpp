#include "mettagrid/systems/clipper.h"

#include <algorithm>

#include "mettagrid/core/rng.h"

namespace mettagrid {
namespace {

constexpr std::uint32_t kMostWeight = 0xFFFF;  // so that 65,535 of them fit into 32 bits
constexpr std::size_t kWordsPerLane = 1024;

RandomStream StreamOfLane(const World& world, std::size_t lane) {
  const WorldHeader& header = world.header();
  return RandomStream(header.seed, header.env, header.episode, header.step, Purpose::kClipper,
                      static_cast<std::uint16_t>(lane));
}

// Calls visit(object) for each object on the map that the clipper may clip, in order.
template <class Visit>
void ForEachTarget(const World& world, Visit visit) {
  const GameProgram& program = *world.program;
  for (std::size_t kind = 0; kind < program.object_types.size(); ++kind) {
    if (!program.systems.clipper.clips[kind]) continue;
    const ObjectType& type = program.object_types[kind];
    for (std::size_t i = type.first; i < std::size_t{type.first} + type.count; ++i) {
      if (world.objects.cell[i] != kNowhere) visit(ObjectId(i));
    }
  }
}

void SetClip(const World& world, ObjectId object, Clip clip) {
  world.objects.clip[object.index()] = clip;
  world.Touch(object);
}

// Each object has its own word, whatever becomes of the others.
void ClipByRate(const World& world, std::uint64_t rate) {
  RandomStream random = StreamOfLane(world, 0);
  std::size_t drawn = 0;
  ForEachTarget(world, [&](ObjectId object) {
    if (drawn > 0 && drawn % kWordsPerLane == 0) random = StreamOfLane(world, drawn / kWordsPerLane);
    ++drawn;
    const bool is_hit = random.Next() < rate;
    if (is_hit && world.objects.clip[object.index()] == Clip::kFree) SetClip(world, object, Clip::kClipped);
  });
}

// floor(sqrt(number)), without floating point.
std::uint32_t IntegerRoot(std::uint32_t number) {
  std::uint32_t root = 0;
  for (std::uint32_t bit = 1U << 15; bit > 0; bit >>= 1) {
    if ((root + bit) <= number / (root + bit)) root += bit;
  }
  return root;
}

// Half the distance at which the targets would stand if they were spread evenly.
std::uint32_t LengthScale(const World& world) {
  const ClipperRules& rules = world.program->systems.clipper;
  if (rules.length_scale > 0) return rules.length_scale;
  std::uint32_t targets = 0;
  ForEachTarget(world, [&targets](ObjectId) { ++targets; });
  const MapPlan& map = world.program->map;
  return std::max(1U, IntegerRoot(map.width * map.height / (4 * std::max(1U, targets))));
}

std::uint32_t WeightOf(const World& world, ObjectId candidate, std::uint32_t scale) {
  const MapPlan& map = world.program->map;
  const std::uint32_t cutoff = world.program->systems.clipper.cutoff;
  const CellIndex here = world.objects.cell[candidate.index()];
  std::uint32_t weight = 0;
  ForEachTarget(world, [&](ObjectId other) {
    if (world.objects.clip[other.index()] == Clip::kFree) return;
    const CellIndex there = world.objects.cell[other.index()];
    const auto apart = [](std::uint32_t a, std::uint32_t b) { return a > b ? a - b : b - a; };
    const std::uint32_t distance = std::max(apart(map.RowOf(here), map.RowOf(there)),  //
                                            apart(map.ColumnOf(here), map.ColumnOf(there)));
    if (distance / scale <= cutoff) weight = std::min(kMostWeight, weight + (1U << (cutoff - distance / scale)));
  });
  return weight;
}

void ClipNext(const World& world, RandomStream& random) {
  const std::uint32_t scale = LengthScale(world);
  std::uint32_t border = 0;  // total weight
  std::uint32_t free_objects = 0;
  const auto is_free = [&world](ObjectId object) { return world.objects.clip[object.index()] == Clip::kFree; };
  ForEachTarget(world, [&](ObjectId object) {
    if (!is_free(object)) return;
    ++free_objects;
    border += WeightOf(world, object, scale);
  });
  if (free_objects == 0) return;
  std::uint32_t left = random.Below(border > 0 ? border : free_objects);
  ObjectId chosen;
  bool found = false;
  ForEachTarget(world, [&](ObjectId object) {
    if (found || !is_free(object)) return;
    const std::uint32_t weight = border > 0 ? WeightOf(world, object, scale) : 1;
    found = left < weight;
    if (found) chosen = object;
    left -= weight;
  });
  SetClip(world, chosen, Clip::kClipped);
}

}  // namespace

void RunClipper(const World& world) {
  const ClipperRules& rules = world.program->systems.clipper;
  ForEachTarget(world, [&world](ObjectId object) {
    if (world.objects.clip[object.index()] == Clip::kPaidFor) SetClip(world, object, Clip::kFree);
  });
  if (rules.rate > 0) {
    ClipByRate(world, rules.rate);
    return;
  }
  RandomStream random = StreamOfLane(world, 0);
  if (random.Below(rules.period) == 0) ClipNext(world, random);
}

}  // namespace mettagrid
