#include "mettagrid/objects/neighbours.h"

#include <algorithm>

namespace mettagrid {

Neighbours AgentsAround(const World& world, ObjectId object) {
  const GameProgram& program = *world.program;
  const auto centre = static_cast<std::int32_t>(world.objects.cell[object.index()]);
  Neighbours around;
  for (std::size_t i = 0; i < around.size(); ++i) {
    const std::int32_t offset = program.ahead[static_cast<std::size_t>(kPositions[i].side)];
    const CellCode code = world.cells[static_cast<CellIndex>(centre + offset)];
    around[i] = program.IsAgent(code) ? program.AgentOf(code) : kNobody;
  }
  return around;
}

std::size_t CountAgents(const Neighbours& around) {
  return around.size() - static_cast<std::size_t>(std::count(around.begin(), around.end(), kNobody));
}

Party::Party(const Neighbours& around, AgentId user) {
  has_user_ = std::find(around.begin(), around.end(), user) != around.end();
  if (has_user_) members_[count_++] = user;
  for (const AgentId agent : around) {
    if (agent != kNobody && agent != user) members_[count_++] = agent;
  }
}

Shares SpreadEvenly(int amount, std::span<const int> caps) {
  Shares shares{};
  while (amount > 0) {
    int open = 0;
    for (std::size_t i = 0; i < caps.size(); ++i) open += shares[i] < caps[i] ? 1 : 0;
    if (open == 0) break;
    const int portion = std::max(1, amount / open);  // below one each: the earlier ones
    for (std::size_t i = 0; i < caps.size() && amount > 0; ++i) {
      const int more = std::min({portion, caps[i] - shares[i], amount});
      if (more <= 0) continue;
      shares[i] += more;
      amount -= more;
    }
  }
  return shares;
}

Shares SpreadInOrder(int amount, std::span<const int> caps) {
  Shares shares{};
  for (std::size_t i = 0; i < caps.size(); ++i) {
    shares[i] = std::clamp(caps[i], 0, amount);
    amount -= shares[i];
  }
  return shares;
}

}  // namespace mettagrid
