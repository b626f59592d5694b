#pragma once

#include <cstdint>
#include <span>

namespace mettagrid::learn {

struct AdamSettings {
  double lr;
  double beta1;
  double beta2;
  double eps;
  double weight_decay;
  bool decoupled;  // AdamW: weights decay by themselves, not through their gradient
};

// What `settings` come to at one step, ready to be applied to every number.
struct AdamFactors {
  AdamFactors(const AdamSettings& settings, double step);  // steps count from 1

  float take_first;   // 1 - beta1
  float keep_second;  // beta2
  float take_second;  // 1 - beta2
  float step_size;    // lr / (1 - beta1^step)
  float correction;   // 1 / sqrt(1 - beta2^step)
  float eps;
  float into_gradient;  // share of the weight that is added to its gradient
  float keep_weight;    // what the weight is multiplied by
};

// One parameter, its gradient, and what Adam remembers of it: arrays of `size` numbers that do not overlap.
struct AdamTensor {
  float* weights;
  float* gradient;
  float* first;   // running mean of gradients
  float* second;  // running mean of their squares
  std::int64_t size;
  AdamFactors factors;
};

// Euclidean norm of all `gradients` together. Squares are summed in double, in an order that is fixed: bits depend
// neither on num_threads nor on the instruction set.
double GradientNorm(std::span<const std::span<const float>> gradients, int num_threads);

// One step on each of `tensors`, along `scale` times its gradient, which is left scaled. Threads share the numbers, not
// the tensors. Bits depend neither on num_threads nor on the instruction set.
//   m <- m + (1 - beta1) (g - m)      v <- beta2 v + (1 - beta2) g^2
//   w <- w - lr / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + eps)
// Means that have faded are set to 0, m below 1e-30 and then v below 1e-36: they would end as denormal numbers, which
// take ten times as long.
// Source: arXiv:1412.6980 algorithm 1; decoupled decay: arXiv:1711.05101 algorithm 2.
void AdamStep(std::span<const AdamTensor> tensors, float scale, int num_threads);

}  // namespace mettagrid::learn
