#include "mettagrid/objects/converter.h"

namespace mettagrid {
namespace {

int AmountOf(std::span<const ItemAmount> amounts, ItemId item) {
  for (const ItemAmount& entry : amounts) {
    if (entry.item == item) return entry.amount;
  }
  return 0;
}

// Whether a conversion starts, when the outputs of one that just finished are counted in.
bool CanStart(const World& world, ConverterId converter, const ConverterType& type, bool finished) {
  if (world.converters.conversions_left[converter.index()] == 0) return false;
  const auto held = world.Inventory(converter);
  int outputs_held = 0;
  for (const ItemAmount& output : type.outputs) {
    const int amount = held[output.item.index()] + (finished ? output.amount : 0);
    if (amount + output.amount > kMaxAmount) return false;
    outputs_held += amount;
  }
  if (type.max_output >= 0 && outputs_held >= type.max_output) return false;
  return world.Holds(converter, type.inputs);
}

}  // namespace

ConverterChange NextChange(const World& world, ConverterId converter, std::uint32_t now) {
  const ConverterType& type = world.program->TypeOf(converter);
  ConverterChange change{.phase = world.converters.phase[converter.index()],
                         .until = world.converters.until[converter.index()]};
  if (change.phase == ConverterPhase::kConverting && now >= change.until) {
    change.finishes = true;
    change.phase = type.cooldown > 0 ? ConverterPhase::kCooling : ConverterPhase::kIdle;
    change.until = now + type.cooldown;
  } else if (change.phase == ConverterPhase::kCooling && now >= change.until) {
    change.phase = ConverterPhase::kIdle;
  }
  if (change.phase == ConverterPhase::kIdle && CanStart(world, converter, type, change.finishes)) {
    change.starts = true;
    change.phase = ConverterPhase::kConverting;
    change.until = now + type.conversion_ticks;
  }
  return change;
}

int HeldAfter(const World& world, ConverterId converter, const ConverterChange& change, ItemId item) {
  const ConverterType& type = world.program->TypeOf(converter);
  int held = world.Inventory(converter)[item.index()];
  if (change.finishes) held += AmountOf(type.outputs, item);
  if (change.starts) held -= AmountOf(type.inputs, item);
  return held;
}

}  // namespace mettagrid
