#include "mettagrid/maps/scene_compiler.h"

#include <algorithm>

#include "mettagrid/core/check.h"
#include "mettagrid/core/types.h"

namespace mettagrid::maps {
namespace {

ChildNode CompileChild(const std::string& key, const ChildConfig& config, const SceneNode& parent,
                       const Palette& palette) {
  const SceneCompiler compiler{key, palette};
  ChildNode child;
  child.scene = std::make_shared<const SceneNode>(CompileScene(key + ".scene", config.scene, palette));
  child.tags = config.where;
  child.limit = static_cast<std::size_t>(compiler.Ranged("limit", config.limit, 0, kMaxSide * kMaxSide));
  child.offset = static_cast<std::size_t>(compiler.Ranged("offset", config.offset, 0, kMaxSide * kMaxSide));
  child.order = static_cast<AreaOrder>(compiler.Choice("order_by", config.order_by, {"random", "first", "last"}));
  child.lock = config.lock;
  if (child.tags.empty()) return child;
  const bool found = std::any_of(parent.area_tags.begin(), parent.area_tags.end(), [&child](const auto& tags) {
    return std::all_of(child.tags.begin(), child.tags.end(), [&tags](const std::string& tag) {
      return std::find(tags.begin(), tags.end(), tag) != tags.end();
    });
  });
  if (found) return child;
  std::string wanted;
  for (const std::string& tag : child.tags) wanted += " '" + tag + "'";
  std::vector<std::string> known;
  for (const auto& tags : parent.area_tags) known.insert(known.end(), tags.begin(), tags.end());
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  std::string names;
  for (const std::string& tag : known) names += " '" + tag + "'";
  Raise<ConfigError>(key, ".where asks for areas tagged", wanted, ", but its parent makes ",
                     names.empty() ? "no areas" : "areas tagged" + names, ". Use where: full, or one of its tags.");
}

}  // namespace

int SceneCompiler::Ranged(const char* name, std::int64_t value, std::int64_t least, std::int64_t most) const {
  MG_CHECK(value >= least && value <= most, ConfigError, Key(name), "=", value, ", expected ", least, " .. ", most,
           ".");
  return static_cast<int>(value);
}

double SceneCompiler::RangedShare(const char* name, double value, double least, double most) const {
  MG_CHECK(value >= least && value <= most, ConfigError, Key(name), "=", value, ", expected ", least, " .. ", most,
           ".");
  return value;
}

std::size_t SceneCompiler::ChoiceOf(const char* name, const std::string& value,
                                    const std::vector<std::string>& choices) const {
  const auto found = std::find(choices.begin(), choices.end(), value);
  if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
  std::string known;
  for (const std::string& choice : choices) known += " '" + choice + "'";
  Raise<ConfigError>(Key(name), "='", value, "', expected one of", known, ".");
}

std::vector<SymbolCount> SceneCompiler::Things(const char* name, const Named<std::int64_t>& things, bool agents) const {
  std::vector<SymbolCount> found;
  for (const auto& [thing, count] : things) {
    const std::string where = Key(name) + "." + thing;
    const Symbol symbol = agents ? palette.FindAgent(where, thing) : palette.Find(where, thing);
    MG_CHECK(count >= 0 && count <= kMaxSide * kMaxSide, ConfigError, where, "=", count, ", expected 0 .. ",
             kMaxSide * kMaxSide, ".");
    found.push_back({symbol, static_cast<int>(count)});
  }
  return found;
}

Canvas SceneCompiler::Drawing(const char* name, const std::vector<std::u32string>& rows,
                              const std::vector<std::pair<std::u32string, std::string>>& legend) const {
  MG_CHECK(!rows.empty() && !rows[0].empty(), ConfigError, Key(name), " is empty, expected at least one row.");
  MG_CHECK(rows.size() <= kMaxSide && rows[0].size() <= kMaxSide, ConfigError, Key(name), " has ", rows[0].size(), "x",
           rows.size(), " cells, expected at most ", kMaxSide, " on each side.");
  Canvas canvas(static_cast<int>(rows.size()), static_cast<int>(rows[0].size()));
  for (int row = 0; row < canvas.height(); ++row) {
    const std::u32string& line = rows[static_cast<std::size_t>(row)];
    MG_CHECK(line.size() == rows[0].size(), ConfigError, Key(name), "[", row, "] has ", line.size(),
             " characters, expected ", rows[0].size(), " as in the first row. Fill the row up with '.'.");
    for (int column = 0; column < canvas.width(); ++column) {
      const char32_t drawn = line[static_cast<std::size_t>(column)];
      const auto entry = std::find_if(legend.begin(), legend.end(), [drawn](const auto& known) {
        return known.first.size() == 1 && known.first[0] == drawn;
      });
      MG_CHECK(entry != legend.end(), ConfigError, Key(name), "[", row, "] has a character (U+", std::hex,
               static_cast<std::uint32_t>(drawn), std::dec, ") at column ", column,
               " that no legend explains. Add it to ", Key("legend"), ".");
      canvas.At(row, column) = palette.Find(Key(name), entry->second);
    }
  }
  return canvas;
}

SceneNode CompileScene(const std::string& key, const SceneConfig& config, const Palette& palette) {
  const SceneCompiler compiler{key, palette};
  const auto compile = [&](const auto& scene) {
    SceneNode node = Compile(scene, compiler);
    for (std::size_t i = 0; i < scene.children.size(); ++i) {
      const std::string child = key + ".children[" + std::to_string(i) + "]";
      node.children.push_back(CompileChild(child, scene.children[i], node, palette));
    }
    return node;
  };
  using Variant = SceneConfig::variant;
  return std::visit(compile, static_cast<const Variant&>(config));
}

}  // namespace mettagrid::maps
