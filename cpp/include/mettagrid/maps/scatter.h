#pragma once

#include <cstdint>
#include <vector>

#include "mettagrid/core/rng.h"
#include "mettagrid/maps/canvas.h"

namespace mettagrid::maps {

struct SymbolCount {
  Symbol symbol = kFree;
  int count = 0;
};

// Puts things on distinct free cells, each free cell equally likely; earlier entries first, as far as cells go round.
// Returns how many found no cell.
int Scatter(View view, const std::vector<SymbolCount>& things, RandomStream& random);

struct SymbolRange {
  Symbol symbol = kFree;
  double least = 0.0;  // share of the view's area
  double most = 0.0;
};

void ScatterShares(View view, const std::vector<SymbolRange>& ranges, RandomStream& random);

// `center` stands in the middle, each thing on a cell whose Manhattan distance from it is Poisson with the given mean.
//
//   . . B .        mean_distance 2: A at distance 1, B at distance 3
//   . . A .
//   . @ . .
//
void ScatterAround(View view, Symbol center, double mean_distance, const std::vector<SymbolCount>& things,
                   RandomStream& random);

}  // namespace mettagrid::maps
