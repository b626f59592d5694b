#include "learn/adam.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

namespace mettagrid::learn {
namespace {

namespace py = pybind11;

// Where weights, gradient, first and second mean and the number of steps lie, and how many numbers the first four have.
using Parameter = std::array<std::uint64_t, 6>;
using Group = std::tuple<double, double, double, double, double, bool, std::vector<Parameter>>;

float* FloatsAt(std::uint64_t address) {
  return reinterpret_cast<float*>(static_cast<std::uintptr_t>(address));  // NOLINT(performance-no-int-to-ptr)
}

// Counts the step.
AdamTensor TensorOf(const Parameter& parameter, const AdamSettings& settings) {
  const auto [weights, gradient, first, second, steps, size] = parameter;
  float& step = *FloatsAt(steps);
  step += 1.0F;
  return {FloatsAt(weights),
          FloatsAt(gradient),
          FloatsAt(first),
          FloatsAt(second),
          static_cast<std::int64_t>(size),
          AdamFactors(settings, double{step})};
}

double Norm(std::span<const AdamTensor> tensors, int num_threads) {
  std::vector<std::span<const float>> gradients;
  gradients.reserve(tensors.size());
  for (const AdamTensor& t : tensors) gradients.emplace_back(t.gradient, static_cast<std::size_t>(t.size));
  return GradientNorm(gradients, num_threads);
}

double Step(const std::vector<Group>& groups, std::optional<double> max_norm, int num_threads) {
  const py::gil_scoped_release release;
  std::vector<AdamTensor> tensors;
  for (const auto& [lr, beta1, beta2, eps, weight_decay, decoupled, parameters] : groups) {
    const AdamSettings settings{lr, beta1, beta2, eps, weight_decay, decoupled};
    for (const Parameter& parameter : parameters) tensors.push_back(TensorOf(parameter, settings));
  }
  double norm = 0.0;
  double scale = 1.0;
  if (max_norm.has_value()) {
    norm = Norm(tensors, num_threads);
    const double wanted = *max_norm / (norm + 1e-6);
    if (*max_norm > 0.0 && !(wanted >= 1.0)) scale = wanted;  // also if it is not a number
  }
  AdamStep(tensors, static_cast<float>(scale), num_threads);
  return norm;
}

}  // namespace
}  // namespace mettagrid::learn

void BindAdam(pybind11::module_& m) {
  using namespace mettagrid::learn;
  namespace py = pybind11;
  m.def("adam_step", &Step, py::arg("groups"), py::arg("max_norm"), py::arg("num_threads"),
        "Clip gradients and take one step of Adam, in place.");
}
