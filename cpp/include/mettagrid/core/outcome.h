#pragma once

#include <cstdint>

namespace mettagrid {

// How an action ended. Everything but kDone is a failure.
enum class Outcome : std::uint8_t { kDone, kCannotAfford, kNoTarget, kBlocked, kNothingMoved };

}  // namespace mettagrid
