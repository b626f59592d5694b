#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// How a society did, over an episode of T steps of N agents. r_i(t) is what agent i got at step t, after sharing; R_i
// is the sum over t.
//
//   efficiency      U = (sum of R_i over i) / T
//   equality        E = 1 - (sum of |R_i - R_j| over i and j) / (2 N sum of |R_i| over i)       one minus the Gini
//   index sustainability  S = mean over i of t_i,   t_i = mean of the t with r_i(t) > 0 peace           P = (N T -
//   number of steps that agents were frozen, down or gone) / T,      at most N
//
// The absolute values below the line of E are ours: they change nothing where all returns are positive, and keep E
// within 0 .. 1 where some are negative. When all returns are 0 everybody has the same: E = 1. Agents that were never
// rewarded have no t_i and are left out of S, which is 0 when nobody was.
//
// Source: Perolat, Leibo, Zambaldi, Beattie, Tuyls, Graepel, "A multi-agent reinforcement learning model of common-pool
// resource appropriation", NeurIPS 2017, arXiv:1707.06600, section 2.4.
struct SocialMetrics {
  double efficiency = 0.0;
  double equality = 1.0;
  double sustainability = 0.0;
  double peace = 0.0;
};

// Of the episode so far; all 0 but equality before its first step.
SocialMetrics MeasureSociety(const World& world);

}  // namespace mettagrid
