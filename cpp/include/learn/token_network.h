#pragma once

#include <cstdint>
#include <span>

#include "learn/joint_heads.h"
#include "learn/token_bag.h"

namespace mettagrid::learn {

struct TokenBagLayer {
  TokenTables tables;
  TokenBagShape shape;
  std::span<const float> table;  // [N, F]
  std::span<const float> bias;   // [F]
  bool relu;
  std::span<float> out;  // [B, F]
  DecodedTokens decoded;
};

struct DenseLayer {
  std::span<const float> weight;  // [outputs, inputs]
  std::span<const float> bias;    // [outputs]
  std::int64_t inputs;
  std::int64_t outputs;
  bool relu;
  std::span<float> out;  // [B, outputs]
};

// A token bag and the dense layers that follow it, each reading what the one before wrote: some observations go through
// all layers before the next ones are read, so that what is between layers never leaves the cache, and threads are
// called together once. Results are those of TokenBagForward and DenseForward, to the bit.
void TokenNetworkForward(const TokenBagLayer& bag, std::span<const std::uint8_t> obs,
                         std::span<const DenseLayer> layers, const HeadsLayer* heads, int num_threads);

}  // namespace mettagrid::learn
