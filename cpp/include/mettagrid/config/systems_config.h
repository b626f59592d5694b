#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mettagrid/config/named.h"

namespace mettagrid {

// World systems that a game may switch on; see systems/registry.cpp.
struct SystemsConfig {
  template <class Visitor, class Self>
  static void Visit(Visitor&&, Self&) {}
};

}  // namespace mettagrid
