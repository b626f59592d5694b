#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "mettagrid/env/buffers.h"

namespace mettagrid {

// What the last step of an episode returned, in a batch that begins the next episode within the same step: the world is
// a new one already, but the rows still tell how the old one ended. Kept until the next step, for snapshots.
class EndedEpisode {
 public:
  // The rows as they are before the next episode begins; its first observation is written over them afterwards.
  void Keep(const Buffers& out);
  void Forget() { kept_ = false; }
  bool kept() const { return kept_; }

  // Writes rewards, ends, success, the final observations and the final state over rows that show the next episode.
  void Show(const Buffers& out) const;

  // As bytes, for snapshots; empty when nothing is kept.
  void AppendTo(std::vector<std::byte>& bytes) const;
  // Throws EnvError when the bytes are not what AppendTo writes for games like `game`.
  void Read(std::span<const std::byte> bytes, const Game& game);

 private:
  bool kept_ = false;
  std::vector<float> rewards_;              // [A]
  std::vector<std::uint8_t> flags_;         // [A] bits: terminated, truncated, success
  std::vector<std::uint8_t> observations_;  // as Buffers::observations of one environment
  std::vector<std::uint8_t> state_;         // as Buffers::state of one environment
};

}  // namespace mettagrid
