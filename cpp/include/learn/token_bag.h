#pragma once

#include <cstdint>
#include <span>

#include "learn/token_sum.h"

namespace mettagrid::learn {

// Where each token's vector stands in the table, and what it is multiplied with.
//
// A token (location, feature, value) uses row  rows[feature][value] + positions[scopes[feature]][location]  with weight
// weights[feature][value]. A negative entry in `rows` or `positions` means: ignore the token. scopes are 0 .. 2: cell,
// global, unknown feature (whose positions are all negative).
struct TokenTables {
  std::span<const std::int32_t> positions;  // [3, 256]
  std::span<const std::uint8_t> scopes;     // [256]
  std::span<const std::int32_t> rows;       // [256, 256]
  std::span<const float> weights;           // [256, 256]
};

struct TokenBagShape {
  std::int64_t num_obs;     // B: rows of observations
  std::int64_t num_tokens;  // K: tokens of an observation, used or not
  std::int64_t num_rows;    // N: rows of the table
  std::int64_t width;       // F: columns of the table
};

// Tokens of observations, kept from the forward pass for the backward one: those of observation b are
// entries[begins[b] .. ends[b]). Empty spans: not kept.
struct DecodedTokens {
  std::span<TokenEntry> entries;   // [B * K]
  std::span<std::int32_t> begins;  // [B]
  std::span<std::int32_t> ends;    // [B]
};

// TokenBagForward of `count` observations from the one at `first` on, by the calling thread.
void TokenBagRows(const TokenTables& tables, const TokenBagShape& shape, std::span<const std::uint8_t> obs,
                  std::int64_t first, std::int64_t count, std::span<const float> table, std::span<const float> bias,
                  bool relu, std::span<float> out, const DecodedTokens& decoded);

// Largest row that `tables` can lead to, or -1: callers check it against num_rows before they run a kernel.
std::int64_t LargestRow(const TokenTables& tables);

// out[b] = bias + sum over the tokens of observation b of weight * table[row], added in token order, then max(., 0) if
// `relu`.
//   obs [B, K, 3], table [N, F], bias [F], out [B, F].
// Each out[b] is computed by one thread, so bits do not depend on num_threads; there is no sum across lanes and no
// fused multiply-add, so they do not depend on the instruction set either. `decoded` is written where it is not empty.
void TokenBagForward(const TokenTables& tables, const TokenBagShape& shape, std::span<const std::uint8_t> obs,
                     std::span<const float> table, std::span<const float> bias, bool relu, std::span<float> out,
                     const DecodedTokens& decoded, int num_threads);

// grad_table[row] = sum over all tokens that used the row of weight * grad_out[b], grad_bias = sum of grad_out[b].
// `out` is what the forward pass gave when it ended with a relu; empty: it did not.
//   grad_out [B, F], grad_table [N, F] and grad_bias [F] are overwritten.
// Each row of the table is summed by one thread, in the order of observations and tokens: bits do not depend on
// num_threads. `decoded`: what the forward pass on the same observations wrote, or empty.
void TokenBagBackward(const TokenTables& tables, const TokenBagShape& shape, std::span<const std::uint8_t> obs,
                      std::span<const float> out, std::span<const float> grad_out, std::span<float> grad_table,
                      std::span<float> grad_bias, const DecodedTokens& decoded, int num_threads);

}  // namespace mettagrid::learn
