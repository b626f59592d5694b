#include "learn/ppo.h"

#include <pybind11/pybind11.h>

#include <string>

#include "checked_span.h"

namespace mettagrid::learn {
namespace {

// Arrays of any shape, alike in size: steps are independent of each other.
template <typename T>
void CheckSize(const char* name, const Array<T>& array, std::int64_t size) {
  if (array.size() == size) return;
  throw std::invalid_argument(std::string(name) + ": expected " + std::to_string(size) + " numbers, got " +
                              std::to_string(array.size()));
}

std::span<const float> Numbers(const char* name, const Array<float>& array, std::int64_t size) {
  CheckSize(name, array, size);
  return {array.data(), static_cast<std::size_t>(size)};
}

std::span<const std::uint8_t> Flags(const char* name, const Array<bool>& array, std::int64_t size) {
  CheckSize(name, array, size);
  return {reinterpret_cast<const std::uint8_t*>(array.data()), static_cast<std::size_t>(size)};
}

std::span<float> Results(const char* name, Array<float>& array, std::int64_t size) {
  CheckSize(name, array, size);
  return {array.mutable_data(), static_cast<std::size_t>(size)};
}

}  // namespace
}  // namespace mettagrid::learn

void BindPpo(pybind11::module_& m) {
  using namespace mettagrid::learn;
  namespace py = pybind11;
  m.def(
      "ppo_actor",
      [](const Array<float>& log_prob, const Array<float>& old_log_prob, const Array<float>& advantages,
         const Array<float>& entropy, const Array<bool>& valid, float clip, float entropy_coefficient,
         Array<float> grad_log_prob, Array<float> grad_entropy) {
        const std::int64_t size = log_prob.size();
        const ActorSteps steps{Numbers("log_prob", log_prob, size), Numbers("old_log_prob", old_log_prob, size),
                               Numbers("advantages", advantages, size), Numbers("entropy", entropy, size),
                               Flags("valid", valid, size)};
        const auto to_log_prob = Results("grad_log_prob", grad_log_prob, size);
        const auto to_entropy = Results("grad_entropy", grad_entropy, size);
        const ActorMeans means = PpoActor(steps, {clip, entropy_coefficient}, to_log_prob, to_entropy);
        return py::make_tuple(means.loss, means.policy_loss, means.entropy, means.kl, means.clipped, means.ratio);
      },
      py::arg("log_prob").noconvert(), py::arg("old_log_prob").noconvert(), py::arg("advantages").noconvert(),
      py::arg("entropy").noconvert(), py::arg("valid").noconvert(), py::arg("clip"), py::arg("entropy_coefficient"),
      py::arg("grad_log_prob").noconvert(), py::arg("grad_entropy").noconvert(),
      "Loss, policy loss, entropy, KL, clipped share and ratio of PPO's actor; overwrites the gradients of the loss.");
  m.def(
      "ppo_critic",
      [](const Array<float>& values, const Array<float>& old_values, const Array<float>& returns,
         const Array<bool>& valid, float clip, float weight, Array<float> grad_values) {
        const std::int64_t size = values.size();
        const CriticSteps steps{Numbers("values", values, size), Numbers("old_values", old_values, size),
                                Numbers("returns", returns, size), Flags("valid", valid, size)};
        return PpoCritic(steps, {clip, weight}, Results("grad_values", grad_values, size));
      },
      py::arg("values").noconvert(), py::arg("old_values").noconvert(), py::arg("returns").noconvert(),
      py::arg("valid").noconvert(), py::arg("clip"), py::arg("weight"), py::arg("grad_values").noconvert(),
      "Value loss of PPO's critic (clip < 0: unclipped); overwrites the gradient of `weight` times it.");
  m.def(
      "normalize_advantages",
      [](const Array<float>& advantages, const Array<bool>& valid, Array<float> out) {
        const std::int64_t size = advantages.size();
        NormalizeAdvantages(Numbers("advantages", advantages, size), Flags("valid", valid, size),
                            Results("out", out, size));
      },
      py::arg("advantages").noconvert(), py::arg("valid").noconvert(), py::arg("out").noconvert(),
      "Mean 0 and standard deviation 1 over the valid steps.");
}
