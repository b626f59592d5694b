#include "mettagrid/maps/map_generator.h"

#include <algorithm>

#include "mettagrid/core/check.h"
#include "mettagrid/core/types.h"
#include "mettagrid/maps/scene_compiler.h"

namespace mettagrid::maps {
namespace {

constexpr std::uint32_t kAttempts = 64;
constexpr std::int64_t kMostInstances = 1024;
const std::string kKey = "map";

int CheckedSide(const char* what, std::int64_t side) {
  MG_CHECK(side >= 1 && side <= kMaxSide, ConfigError, "the map is ", side, " cells ", what, ", expected 1 .. ",
           kMaxSide, ". Lower map.instance_width, map.instance_height, map.instances or the borders.");
  return static_cast<int>(side);
}

// Instances stand in ceil(sqrt(n)) rows, as the rooms of an arena stand in columns.
std::int64_t RowsOf(std::int64_t instances) {
  std::int64_t rows = 1;
  while (rows * rows < instances) ++rows;
  return rows;
}

// No map holds more of a thing than it has cells.
void Clamp(Counts& most, std::uint64_t area) {
  for (std::uint64_t& count : most) count = std::min(count, area);
}

}  // namespace

MapGenerator::MapGenerator(const SceneMapConfig& config, const Palette& palette, std::uint32_t num_agents)
    : palette_(palette), num_agents_(num_agents) {
  const SceneCompiler compiler{kKey, palette_};
  SetConnectivity(config.connectivity);
  const int inner_width = compiler.Ranged("instance_width", config.instance_width, 1, kMaxSide);
  const int inner_height = compiler.Ranged("instance_height", config.instance_height, 1, kMaxSide);
  const int border = compiler.Ranged("border_width", config.border_width, 0, kMaxSide);
  const int gap = compiler.Ranged("instance_border_width", config.instance_border_width, 0, kMaxSide);
  const std::int64_t instances = compiler.Ranged("instances", config.instances, 1, kMostInstances);
  const std::int64_t rows = RowsOf(instances);
  const std::int64_t columns = (instances + rows - 1) / rows;
  base_.Resize(CheckedSide("high", 2 * border + rows * inner_height + (rows - 1) * gap),
               CheckedSide("wide", 2 * border + columns * inner_width + (columns - 1) * gap));
  if (border > 0 || instances > 1) View(base_).Fill(compiler.Wall("border_object", config.border_object));
  for (std::int64_t i = 0; i < instances; ++i) {
    const Box box{border + static_cast<int>(i / columns) * (inner_height + gap),
                  border + static_cast<int>(i % columns) * (inner_width + gap), inner_height, inner_width};
    instances_.push_back(box);
    View(base_).FillBox(box, kFree);
  }
  scene_ = CompileScene("map.scene", config.scene, palette_);
  const auto area = static_cast<std::uint64_t>(inner_height) * static_cast<std::uint64_t>(inner_width);
  most_ = MostDrawn(scene_, area);
  Clamp(most_, area);
  for (std::uint64_t& count : most_) count *= static_cast<std::uint64_t>(instances);
  CheckFirstMap();
}

MapGenerator::MapGenerator(const PoolMapConfig& config, const Palette& palette, std::uint32_t num_agents)
    : palette_(palette), num_agents_(num_agents) {
  const SceneCompiler compiler{kKey, palette_};
  SetConnectivity(config.connectivity);
  MG_CHECK(!config.grids.empty(), ConfigError, "map.grids is empty: a pool needs at least one grid. Set map.uris to ",
           "files or folders that hold some, or map.grids.");
  int widest = 0;
  int highest = 0;
  for (std::size_t i = 0; i < config.grids.size(); ++i) {
    const std::string name = "grids[" + std::to_string(i) + "]";
    grids_.push_back(compiler.Drawing(name.c_str(), config.grids[i], config.legend));
    highest = std::max(highest, grids_.back().height());
    widest = std::max(widest, grids_.back().width());
  }
  const int height = config.height == 0 ? highest : compiler.Ranged("height", config.height, highest, kMaxSide);
  const int width = config.width == 0 ? widest : compiler.Ranged("width", config.width, widest, kMaxSide);
  base_.Resize(height, width);
  View(base_).Fill(compiler.Wall("border_object", config.border_object));
  instances_.push_back(base_.box());
  scattered_ = compiler.Things("agents", config.agents, true);
  for (const SymbolCount& thing : compiler.Things("objects", config.objects, false)) scattered_.push_back(thing);
  most_ = compiler.None();
  for (const Canvas& grid : grids_) {
    Counts drawn = compiler.None();
    for (const Symbol symbol : grid.cells()) ++drawn[symbol];
    for (std::size_t i = 0; i < most_.size(); ++i) most_[i] = std::max(most_[i], drawn[i]);
  }
  for (const SymbolCount& thing : scattered_) most_[thing.symbol] += static_cast<std::uint64_t>(thing.count);
  Clamp(most_, base_.cells().size());
  CheckFirstMap();
}

void MapGenerator::SetConnectivity(const std::string& name) {
  const SceneCompiler compiler{kKey, palette_};
  connectivity_ = static_cast<Connectivity>(compiler.Choice("connectivity", name, {"none", "check", "repair"}));
}

void MapGenerator::Draw(const MapId& id, Canvas& canvas) const {
  std::string fault;
  for (std::uint32_t attempt = 0; attempt < kAttempts; ++attempt) {
    Paint(id, attempt, canvas);
    fault = FaultOf(canvas);
    if (fault.empty()) return;
  }
  Raise<EnvError>("none of ", kAttempts, " maps drawn for environment ", id.env, ", episode ", id.episode,
                  " is as it must be: ", fault);
}

void MapGenerator::Paint(const MapId& id, std::uint32_t attempt, Canvas& canvas) const {
  canvas = base_;
  if (grids_.empty()) {
    SceneRun run(palette_, id.seed, id.env, id.episode, attempt);
    for (const Box& instance : instances_) DrawScene(scene_, View(canvas, instance), run);
    return;
  }
  RandomStream random(id.seed, id.env, id.episode, attempt, Purpose::kPool);
  const Canvas& grid = grids_[random.Below(static_cast<std::uint32_t>(grids_.size()))];
  const View view(canvas, {(height() - grid.height()) / 2, (width() - grid.width()) / 2, grid.height(), grid.width()});
  for (int row = 0; row < grid.height(); ++row) {
    for (int column = 0; column < grid.width(); ++column) view.At(row, column) = grid.At(row, column);
  }
  Scatter(view, scattered_, random);
}

std::string MapGenerator::FaultOf(Canvas& canvas) const {
  std::uint32_t agents = 0;
  for (const Symbol symbol : canvas.cells()) agents += palette_.Kind(symbol) == SymbolKind::kAgent ? 1 : 0;
  std::ostringstream text;
  if (num_agents_ > 0 && agents != num_agents_) {
    text << "it holds " << agents << " agents, but num_agents=" << num_agents_ << ". ";
    if (agents > 0) text << "Set num_agents=" << agents << ", change";
    text << (agents > 0 ? "" : "Name") << " the agents of the map's scenes or pool, or enlarge it if it has no free "
         << "cell left.";
    return text.str();
  }
  if (connectivity_ == Connectivity::kNone) return {};
  for (const Box& instance : instances_) {
    const View view(canvas, instance);
    Fault fault;
    if (AllReachable(view, palette_, fault)) continue;
    if (connectivity_ == Connectivity::kRepair && RepairReach(view, palette_)) continue;
    text << "'" << palette_.Name(fault.symbol) << "' at row " << instance.row + fault.place.row << ", column "
         << instance.column + fault.place.column << " is out of the agents' reach. "
         << (connectivity_ == Connectivity::kCheck ? "Set map.connectivity=repair, or draw fewer walls."
                                                   : "Objects shut it in: place fewer of them.");
    return text.str();
  }
  return {};
}

void MapGenerator::CheckFirstMap() const {
  Canvas canvas;
  try {
    Draw({}, canvas);
  } catch (const EnvError& error) {
    throw ConfigError(std::string("game.map: ") + error.what());
  }
}

}  // namespace mettagrid::maps
