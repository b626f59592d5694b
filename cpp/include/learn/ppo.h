#pragma once

#include <cstdint>
#include <span>

namespace mettagrid::learn {

// Steps of a minibatch; those that are not valid are as if they were not there. All spans have as many entries.
struct ActorSteps {
  std::span<const float> log_prob;      // of the actions, now
  std::span<const float> old_log_prob;  // of the actions, in the rollout
  std::span<const float> advantages;
  std::span<const float> entropy;
  std::span<const std::uint8_t> valid;
};

struct ActorCoefficients {
  float clip;
  float entropy;
};

// Means over the valid steps; 0 where there are none.
struct ActorMeans {
  float loss;         // policy_loss - coefficient * entropy
  float policy_loss;  // -min(ratio A, clamp(ratio, 1 - clip, 1 + clip) A)
  float entropy;
  float kl;       // ratio - 1 - log ratio
  float clipped;  // share of steps with |ratio - 1| > clip
  float ratio;
};

// The clipped surrogate and the gradients of its `loss`. arXiv:1707.06347 eq. 7 and 9.
ActorMeans PpoActor(const ActorSteps& steps, const ActorCoefficients& coefficients, std::span<float> grad_log_prob,
                    std::span<float> grad_entropy);

struct CriticSteps {
  std::span<const float> values;      // now
  std::span<const float> old_values;  // in the rollout
  std::span<const float> returns;
  std::span<const std::uint8_t> valid;
};

struct CriticCoefficients {
  float clip;    // around the rollout's values; negative: none
  float weight;  // of the mean in the loss
};

// Half the mean of (value - return)^2 over the valid steps, or of the larger of that and of the same for the clipped
// value, and the gradient of `weight` times it. arXiv:1707.06347 sec. 5, arXiv:2005.12729 sec. 3.
float PpoCritic(const CriticSteps& steps, const CriticCoefficients& coefficients, std::span<float> grad_values);

// out = (advantage - mean) / (deviation + 1e-8), both over the valid steps.
void NormalizeAdvantages(std::span<const float> advantages, std::span<const std::uint8_t> valid, std::span<float> out);

}  // namespace mettagrid::learn
