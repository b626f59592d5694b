#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

namespace mettagrid::fuzz {

// The engine broke a promise: a mistake of ours, never of the config.
class Violation : public std::logic_error {
  using std::logic_error::logic_error;
};

// Makes a game from the bytes, plays it and checks the engine's promises after each step: worlds are sound, a
// masked-out action fails, noop succeeds, observations end in padding, rewards are numbers; snapshots, saved worlds and
// forks give back what they took; damaged snapshots are refused or harmless; threads change nothing. Returns whether
// the engine took the game. Throws Violation.
bool PlayBytes(std::span<const std::uint8_t> bytes);

// The game that the bytes mean, as text.
std::string DescribeBytes(std::span<const std::uint8_t> bytes);

}  // namespace mettagrid::fuzz
