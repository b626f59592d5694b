#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <initializer_list>
#include <span>
#include <string>

#include "mettagrid/core/check.h"

namespace mettagrid::bindings {

namespace py = pybind11;

inline std::string Describe(const py::dtype& dtype, const py::ssize_t* sizes, std::size_t count) {
  std::string text = py::str(dtype);
  text.append("[");
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) text.append(", ");
    text.append(std::to_string(sizes[i]));
  }
  return text.append("]");
}

// Says what is wrong with `object`; the texts are made only now, because actions are checked in every step.
template <class Plain>
[[noreturn]] void RaiseShapeError(const char* name, const py::handle& object,
                                  std::initializer_list<py::ssize_t> shape) {
  const std::string expected = Describe(py::dtype::of<Plain>(), shape.begin(), shape.size());
  if (!py::isinstance<py::array>(object)) {
    Raise<ShapeError>(name, " is a ", std::string(py::str(py::type::of(object).attr("__name__"))),
                      ", expected a numpy array ", expected, ". For a CPU torch tensor pass tensor.numpy().");
  }
  const auto array = py::reinterpret_borrow<py::array>(object);
  const std::string got = Describe(array.dtype(), array.shape(), static_cast<std::size_t>(array.ndim()));
  if (!array.dtype().equal(py::dtype::of<Plain>())) {
    const std::string type = py::str(py::dtype::of<Plain>());
    Raise<ShapeError>(name, " is ", got, ", expected ", expected, ". Pass ", name, ".astype(numpy.", type,
                      "): nothing is converted on the way.");
  }
  if (got != expected) {
    Raise<ShapeError>(name, " is ", got, ", expected ", expected,
                      ". Rows are environments times agents (num_rows, or those of one slot).");
  }
  if ((array.flags() & py::array::c_style) == 0) {
    Raise<ShapeError>(name, " ", got, " is not C-contiguous. Pass numpy.ascontiguousarray of it.");
  }
  Raise<ShapeError>(name, " ", got, " is read-only, expected a buffer that can be written.");
}

// A view on a caller's array, after checking dtype, shape, layout and (for outputs) that it can be written.
// Never converts: a converted copy would not see later writes. Throws ShapeError with name, got and expected.
template <class T>
std::span<T> CheckedSpan(const char* name, const py::handle& object, std::initializer_list<py::ssize_t> shape) {
  using Plain = std::remove_const_t<T>;
  if (!py::isinstance<py::array_t<Plain, py::array::c_style>>(object)) RaiseShapeError<Plain>(name, object, shape);
  const auto array = py::reinterpret_borrow<py::array>(object);
  if (!std::equal(shape.begin(), shape.end(), array.shape(), array.shape() + array.ndim())) {
    RaiseShapeError<Plain>(name, object, shape);
  }
  if constexpr (!std::is_const_v<T>) {
    if (!array.writeable()) RaiseShapeError<Plain>(name, object, shape);
  }
  return {static_cast<T*>(const_cast<void*>(array.data())), static_cast<std::size_t>(array.size())};
}

}  // namespace mettagrid::bindings
