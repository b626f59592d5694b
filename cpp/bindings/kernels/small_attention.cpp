#include "learn/small_attention.h"

#include <pybind11/pybind11.h>

#include "checked_span.h"

namespace mettagrid::learn {
namespace {

namespace py = pybind11;

SmallAttentionShape ShapeOf(const Array<float>& queries, const Array<float>& keys_values, std::int64_t num_heads) {
  if (queries.ndim() != 3) throw std::invalid_argument("queries: expected shape (N, Q, A)");
  if (keys_values.ndim() != 3) throw std::invalid_argument("keys_values: expected shape (N, K, A + F)");
  const SmallAttentionShape shape{.num_obs = queries.shape(0),
                                  .num_queries = queries.shape(1),
                                  .num_keys = keys_values.shape(1),
                                  .num_heads = num_heads,
                                  .query_width = queries.shape(2),
                                  .value_width = keys_values.shape(2) - queries.shape(2)};
  if (num_heads < 1 || shape.query_width % num_heads != 0 || shape.value_width % num_heads != 0 ||
      shape.query_width < 1 || shape.value_width < 1 || shape.num_keys < 1) {
    throw std::invalid_argument("num_heads must divide the widths of queries and values, and there must be keys");
  }
  return shape;
}

void Forward(const Array<float>& queries, const Array<float>& keys_values, Array<float> out, std::int64_t num_heads,
             int num_threads) {
  const SmallAttentionShape shape = ShapeOf(queries, keys_values, num_heads);
  const auto asked = CheckedInput("queries", queries, {shape.num_obs, shape.num_queries, shape.query_width});
  const auto known =
      CheckedInput("keys_values", keys_values, {shape.num_obs, shape.num_keys, shape.query_width + shape.value_width});
  const auto result = CheckedOutput("out", out, {shape.num_obs, shape.num_queries, shape.value_width});
  const py::gil_scoped_release release;
  SmallAttention(shape, asked, known, result, num_threads);
}

void Backward(const Array<float>& queries, const Array<float>& keys_values, const Array<float>& grad_out,
              Array<float> grad_queries, Array<float> grad_keys_values, std::int64_t num_heads, int num_threads) {
  const SmallAttentionShape shape = ShapeOf(queries, keys_values, num_heads);
  const std::int64_t width = shape.query_width + shape.value_width;
  const auto asked = CheckedInput("queries", queries, {shape.num_obs, shape.num_queries, shape.query_width});
  const auto known = CheckedInput("keys_values", keys_values, {shape.num_obs, shape.num_keys, width});
  const auto grad = CheckedInput("grad_out", grad_out, {shape.num_obs, shape.num_queries, shape.value_width});
  const auto to_queries =
      CheckedOutput("grad_queries", grad_queries, {shape.num_obs, shape.num_queries, shape.query_width});
  const auto to_keys = CheckedOutput("grad_keys_values", grad_keys_values, {shape.num_obs, shape.num_keys, width});
  const py::gil_scoped_release release;
  SmallAttentionBackward(shape, asked, known, grad, to_queries, to_keys, num_threads);
}

}  // namespace
}  // namespace mettagrid::learn

void BindSmallAttention(pybind11::module_& m) {
  namespace py = pybind11;
  m.def("small_attention_forward", &mettagrid::learn::Forward, py::arg("queries").noconvert(),
        py::arg("keys_values").noconvert(), py::arg("out").noconvert(), py::arg("num_heads"), py::arg("num_threads"),
        "Scaled dot-product attention among a few vectors, heads next to each other.");
  m.def("small_attention_backward", &mettagrid::learn::Backward, py::arg("queries").noconvert(),
        py::arg("keys_values").noconvert(), py::arg("grad_out").noconvert(), py::arg("grad_queries").noconvert(),
        py::arg("grad_keys_values").noconvert(), py::arg("num_heads"), py::arg("num_threads"),
        "Overwrite grad_queries and grad_keys_values with the gradients of small_attention_forward.");
}
