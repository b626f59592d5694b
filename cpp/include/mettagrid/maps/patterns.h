#pragma once

#include <cstdint>
#include <vector>

#include "mettagrid/core/rng.h"
#include "mettagrid/maps/canvas.h"

namespace mettagrid::maps {

enum class PatternSymmetry : std::uint8_t { kNone, kHorizontal, kVertical, kAll };

// A drawn sample and how its square patterns are read.
struct Sample {
  Canvas drawing;
  int pattern_size = 3;
  bool periodic = true;  // patterns wrap around the sample's edges
  PatternSymmetry symmetry = PatternSymmetry::kAll;
};

struct Pattern {
  std::vector<Symbol> cells;  // [pattern_size][pattern_size]
  std::uint32_t weight = 1;   // how often the sample holds it
};

// Each pattern of the sample once, in reading order of its first appearance. kAll adds rotations and reflections.
std::vector<Pattern> ReadPatterns(const Sample& sample);

enum class WfcHeuristic : std::uint8_t { kEntropy, kFewestLeft, kScanline };

// Patterns of a sample with the tables of the wave function collapse; made once when the game is compiled.
// Source: the overlapping model of M. Gumin, "WaveFunctionCollapse", 2016.
class WfcModel {
 public:
  // Throws ConfigError when the sample has more than 4,096 patterns.
  WfcModel(const Sample& sample, WfcHeuristic heuristic);

  // Draws a texture whose every pattern stands in the sample. False: `attempts` contradictions in a row.
  bool Draw(View view, int attempts, RandomStream& random) const;
  std::size_t num_patterns() const { return patterns_.size(); }

 private:
  friend class WfcRun;

  int size_;
  WfcHeuristic heuristic_;
  std::vector<Pattern> patterns_;
  // [4][pattern]: patterns that may stand one cell to the north, south, west or east.
  std::vector<std::vector<std::uint16_t>> fitting_[4];
};

// Textures whose patterns are about as frequent as the sample's, by Metropolis sampling.
// Source: M. Gumin, "ConvChain", 2016.
class ConvchainModel {
 public:
  // Throws ConfigError when symbols ^ (pattern_size ^ 2) exceeds 65,536: the table of weights would be too large.
  ConvchainModel(const Sample& sample, int iterations, double temperature);

  void Draw(View view, RandomStream& random) const;

 private:
  std::uint32_t CodeAt(const std::vector<std::uint8_t>& cells, int height, int width, int row, int column) const;
  std::int64_t LogWeightAround(const std::vector<std::uint8_t>& cells, int height, int width, int row,
                               int column) const;

  int size_;
  int iterations_;
  std::int64_t temperature_;  // in units of 2^-16
  std::vector<Symbol> symbols_;
  std::vector<std::int64_t> log_weights_;  // [code of a pattern], in units of 2^-16 bits
};

}  // namespace mettagrid::maps
