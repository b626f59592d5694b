#include "learn/lstm.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>

#include "checked_span.h"

namespace mettagrid::learn {
namespace {

using Floats = Array<float>;

LstmShape ShapeOf(const Floats& x, const Floats& w_hh) {
  if (x.ndim() != 3 || x.shape(1) < 1) throw std::invalid_argument("x: expected shape (S, T, F) with T > 0");
  if (w_hh.ndim() != 2) throw std::invalid_argument("w_hh: expected shape (4H, H)");
  return {x.shape(0), x.shape(1), x.shape(2), w_hh.shape(1)};
}

LstmInputs InputsOf(const LstmShape& shape, const Floats& x, const Array<bool>& first, const Floats& h0,
                    const Floats& c0, const Floats& w_ih, const Floats& w_hh, const Floats& bias) {
  const auto [segments, steps, inputs, units] = shape;
  const auto flags = CheckedInput("first", first, {segments, steps});
  return {.x = CheckedInput("x", x, {segments, steps, inputs}),
          .first = {reinterpret_cast<const std::uint8_t*>(flags.data()), flags.size()},
          .h0 = CheckedInput("h0", h0, {segments, units}),
          .c0 = CheckedInput("c0", c0, {segments, units}),
          .w_ih = CheckedInput("w_ih", w_ih, {4 * units, inputs}),
          .w_hh = CheckedInput("w_hh", w_hh, {4 * units, units}),
          .bias = CheckedInput("bias", bias, {4 * units})};
}

LstmTrace TraceOf(const LstmShape& shape, Floats& gates, Floats& cells) {
  const auto [segments, steps, features, units] = shape;
  return {.gates = CheckedOutput("gates", gates, {segments * steps, 4 * units}),
          .cells = CheckedOutput("cells", cells, {segments * steps, units})};
}

void Forward(const Floats& x, const Array<bool>& first, const Floats& h0, const Floats& c0, const Floats& w_ih,
             const Floats& w_hh, const Floats& bias, Floats h, Floats hn, Floats cn, std::optional<Floats> gates,
             std::optional<Floats> cells, int num_threads) {
  const LstmShape shape = ShapeOf(x, w_hh);
  const LstmInputs in = InputsOf(shape, x, first, h0, c0, w_ih, w_hh, bias);
  const bool keeps = gates.has_value() && cells.has_value();
  const LstmTrace trace = keeps ? TraceOf(shape, *gates, *cells) : LstmTrace{};
  const auto out = CheckedOutput("h", h, {shape.segments, shape.steps, shape.units});
  const auto last_h = CheckedOutput("hn", hn, {shape.segments, shape.units});
  const auto last_c = CheckedOutput("cn", cn, {shape.segments, shape.units});
  const pybind11::gil_scoped_release release;
  LstmForward(shape, in, trace, out, last_h, last_c, num_threads);
}

void Backward(const Floats& x, const Array<bool>& first, const Floats& h0, const Floats& c0, const Floats& w_ih,
              const Floats& w_hh, const Floats& bias, const Floats& h, Floats gates, Floats cells, const Floats& grad_h,
              const Floats& grad_hn, const Floats& grad_cn, std::optional<Floats> grad_x, Floats grad_h0,
              Floats grad_c0, Floats grad_w_ih, Floats grad_w_hh, Floats grad_bias, int num_threads) {
  const LstmShape shape = ShapeOf(x, w_hh);
  const auto [segments, steps, features, units] = shape;
  const LstmInputs in = InputsOf(shape, x, first, h0, c0, w_ih, w_hh, bias);
  const LstmTrace trace = TraceOf(shape, gates, cells);
  const auto given = CheckedInput("h", h, {segments, steps, units});
  const auto of_h = CheckedInput("grad_h", grad_h, {segments, steps, units});
  const auto of_hn = CheckedInput("grad_hn", grad_hn, {segments, units});
  const auto of_cn = CheckedInput("grad_cn", grad_cn, {segments, units});
  LstmGradients grad{.x = {},
                     .h0 = CheckedOutput("grad_h0", grad_h0, {segments, units}),
                     .c0 = CheckedOutput("grad_c0", grad_c0, {segments, units}),
                     .w_ih = CheckedOutput("grad_w_ih", grad_w_ih, {4 * units, features}),
                     .w_hh = CheckedOutput("grad_w_hh", grad_w_hh, {4 * units, units}),
                     .bias = CheckedOutput("grad_bias", grad_bias, {4 * units})};
  if (grad_x.has_value()) grad.x = CheckedOutput("grad_x", *grad_x, {segments, steps, features});
  const pybind11::gil_scoped_release release;
  LstmBackward(shape, in, trace, given, of_h, of_hn, of_cn, grad, num_threads);
}

}  // namespace
}  // namespace mettagrid::learn

void BindLstm(pybind11::module_& m) {
  namespace py = pybind11;
  m.def("lstm_forward", &mettagrid::learn::Forward, py::arg("x").noconvert(), py::arg("first").noconvert(),
        py::arg("h0").noconvert(), py::arg("c0").noconvert(), py::arg("w_ih").noconvert(), py::arg("w_hh").noconvert(),
        py::arg("bias").noconvert(), py::arg("h").noconvert(), py::arg("hn").noconvert(), py::arg("cn").noconvert(),
        py::arg("gates").noconvert(), py::arg("cells").noconvert(), py::arg("num_threads"),
        "One layer of LSTM over segments whose state is zeroed where `first`; `gates` and `cells` are for "
        "lstm_backward.");
  m.def("lstm_backward", &mettagrid::learn::Backward, py::arg("x").noconvert(), py::arg("first").noconvert(),
        py::arg("h0").noconvert(), py::arg("c0").noconvert(), py::arg("w_ih").noconvert(), py::arg("w_hh").noconvert(),
        py::arg("bias").noconvert(), py::arg("h").noconvert(), py::arg("gates").noconvert(),
        py::arg("cells").noconvert(), py::arg("grad_h").noconvert(), py::arg("grad_hn").noconvert(),
        py::arg("grad_cn").noconvert(), py::arg("grad_x").noconvert(), py::arg("grad_h0").noconvert(),
        py::arg("grad_c0").noconvert(), py::arg("grad_w_ih").noconvert(), py::arg("grad_w_hh").noconvert(),
        py::arg("grad_bias").noconvert(), py::arg("num_threads"), "Gradients of lstm_forward, written to grad_*.");
}
