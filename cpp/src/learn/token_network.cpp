#include "learn/token_network.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <optional>
#include <vector>

#include "learn/elementwise.h"
#include "learn/gemm.h"
#include "learn/joint_heads.h"
#include "learn/parallel.h"

namespace mettagrid::learn {
namespace {

constexpr std::int64_t kRowsPerTask = JointHeads::kMostRows;

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
