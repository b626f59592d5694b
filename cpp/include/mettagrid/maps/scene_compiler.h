#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "mettagrid/maps/patterns.h"
#include "mettagrid/maps/scatter.h"
#include "mettagrid/maps/scene.h"

namespace mettagrid::maps {

// What compiling one scene needs: where it stands, for messages, and the names that it may use.
struct SceneCompiler {
  const std::string& key;
  const Palette& palette;

  std::string Key(const char* name) const { return key + "." + name; }
  int Ranged(const char* name, std::int64_t value, std::int64_t least, std::int64_t most) const;
  double RangedShare(const char* name, double value, double least, double most) const;
  Symbol Wall(const char* name, const std::string& object) const { return palette.FindStatic(Key(name), object); }
  std::vector<SymbolCount> Things(const char* name, const Named<std::int64_t>& things, bool agents) const;
  Canvas Drawing(const char* name, const std::vector<std::u32string>& rows,
                 const std::vector<std::pair<std::u32string, std::string>>& legend) const;
  Counts None() const { return Counts(palette.size(), 0); }

  // Index of `value` among `choices`, else a ConfigError that lists them.
  template <std::size_t N>
  std::size_t Choice(const char* name, const std::string& value, const char* const (&choices)[N]) const {
    return ChoiceOf(name, value, {choices, choices + N});
  }
  std::size_t ChoiceOf(const char* name, const std::string& value, const std::vector<std::string>& choices) const;
};

// One overload a scene. To add a scene: a config struct and its line in SceneConfig, an overload here, a class in
// metta/mettagrid/maps/scenes.
SceneNode Compile(const NopScene& config, const SceneCompiler& compiler);
SceneNode Compile(const FillScene& config, const SceneCompiler& compiler);
SceneNode Compile(const RandomScene& config, const SceneCompiler& compiler);
SceneNode Compile(const RandomObjectsScene& config, const SceneCompiler& compiler);
SceneNode Compile(const MeanDistanceScene& config, const SceneCompiler& compiler);
SceneNode Compile(const AsciiScene& config, const SceneCompiler& compiler);
SceneNode Compile(const TerrainScene& config, const SceneCompiler& compiler);
SceneNode Compile(const RemoveAgentsScene& config, const SceneCompiler& compiler);
SceneNode Compile(const MazeScene& config, const SceneCompiler& compiler);
SceneNode Compile(const RadialMazeScene& config, const SceneCompiler& compiler);
SceneNode Compile(const BspScene& config, const SceneCompiler& compiler);
SceneNode Compile(const CavesScene& config, const SceneCompiler& compiler);
SceneNode Compile(const WfcScene& config, const SceneCompiler& compiler);
SceneNode Compile(const ConvchainScene& config, const SceneCompiler& compiler);
SceneNode Compile(const BspLayoutScene& config, const SceneCompiler& compiler);
SceneNode Compile(const RoomGridScene& config, const SceneCompiler& compiler);
SceneNode Compile(const LayoutScene& config, const SceneCompiler& compiler);
SceneNode Compile(const MirrorScene& config, const SceneCompiler& compiler);
SceneNode Compile(const RandomChoiceScene& config, const SceneCompiler& compiler);
SceneNode Compile(const MakeConnectedScene& config, const SceneCompiler& compiler);

}  // namespace mettagrid::maps
