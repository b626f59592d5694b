#pragma once

#include "mettagrid/config/objects_config.h"
#include "mettagrid/objects/object_kinds.h"

namespace mettagrid {

// A patch of a commons: agents harvest its stock, and it grows back the faster the more of its neighbours have stock.
// With growth[0] = 0 a patch without such neighbours is lost for good, and so is a commons that is harvested bare.
//
//   y y .        two neighbours with stock:        y y .
//   . Y .   ---- growth[2] a step, at random --->  . y .        (Y is bare)
extern const ObjectKind kPlantKind;

// Throws ConfigError naming the key below `key`, "objects.<name>".
void Compile(const PlantConfig& config, const std::string& key, const Names& names, ObjectType& type);

}  // namespace mettagrid
