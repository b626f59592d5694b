#include "learn/joint_heads.h"

#include <algorithm>
#include <atomic>

#include "learn/parallel.h"

namespace mettagrid::learn {

JointHeads::JointHeads(const HeadsLayer& heads) : heads_(heads), outputs_(heads.actions + 1) {
  std::vector<float> weights(heads.actor_weight.begin(), heads.actor_weight.end());
  weights.insert(weights.end(), heads.critic_weight.begin(), heads.critic_weight.end());
  weights_.Pack({weights.data(), 1, heads.inputs}, heads.inputs, outputs_);
  bias_.assign(heads.actor_bias.begin(), heads.actor_bias.end());
  bias_.push_back(heads.critic_bias[0]);
}

void JointHeads::Run(const float* x, std::int64_t first, std::int64_t rows, float* scratch) const {
  Multiply({x, heads_.inputs, 1}, rows, weights_, Start::kBias, bias_.data(), scratch, outputs_);
  float* logits = heads_.logits.data() + first * heads_.actions;
  for (std::int64_t row = 0; row < rows; ++row, scratch += outputs_, logits += heads_.actions) {
    std::copy_n(scratch, heads_.actions, logits);
    heads_.values[static_cast<std::size_t>(first + row)] = scratch[heads_.actions];
  }
}

void JointHeadsForward(const HeadsLayer& heads, std::span<const float> x, int num_threads) {
  const JointHeads joint(heads);
  const auto rows = static_cast<std::int64_t>(heads.values.size());
  const std::int64_t num_tasks = (rows + JointHeads::kMostRows - 1) / JointHeads::kMostRows;
  std::atomic<std::int64_t> next{0};
  RunOnThreads(static_cast<int>(std::min<std::int64_t>(num_threads, num_tasks)), [&](int) {
    std::vector<float> scratch(joint.ScratchSize());
    for (std::int64_t task = next++; task < num_tasks; task = next++) {
      const std::int64_t first = task * JointHeads::kMostRows;
      joint.Run(x.data() + first * heads.inputs, first, std::min(JointHeads::kMostRows, rows - first), scratch.data());
    }
  });
}

}  // namespace mettagrid::learn
