#pragma once

#include <cstdint>

namespace mettagrid::learn {

// Passes over rows of floats that several kernels end or begin with. Bits do not depend on the instruction set.

// values = max(values, 0); what is not a number stays so.
void ClampAtZero(float* values, std::int64_t count);

// The gradient before a relu that gave `y`: out = y <= 0 ? 0 : grad. As torch does, what is not a number lets it pass.
// `out` may be `grad`.
void PassWherePositive(const float* y, const float* grad, std::int64_t count, float* out);

// out[0 .. width) += `count` vectors that begin `stride` floats apart, in their order.
void AddRows(const float* vectors, std::int64_t count, std::int64_t stride, std::int64_t width, float* out);

}  // namespace mettagrid::learn
