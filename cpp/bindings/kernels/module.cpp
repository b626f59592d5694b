#include <pybind11/pybind11.h>

namespace learn {
// One file of bindings per subject.
void BindTokenBag(pybind11::module_& m);
}  // namespace learn

PYBIND11_MODULE(_kernels, m) {
  m.doc() = "CPU kernels for learning: numpy arrays in and out, no copies, GIL released while they run.";
  learn::BindTokenBag(m);
}
