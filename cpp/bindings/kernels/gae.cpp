#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "learn/advantage.h"

namespace py = pybind11;

namespace {

using Floats = py::array_t<float, py::array::c_style>;
using Flags = py::array_t<bool, py::array::c_style>;

std::string ShapeText(const std::vector<py::ssize_t>& shape) {
  std::ostringstream text;
  text << '[';
  for (std::size_t i = 0; i < shape.size(); ++i) text << (i == 0 ? "" : ", ") << shape[i];
  text << ']';
  return text.str();
}

void CheckShape(const char* name, const py::buffer_info& info, const std::vector<py::ssize_t>& expected) {
  if (info.shape == expected) return;
  std::ostringstream text;
  text << "gae: " << name << " has shape " << ShapeText(info.shape) << ", expected " << ShapeText(expected) << '.';
  throw std::invalid_argument(text.str());
}

template <typename T>
std::span<T> SpanOf(const py::buffer_info& info) {
  return {static_cast<T*>(info.ptr), static_cast<std::size_t>(info.size)};
}

void Gae(const Floats& values, const Floats& rewards, const Flags& terminated, const Flags& truncated,
         const Floats& bootstrap, float gamma, float gae_lambda, Floats& advantages) {
  const py::buffer_info shape = values.request();
  if (shape.ndim != 2) {
    throw std::invalid_argument("gae: values has shape " + ShapeText(shape.shape) + ", expected [S, T].");
  }
  const py::buffer_info reward_info = rewards.request();
  const py::buffer_info terminated_info = terminated.request();
  const py::buffer_info truncated_info = truncated.request();
  const py::buffer_info bootstrap_info = bootstrap.request();
  const py::buffer_info out_info = advantages.request(/*writable=*/true);
  CheckShape("rewards", reward_info, shape.shape);
  CheckShape("terminated", terminated_info, shape.shape);
  CheckShape("truncated", truncated_info, shape.shape);
  CheckShape("bootstrap", bootstrap_info, {shape.shape[0]});
  CheckShape("advantages", out_info, shape.shape);
  const mettagrid::learn::RolloutView rollout{
      .rows = static_cast<std::size_t>(shape.shape[0]),
      .horizon = static_cast<std::size_t>(shape.shape[1]),
      .values = SpanOf<const float>(shape),
      .rewards = SpanOf<const float>(reward_info),
      .terminated = SpanOf<const std::uint8_t>(terminated_info),  // numpy's bool is one byte, 0 or 1
      .truncated = SpanOf<const std::uint8_t>(truncated_info),
      .bootstrap = SpanOf<const float>(bootstrap_info),
  };
  const py::gil_scoped_release unlocked;
  mettagrid::learn::ComputeGae(rollout, gamma, gae_lambda, SpanOf<float>(out_info));
}

}  // namespace

void BindGae(py::module_& m) {
  m.def("gae", &Gae, py::arg("values").noconvert(), py::arg("rewards").noconvert(), py::arg("terminated").noconvert(),
        py::arg("truncated").noconvert(), py::arg("bootstrap").noconvert(), py::arg("gamma"), py::arg("gae_lambda"),
        py::arg("advantages").noconvert(),  // a converted copy would swallow the result
        "Generalised advantage estimates [S, T] float32, written to advantages. Releases the GIL.");
}
