#include "learn/sample_actions.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>

#include "checked_span.h"

void BindSampleActions(pybind11::module_& m) {
  using namespace mettagrid::learn;
  namespace py = pybind11;
  m.def(
      "sample_actions",
      [](const Array<float>& logits, const std::optional<Array<bool>>& mask, const Array<float>& draws,
         Array<std::int64_t> actions, Array<float> log_probs) {
        if (logits.ndim() != 2 || logits.shape(1) < 1) throw std::invalid_argument("logits: expected shape (B, A)");
        const std::int64_t rows = logits.shape(0);
        const std::int64_t width = logits.shape(1);
        const auto scores = CheckedInput("logits", logits, {rows, width});
        std::span<const std::uint8_t> allowed;
        if (mask.has_value()) {
          const auto flags = CheckedInput("mask", *mask, {rows, width});
          allowed = {reinterpret_cast<const std::uint8_t*>(flags.data()), flags.size()};
        }
        const auto uniform = CheckedInput("draws", draws, {rows});
        const auto chosen = CheckedOutput("actions", actions, {rows});
        const auto densities = CheckedOutput("log_probs", log_probs, {rows});
        const py::gil_scoped_release release;
        SampleActions(scores, allowed, uniform, chosen, densities);
      },
      py::arg("logits").noconvert(), py::arg("mask").noconvert(), py::arg("draws").noconvert(),
      py::arg("actions").noconvert(), py::arg("log_probs").noconvert(),
      "Draw an action from each row's masked softmax and write its log-probability.");
}
