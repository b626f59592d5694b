#include <algorithm>
#include <bit>
#include <limits>

#include "mettagrid/core/check.h"
#include "mettagrid/objects/assembler.h"
#include "mettagrid/objects/positions.h"

namespace mettagrid {
namespace {

constexpr std::size_t kMaxRecipes = 255;
constexpr std::uint64_t kOne = 65536;  // of exhaustion's fixed point

// A recipe of positions stands for every set of neighbours that has its named cells and as many agents in all; the
// first recipe that fits a set has it.
void CompilePositions(const AssemblerRecipeConfig& config, const std::string& key, std::size_t recipe,
                      AssemblerRules& rules) {
  std::vector<std::string> named;
  std::copy_if(config.positions.begin(), config.positions.end(), std::back_inserter(named),
               [](const std::string& name) { return name != "Any"; });
  const std::uint8_t fixed = PositionSet(key + ".positions", named);
  MG_CHECK(std::popcount(fixed) == static_cast<int>(named.size()), ConfigError, key,
           ".positions names a cell twice; expected each once, and 'Any' for further agents.");
  const auto agents = static_cast<int>(config.positions.size());
  MG_CHECK(agents >= 1 && agents <= 8, ConfigError, key, ".positions has ", agents, " entries, expected 1 .. 8.");
  for (std::size_t set = 0; set < rules.by_positions.size(); ++set) {
    const bool fits = (set & fixed) == fixed && std::popcount(set) == agents;
    if (fits && rules.by_positions[set] == 0) rules.by_positions[set] = static_cast<std::uint8_t>(recipe + 1);
  }
}

AssemblerRecipe CompileRecipe(const AssemblerRecipeConfig& config, const std::string& key, const Names& names) {
  AssemblerRecipe recipe;
  for (const std::int64_t glyph : config.glyphs) {
    recipe.glyphs.push_back(static_cast<std::uint8_t>(Ranged(key + ".glyphs", glyph, 1, 255)));
  }
  MG_CHECK(recipe.glyphs.size() <= 8, ConfigError, key, ".glyphs has ", recipe.glyphs.size(),
           " entries, but only 8 agents stand around an assembler.");
  std::sort(recipe.glyphs.begin(), recipe.glyphs.end());
  recipe.min_agents = static_cast<std::size_t>(Ranged(key + ".min_agents", config.min_agents, 1, 8));
  recipe.inputs = names.Resolve(key + ".input_resources", config.input_resources, 1);
  recipe.outputs = names.Resolve(key + ".output_resources", config.output_resources, 1);
  recipe.cooldown = static_cast<std::uint32_t>(Ranged(key + ".cooldown", config.cooldown, 0, kMaxTicks));
  return recipe;
}

// (1 + exhaustion)^uses in whole 1 / 65536, up to where any cooldown has reached its longest.
std::vector<std::uint64_t> Exhausted(const std::string& key, double exhaustion) {
  const bool possible = exhaustion == 0.0 || (exhaustion >= 0.001 && exhaustion <= 100.0);
  MG_CHECK(possible, ConfigError, key, ".exhaustion=", exhaustion, ", expected 0 or 0.001 .. 100.");
  const auto growth = static_cast<std::uint64_t>(exhaustion * static_cast<double>(kOne) + 0.5);
  std::vector<std::uint64_t> factors{kOne};
  while (growth > 0 && factors.back() < kOne * kMaxTicks) {
    factors.push_back(factors.back() + (factors.back() * growth >> 16));
  }
  return factors;
}

bool Choose(const std::string& key, const std::string& value, const char* no, const char* yes) {
  MG_CHECK(value == no || value == yes, ConfigError, key, "='", value, "', expected '", no, "' or '", yes, "'.");
  return value == yes;
}

}  // namespace

void Compile(const AssemblerConfig& config, const std::string& key, const Names& names, ObjectType& type) {
  AssemblerRules rules;
  rules.by_glyphs = Choose(key + ".match", config.match, "positions", "glyphs");
  rules.inputs_in_order = Choose(key + ".inputs_from", config.inputs_from, "even", "in_order");
  rules.outputs_shared = Choose(key + ".outputs_to", config.outputs_to, "user", "shared");
  MG_CHECK(config.recipes.size() <= kMaxRecipes, ConfigError, key, ".recipes has ", config.recipes.size(),
           " entries, expected at most ", kMaxRecipes, ".");
  for (std::size_t i = 0; i < config.recipes.size(); ++i) {
    const std::string where = key + ".recipes[" + std::to_string(i) + "]";
    rules.recipes.push_back(CompileRecipe(config.recipes[i], where, names));
    if (!rules.by_glyphs) CompilePositions(config.recipes[i], where, i, rules);
  }
  rules.allow_partial_usage = config.allow_partial_usage;
  rules.max_uses = static_cast<std::int32_t>(
      Ranged(key + ".max_uses", config.max_uses, 0, std::numeric_limits<std::int32_t>::max()));
  rules.exhausted = Exhausted(key, config.exhaustion);
  rules.used = names.stats.Add("object." + type.name + ".used");
  type.memory_words = kPositions.size() + 2;
  type.rules = std::move(rules);
}

}  // namespace mettagrid
