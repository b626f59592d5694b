#pragma once

#include <cstdint>
#include <span>

namespace mettagrid::learn {

// What a token (location, feature, value) is made of:
//   attribute channels[feature][value], place cells[scopes[feature]][location], weight weights[feature][value].
// The last attribute and the last place mean that the token is not used.
struct TokenVectorTables {
  std::span<const std::int64_t> channels;  // [256, 256]
  std::span<const std::int64_t> cells;     // [3, 256]
  std::span<const std::int64_t> scopes;    // [256]
  std::span<const float> weights;          // [256, 256]
};

struct TokenVectorShape {
  std::int64_t num_obs;         // N
  std::int64_t num_tokens;      // K: tokens that are read
  std::int64_t stride;          // tokens from one observation to the next
  std::int64_t num_attributes;  // A
  std::int64_t embed_dim;       // E
  std::int64_t num_places;      // P
  std::int64_t place_dim;       // D
};

// Throws std::invalid_argument unless all indices in `tables` fit `shape`.
void CheckTables(const TokenVectorTables& tables, const TokenVectorShape& shape);

// out[n, k] = attribute, place and weight of the token one after the other, mask[n, k] whether it is used (0 if not).
//   obs [N, stride, 3], attributes [A, E], places [P, D], out [N, K, E + D + 1], mask [N, K].
void TokenVectors(const TokenVectorTables& tables, const TokenVectorShape& shape, std::span<const std::uint8_t> obs,
                  std::span<const float> attributes, std::span<const float> places, std::span<float> out,
                  std::span<std::uint8_t> mask, int num_threads);

// Overwrites grad_attributes [A, E] with the gradient for grad_out [N, K, E + D + 1]. Observations are summed up in
// parts whose number follows from N alone: bits do not depend on num_threads.
void TokenVectorsBackward(const TokenVectorTables& tables, const TokenVectorShape& shape,
                          std::span<const std::uint8_t> obs, std::span<const float> grad_out,
                          std::span<float> grad_attributes, int num_threads);

}  // namespace mettagrid::learn
