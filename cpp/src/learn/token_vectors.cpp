#include "learn/token_vectors.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "learn/parallel.h"

namespace mettagrid::learn {
namespace {

constexpr std::int64_t kObsPerTask = 32;
constexpr std::int64_t kObsPerPart = 128;
constexpr std::int64_t kMostParts = 16;

struct Parts {
  std::int64_t channel;
  std::int64_t cell;
  std::size_t looks;  // feature and value
  bool used;
};

Parts PartsOf(const TokenVectorTables& tables, const TokenVectorShape& shape, const std::uint8_t* token) {
  const std::size_t feature = token[1];
  const std::size_t looks = feature << 8 | token[2];
  const std::int64_t channel = tables.channels[looks];
  const std::int64_t cell = tables.cells[static_cast<std::size_t>(tables.scopes[feature]) << 8 | token[0]];
  return {channel, cell, looks, channel != shape.num_attributes - 1 && cell != shape.num_places - 1};
}

int UsefulThreads(int wanted, std::int64_t tasks) {
  return static_cast<int>(std::max<std::int64_t>(std::min<std::int64_t>(wanted, tasks), 1));
}

}  // namespace

void CheckTables(const TokenVectorTables& tables, const TokenVectorShape& shape) {
  const auto check = [](const char* name, std::span<const std::int64_t> values, std::int64_t size) {
    for (const std::int64_t value : values) {
      if (value >= 0 && value < size) continue;
      throw std::invalid_argument(std::string("token_vectors: ") + name + " lead to " + std::to_string(value) + " of " +
                                  std::to_string(size));
    }
  };
  check("channels", tables.channels, shape.num_attributes);
  check("cells", tables.cells, shape.num_places);
  check("scopes", tables.scopes, 3);
}

void TokenVectors(const TokenVectorTables& tables, const TokenVectorShape& shape, std::span<const std::uint8_t> obs,
                  std::span<const float> attributes, std::span<const float> places, std::span<float> out,
                  std::span<std::uint8_t> mask, int num_threads) {
  const std::int64_t width = shape.embed_dim + shape.place_dim + 1;
  std::atomic<std::int64_t> next{0};
  RunOnThreads(UsefulThreads(num_threads, shape.num_obs / kObsPerTask), [&](int) {
    while (true) {
      const std::int64_t first = next.fetch_add(kObsPerTask, std::memory_order_relaxed);
      if (first >= shape.num_obs) break;
      for (std::int64_t n = first; n < std::min(first + kObsPerTask, shape.num_obs); ++n) {
        const std::uint8_t* token = obs.data() + n * shape.stride * 3;
        float* vector = out.data() + n * shape.num_tokens * width;
        std::uint8_t* used = mask.data() + n * shape.num_tokens;
        for (std::int64_t k = 0; k < shape.num_tokens; ++k, token += 3, vector += width) {
          const Parts parts = PartsOf(tables, shape, token);
          used[k] = static_cast<std::uint8_t>(parts.used);
          // Unused ones have the last row of both tables.
          const std::int64_t channel = parts.used ? parts.channel : shape.num_attributes - 1;
          const std::int64_t cell = parts.used ? parts.cell : shape.num_places - 1;
          float* at = std::copy_n(attributes.data() + channel * shape.embed_dim, shape.embed_dim, vector);
          at = std::copy_n(places.data() + cell * shape.place_dim, shape.place_dim, at);
          *at = parts.used ? tables.weights[parts.looks] : 0.0F;
        }
      }
    }
  });
}

void TokenVectorsBackward(const TokenVectorTables& tables, const TokenVectorShape& shape,
                          std::span<const std::uint8_t> obs, std::span<const float> grad_out,
                          std::span<float> grad_attributes, int num_threads) {
  const std::int64_t width = shape.embed_dim + shape.place_dim + 1;
  const std::int64_t size = shape.num_attributes * shape.embed_dim;
  const std::int64_t parts = std::clamp<std::int64_t>(shape.num_obs / kObsPerPart, 1, kMostParts);
  std::vector<float> sums(static_cast<std::size_t>(size * parts));
  std::atomic<std::int64_t> next{0};
  RunOnThreads(UsefulThreads(num_threads, parts), [&](int) {
    for (std::int64_t part = next++; part < parts; part = next++) {
      float* sum = sums.data() + part * size;
      const std::int64_t last = shape.num_obs * (part + 1) / parts;
      for (std::int64_t n = shape.num_obs * part / parts; n < last; ++n) {
        const std::uint8_t* token = obs.data() + n * shape.stride * 3;
        const float* grad = grad_out.data() + n * shape.num_tokens * width;
        for (std::int64_t k = 0; k < shape.num_tokens; ++k, token += 3, grad += width) {
          const Parts of_token = PartsOf(tables, shape, token);
          if (!of_token.used) continue;  // the last row is no parameter
          float* to = sum + of_token.channel * shape.embed_dim;
          for (std::int64_t e = 0; e < shape.embed_dim; ++e) to[e] += grad[e];
        }
      }
    }
  });
  std::copy_n(sums.data(), size, grad_attributes.data());
  for (std::int64_t part = 1; part < parts; ++part) {
    for (std::int64_t i = 0; i < size; ++i) {
      grad_attributes[static_cast<std::size_t>(i)] += sums[static_cast<std::size_t>(part * size + i)];
    }
  }
}

}  // namespace mettagrid::learn
