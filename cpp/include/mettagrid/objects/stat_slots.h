#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mettagrid {

// Slots of the statistics that each agent keeps, in the order of metta/mettagrid/config/stats.py: counting is one
// addition, names are read only when a record leaves the engine.
class StatSlots {
 public:
  StatSlots() = default;
  StatSlots(const std::vector<std::string>& resources, const std::vector<std::string>& action_families);

  std::size_t Gained(std::size_t item) const { return 3 * item; }
  std::size_t Lost(std::size_t item) const { return 3 * item + 1; }
  std::size_t Held(std::size_t item) const { return 3 * item + 2; }  // "<res>.amount": filled in when a record is made
  std::size_t Succeeded(std::size_t family) const { return actions_ + 2 * family; }
  std::size_t Failed(std::size_t family) const { return actions_ + 2 * family + 1; }
  std::size_t invalid_index() const { return invalid_index_; }
  std::size_t frozen_ticks() const { return invalid_index_ + 1; }
  std::size_t attack_hit() const { return invalid_index_ + 2; }
  std::size_t attack_blocked() const { return invalid_index_ + 3; }
  std::size_t Stolen(std::size_t item) const { return invalid_index_ + 4 + item; }

  const std::vector<std::string>& names() const { return names_; }
  std::size_t size() const { return names_.size(); }

 private:
  std::vector<std::string> names_;
  std::size_t actions_ = 0;
  std::size_t invalid_index_ = 0;
};

}  // namespace mettagrid
