#include "learn/token_conv.h"

#include <pybind11/pybind11.h>

#include "checked_span.h"

namespace mettagrid::learn {
namespace {

namespace py = pybind11;

using Bytes = Array<std::uint8_t>;
using Ints = Array<std::int32_t>;
using Floats = Array<float>;

TokenConvShape ShapeOf(const Bytes& obs, const Floats& kernel, const Floats& constants, const Floats& out,
                       std::int64_t num_taps, bool relu) {
  if (obs.ndim() != 3 || obs.shape(2) != 3) throw std::invalid_argument("obs: expected shape (B, K, 3)");
  if (kernel.ndim() != 2) throw std::invalid_argument("kernel: expected shape (N, F)");
  if (constants.ndim() != 2) throw std::invalid_argument("constants: expected shape (G, F)");
  if (out.ndim() != 3) throw std::invalid_argument("out: expected shape (B, O, F)");
  if (num_taps < 1) throw std::invalid_argument("num_taps: expected 1 or more");
  return {.num_obs = obs.shape(0),
          .num_tokens = obs.shape(1),
          .num_rows = kernel.shape(0),
          .num_constants = constants.shape(0),
          .num_outputs = out.shape(1),
          .num_taps = num_taps,
          .width = kernel.shape(1),
          .relu = relu};
}

TokenConvTables TablesOf(const Ints& positions, const Bytes& scopes, const Ints& rows, const Floats& weights,
                         const Ints& first_touch, const Ints& touches, const TokenConvShape& shape) {
  if (first_touch.ndim() != 1 || first_touch.shape(0) < 1) {
    throw std::invalid_argument("first_touch: expected shape (cells + 1)");
  }
  if (touches.ndim() != 2) throw std::invalid_argument("touches: expected shape (touches, 2)");
  const TokenConvTables tables{.positions = CheckedInput("positions", positions, {3, 256}),
                               .scopes = CheckedInput("scopes", scopes, {256}),
                               .rows = CheckedInput("rows", rows, {256, 256}),
                               .weights = CheckedInput("weights", weights, {256, 256}),
                               .first_touch = CheckedInput("first_touch", first_touch, {first_touch.shape(0)}),
                               .touches = CheckedInput("touches", touches, {touches.shape(0), 2})};
  CheckTables(tables, shape);
  return tables;
}

void Forward(const Ints& positions, const Bytes& scopes, const Ints& rows, const Floats& weights,
             const Ints& first_touch, const Ints& touches, const Bytes& obs, const Floats& kernel,
             const Floats& constants, const Floats& bias, Floats out, std::int64_t num_taps, bool relu,
             int num_threads) {
  const TokenConvShape shape = ShapeOf(obs, kernel, constants, out, num_taps, relu);
  const TokenConvTables tables = TablesOf(positions, scopes, rows, weights, first_touch, touches, shape);
  const auto tokens = CheckedInput("obs", obs, {shape.num_obs, shape.num_tokens, 3});
  const auto vectors = CheckedInput("kernel", kernel, {shape.num_rows, shape.width});
  const auto of_globals = CheckedInput("constants", constants, {shape.num_constants, shape.width});
  const auto offset = CheckedInput("bias", bias, {shape.width});
  const auto result = CheckedOutput("out", out, {shape.num_obs, shape.num_outputs, shape.width});
  const py::gil_scoped_release release;
  TokenConvForward(tables, shape, tokens, vectors, of_globals, offset, result, num_threads);
}

void Backward(const Ints& positions, const Bytes& scopes, const Ints& rows, const Floats& weights,
              const Ints& first_touch, const Ints& touches, const Bytes& obs, const Floats& out, const Floats& grad_out,
              Floats grad_kernel, Floats grad_constants, Floats grad_bias, std::int64_t num_taps, bool relu,
              int num_threads) {
  const TokenConvShape shape = ShapeOf(obs, grad_kernel, grad_constants, grad_out, num_taps, relu);
  const TokenConvTables tables = TablesOf(positions, scopes, rows, weights, first_touch, touches, shape);
  const auto tokens = CheckedInput("obs", obs, {shape.num_obs, shape.num_tokens, 3});
  const auto grad = CheckedInput("grad_out", grad_out, {shape.num_obs, shape.num_outputs, shape.width});
  const auto result = CheckedInput("out", out, {shape.num_obs, shape.num_outputs, shape.width});
  const auto to_kernel = CheckedOutput("grad_kernel", grad_kernel, {shape.num_rows, shape.width});
  const auto to_constants = CheckedOutput("grad_constants", grad_constants, {shape.num_constants, shape.width});
  const auto to_bias = CheckedOutput("grad_bias", grad_bias, {shape.width});
  const py::gil_scoped_release release;
  TokenConvBackward(tables, shape, tokens, result, grad, to_kernel, to_constants, to_bias, num_threads);
}

}  // namespace
}  // namespace mettagrid::learn

void BindTokenConv(pybind11::module_& m) {
  namespace py = pybind11;
  m.def("token_conv_forward", &mettagrid::learn::Forward, py::arg("positions").noconvert(),
        py::arg("scopes").noconvert(), py::arg("rows").noconvert(), py::arg("weights").noconvert(),
        py::arg("first_touch").noconvert(), py::arg("touches").noconvert(), py::arg("obs").noconvert(),
        py::arg("kernel").noconvert(), py::arg("constants").noconvert(), py::arg("bias").noconvert(),
        py::arg("out").noconvert(), py::arg("num_taps"), py::arg("relu"), py::arg("num_threads"),
        "out[b, o] = bias + what the tokens of obs[b] add to output o of a convolution without padding.");
  m.def("token_conv_backward", &mettagrid::learn::Backward, py::arg("positions").noconvert(),
        py::arg("scopes").noconvert(), py::arg("rows").noconvert(), py::arg("weights").noconvert(),
        py::arg("first_touch").noconvert(), py::arg("touches").noconvert(), py::arg("obs").noconvert(),
        py::arg("out").noconvert(), py::arg("grad_out").noconvert(), py::arg("grad_kernel").noconvert(),
        py::arg("grad_constants").noconvert(), py::arg("grad_bias").noconvert(), py::arg("num_taps"), py::arg("relu"),
        py::arg("num_threads"),
        "Overwrite grad_kernel, grad_constants and grad_bias with the gradients of token_conv_forward.");
}
