#include "mettagrid/objects/stat_slots.h"

namespace mettagrid {

StatSlots::StatSlots(const std::vector<std::string>& resources, const std::vector<std::string>& action_families) {
  for (const auto& resource : resources) {
    for (const char* kind : {".gained", ".lost", ".amount"}) names_.push_back(resource + kind);
  }
  actions_ = names_.size();
  for (const auto& family : action_families) {
    for (const char* outcome : {".success", ".failed"}) names_.push_back("action." + family + outcome);
  }
  invalid_index_ = names_.size();
  for (const char* name : {"action.invalid_index", "status.frozen.ticks", "attack.hit", "attack.blocked"}) {
    names_.emplace_back(name);
  }
  for (const auto& resource : resources) names_.push_back("attack.stolen." + resource);
}

}  // namespace mettagrid
