#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mettagrid {

// A mapping in the order that the user wrote it.
template <class T>
using Named = std::vector<std::pair<std::string, T>>;

using Amounts = Named<std::int64_t>;
using Weights = Named<double>;

}  // namespace mettagrid
