#include "learn/elementwise.h"

#include "learn/clones.h"

namespace mettagrid::learn {

LEARN_CLONES void ClampAtZero(float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = values[i] < 0.0F ? 0.0F : values[i];
}

LEARN_CLONES void PassWherePositive(const float* y, const float* grad, std::int64_t count, float* out) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = y[i] <= 0.0F ? 0.0F : grad[i];
}

LEARN_CLONES void AddRows(const float* vectors, std::int64_t count, std::int64_t stride, std::int64_t width,
                          float* out) {
  for (std::int64_t i = 0; i < count; ++i, vectors += stride) {
    for (std::int64_t c = 0; c < width; ++c) out[c] += vectors[c];
  }
}

}  // namespace mettagrid::learn
