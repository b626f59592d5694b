#include "learn/token_vectors.h"

#include <pybind11/pybind11.h>

#include "checked_span.h"

namespace mettagrid::learn {
namespace {

namespace py = pybind11;

using Longs = Array<std::int64_t>;
using Floats = Array<float>;
using Bytes = Array<std::uint8_t>;

TokenVectorTables TablesOf(const Longs& channels, const Longs& cells, const Longs& scopes, const Floats& weights,
                           const TokenVectorShape& shape) {
  const TokenVectorTables tables{
      .channels = CheckedInput("channels", channels, {256, 256}),
      .cells = CheckedInput("cells", cells, {3, 256}),
      .scopes = CheckedInput("scopes", scopes, {256}),
      .weights = CheckedInput("weights", weights, {256, 256}),
  };
  CheckTables(tables, shape);
  return tables;
}

TokenVectorShape ShapeOf(const Bytes& obs, const Floats& attributes, std::int64_t num_tokens, std::int64_t num_places,
                         std::int64_t place_dim) {
  if (obs.ndim() != 3 || obs.shape(2) != 3) throw std::invalid_argument("obs: expected shape (N, tokens, 3)");
  if (num_tokens > obs.shape(1)) throw std::invalid_argument("obs: fewer tokens than are to be read");
  if (attributes.ndim() != 2) throw std::invalid_argument("attributes: expected shape (A, E)");
  return {.num_obs = obs.shape(0),
          .num_tokens = num_tokens,
          .stride = obs.shape(1),
          .num_attributes = attributes.shape(0),
          .embed_dim = attributes.shape(1),
          .num_places = num_places,
          .place_dim = place_dim};
}

void Forward(const Longs& channels, const Longs& cells, const Longs& scopes, const Floats& weights, const Bytes& obs,
             const Floats& attributes, const Floats& places, Floats out, Array<bool> mask, int num_threads) {
  if (places.ndim() != 2) throw std::invalid_argument("places: expected shape (P, D)");
  if (out.ndim() != 3) throw std::invalid_argument("out: expected shape (N, K, E + D + 1)");
  const TokenVectorShape shape = ShapeOf(obs, attributes, out.shape(1), places.shape(0), places.shape(1));
  const TokenVectorTables tables = TablesOf(channels, cells, scopes, weights, shape);
  const auto tokens = CheckedInput("obs", obs, {shape.num_obs, shape.stride, 3});
  const auto looks = CheckedInput("attributes", attributes, {shape.num_attributes, shape.embed_dim});
  const auto where = CheckedInput("places", places, {shape.num_places, shape.place_dim});
  const auto result =
      CheckedOutput("out", out, {shape.num_obs, shape.num_tokens, shape.embed_dim + shape.place_dim + 1});
  const auto flags = CheckedOutput("mask", mask, {shape.num_obs, shape.num_tokens});
  const std::span<std::uint8_t> used{reinterpret_cast<std::uint8_t*>(flags.data()), flags.size()};
  const py::gil_scoped_release release;
  TokenVectors(tables, shape, tokens, looks, where, result, used, num_threads);
}

void Backward(const Longs& channels, const Longs& cells, const Longs& scopes, const Floats& weights, const Bytes& obs,
              const Floats& grad_out, Floats grad_attributes, std::int64_t num_places, int num_threads) {
  if (grad_out.ndim() != 3) throw std::invalid_argument("grad_out: expected shape (N, K, E + D + 1)");
  if (grad_attributes.ndim() != 2) throw std::invalid_argument("grad_attributes: expected shape (A, E)");
  const std::int64_t place_dim = grad_out.shape(2) - 1 - grad_attributes.shape(1);
  if (place_dim < 0) throw std::invalid_argument("grad_out: narrower than the attributes");
  const TokenVectorShape shape = ShapeOf(obs, grad_attributes, grad_out.shape(1), num_places, place_dim);
  const TokenVectorTables tables = TablesOf(channels, cells, scopes, weights, shape);
  const auto tokens = CheckedInput("obs", obs, {shape.num_obs, shape.stride, 3});
  const auto grad = CheckedInput("grad_out", grad_out, {shape.num_obs, shape.num_tokens, grad_out.shape(2)});
  const auto result = CheckedOutput("grad_attributes", grad_attributes, {shape.num_attributes, shape.embed_dim});
  const py::gil_scoped_release release;
  TokenVectorsBackward(tables, shape, tokens, grad, result, num_threads);
}

}  // namespace
}  // namespace mettagrid::learn

void BindTokenVectors(pybind11::module_& m) {
  namespace py = pybind11;
  m.def("token_vectors_forward", &mettagrid::learn::Forward, py::arg("channels").noconvert(),
        py::arg("cells").noconvert(), py::arg("scopes").noconvert(), py::arg("weights").noconvert(),
        py::arg("obs").noconvert(), py::arg("attributes").noconvert(), py::arg("places").noconvert(),
        py::arg("out").noconvert(), py::arg("mask").noconvert(), py::arg("num_threads"),
        "Attribute, place and weight of each token, one after the other, and whether it is used.");
  m.def("token_vectors_backward", &mettagrid::learn::Backward, py::arg("channels").noconvert(),
        py::arg("cells").noconvert(), py::arg("scopes").noconvert(), py::arg("weights").noconvert(),
        py::arg("obs").noconvert(), py::arg("grad_out").noconvert(), py::arg("grad_attributes").noconvert(),
        py::arg("num_places"), py::arg("num_threads"),
        "Overwrite grad_attributes with the gradient of token_vectors_forward.");
}
