#include "learn/ppo.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "learn/clones.h"
#include "learn/vector_math.h"

namespace mettagrid::learn {
namespace {

constexpr std::size_t kBlock = 512;  // steps whose terms stay in the cache until they are summed
constexpr std::size_t kSums = 8;     // side by side, so that adding does not wait for the sum before

// Sums that depend on the order of steps alone.
class Sum {
 public:
  void Add(const float* terms, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) sums_[i % kSums] += static_cast<double>(terms[i]);
  }
  double Total() const {
    double total = 0.0;
    for (const double sum : sums_) total += sum;
    return total;
  }

 private:
  double sums_[kSums] = {};
};

double CountValid(std::span<const std::uint8_t> valid) {
  std::size_t count = 0;
  for (const std::uint8_t flag : valid) count += static_cast<std::size_t>(flag != 0);
  return static_cast<double>(std::max<std::size_t>(count, 1));
}

float Clamp(float x, float low, float high) { return x < low ? low : (x > high ? high : x); }  // NaN stays

// A block of steps: terms of each mean, 0 where not valid.
struct ActorTerms {
  float surrogate[kBlock];
  float entropy[kBlock];
  float kl[kBlock];
  float clipped[kBlock];
  float ratio[kBlock];
};

// Where min() takes the clipped side, the gradient is 0: that side is constant wherever it differs from the other.
LEARN_CLONES void ActorBlock(const ActorSteps& steps, std::size_t first, std::size_t count, float clip,
                             ActorTerms& terms, float* grad) {
  const float* now = steps.log_prob.data() + first;
  const float* then = steps.old_log_prob.data() + first;
  const float* advantages = steps.advantages.data() + first;
  const float* entropy = steps.entropy.data() + first;
  const std::uint8_t* valid = steps.valid.data() + first;
  for (std::size_t i = 0; i < count; ++i) {
    const bool counts = valid[i] != 0;
    const float log_ratio = counts ? now[i] - then[i] : 0.0F;
    const float ratio = Exp(log_ratio);
    const float plain = ratio * advantages[i];
    const float bounded = Clamp(ratio, 1.0F - clip, 1.0F + clip) * advantages[i];
    const bool plain_side = plain <= bounded;
    const float distance = ratio - 1.0F;
    terms.surrogate[i] = counts ? (plain_side ? plain : bounded) : 0.0F;
    terms.entropy[i] = counts ? entropy[i] : 0.0F;
    terms.kl[i] = counts ? distance - log_ratio : 0.0F;
    terms.clipped[i] = counts && std::abs(distance) > clip ? 1.0F : 0.0F;
    terms.ratio[i] = counts ? ratio : 0.0F;
    grad[i] = counts && (plain_side || plain != plain) ? plain : 0.0F;
  }
}

LEARN_CLONES void CriticBlock(const CriticSteps& steps, std::size_t first, std::size_t count, float clip,
                              float* squares, float* grad) {
  const float* values = steps.values.data() + first;
  const float* old_values = steps.old_values.data() + first;
  const float* returns = steps.returns.data() + first;
  const std::uint8_t* valid = steps.valid.data() + first;
  for (std::size_t i = 0; i < count; ++i) {
    const float error = values[i] - returns[i];
    float square = error * error;
    float slope = error;
    if (clip >= 0.0F) {
      const float change = values[i] - old_values[i];
      const float bounded = old_values[i] + Clamp(change, -clip, clip) - returns[i];
      const float of_bounded = bounded * bounded;
      const bool free = change >= -clip && change <= clip;
      const float bounded_slope = free ? bounded : 0.0F;
      const float shared = 0.5F * (error + bounded_slope);
      slope = square > of_bounded ? error : (square < of_bounded ? bounded_slope : shared);
      square = square > of_bounded ? square : of_bounded;
    }
    const bool counts = valid[i] != 0;
    squares[i] = counts ? square : 0.0F;
    grad[i] = counts ? slope : 0.0F;
  }
}

LEARN_CLONES void Scale(float* numbers, std::size_t count, float factor) {
  for (std::size_t i = 0; i < count; ++i) numbers[i] *= factor;
}

// terms = (advantage - mean)^power where valid, else 0.
LEARN_CLONES void Moments(const float* advantages, const std::uint8_t* valid, std::size_t count, float mean,
                          bool square, float* terms) {
  for (std::size_t i = 0; i < count; ++i) {
    const float centred = advantages[i] - mean;
    const float term = square ? centred * centred : centred;
    terms[i] = valid[i] != 0 ? term : 0.0F;
  }
}

double MeanMoment(std::span<const float> advantages, std::span<const std::uint8_t> valid, float mean, bool square,
                  double count) {
  float terms[kBlock];
  Sum sum;
  for (std::size_t first = 0; first < advantages.size(); first += kBlock) {
    const std::size_t size = std::min(kBlock, advantages.size() - first);
    Moments(advantages.data() + first, valid.data() + first, size, mean, square, terms);
    sum.Add(terms, size);
  }
  return sum.Total() / count;
}

}  // namespace

ActorMeans PpoActor(const ActorSteps& steps, const ActorCoefficients& coefficients, std::span<float> grad_log_prob,
                    std::span<float> grad_entropy) {
  const double count = CountValid(steps.valid);
  ActorTerms terms;
  Sum surrogate, entropy, kl, clipped, ratio;
  for (std::size_t first = 0; first < steps.valid.size(); first += kBlock) {
    const std::size_t size = std::min(kBlock, steps.valid.size() - first);
    float* grad = grad_log_prob.data() + first;
    ActorBlock(steps, first, size, coefficients.clip, terms, grad);
    Scale(grad, size, static_cast<float>(-1.0 / count));
    surrogate.Add(terms.surrogate, size);
    entropy.Add(terms.entropy, size);
    kl.Add(terms.kl, size);
    clipped.Add(terms.clipped, size);
    ratio.Add(terms.ratio, size);
  }
  const auto slope = static_cast<float>(-static_cast<double>(coefficients.entropy) / count);
  for (std::size_t i = 0; i < grad_entropy.size(); ++i) grad_entropy[i] = steps.valid[i] != 0 ? slope : 0.0F;
  ActorMeans means{};
  means.policy_loss = static_cast<float>(-surrogate.Total() / count);
  means.entropy = static_cast<float>(entropy.Total() / count);
  means.loss = means.policy_loss - coefficients.entropy * means.entropy;
  means.kl = static_cast<float>(kl.Total() / count);
  means.clipped = static_cast<float>(clipped.Total() / count);
  means.ratio = static_cast<float>(ratio.Total() / count);
  return means;
}

float PpoCritic(const CriticSteps& steps, const CriticCoefficients& coefficients, std::span<float> grad_values) {
  const double count = CountValid(steps.valid);
  float squares[kBlock];
  Sum sum;
  for (std::size_t first = 0; first < steps.valid.size(); first += kBlock) {
    const std::size_t size = std::min(kBlock, steps.valid.size() - first);
    float* grad = grad_values.data() + first;
    CriticBlock(steps, first, size, coefficients.clip, squares, grad);
    Scale(grad, size, static_cast<float>(static_cast<double>(coefficients.weight) / count));
    sum.Add(squares, size);
  }
  return static_cast<float>(0.5 * sum.Total() / count);
}

void NormalizeAdvantages(std::span<const float> advantages, std::span<const std::uint8_t> valid, std::span<float> out) {
  const double count = CountValid(valid);
  const auto mean = static_cast<float>(MeanMoment(advantages, valid, 0.0F, false, count));
  const auto deviation = static_cast<float>(std::sqrt(MeanMoment(advantages, valid, mean, true, count)));
  const float divisor = deviation + 1.0e-8F;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = (advantages[i] - mean) / divisor;
}

}  // namespace mettagrid::learn
