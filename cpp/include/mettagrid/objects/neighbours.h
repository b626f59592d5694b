#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "mettagrid/objects/positions.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// The agents around an object, by place in kPositions; kNobody where none stands.
using Neighbours = std::array<AgentId, kPositions.size()>;

Neighbours AgentsAround(const World& world, ObjectId object);
std::size_t CountAgents(const Neighbours& around);

// The agents that share in something: `user` first, then the others in the order of kPositions.
class Party {
 public:
  Party(const Neighbours& around, AgentId user);

  std::span<const AgentId> members() const { return {members_.data(), count_}; }
  bool has_user() const { return has_user_; }

 private:
  std::array<AgentId, kPositions.size()> members_{};
  std::size_t count_ = 0;
  bool has_user_ = false;
};

using Shares = std::array<int, kPositions.size()>;

// Splits `amount` as evenly as the caps allow; the earlier ones bear what does not divide. The sum falls short when the
// caps do.
Shares SpreadEvenly(int amount, std::span<const int> caps);

// Fills up one cap after the other.
Shares SpreadInOrder(int amount, std::span<const int> caps);

}  // namespace mettagrid
