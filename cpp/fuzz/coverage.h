#pragma once

#include <cstddef>

namespace mettagrid::fuzz {

// Edges that the engine took, counted by the hooks which -fsanitize-coverage=trace-pc puts into it (gcc and clang). One
// thread at a time.

void StartInput();
// Whether the input since StartInput took an edge, or took one as often, as no input before; and remembers it.
bool FoundNew();
std::size_t NumEdges();  // distinct ones so far

}  // namespace mettagrid::fuzz
