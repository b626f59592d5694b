#include "mettagrid/objects/stat_slots.h"

#include <utility>

namespace mettagrid {

StatSlots::StatSlots(const std::vector<std::string>& resources) {
  for (const auto& resource : resources) {
    for (const char* kind : {".gained", ".lost", ".amount"}) names_.push_back(resource + kind);
  }
  invalid_index_ = names_.size();
  names_.emplace_back("action.invalid_index");
  names_.emplace_back("status.frozen.ticks");
}

std::uint16_t StatSlots::Add(std::string name) {
  names_.push_back(std::move(name));
  return static_cast<std::uint16_t>(names_.size() - 1);
}

}  // namespace mettagrid
