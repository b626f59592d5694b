#include <doctest/doctest.h>

#include <vector>

#include "games.h"
#include "mettagrid/objects/features.h"

using namespace mettagrid;
using namespace mettagrid::testing;

TEST_CASE("a world in which one cell or one bit of the occupancy differs is not sound") {
  // Sizes whose padded cells fill whole stretches and leave a rest; the last row is reached in each.
  for (const std::size_t width : {1, 5, 62, 203}) {
    std::vector<std::u32string> rows(11, std::u32string(width, U'.'));
    rows[3][0] = U'@';
    rows[10][width - 1] = U'm';
    Batch batch(DrawnConfig(rows), 1);
    batch.Reset(1);
    const auto snapshot = batch.env().Snapshot(0);
    std::vector<std::byte> bytes(snapshot.size() + 64);
    std::byte* const aligned = bytes.data() + (64 - reinterpret_cast<std::uintptr_t>(bytes.data()) % 64);
    std::copy(snapshot.begin(), snapshot.end(), aligned);
    World world(batch.program(), aligned);
    REQUIRE(IsSound(world));
    const CellCode num_codes = static_cast<CellCode>(batch.program().first_object_code + batch.program().num_objects());
    for (CellIndex cell = 0; cell < batch.program().map.num_cells(); ++cell) {
      const CellCode code = world.cells[cell];
      for (const CellCode other : {kEmpty, kOutside, num_codes, static_cast<CellCode>(num_codes + 1000)}) {
        if (other == code) continue;
        world.cells[cell] = other;
        CHECK(!IsSound(world));
      }
      world.cells[cell] = code;
      world.occupied[cell >> 3] = static_cast<std::uint8_t>(world.occupied[cell >> 3] ^ (1U << (cell & 7)));
      CHECK(!IsSound(world));
      world.occupied[cell >> 3] = static_cast<std::uint8_t>(world.occupied[cell >> 3] ^ (1U << (cell & 7)));
    }
    CHECK(IsSound(world));
  }
}

TEST_CASE("a world whose things show features that do not exist is not sound") {
  Batch batch(DrawnConfig({U"@m"}), 1);
  batch.Reset(1);
  const auto snapshot = batch.env().Snapshot(0);
  std::vector<std::byte> bytes(snapshot.size() + 64);
  std::byte* const aligned = bytes.data() + (64 - reinterpret_cast<std::uintptr_t>(bytes.data()) % 64);
  std::copy(snapshot.begin(), snapshot.end(), aligned);
  const World world(batch.program(), aligned);
  REQUIRE(IsSound(world));
  std::uint8_t* const run = world.RunOf(batch.program().CodeOf(AgentId(0)));
  const std::uint8_t shown = run[1];
  run[1] = static_cast<std::uint8_t>(feature::kFirstInventory + batch.program().num_resources());
  CHECK(!IsSound(world));
  run[1] = shown;
  CHECK(IsSound(world));
}
