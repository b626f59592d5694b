#include "learn/categorical.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>

#include "checked_span.h"

namespace mettagrid::learn {
namespace {

using Mask = std::optional<Array<bool>>;

CategoricalView ViewOf(const char* name, const Array<float>& rows, const Mask& mask,
                       const Array<std::int64_t>& actions) {
  if (rows.ndim() != 2 || rows.shape(1) < 1) throw std::invalid_argument(std::string(name) + ": expected shape (B, A)");
  CategoricalView view{rows.shape(0), rows.shape(1), {}, CheckedInput("actions", actions, {rows.shape(0)})};
  if (mask.has_value()) {
    const auto flags = CheckedInput("mask", *mask, {view.rows, view.width});
    view.mask = {reinterpret_cast<const std::uint8_t*>(flags.data()), flags.size()};
  }
  for (const std::int64_t action : view.actions) {
    if (action < 0 || action >= view.width) {
      throw std::invalid_argument("actions: " + std::to_string(action) + " is not in 0 .. " +
                                  std::to_string(view.width - 1));
    }
  }
  return view;
}

}  // namespace
}  // namespace mettagrid::learn

void BindCategorical(pybind11::module_& m) {
  using namespace mettagrid::learn;
  namespace py = pybind11;
  m.def(
      "categorical_forward",
      [](const Array<float>& logits, const Mask& mask, const Array<std::int64_t>& actions, Array<float> log_probs,
         Array<float> chosen, Array<float> entropy, int num_threads) {
        const CategoricalView view = ViewOf("logits", logits, mask, actions);
        const auto scores = CheckedInput("logits", logits, {view.rows, view.width});
        const auto logs = CheckedOutput("log_probs", log_probs, {view.rows, view.width});
        const auto of_actions = CheckedOutput("chosen", chosen, {view.rows});
        const auto nats = CheckedOutput("entropy", entropy, {view.rows});
        const py::gil_scoped_release release;
        CategoricalForward(view, scores, logs, of_actions, nats, num_threads);
      },
      py::arg("logits").noconvert(), py::arg("mask").noconvert(), py::arg("actions").noconvert(),
      py::arg("log_probs").noconvert(), py::arg("chosen").noconvert(), py::arg("entropy").noconvert(),
      py::arg("num_threads"), "Logarithms of each row's masked softmax, that of its action, and its entropy.");
  m.def(
      "categorical_backward",
      [](const Array<float>& log_probs, const Mask& mask, const Array<std::int64_t>& actions,
         const Array<float>& entropy, const Array<float>& grad_chosen, const Array<float>& grad_entropy,
         Array<float> grad_logits, int num_threads) {
        const CategoricalView view = ViewOf("log_probs", log_probs, mask, actions);
        const auto logs = CheckedInput("log_probs", log_probs, {view.rows, view.width});
        const auto nats = CheckedInput("entropy", entropy, {view.rows});
        const auto of_chosen = CheckedInput("grad_chosen", grad_chosen, {view.rows});
        const auto of_entropy = CheckedInput("grad_entropy", grad_entropy, {view.rows});
        const auto to_logits = CheckedOutput("grad_logits", grad_logits, {view.rows, view.width});
        const py::gil_scoped_release release;
        CategoricalBackward(view, logs, nats, of_chosen, of_entropy, to_logits, num_threads);
      },
      py::arg("log_probs").noconvert(), py::arg("mask").noconvert(), py::arg("actions").noconvert(),
      py::arg("entropy").noconvert(), py::arg("grad_chosen").noconvert(), py::arg("grad_entropy").noconvert(),
      py::arg("grad_logits").noconvert(), py::arg("num_threads"),
      "Overwrite grad_logits with the gradient of categorical_forward's chosen and entropy.");
}
