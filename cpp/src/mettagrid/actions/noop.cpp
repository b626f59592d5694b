#include "mettagrid/actions/noop.h"

namespace mettagrid {

Outcome Noop(const World&, AgentId, const ActionFamily&, std::uint8_t) { return Outcome::kDone; }

void MaskNoop(const World&, AgentId, const ActionFamily&, bool* allowed) { *allowed = true; }

}  // namespace mettagrid
