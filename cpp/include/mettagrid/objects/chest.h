#pragma once

#include "mettagrid/config/objects_config.h"
#include "mettagrid/objects/object_kinds.h"

namespace mettagrid {

// Keeps resources for whoever comes. Where an agent stands decides what a use does; an agent that shows a glyph with
// transfers of its own does those. What does not fit stays where it is: nothing is ever lost.
//
//   deposit_positions {W}, withdrawal_positions {E}:     @ C @
//                                             puts in ---^   ^--- takes out
extern const ObjectKind kChestKind;

// Throws ConfigError naming the key below `key`, "objects.<name>".
void Compile(const ChestConfig& config, const std::string& key, const Names& names, ObjectType& type);

}  // namespace mettagrid
