#pragma once

#include <pybind11/pybind11.h>

namespace mettagrid::bindings {

void BindErrors(pybind11::module_& module);
void BindGame(pybind11::module_& module);
void BindVecEnv(pybind11::module_& module);

}  // namespace mettagrid::bindings
