#pragma once

#include <span>

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Whether `agent` earns and shares in this step: from the step after that in which it entered, whose row is its first
// and has no reward, to the one in which it leaves for good.
inline bool TakesPart(const World& world, AgentId agent) { return world.agents.settled[agent.index()] == 0; }

// Turns what agents earned into what they get, in place; both are [A]. With a group's share p, of n members taking
// part,
//   r_i <- (1 - p) r_i + p (sum of r_j over the group) / n;      with a matrix W,  r_i <- sum over j of W_ij r_j.
// Agents that do not take part neither give nor get.
// Source: kinship and group rewards of MettaGrid; prosocial weights as in Peysakhovich & Lerer, AAMAS 2018.
void ShareRewards(const World& world, std::span<double> rewards);

}  // namespace mettagrid
