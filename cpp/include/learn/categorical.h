#pragma once

#include <cstdint>
#include <span>

namespace mettagrid::learn {

// Rows of a distribution over actions that some may not take.
struct CategoricalView {
  std::int64_t rows;                      // B
  std::int64_t width;                     // A
  std::span<const std::uint8_t> mask;     // [B, A], nonzero = allowed; empty: all allowed
  std::span<const std::int64_t> actions;  // [B], within 0 .. A - 1
};

// log_probs [B, A]: logarithms of each row's masked softmax; `chosen` [B]: those of the actions; `entropy` [B] in nats.
// Bits depend neither on num_threads nor on the instruction set.
void CategoricalForward(const CategoricalView& view, std::span<const float> logits, std::span<float> log_probs,
                        std::span<float> chosen, std::span<float> entropy, int num_threads);

// grad_logits [B, A] from the gradients of `chosen` and `entropy`, with p = exp(log_probs) and 0 where masked out:
//   d chosen / d logit_j = [j is the action] - p_j         d entropy / d logit_j = -p_j (log p_j + entropy)
void CategoricalBackward(const CategoricalView& view, std::span<const float> log_probs, std::span<const float> entropy,
                         std::span<const float> grad_chosen, std::span<const float> grad_entropy,
                         std::span<float> grad_logits, int num_threads);

}  // namespace mettagrid::learn
