#include "mettagrid/maps/scene.h"

#include <algorithm>
#include <set>
#include <utility>

namespace mettagrid::maps {
namespace {

using Locks = std::set<std::pair<std::string, std::size_t>>;  // lock and index of an area used under it

bool Carries(const std::vector<std::string>& tags, const std::vector<std::string>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&tags](const std::string& tag) {
    return std::find(tags.begin(), tags.end(), tag) != tags.end();
  });
}

// Indices of the areas that a child is drawn on, in its order.
std::vector<std::size_t> Choose(const SceneNode& scene, const ChildNode& child, std::size_t num_areas, Locks& locks,
                                RandomStream& random) {
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < num_areas; ++i) {
    const bool is_free = child.lock.empty() || !locks.contains({child.lock, i});
    if (is_free && Carries(scene.area_tags[i], child.tags)) chosen.push_back(i);
  }
  if (child.order == AreaOrder::kRandom) random.ShuffleFirst(std::span(chosen), chosen.size());
  if (child.order == AreaOrder::kLast) std::reverse(chosen.begin(), chosen.end());
  chosen.erase(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(std::min(child.offset, chosen.size())));
  if (child.limit > 0 && chosen.size() > child.limit) chosen.resize(child.limit);
  if (!child.lock.empty()) {
    for (const std::size_t i : chosen) locks.emplace(child.lock, i);
  }
  return chosen;
}

}  // namespace

void DrawScene(const SceneNode& scene, View view, SceneRun& run) {
  RandomStream random = run.NextStream();
  const std::vector<Box> areas = scene.draw(view, random, run);
  MG_DCHECK(areas.size() <= scene.area_tags.size());
  Locks locks;
  for (const ChildNode& child : scene.children) {
    if (child.tags.empty()) {
      DrawScene(*child.scene, view, run);
      continue;
    }
    for (const std::size_t area : Choose(scene, child, areas.size(), locks, random)) {
      DrawScene(*child.scene, view.Sub(areas[area]), run);
    }
  }
}

Counts MostDrawn(const SceneNode& scene, std::uint64_t area) {
  Counts most = scene.most(area);
  for (const ChildNode& child : scene.children) {
    std::uint64_t times = 1;
    if (!child.tags.empty()) {
      times =
          static_cast<std::uint64_t>(std::count_if(scene.area_tags.begin(), scene.area_tags.end(),
                                                   [&child](const auto& tags) { return Carries(tags, child.tags); }));
      times -= std::min<std::uint64_t>(times, child.offset);
      if (child.limit > 0) times = std::min<std::uint64_t>(times, child.limit);
    }
    if (times == 0) continue;
    const Counts whole = MostDrawn(*child.scene, area);
    const Counts fixed = MostDrawn(*child.scene, 0);
    for (std::size_t i = 0; i < most.size(); ++i) {
      // Numbers repeat in each area; shares of an area add up to shares of the whole, unless areas overlap.
      most[i] += scene.areas_overlap ? times * whole[i] : times * fixed[i] + (whole[i] - fixed[i]);
    }
  }
  return most;
}

}  // namespace mettagrid::maps
