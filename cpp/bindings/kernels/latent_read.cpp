#include "learn/latent_read.h"

#include <pybind11/pybind11.h>

#include "checked_span.h"

namespace mettagrid::learn {
namespace {

namespace py = pybind11;

LatentReadShape ShapeOf(const Array<float>& tokens, const Array<float>& reads, float eps) {
  if (tokens.ndim() != 3) throw std::invalid_argument("tokens: expected shape (N, K, C)");
  if (reads.ndim() != 3) throw std::invalid_argument("reads: expected shape (1 or N, R, C)");
  return {.num_obs = tokens.shape(0),
          .num_tokens = tokens.shape(1),
          .num_reads = reads.shape(1),
          .width = tokens.shape(2),
          .shared = reads.shape(0) == 1,
          .eps = eps};
}

std::span<const std::uint8_t> CheckedMask(const Array<bool>& mask, const LatentReadShape& shape) {
  const auto flags = CheckedInput("mask", mask, {shape.num_obs, shape.num_tokens});
  return {reinterpret_cast<const std::uint8_t*>(flags.data()), flags.size()};
}

void Forward(const Array<float>& tokens, const Array<bool>& mask, const Array<float>& reads, Array<float> out,
             float eps, int num_threads) {
  const LatentReadShape shape = ShapeOf(tokens, reads, eps);
  const auto vectors = CheckedInput("tokens", tokens, {shape.num_obs, shape.num_tokens, shape.width});
  const auto flags = CheckedMask(mask, shape);
  const std::int64_t rows = shape.shared ? 1 : shape.num_obs;
  const auto queries = CheckedInput("reads", reads, {rows, shape.num_reads, shape.width});
  const auto result = CheckedOutput("out", out, {shape.num_obs, shape.num_reads, shape.width});
  const py::gil_scoped_release release;
  LatentRead(shape, vectors, flags, queries, result, num_threads);
}

void Backward(const Array<float>& tokens, const Array<bool>& mask, const Array<float>& reads,
              const Array<float>& grad_out, Array<float> grad_tokens, Array<float> grad_reads, float eps,
              int num_threads) {
  const LatentReadShape shape = ShapeOf(tokens, reads, eps);
  const auto vectors = CheckedInput("tokens", tokens, {shape.num_obs, shape.num_tokens, shape.width});
  const auto flags = CheckedMask(mask, shape);
  const std::int64_t rows = shape.shared ? 1 : shape.num_obs;
  const auto queries = CheckedInput("reads", reads, {rows, shape.num_reads, shape.width});
  const auto grad = CheckedInput("grad_out", grad_out, {shape.num_obs, shape.num_reads, shape.width});
  const auto to_tokens = CheckedOutput("grad_tokens", grad_tokens, {shape.num_obs, shape.num_tokens, shape.width});
  const auto to_reads = CheckedOutput("grad_reads", grad_reads, {rows, shape.num_reads, shape.width});
  const py::gil_scoped_release release;
  LatentReadBackward(shape, vectors, flags, queries, grad, to_tokens, to_reads, num_threads);
}

}  // namespace
}  // namespace mettagrid::learn

void BindLatentRead(pybind11::module_& m) {
  namespace py = pybind11;
  m.def("latent_read_forward", &mettagrid::learn::Forward, py::arg("tokens").noconvert(), py::arg("mask").noconvert(),
        py::arg("reads").noconvert(), py::arg("out").noconvert(), py::arg("eps"), py::arg("num_threads"),
        "out[n, r]: the mean of the normalised tokens by the attention that reads[n, r] pays to them.");
  m.def("latent_read_backward", &mettagrid::learn::Backward, py::arg("tokens").noconvert(), py::arg("mask").noconvert(),
        py::arg("reads").noconvert(), py::arg("grad_out").noconvert(), py::arg("grad_tokens").noconvert(),
        py::arg("grad_reads").noconvert(), py::arg("eps"), py::arg("num_threads"),
        "Overwrite grad_tokens and grad_reads with the gradients of latent_read_forward.");
}
