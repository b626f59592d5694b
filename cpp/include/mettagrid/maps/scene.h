#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mettagrid/config/scene_config.h"
#include "mettagrid/core/rng.h"
#include "mettagrid/maps/canvas.h"
#include "mettagrid/maps/palette.h"

namespace mettagrid::maps {

// Things by symbol.
using Counts = std::vector<std::uint64_t>;

// One attempt at one map. Each scene that is drawn has a stream of its own, so that no scene's draws depend on how many
// numbers another took.
class SceneRun {
 public:
  SceneRun(const Palette& palette, std::uint64_t seed, std::uint32_t env, std::uint32_t episode, std::uint32_t attempt)
      : palette(palette), seed_(seed), env_(env), episode_(episode), attempt_(attempt) {}

  RandomStream NextStream() { return {seed_, env_, episode_, attempt_ << 20 | scenes_++, Purpose::kScene}; }

  const Palette& palette;

 private:
  std::uint64_t seed_;
  std::uint32_t env_;
  std::uint32_t episode_;
  std::uint32_t attempt_;
  std::uint32_t scenes_ = 0;
};

enum class AreaOrder : std::uint8_t { kRandom, kFirst, kLast };

struct ChildNode;

// A scene with names resolved and parameters checked.
struct SceneNode {
  // Draws on the view; returns the areas that it made, in the view's coordinates.
  std::function<std::vector<Box>(View, RandomStream&, SceneRun&)> draw;
  // The most that one drawing on `area` cells holds of each symbol, children left out.
  std::function<Counts(std::uint64_t area)> most;
  std::vector<std::vector<std::string>> area_tags;  // of the areas that a drawing makes at most, in their order
  bool areas_overlap = false;
  std::vector<ChildNode> children;
};

struct ChildNode {
  std::shared_ptr<const SceneNode> scene;
  std::vector<std::string> tags;  // none: the parent's whole view
  std::size_t limit = 0;          // 0: all
  std::size_t offset = 0;
  AreaOrder order = AreaOrder::kRandom;
  std::string lock;
};

// Throws ConfigError naming the key below `key`: an unknown name or choice, a value out of range, a tag of no area.
SceneNode CompileScene(const std::string& key, const SceneConfig& config, const Palette& palette);

// Throws EnvError when a scene cannot be drawn on this view: too small for its areas, or without a solution.
void DrawScene(const SceneNode& scene, View view, SceneRun& run);

// The most that a drawing of the scene and its children on `area` cells holds of each symbol.
Counts MostDrawn(const SceneNode& scene, std::uint64_t area);

}  // namespace mettagrid::maps
