#include <algorithm>
#include <set>

#include "mettagrid/core/check.h"
#include "mettagrid/maps/draws.h"
#include "mettagrid/maps/patterns.h"

namespace mettagrid::maps {

ConvchainModel::ConvchainModel(const Sample& sample, int iterations, double temperature)
    : size_(sample.pattern_size),
      iterations_(iterations),
      temperature_(static_cast<std::int64_t>(temperature * static_cast<double>(kOneBit) + 0.5)) {
  const std::set<Symbol> used(sample.drawing.cells().begin(), sample.drawing.cells().end());
  symbols_.assign(used.begin(), used.end());
  constexpr std::uint64_t kMostCodes = 65536;
  std::uint64_t codes = 1;
  for (int i = 0; i < size_ * size_ && codes <= kMostCodes; ++i) codes *= symbols_.size();
  MG_CHECK(codes <= kMostCodes, ConfigError, "the convchain pattern has ", symbols_.size(),
           " different characters and pattern_size=", size_, ": more than ", kMostCodes,
           " possible patterns. Use fewer characters or a smaller pattern_size.");
  // A pattern that the sample lacks is unlikely, not impossible: weight 1/10 where one appearance is 1.
  const FixedLog unseen = Log2Fixed(1) - Log2Fixed(10);
  log_weights_.assign(codes, unseen);
  for (const Pattern& pattern : ReadPatterns(sample)) {
    std::uint32_t code = 0;
    for (const Symbol symbol : pattern.cells) {
      const auto digit = std::lower_bound(symbols_.begin(), symbols_.end(), symbol) - symbols_.begin();
      code = code * static_cast<std::uint32_t>(symbols_.size()) + static_cast<std::uint32_t>(digit);
    }
    log_weights_[code] = Log2Fixed(pattern.weight);
  }
}

std::uint32_t ConvchainModel::CodeAt(const std::vector<std::uint8_t>& cells, int height, int width, int row,
                                     int column) const {
  std::uint32_t code = 0;
  for (int dr = 0; dr < size_; ++dr) {
    for (int dc = 0; dc < size_; ++dc) {
      const int r = (row + dr + height) % height;  // textures wrap around
      const int c = (column + dc + width) % width;
      code = code * static_cast<std::uint32_t>(symbols_.size()) + cells[static_cast<std::size_t>(r * width + c)];
    }
  }
  return code;
}

std::int64_t ConvchainModel::LogWeightAround(const std::vector<std::uint8_t>& cells, int height, int width, int row,
                                             int column) const {
  FixedLog sum = 0;
  for (int dr = 0; dr < size_; ++dr) {
    for (int dc = 0; dc < size_; ++dc) sum += log_weights_[CodeAt(cells, height, width, row - dr, column - dc)];
  }
  return sum;
}

void ConvchainModel::Draw(View view, RandomStream& random) const {
  const int height = view.height();
  const int width = view.width();
  if (view.area() == 0 || height < size_ || width < size_) return view.Fill(symbols_[0]);
  const auto num_symbols = static_cast<std::uint32_t>(symbols_.size());
  std::vector<std::uint8_t> cells(static_cast<std::size_t>(view.area()));
  for (std::uint8_t& cell : cells) cell = static_cast<std::uint8_t>(random.Below(num_symbols));
  const int changes = num_symbols < 2 ? 0 : iterations_ * view.area();
  for (int i = 0; i < changes; ++i) {
    const int cell = Between(random, 0, view.area() - 1);
    const int row = cell / width;
    const int column = cell % width;
    std::uint8_t& value = cells[static_cast<std::size_t>(cell)];
    const std::uint8_t old = value;
    const FixedLog before = LogWeightAround(cells, height, width, row, column);
    value = static_cast<std::uint8_t>((old + 1 + random.Below(num_symbols - 1)) % num_symbols);
    const FixedLog gain = LogWeightAround(cells, height, width, row, column) - before;
    // Metropolis: accept with probability min(1, 2^(gain / T)); u < 2^x  <=>  -log2(u) * T > -gain.
    if (gain < 0 && NegLog2Uniform(random) * temperature_ / kOneBit < -gain) value = old;
  }
  for (int cell = 0; cell < view.area(); ++cell) {
    view.At(cell / width, cell % width) = symbols_[cells[static_cast<std::size_t>(cell)]];
  }
}

}  // namespace mettagrid::maps
