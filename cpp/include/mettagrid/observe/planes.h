#pragma once

#include <array>
#include <cstdint>

#include "mettagrid/objects/features.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// By feature: where its plane of `num_cells` starts, after the `first` planes that are no features.
inline std::array<std::uint32_t, 256> PlaneOffsets(const GameProgram& program, std::size_t num_cells,
                                                   std::size_t first = 1) {
  std::array<std::uint32_t, 256> planes{};
  for (std::size_t i = 0; i < program.obs.features.size(); ++i) {
    planes[program.obs.features[i]] = static_cast<std::uint32_t>((first + i) * num_cells);
  }
  return planes;
}

// Puts the tokens of one thing into the planes, all at the cell that `cell` points to in the first plane. Of several
// values of one feature the last one stays. Returns the number of tokens.
inline std::size_t SpreadRun(const std::uint8_t* run, std::size_t run_bytes,
                             const std::array<std::uint32_t, 256>& planes, std::uint8_t* cell) {
  const std::size_t count = run[run_bytes - 1];
  for (const std::uint8_t* token = run; token != run + kTokenBytes * count; token += kTokenBytes) {
    MG_DCHECK(planes[token[1]] > 0);  // the game lists every feature that its things show
    cell[planes[token[1]]] = token[2];
  }
  return count;
}

}  // namespace mettagrid
