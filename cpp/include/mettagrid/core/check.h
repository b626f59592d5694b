#pragma once

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <string>

namespace mettagrid {

// The user's faults. Bindings turn them into the Python errors of the same name.
struct ConfigError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};
struct ShapeError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};
struct EnvError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class Error, class... Parts>
[[noreturn]] void Raise(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  throw Error(text.str());
}

}  // namespace mettagrid

// Edges: the user's mistake. Throws `error` with the joined parts.
#define MG_CHECK(condition, error, ...)                    \
  do {                                                     \
    if (!(condition)) [[unlikely]] {                       \
      ::mettagrid::Raise<::mettagrid::error>(__VA_ARGS__); \
    }                                                      \
  } while (false)

// Step path: our mistake. Compiled only into debug and sanitizer builds.
#ifdef METTA_DCHECK
#define MG_DCHECK(condition)                                                                 \
  do {                                                                                       \
    if (!(condition)) [[unlikely]] {                                                         \
      std::fprintf(stderr, "%s:%d: broken invariant: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                          \
    }                                                                                        \
  } while (false)
#else
#define MG_DCHECK(condition) static_cast<void>(0)
#endif
