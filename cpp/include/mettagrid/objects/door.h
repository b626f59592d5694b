#pragma once

#include "mettagrid/config/objects_config.h"
#include "mettagrid/objects/object_kinds.h"

namespace mettagrid {

// Opens for whoever brings the key. From the next step on agents walk through it like through an empty cell; it lies on
// the floor then, and a cell shows the agent that stands there. It closes when its time is over and nobody is in it.
//
//   1. k D .   use, with the key      2. . @ .   on the open door      3. . d @   gone on; later D
extern const ObjectKind kDoorKind;

// Throws ConfigError naming the key below `key`, "objects.<name>".
void Compile(const DoorConfig& config, const std::string& key, const Names& names, ObjectType& type);

}  // namespace mettagrid
