#pragma once

#include <span>

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Whether `agent` earns and shares in this step: while it is here or down, and in the step in which it left for good.
inline bool TakesPart(const World& world, AgentId agent) {
  const Presence presence = world.agents.presence[agent.index()];
  return presence == Presence::kHere || presence == Presence::kDown ||
         (presence == Presence::kGone && world.agents.settled[agent.index()] == 0);
}

// Turns what agents earned into what they get, in place; both are [A]. With a group's share p, of n members taking
// part,
//   r_i <- (1 - p) r_i + p (sum of r_j over the group) / n;      with a matrix W,  r_i <- sum over j of W_ij r_j.
// Agents that do not take part neither give nor get.
// Source: kinship and group rewards of MettaGrid; prosocial weights as in Peysakhovich & Lerer, AAMAS 2018.
void ShareRewards(const World& world, std::span<double> rewards);

}  // namespace mettagrid
