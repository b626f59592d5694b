#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mettagrid/config/map_config.h"
#include "mettagrid/maps/connect.h"
#include "mettagrid/maps/scatter.h"
#include "mettagrid/maps/scene.h"

namespace mettagrid::maps {

// Which map of all that a generator can draw.
struct MapId {
  std::uint64_t seed = 0;
  std::uint32_t env = 0;
  std::uint32_t episode = 0;
};

// Draws a map on a canvas, tries again when it does not hold what it must, and says what is wrong when that does not
// help. Immutable: threads share it.
class MapGenerator {
 public:
  // Both throw ConfigError: a fault of the config, or a first map that cannot be drawn. `num_agents` 0: any number.
  MapGenerator(const SceneMapConfig& config, const Palette& palette, std::uint32_t num_agents);
  MapGenerator(const PoolMapConfig& config, const Palette& palette, std::uint32_t num_agents);

  int height() const { return base_.height(); }
  int width() const { return base_.width(); }
  // Per symbol, the most that one map can hold.
  const Counts& most() const { return most_; }

  // Throws EnvError: no attempt gave a map that holds its agents and, if it is checked, lets them reach everything.
  void Draw(const MapId& id, Canvas& canvas) const;

 private:
  void SetConnectivity(const std::string& name);
  void Paint(const MapId& id, std::uint32_t attempt, Canvas& canvas) const;
  std::string FaultOf(Canvas& canvas) const;  // empty: none
  void CheckFirstMap() const;

  Palette palette_;
  std::uint32_t num_agents_;
  Connectivity connectivity_ = Connectivity::kNone;
  Canvas base_;                 // scenes: the borders around instances; pool: what a smaller grid is set in
  std::vector<Box> instances_;  // each is connected in itself
  SceneNode scene_;             // of each instance
  std::vector<Canvas> grids_;   // of a pool; none: scenes are drawn
  std::vector<SymbolCount> scattered_;
  Counts most_;
};

}  // namespace mettagrid::maps
