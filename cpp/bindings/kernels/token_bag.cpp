#include "learn/token_bag.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>

#include "checked_span.h"

namespace mettagrid::learn {
namespace {

namespace py = pybind11;

TokenTables CheckedTables(const Array<std::int32_t>& positions, const Array<std::uint8_t>& scopes,
                          const Array<std::int32_t>& rows, const Array<float>& weights, std::int64_t num_rows) {
  const TokenTables tables{CheckedInput("positions", positions, {3, 256}), CheckedInput("scopes", scopes, {256}),
                           CheckedInput("rows", rows, {256, 256}), CheckedInput("weights", weights, {256, 256})};
  for (const std::uint8_t scope : tables.scopes) {
    if (scope > 2) throw std::invalid_argument("scopes: expected values 0 .. 2, got " + std::to_string(scope));
  }
  if (const std::int64_t largest = LargestRow(tables); largest >= num_rows) {
    throw std::invalid_argument("table has " + std::to_string(num_rows) + " rows, but tokens lead to row " +
                                std::to_string(largest));
  }
  return tables;
}

TokenBagShape ShapeOf(const Array<std::uint8_t>& obs, const Array<float>& table) {
  if (obs.ndim() != 3 || obs.shape(2) != 3) throw std::invalid_argument("obs: expected shape (B, K, 3)");
  if (table.ndim() != 2) throw std::invalid_argument("table: expected shape (N, F)");
  return {obs.shape(0), obs.shape(1), table.shape(0), table.shape(1)};
}

}  // namespace
}  // namespace mettagrid::learn

void BindTokenBag(pybind11::module_& m) {
  using namespace mettagrid::learn;
  namespace py = pybind11;
  m.def(
      "token_bag_forward",
      [](const Array<std::int32_t>& positions, const Array<std::uint8_t>& scopes, const Array<std::int32_t>& rows,
         const Array<float>& weights, const Array<std::uint8_t>& obs, const Array<float>& table,
         const Array<float>& bias, bool relu, Array<float> out, int num_threads) {
        const TokenBagShape shape = ShapeOf(obs, table);
        const TokenTables tables = CheckedTables(positions, scopes, rows, weights, shape.num_rows);
        const auto tokens = CheckedInput("obs", obs, {shape.num_obs, shape.num_tokens, 3});
        const auto vectors = CheckedInput("table", table, {shape.num_rows, shape.width});
        const auto offset = CheckedInput("bias", bias, {shape.width});
        const auto result = CheckedOutput("out", out, {shape.num_obs, shape.width});
        const py::gil_scoped_release release;
        TokenBagForward(tables, shape, tokens, vectors, offset, relu, result, num_threads);
      },
      py::arg("positions").noconvert(), py::arg("scopes").noconvert(), py::arg("rows").noconvert(),
      py::arg("weights").noconvert(), py::arg("obs").noconvert(), py::arg("table").noconvert(),
      py::arg("bias").noconvert(), py::arg("relu"), py::arg("out").noconvert(), py::arg("num_threads"),
      "out[b] = bias + sum of weight * table[row] over the tokens of obs[b], then relu if wanted.");
  m.def(
      "token_bag_backward",
      [](const Array<std::int32_t>& positions, const Array<std::uint8_t>& scopes, const Array<std::int32_t>& rows,
         const Array<float>& weights, const Array<std::uint8_t>& obs, const std::optional<Array<float>>& out,
         const Array<float>& grad_out, Array<float> grad_table, Array<float> grad_bias, int num_threads) {
        const TokenBagShape shape = ShapeOf(obs, grad_table);
        const TokenTables tables = CheckedTables(positions, scopes, rows, weights, shape.num_rows);
        const auto tokens = CheckedInput("obs", obs, {shape.num_obs, shape.num_tokens, 3});
        std::span<const float> result;
        if (out.has_value()) result = CheckedInput("out", *out, {shape.num_obs, shape.width});
        const auto grad = CheckedInput("grad_out", grad_out, {shape.num_obs, shape.width});
        const auto to_table = CheckedOutput("grad_table", grad_table, {shape.num_rows, shape.width});
        const auto to_bias = CheckedOutput("grad_bias", grad_bias, {shape.width});
        const py::gil_scoped_release release;
        TokenBagBackward(tables, shape, tokens, result, grad, to_table, to_bias, num_threads);
      },
      py::arg("positions").noconvert(), py::arg("scopes").noconvert(), py::arg("rows").noconvert(),
      py::arg("weights").noconvert(), py::arg("obs").noconvert(), py::arg("out").noconvert(),
      py::arg("grad_out").noconvert(), py::arg("grad_table").noconvert(), py::arg("grad_bias").noconvert(),
      py::arg("num_threads"), "Overwrite grad_table and grad_bias with the gradients of token_bag_forward.");
}
