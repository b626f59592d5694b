#include <exception>

#include "bind.h"
#include "mettagrid/core/check.h"

namespace mettagrid::bindings {
namespace {

namespace py = pybind11;

void SetError(const char* name, const char* message) {
  const py::object type = py::module_::import("metta.common.errors").attr(name);
  py::set_error(type, message);
}

}  // namespace

// The engine's errors arrive as the Python errors of metta.common.errors, looked up when one is raised.
void BindErrors(py::module_& module) {
  static_cast<void>(module);
  py::register_local_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const ConfigError& error) {
      SetError("ConfigError", error.what());
    } catch (const ShapeError& error) {
      SetError("ShapeContractError", error.what());
    } catch (const EnvError& error) {
      SetError("EnvError", error.what());
    }
  });
}

}  // namespace mettagrid::bindings
