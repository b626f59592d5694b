#include <pybind11/pybind11.h>

#include "bind.h"

PYBIND11_MODULE(_core, module) {
  module.doc() = "MettaGrid's native engine. Use metta.mettagrid.vec_env; this module is its raw material.";
  mettagrid::bindings::BindErrors(module);
  mettagrid::bindings::BindGame(module);
  mettagrid::bindings::BindVecEnv(module);
}
