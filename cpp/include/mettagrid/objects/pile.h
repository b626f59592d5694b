#pragma once

#include <optional>

#include "mettagrid/config/objects_config.h"
#include "mettagrid/objects/object_kinds.h"

namespace mettagrid {

// What a dying agent leaves behind: others take what they have room for. Piles are no part of a map; they come into
// being and vanish between the actions of two steps.
//
//   1. @ B .   B dies       2. @ % .   use, or get_items       3. @ . .   empty: gone at the end of the step
extern const ObjectKind kPileKind;

// Throws ConfigError naming the key below `key`, "objects.<name>".
void Compile(const PileConfig& config, const std::string& key, const Names& names, ObjectType& type);

// Lays an empty pile of the type on `cell`, or on the free cell nearest to it (by rows and columns away, then in
// reading order). None when all piles of the type lie somewhere, or no cell is free.
std::optional<ObjectId> LayPile(const World& world, const ObjectType& type, CellIndex cell);
// Piles of the type that hold nothing vanish.
void ClearPiles(const World& world, const ObjectType& type);

}  // namespace mettagrid
