#include "learn/dense.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>

#include "checked_span.h"

namespace mettagrid::learn {
namespace {

DenseShape ShapeOf(const Array<float>& x, const Array<float>& w, bool relu) {
  if (x.ndim() != 2) throw std::invalid_argument("x: expected shape (B, K)");
  if (w.ndim() != 2) throw std::invalid_argument("w: expected shape (N, K)");
  return {x.shape(0), x.shape(1), w.shape(0), relu, false};
}

}  // namespace
}  // namespace mettagrid::learn

void BindDense(pybind11::module_& m) {
  using namespace mettagrid::learn;
  namespace py = pybind11;
  m.def(
      "dense_forward",
      [](const Array<float>& x, const Array<float>& w, const std::optional<Array<float>>& bias, bool relu,
         Array<float> y, int num_threads) {
        const DenseShape shape = ShapeOf(x, w, relu);
        const auto inputs = CheckedInput("x", x, {shape.rows, shape.inputs});
        const auto weights = CheckedInput("w", w, {shape.outputs, shape.inputs});
        std::span<const float> offset;
        if (bias.has_value()) offset = CheckedInput("bias", *bias, {shape.outputs});
        const auto out = CheckedOutput("y", y, {shape.rows, shape.outputs});
        const py::gil_scoped_release release;
        DenseForward(shape, inputs, weights, offset, out, num_threads);
      },
      py::arg("x").noconvert(), py::arg("w").noconvert(), py::arg("bias").noconvert(), py::arg("relu"),
      py::arg("y").noconvert(), py::arg("num_threads"), "y = x w^T + bias, then relu if wanted.");
  m.def(
      "dense_backward",
      [](const Array<float>& x, const Array<float>& w, const Array<float>& y, const Array<float>& grad_y, bool relu,
         std::optional<Array<float>> grad_x, Array<float> grad_w, std::optional<Array<float>> grad_bias,
         int num_threads, bool x_relu) {
        DenseShape shape = ShapeOf(x, w, relu);
        shape.x_relu = x_relu;
        const auto inputs = CheckedInput("x", x, {shape.rows, shape.inputs});
        const auto weights = CheckedInput("w", w, {shape.outputs, shape.inputs});
        const auto result = CheckedInput("y", y, {shape.rows, shape.outputs});
        const auto grad = CheckedInput("grad_y", grad_y, {shape.rows, shape.outputs});
        std::span<float> to_x;
        if (grad_x.has_value()) to_x = CheckedOutput("grad_x", *grad_x, {shape.rows, shape.inputs});
        const auto to_w = CheckedOutput("grad_w", grad_w, {shape.outputs, shape.inputs});
        std::span<float> to_bias;
        if (grad_bias.has_value()) to_bias = CheckedOutput("grad_bias", *grad_bias, {shape.outputs});
        const py::gil_scoped_release release;
        DenseBackward(shape, inputs, weights, result, grad, to_x, to_w, to_bias, num_threads);
      },
      py::arg("x").noconvert(), py::arg("w").noconvert(), py::arg("y").noconvert(), py::arg("grad_y").noconvert(),
      py::arg("relu"), py::arg("grad_x").noconvert(), py::arg("grad_w").noconvert(), py::arg("grad_bias").noconvert(),
      py::arg("num_threads"), py::arg("x_relu") = false,
      "Overwrite grad_x, grad_w and grad_bias with the gradients of dense_forward.");
}
