#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <initializer_list>
#include <span>
#include <string>

#include "mettagrid/core/check.h"

namespace mettagrid::bindings {

namespace py = pybind11;

inline std::string ShapeText(const py::ssize_t* sizes, std::size_t count) {
  std::string text = "[";
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) text.append(", ");
    text.append(std::to_string(sizes[i]));
  }
  return text + "]";
}

// A view on a caller's array, after checking dtype, shape, layout and (for outputs) that it can be written.
// Never converts: a converted copy would not see later writes. Throws ShapeError with name, got and expected.
template <class T>
std::span<T> CheckedSpan(const char* name, const py::handle& object, std::initializer_list<py::ssize_t> shape) {
  using Plain = std::remove_const_t<T>;
  const std::string expected = std::string(py::str(py::dtype::of<Plain>())) + ShapeText(shape.begin(), shape.size());
  MG_CHECK(py::isinstance<py::array>(object), ShapeError, name, " is a ",
           std::string(py::str(py::type::of(object).attr("__name__"))), ", expected a numpy array ", expected,
           ". For a CPU torch tensor pass tensor.numpy().");
  const auto array = py::reinterpret_borrow<py::array>(object);
  const std::string got =
      std::string(py::str(array.dtype())) + ShapeText(array.shape(), static_cast<std::size_t>(array.ndim()));
  MG_CHECK(py::isinstance<py::array_t<Plain>>(array), ShapeError, name, " is ", got, ", expected ", expected,
           ". Convert it with .astype before the call.");
  bool fits = array.ndim() == static_cast<py::ssize_t>(shape.size());
  for (std::size_t i = 0; fits && i < shape.size(); ++i) {
    fits = array.shape(static_cast<py::ssize_t>(i)) == shape.begin()[i];
  }
  MG_CHECK(fits, ShapeError, name, " is ", got, ", expected ", expected, ".");
  MG_CHECK((array.flags() & py::array::c_style) != 0, ShapeError, name, " ", got,
           " is not C-contiguous. Pass numpy.ascontiguousarray of it, or bind a contiguous buffer.");
  if constexpr (!std::is_const_v<T>) {
    MG_CHECK(array.writeable(), ShapeError, name, " ", got, " is read-only, expected a buffer that can be written.");
    return {static_cast<T*>(const_cast<void*>(array.data())), static_cast<std::size_t>(array.size())};
  } else {
    return {static_cast<T*>(array.data()), static_cast<std::size_t>(array.size())};
  }
}

}  // namespace mettagrid::bindings
