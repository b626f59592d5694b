#pragma once

#include <span>

#include "mettagrid/objects/object_kinds.h"

namespace mettagrid {

// One way of using an object, for example &ObjectKind::put, and the question whether it would succeed.
using UseOfKind = Outcome (*ObjectKind::*)(const World&, AgentId, ObjectId, std::span<const Amount>);
using CanUseOfKind = bool (*ObjectKind::*)(const World&, AgentId, ObjectId, std::span<const Amount>);

// How actions reach objects: a clipped one takes only the payment that frees it, and that not by `get`.
Outcome UseObject(const World& world, AgentId agent, ObjectId object, UseOfKind use, std::span<const Amount> reserved);
bool CanUseObject(const World& world, AgentId agent, ObjectId object, CanUseOfKind can_use,
                  std::span<const Amount> reserved);

}  // namespace mettagrid
