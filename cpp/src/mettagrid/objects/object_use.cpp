#include "mettagrid/objects/object_use.h"

namespace mettagrid {
namespace {

Outcome Unclip(const World& world, AgentId agent, ObjectId object, std::span<const Amount> reserved) {
  if (world.objects.clip[object.index()] == Clip::kPaidFor) return Outcome::kBlocked;
  const ClipperRules& rules = world.program->systems.clipper;
  for (const ItemAmount& payment : rules.payments) {
    if (world.Spendable(agent, payment.item) < payment.amount + reserved[payment.item.index()]) continue;
    world.Lose(agent, payment.item, payment.amount);
    world.Count(agent, rules.unclipped);
    world.objects.clip[object.index()] = Clip::kPaidFor;
    return Outcome::kDone;
  }
  return Outcome::kCannotAfford;
}

bool CanUnclip(const World& world, AgentId agent, std::span<const Amount> reserved) {
  const auto held = world.Inventory(agent);
  for (const ItemAmount& payment : world.program->systems.clipper.payments) {
    if (held[payment.item.index()] >= payment.amount + reserved[payment.item.index()]) return true;
  }
  return false;
}

}  // namespace

Outcome UseObject(const World& world, AgentId agent, ObjectId object, UseOfKind use, std::span<const Amount> reserved) {
  if (world.objects.clip[object.index()] != Clip::kFree) {
    const bool takes_payment = use != &ObjectKind::get && world.objects.clip[object.index()] == Clip::kClipped;
    return takes_payment ? Unclip(world, agent, object, reserved) : Outcome::kBlocked;
  }
  const auto act = KindOf(world, object).*use;
  return act == nullptr ? Outcome::kNoTarget : act(world, agent, object, reserved);
}

bool CanUseObject(const World& world, AgentId agent, ObjectId object, CanUseOfKind can_use,
                  std::span<const Amount> reserved) {
  if (world.objects.clip[object.index()] != Clip::kFree) {
    return can_use != &ObjectKind::can_get && CanUnclip(world, agent, reserved);
  }
  const auto ask = KindOf(world, object).*can_use;
  return ask != nullptr && ask(world, agent, object, reserved);
}

}  // namespace mettagrid
