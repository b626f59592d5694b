#include "learn/advantage.h"

namespace mettagrid::learn {

void ComputeGae(const RolloutView& rollout, float gamma, float gae_lambda, std::span<float> advantages) {
  const float decay = gamma * gae_lambda;
  for (std::size_t row = 0; row < rollout.rows; ++row) {
    const std::size_t begin = row * rollout.horizon;
    float next_value = rollout.bootstrap[row];
    float sum = 0.0F;  // the advantage one step later
    for (std::size_t t = rollout.horizon; t-- > 0;) {
      const std::size_t i = begin + t;
      const bool cut_value = rollout.terminated[i] != 0;
      const bool cut_sum = cut_value || rollout.truncated[i] != 0;
      const float delta = rollout.rewards[i] + (cut_value ? 0.0F : gamma * next_value) - rollout.values[i];
      sum = delta + (cut_sum ? 0.0F : decay * sum);
      advantages[i] = sum;
      next_value = rollout.values[i];
    }
  }
}

}  // namespace mettagrid::learn
