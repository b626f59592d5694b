#include "learn/row_copy.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "checked_span.h"

namespace mettagrid::learn {
namespace {

namespace py = pybind11;

using Bytes = Array<std::uint8_t>;

// Tables in memory that stays where it is, and where their chosen rows go.
class RowGather {
 public:
  RowGather(std::vector<Bytes> sources, std::vector<Bytes> destinations)
      : sources_(std::move(sources)), destinations_(std::move(destinations)) {
    if (sources_.size() != destinations_.size() || sources_.empty()) {
      throw std::invalid_argument("destinations: expected one for each of " + std::to_string(sources_.size()) +
                                  " sources and at least one, got " + std::to_string(destinations_.size()));
    }
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      if (sources_[i].ndim() != 2 || destinations_[i].ndim() != 2) {
        throw std::invalid_argument("sources, destinations: expected shape (rows, bytes)");
      }
      const std::int64_t bytes = sources_[i].shape(1);
      const auto from = CheckedInput("sources", sources_[i], {sources_[0].shape(0), bytes});
      const auto to = CheckedOutput("destinations", destinations_[i], {destinations_[0].shape(0), bytes});
      tables_.push_back(
          {reinterpret_cast<const std::byte*>(from.data()), reinterpret_cast<std::byte*>(to.data()), bytes});
    }
  }

  void Run(const Array<std::int64_t>& rows, int num_threads) const {
    const auto chosen = CheckedInput("rows", rows, {destinations_[0].shape(0)});
    const std::int64_t count = sources_[0].shape(0);
    for (const std::int64_t row : chosen) {
      if (row < 0 || row >= count) {
        throw std::invalid_argument("rows: " + std::to_string(row) + " is not in 0 .. " + std::to_string(count - 1));
      }
    }
    const py::gil_scoped_release release;
    GatherRows(tables_, chosen, num_threads);
  }

 private:
  std::vector<Bytes> sources_;
  std::vector<Bytes> destinations_;
  std::vector<GatheredTable> tables_;
};

std::byte* BytesAt(std::int64_t address) {
  return reinterpret_cast<std::byte*>(static_cast<std::uintptr_t>(address));  // NOLINT(performance-no-int-to-ptr)
}

void Spread(const std::vector<std::array<std::int64_t, 4>>& columns, std::int64_t rows, int num_threads) {
  const py::gil_scoped_release release;
  std::vector<SpreadColumn> spread;
  spread.reserve(columns.size());
  for (const auto& [source, destination, bytes, stride] : columns) {
    spread.push_back({BytesAt(source), BytesAt(destination), bytes, stride});
  }
  SpreadColumns(spread, rows, num_threads);
}

}  // namespace
}  // namespace mettagrid::learn

void BindRowCopy(pybind11::module_& m) {
  using namespace mettagrid::learn;
  py::class_<RowGather>(m, "RowGather", "Copies chosen rows of many tables at once.")
      .def(py::init<std::vector<Bytes>, std::vector<Bytes>>(), py::arg("sources").noconvert(),
           py::arg("destinations").noconvert())
      .def("run", &RowGather::Run, py::arg("rows").noconvert(), py::arg("num_threads"),
           "Row i of each destination becomes row rows[i] of its source.");
  m.def("spread_columns", &Spread, py::arg("columns"), py::arg("rows"), py::arg("num_threads"),
        "Copy cells that lie one after the other to places that lie apart.");
}
