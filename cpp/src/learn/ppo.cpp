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
    std::size_t i = 0;
    for (; i + kSums <= count; i += kSums) {
      for (std::size_t s = 0; s < kSums; ++s) sums_[s] += static_cast<double>(terms[i + s]);
    }
    for (; i < count; ++i) sums_[i % kSums] += static_cast<double>(terms[i]);
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

// 1 or 0 for each step, so that the loops below hold floats alone and vectorise.
LEARN_CLONES void Weights(const std::uint8_t* valid, std::size_t count, float* __restrict weights) {
  for (std::size_t i = 0; i < count; ++i) weights[i] = valid[i] != 0 ? 1.0F : 0.0F;
}

LEARN_CLONES void Ratios(const float* now, const float* then, const float* weights, std::size_t count,
                         float* __restrict log_ratios, float* __restrict ratios) {
  for (std::size_t i = 0; i < count; ++i) {
    const float difference = now[i] - then[i];
    log_ratios[i] = weights[i] > 0.0F ? difference : 0.0F;
    ratios[i] = Exp(log_ratios[i]);
  }
}

// Where min() takes the clipped side, the gradient is 0: that side is constant wherever it differs from the other.
LEARN_CLONES void Surrogates(const float* advantages, const float* weights, std::size_t count, float clip,
                             const float* ratios, float* __restrict surrogates, float* __restrict grad) {
  for (std::size_t i = 0; i < count; ++i) {
    const float plain = ratios[i] * advantages[i];
    const float bounded = Clamp(ratios[i], 1.0F - clip, 1.0F + clip) * advantages[i];
    const float smaller = bounded < plain ? bounded : plain;  // NaN where `plain` is
    const float slope = bounded < plain ? 0.0F : plain;
    surrogates[i] = weights[i] > 0.0F ? smaller : 0.0F;
    grad[i] = weights[i] > 0.0F ? slope : 0.0F;
  }
}

LEARN_CLONES void Distances(const float* weights, const float* entropy, std::size_t count, float clip,
                            const float* log_ratios, float* __restrict ratios, float* __restrict kl,
                            float* __restrict clipped, float* __restrict entropies) {
  for (std::size_t i = 0; i < count; ++i) {
    const float distance = ratios[i] - 1.0F;
    kl[i] = distance - log_ratios[i];  // 0 where the step does not count: there the ratio is 1
    clipped[i] = std::abs(distance) > clip ? 1.0F : 0.0F;
    entropies[i] = weights[i] > 0.0F ? entropy[i] : 0.0F;
    ratios[i] = weights[i] > 0.0F ? ratios[i] : 0.0F;
  }
}

void ActorBlock(const ActorSteps& steps, std::size_t first, std::size_t count, float clip, ActorTerms& terms,
                float* grad) {
  float weights[kBlock];
  float log_ratios[kBlock];
  Weights(steps.valid.data() + first, count, weights);
  Ratios(steps.log_prob.data() + first, steps.old_log_prob.data() + first, weights, count, log_ratios, terms.ratio);
  Surrogates(steps.advantages.data() + first, weights, count, clip, terms.ratio, terms.surrogate, grad);
  Distances(weights, steps.entropy.data() + first, count, clip, log_ratios, terms.ratio, terms.kl, terms.clipped,
            terms.entropy);
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
