#include "learn/token_network.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <optional>
#include <vector>

#include "learn/elementwise.h"
#include "learn/gemm.h"
#include "learn/parallel.h"

namespace mettagrid::learn {
namespace {

constexpr std::int64_t kRowsPerTask = 48;  // a multiple of the rows that a product holds in registers

// Both heads as one product.
class JointHeads {
 public:
  explicit JointHeads(const HeadsLayer& heads) : heads_(heads), outputs_(heads.actions + 1) {
    std::vector<float> weights(heads.actor_weight.begin(), heads.actor_weight.end());
    weights.insert(weights.end(), heads.critic_weight.begin(), heads.critic_weight.end());
    weights_.Pack({weights.data(), 1, heads.inputs}, heads.inputs, outputs_);
    bias_.assign(heads.actor_bias.begin(), heads.actor_bias.end());
    bias_.push_back(heads.critic_bias[0]);
  }

  std::size_t ScratchSize() const { return static_cast<std::size_t>(kRowsPerTask * outputs_); }

  void Run(const float* x, std::int64_t first, std::int64_t rows, float* scratch) const {
    Multiply({x, heads_.inputs, 1}, rows, weights_, Start::kBias, bias_.data(), scratch, outputs_);
    float* logits = heads_.logits.data() + first * heads_.actions;
    for (std::int64_t row = 0; row < rows; ++row, scratch += outputs_, logits += heads_.actions) {
      std::copy_n(scratch, heads_.actions, logits);
      heads_.values[static_cast<std::size_t>(first + row)] = scratch[heads_.actions];
    }
  }

 private:
  HeadsLayer heads_;
  std::int64_t outputs_;
  PackedMatrix weights_;
  std::vector<float> bias_;
};

}  // namespace

void TokenNetworkForward(const TokenBagLayer& bag, std::span<const std::uint8_t> obs,
                         std::span<const DenseLayer> layers, const HeadsLayer* heads, int num_threads) {
  const TokenBagShape& shape = bag.shape;
  std::vector<PackedMatrix> weights(layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    weights[i].Pack({layers[i].weight.data(), 1, layers[i].inputs}, layers[i].inputs, layers[i].outputs);
  }
  std::optional<JointHeads> joint;
  if (heads != nullptr) joint.emplace(*heads);
  const std::int64_t num_tasks = (shape.num_obs + kRowsPerTask - 1) / kRowsPerTask;
  std::atomic<std::int64_t> next{0};
  RunOnThreads(static_cast<int>(std::min<std::int64_t>(num_threads, num_tasks)), [&](int) {
    std::vector<float> scratch(joint.has_value() ? joint->ScratchSize() : 0);
    for (std::int64_t task = next++; task < num_tasks; task = next++) {
      const std::int64_t first = task * kRowsPerTask;
      const std::int64_t rows = std::min(kRowsPerTask, shape.num_obs - first);
      TokenBagRows(bag.tables, shape, obs, first, rows, bag.table, bag.bias, bag.relu, bag.out, bag.decoded);
      const float* from = bag.out.data() + first * shape.width;
      for (std::size_t i = 0; i < layers.size(); ++i) {
        const DenseLayer& layer = layers[i];
        float* to = layer.out.data() + first * layer.outputs;
        Multiply({from, layer.inputs, 1}, rows, weights[i], Start::kBias, layer.bias.data(), to, layer.outputs);
        if (layer.relu) ClampAtZero(to, rows * layer.outputs);
        from = to;
      }
      if (joint.has_value()) joint->Run(from, first, rows, scratch.data());
    }
  });
}

}  // namespace mettagrid::learn
