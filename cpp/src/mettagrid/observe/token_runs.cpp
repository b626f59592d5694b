#include "mettagrid/observe/token_runs.h"

#include <bit>

#include "mettagrid/objects/object_kinds.h"

namespace mettagrid {
namespace {

void EncodeAgent(const World& world, AgentId agent) {
  const std::size_t index = agent.index();
  TokenRun run(world, world.program->CodeOf(agent));
  run.Add(feature::kTypeId, kAgentTypeId);
  run.Add(feature::kGroup, world.program->group_ids[world.agents.group[index]]);
  if (world.agents.frozen[index] > 0) run.AddSaturating(feature::kFrozen, world.agents.frozen[index]);
  run.Add(feature::kOrientation, static_cast<std::uint8_t>(world.agents.orientation[index]));
  if (const std::uint8_t color = world.agents.color[index]; color > 0) run.Add(feature::kColor, color);
  if (world.agents.shield[index] != 0) run.Add(feature::kShield, 1);
  if (const std::uint8_t glyph = world.agents.glyph[index]; glyph > 0) run.Add(feature::kGlyph, glyph);
  const auto held = world.Inventory(agent);
  for (std::size_t item = 0; item < held.size(); ++item) run.AddItem(item, held[item]);
}

void EncodeObject(const World& world, ObjectId object) {
  const ObjectType& type = world.program->TypeOf(object);
  TokenRun run(world, world.program->CodeOf(object));
  run.Add(feature::kTypeId, type.type_id);
  if (world.objects.clip[object.index()] != Clip::kFree) run.Add(feature::kClipped, 1);
  KindOf(type).encode(world, object, run);
}

}  // namespace

void EncodeStatics(const World& world) {
  const auto& statics = world.program->statics;
  for (std::size_t i = 0; i < statics.size(); ++i) {
    TokenRun run(world, static_cast<CellCode>(1 + i));
    run.Add(feature::kTypeId, statics[i].type_id);
    if (statics[i].swappable) run.Add(feature::kSwappable, 1);
  }
}

void RefreshRuns(const World& world) {
  for (std::size_t i = 0; i < world.program->num_agents; ++i) {
    if ((world.agents.changed[i] & kLooksChanged) == 0) continue;
    EncodeAgent(world, AgentId(i));
    world.agents.changed[i] = static_cast<std::uint8_t>(world.agents.changed[i] & ~kLooksChanged);
  }
  const std::size_t num_words = (world.program->num_objects() + 63) / 64;
  for (std::size_t word = 0; word < num_words; ++word) {
    for (std::uint64_t left = world.objects.changed[word]; left != 0; left &= left - 1) {
      EncodeObject(world, ObjectId(word * 64 + static_cast<std::size_t>(std::countr_zero(left))));
    }
    world.objects.changed[word] = 0;
  }
}

}  // namespace mettagrid
