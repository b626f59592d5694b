#pragma once

#include <memory>

namespace mettagrid {

// A value on the heap, so that a config may hold one of its own kind. Copies share it: configs are never changed once
// they are read.
template <class T>
struct Boxed {
  std::shared_ptr<const T> value;

  Boxed() = default;
  Boxed(T content) : value(std::make_shared<const T>(std::move(content))) {}  // NOLINT: reads like the value
  explicit operator bool() const { return value != nullptr; }
  const T& operator*() const { return *value; }
};

}  // namespace mettagrid
