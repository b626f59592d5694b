#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mettagrid {

// Slots of the statistics that each agent keeps, in the order of metta/mettagrid/config/stats.py: counting is one
// addition, names are read only when a record leaves the engine.
class StatSlots {
 public:
  StatSlots() = default;
  explicit StatSlots(const std::vector<std::string>& resources);

  // A further statistic; mechanics keep the slot in their rules.
  std::uint16_t Add(std::string name);

  std::size_t Gained(std::size_t item) const { return 3 * item; }
  std::size_t Lost(std::size_t item) const { return 3 * item + 1; }
  std::size_t Held(std::size_t item) const { return 3 * item + 2; }  // "<res>.amount": filled in when a record is made
  bool IsHeld(std::size_t slot) const { return slot < invalid_index_ && slot % 3 == 2; }
  std::size_t invalid_index() const { return invalid_index_; }
  std::size_t frozen_ticks() const { return invalid_index_ + 1; }

  const std::vector<std::string>& names() const { return names_; }
  std::size_t size() const { return names_.size(); }

 private:
  std::vector<std::string> names_;
  std::size_t invalid_index_ = 0;
};

}  // namespace mettagrid
