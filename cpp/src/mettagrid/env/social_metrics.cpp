#include "mettagrid/env/social_metrics.h"

#include <algorithm>
#include <vector>

namespace mettagrid {
namespace {

double Equality(std::vector<double> returns) {
  std::sort(returns.begin(), returns.end());
  // In ascending order, the sum of |R_i - R_j| over all ordered pairs is 2 sum of (2 k - N + 1) R_k, k from 0.
  const auto count = static_cast<double>(returns.size());
  double differences = 0.0;
  double total = 0.0;
  for (std::size_t k = 0; k < returns.size(); ++k) {
    differences += 2.0 * (2.0 * static_cast<double>(k) - count + 1.0) * returns[k];
    total += returns[k] < 0.0 ? -returns[k] : returns[k];
  }
  return total > 0.0 ? 1.0 - differences / (2.0 * count * total) : 1.0;
}

double Sustainability(const World& world) {
  double sum = 0.0;
  double rewarded = 0.0;
  for (std::size_t i = 0; i < world.program->num_agents; ++i) {
    if (world.agents.paid_steps[i] == 0) continue;
    sum += world.agents.paid_times[i] / world.agents.paid_steps[i];
    rewarded += 1.0;
  }
  return rewarded > 0.0 ? sum / rewarded : 0.0;
}

}  // namespace

SocialMetrics MeasureSociety(const World& world) {
  const std::size_t agents = world.program->num_agents;
  const double steps = world.header().step;
  SocialMetrics metrics;
  if (steps == 0.0) return metrics;
  const double* const returns = world.agents.episode_return;
  double blocked = 0.0;
  for (std::size_t i = 0; i < agents; ++i) {
    metrics.efficiency += returns[i] / steps;
    blocked += world.Stats(AgentId(i))[world.program->stats.frozen_ticks()] + world.agents.away_steps[i];
  }
  metrics.equality = Equality({returns, returns + agents});
  metrics.sustainability = Sustainability(world);
  metrics.peace = (static_cast<double>(agents) * steps - blocked) / steps;
  return metrics;
}

}  // namespace mettagrid
