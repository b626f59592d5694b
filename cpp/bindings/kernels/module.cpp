#include <pybind11/pybind11.h>

// One file of bindings per subject.
void BindAdam(pybind11::module_& m);
void BindCategorical(pybind11::module_& m);
void BindDense(pybind11::module_& m);
void BindGae(pybind11::module_& m);
void BindLstm(pybind11::module_& m);
void BindLatentRead(pybind11::module_& m);
void BindPpo(pybind11::module_& m);
void BindRowCopy(pybind11::module_& m);
void BindSampleActions(pybind11::module_& m);
void BindSmallAttention(pybind11::module_& m);
void BindTokenBag(pybind11::module_& m);
void BindTokenConv(pybind11::module_& m);
void BindTokenVectors(pybind11::module_& m);

PYBIND11_MODULE(_kernels, m) {
  m.doc() = "CPU kernels for learning: numpy arrays in and out, no copies, GIL released while they run.";
  BindAdam(m);
  BindCategorical(m);
  BindDense(m);
  BindGae(m);
  BindLstm(m);
  BindLatentRead(m);
  BindPpo(m);
  BindRowCopy(m);
  BindSampleActions(m);
  BindSmallAttention(m);
  BindTokenBag(m);
  BindTokenConv(m);
  BindTokenVectors(m);
}
