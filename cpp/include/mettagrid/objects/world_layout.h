#pragma once

#include <cstddef>
#include <cstdint>

namespace mettagrid {

// Changes whenever the meaning of a world's bytes does.
inline constexpr std::uint32_t kWorldFormat = 2;

// Token runs come in chunks of 16 bytes that hold 5 tokens of 3 bytes; a copied chunk's last byte is written over by
// the next one.
inline constexpr std::size_t kChunkBytes = 16;
inline constexpr std::size_t kTokensPerChunk = 5;

// Where each column starts in a world's flat bytes. All columns are 16-byte aligned.
struct WorldLayout {
  std::size_t cells = 0;     // CellCode [padded cells]
  std::size_t floor = 0;     // CellCode [padded cells], in games with a floor
  std::size_t occupied = 0;  // bit per padded cell, 8 bytes of slack
  // agents [A]
  std::size_t agent_cell = 0;
  std::size_t agent_orientation = 0;
  std::size_t agent_ahead = 0;
  std::size_t agent_ahead_frozen = 0;
  std::size_t agent_color = 0;
  std::size_t agent_glyph = 0;
  std::size_t agent_shield = 0;
  std::size_t agent_frozen = 0;
  std::size_t agent_group = 0;
  std::size_t agent_presence = 0;
  std::size_t agent_home = 0;
  std::size_t agent_since = 0;
  std::size_t agent_entered = 0;
  std::size_t agent_last_action = 0;
  std::size_t agent_success = 0;
  std::size_t agent_changed = 0;
  std::size_t agent_settled = 0;
  std::size_t agent_reward = 0;
  std::size_t agent_return = 0;
  std::size_t agent_potential = 0;
  std::size_t agent_paid_times = 0;
  std::size_t agent_paid_steps = 0;
  std::size_t agent_away_steps = 0;
  std::size_t agent_inventory = 0;         // Amount [A][R]
  std::size_t agent_inventory_before = 0;  // Amount [A][R]
  std::size_t agent_stats = 0;             // double [A][S]
  // objects [O]
  std::size_t object_cell = 0;
  std::size_t object_phase = 0;
  std::size_t object_mode = 0;
  std::size_t object_until = 0;
  std::size_t object_left = 0;
  std::size_t object_clip = 0;
  std::size_t object_inventory = 0;  // Amount [O][R]
  std::size_t object_memory = 0;     // uint16 [O][memory words]
  std::size_t object_awake = 0;      // bit set
  std::size_t object_changed = 0;    // bit set
  // encoded tokens by cell code: run_bytes each; the last byte counts the tokens
  std::size_t runs = 0;
  std::size_t run_bytes = 16;
  std::size_t hot_bytes = 0;  // what comes after these is large, and little of it is touched in a step
  // agents again
  std::size_t agent_visits = 0;  // uint8 [A][padded cells], in games that count visits

  std::size_t num_bytes = 0;
  std::uint64_t fingerprint = 0;  // tells worlds of different programs apart
};

struct GameProgram;

// `max_tokens`: tokens of the largest object.
WorldLayout LayOutWorld(const GameProgram& program, std::size_t max_tokens);

}  // namespace mettagrid
