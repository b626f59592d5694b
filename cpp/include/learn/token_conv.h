#pragma once

#include <cstdint>
#include <span>

namespace mettagrid::learn {

// A convolution (no padding) over the planes that tokens stand for, computed from the tokens alone.
//
// A token (location, feature, value) of cell scope adds  weights[feature][value] * kernel[rows[feature][value] + tap]
// to each output whose window covers its cell: the pairs (output, tap) are touches[first_touch[cell]] up to, not
// including, touches[first_touch[cell + 1]], where cell = positions[0][location]. A token of global scope fills a whole
// plane, so it adds  weights * constants[rows[feature][value]]  to every output. Tokens with a negative row or
// position, or a row beyond the kernel, are ignored. scopes are 0 .. 2: cell, global, unknown.
struct TokenConvTables {
  std::span<const std::int32_t> positions;    // [3, 256]
  std::span<const std::uint8_t> scopes;       // [256]
  std::span<const std::int32_t> rows;         // [256, 256]
  std::span<const float> weights;             // [256, 256]
  std::span<const std::int32_t> first_touch;  // [cells + 1]
  std::span<const std::int32_t> touches;      // [touches, 2]: output, tap
};

struct TokenConvShape {
  std::int64_t num_obs;        // B
  std::int64_t num_tokens;     // K: tokens of an observation, used or not
  std::int64_t num_rows;       // N: rows of the kernel, channels of cell scope * taps
  std::int64_t num_constants;  // G: channels of global scope
  std::int64_t num_outputs;    // O: places of the output
  std::int64_t num_taps;       // cells of a window
  std::int64_t width;          // F: channels of the output
  bool relu;                   // negative outputs become 0
};

// Throws std::invalid_argument unless all indices in `tables` fit `shape`.
void CheckTables(const TokenConvTables& tables, const TokenConvShape& shape);

// out[b, o] = bias + what the tokens of observation b add to output o, in token order, global ones first.
//   obs [B, K, 3], kernel [N, F], constants [G, F], bias [F], out [B, O, F].
// Bits depend neither on num_threads nor on the instruction set.
void TokenConvForward(const TokenConvTables& tables, const TokenConvShape& shape, std::span<const std::uint8_t> obs,
                      std::span<const float> kernel, std::span<const float> constants, std::span<const float> bias,
                      std::span<float> out, int num_threads);

// Overwrites grad_kernel [N, F], grad_constants [G, F] and grad_bias [F] with the gradients for grad_out [B, O, F],
// which counts only where out [B, O, F] is positive if shape.relu; otherwise `out` is not read. Observations are summed
// up in parts whose number follows from B alone, then the parts in order: bits do not depend on num_threads.
void TokenConvBackward(const TokenConvTables& tables, const TokenConvShape& shape, std::span<const std::uint8_t> obs,
                       std::span<const float> out, std::span<const float> grad_out, std::span<float> grad_kernel,
                       std::span<float> grad_constants, std::span<float> grad_bias, int num_threads);

}  // namespace mettagrid::learn
