#include "mettagrid/observe/token_runs.h"

#include <algorithm>
#include <bit>

#include "mettagrid/observe/features.h"

namespace mettagrid {
namespace {

class RunWriter {
 public:
  RunWriter(const World& world, CellCode code) : run_(world.RunOf(code)), bytes_(world.program->layout.run_bytes) {}
  ~RunWriter() { run_[bytes_ - 1] = count_; }
  RunWriter(const RunWriter&) = delete;
  RunWriter& operator=(const RunWriter&) = delete;

  void Add(std::uint8_t feature, std::uint8_t value) {
    std::uint8_t* token = run_ + kTokenBytes * count_++;
    token[1] = feature;
    token[2] = value;
  }
  void AddSaturating(std::uint8_t feature, std::uint32_t value) {
    Add(feature, static_cast<std::uint8_t>(std::min<std::uint32_t>(value, 255)));
  }
  void AddItem(std::size_t item, Amount amount) {
    if (amount > 0) AddSaturating(static_cast<std::uint8_t>(feature::kFirstInventory + item), amount);
  }

 private:
  std::uint8_t* run_;
  std::size_t bytes_;
  std::uint8_t count_ = 0;
};

void EncodeAgent(const World& world, AgentId agent) {
  const std::size_t index = agent.index();
  RunWriter run(world, world.program->CodeOf(agent));
  run.Add(feature::kTypeId, kAgentTypeId);
  run.Add(feature::kGroup, world.program->group_ids[world.agents.group[index]]);
  if (world.agents.frozen[index] > 0) run.AddSaturating(feature::kFrozen, world.agents.frozen[index]);
  run.Add(feature::kOrientation, static_cast<std::uint8_t>(world.agents.orientation[index]));
  const auto held = world.Inventory(agent);
  for (std::size_t item = 0; item < held.size(); ++item) run.AddItem(item, held[item]);
}

void EncodeConverter(const World& world, ConverterId converter) {
  const ConverterType& type = world.program->TypeOf(converter);
  const ConverterPhase phase = world.converters.phase[converter.index()];
  RunWriter run(world, world.program->CodeOf(converter));
  run.Add(feature::kTypeId, type.type_id);
  if (phase == ConverterPhase::kConverting) run.Add(feature::kConverting, 1);
  if (phase == ConverterPhase::kCooling) {
    run.AddSaturating(feature::kCooldownRemaining, world.converters.until[converter.index()] - world.header().step);
  }
  const auto stock = world.Inventory(converter);
  for (const ItemId item : type.shown_items) run.AddItem(item.index(), stock[item.index()]);
}

}  // namespace

void EncodeStatics(const World& world) {
  const auto& statics = world.program->statics;
  for (std::size_t i = 0; i < statics.size(); ++i) {
    RunWriter(world, static_cast<CellCode>(1 + i)).Add(feature::kTypeId, statics[i].type_id);
  }
}

void RefreshRuns(const World& world) {
  for (std::size_t i = 0; i < world.program->num_agents; ++i) {
    if ((world.agents.changed[i] & kLooksChanged) == 0) continue;
    EncodeAgent(world, AgentId(i));
    world.agents.changed[i] = static_cast<std::uint8_t>(world.agents.changed[i] & ~kLooksChanged);
  }
  const std::size_t num_words = (world.program->num_converters() + 63) / 64;
  for (std::size_t word = 0; word < num_words; ++word) {
    for (std::uint64_t left = world.converters.changed[word]; left != 0; left &= left - 1) {
      EncodeConverter(world, ConverterId(word * 64 + static_cast<std::size_t>(std::countr_zero(left))));
    }
    world.converters.changed[word] = 0;
  }
}

}  // namespace mettagrid
