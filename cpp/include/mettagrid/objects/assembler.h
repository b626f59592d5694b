#pragma once

#include "mettagrid/config/objects_config.h"
#include "mettagrid/objects/object_kinds.h"

namespace mettagrid {

// Makes things at once, from what the agents around it hold together. Which recipe is on depends on who stands where,
// or on the glyphs that they show, when a step begins: agents that walk off in the same step still count and pay, and
// those that come count from the next step on.
//
//   recipe {W, E}:   . Z @   nothing        @ Z @   either of the two uses it: both pay, the user gets the output
extern const ObjectKind kAssemblerKind;

// Throws ConfigError naming the key below `key`, "objects.<name>".
void Compile(const AssemblerConfig& config, const std::string& key, const Names& names, ObjectType& type);

}  // namespace mettagrid
