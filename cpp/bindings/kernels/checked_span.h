#pragma once

#include <pybind11/numpy.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <sstream>
#include <stdexcept>

namespace mettagrid::learn {

// A C-contiguous numpy array of exactly this dtype; bind with noconvert(), so that no copy is made.
template <typename T>
using Array = pybind11::array_t<T, pybind11::array::c_style>;

template <typename T>
void CheckShape(const char* name, const Array<T>& array, std::initializer_list<std::int64_t> expected) {
  bool equal = array.ndim() == static_cast<pybind11::ssize_t>(expected.size());
  pybind11::ssize_t axis = 0;
  for (const std::int64_t size : expected) equal = equal && array.shape(axis++) == size;
  if (equal) return;
  std::ostringstream message;
  message << name << ": expected shape (";
  for (const std::int64_t size : expected) message << size << ",";
  message << "), got (";
  for (pybind11::ssize_t i = 0; i < array.ndim(); ++i) message << array.shape(i) << ",";
  message << ")";
  throw std::invalid_argument(message.str());
}

// A read-only view of `array`, whose shape must be `expected`.
template <typename T>
std::span<const T> CheckedInput(const char* name, const Array<T>& array, std::initializer_list<std::int64_t> expected) {
  CheckShape(name, array, expected);
  return {array.data(), static_cast<std::size_t>(array.size())};
}

// A view of `array` to write to; its shape must be `expected`.
template <typename T>
std::span<T> CheckedOutput(const char* name, Array<T>& array, std::initializer_list<std::int64_t> expected) {
  CheckShape(name, array, expected);
  return {array.mutable_data(), static_cast<std::size_t>(array.size())};  // throws when the array is read-only
}

}  // namespace mettagrid::learn
