#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "mettagrid/objects/world.h"

namespace mettagrid::bindings {

// One dict per thing on the map, agents first, then converters, then static objects in reading order.
pybind11::list GridObjects(const World& world);

// One character a cell, rows separated by line feeds: agents 0-9a-z, others by the first letter of their name.
std::string RenderText(const World& world);

}  // namespace mettagrid::bindings
