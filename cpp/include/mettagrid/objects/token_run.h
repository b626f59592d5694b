#pragma once

#include <algorithm>
#include <cstdint>

#include "mettagrid/objects/features.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// Writes the tokens of one thing, without their location: what every observer of it copies.
class TokenRun {
 public:
  TokenRun(const World& world, CellCode code) : run_(world.RunOf(code)), bytes_(world.program->layout.run_bytes) {}
  ~TokenRun() { run_[bytes_ - 1] = count_; }
  TokenRun(const TokenRun&) = delete;
  TokenRun& operator=(const TokenRun&) = delete;

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

}  // namespace mettagrid
