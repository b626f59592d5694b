// The learning kernels against loops that anybody can read, at sizes that fit no tile.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "learn/adam.h"
#include "learn/categorical.h"
#include "learn/dense.h"
#include "learn/gemm.h"
#include "learn/lstm.h"
#include "learn/row_copy.h"

using namespace mettagrid::learn;

namespace {

using Floats = std::vector<float>;

Floats Numbers(std::int64_t count, std::uint32_t seed) {
  Floats values(static_cast<std::size_t>(count));
  for (float& value : values) {
    seed = seed * 1664525U + 1013904223U;
    value = static_cast<float>(seed >> 8) / static_cast<float>(1U << 23) - 1.0F;
  }
  return values;
}

float At(const Floats& values, std::int64_t index) { return values[static_cast<std::size_t>(index)]; }

bool Close(double a, double b) { return std::fabs(a - b) < 1e-4 * (1.0 + std::fabs(b)); }

}  // namespace

TEST_CASE("products equal their definition at any size") {
  for (const std::int64_t rows : {1, 5, 13, 30}) {
    for (const std::int64_t columns : {1, 16, 17, 33, 70}) {
      const std::int64_t depth = columns == 17 ? 70 : 9;
      const Floats a = Numbers(rows * depth, 1);
      const Floats b = Numbers(depth * columns, 2);
      const Floats bias = Numbers(columns, 3);
      PackedMatrix packed;
      packed.Pack({b.data(), columns, 1}, depth, columns);
      Floats out(static_cast<std::size_t>(rows * columns));
      Multiply({a.data(), depth, 1}, rows, packed, Start::kBias, bias.data(), out.data(), columns);
      Floats turned(a.size());  // a as [depth, rows]
      for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t p = 0; p < depth; ++p) turned[static_cast<std::size_t>(p * rows + i)] = At(a, i * depth + p);
      }
      PackedTranspose strips;
      strips.Pack(turned.data(), rows, depth, rows);
      PackedTranspose parts;  // the same, each row in two parts
      parts.Reserve(depth, rows);
      for (std::int64_t p = 0; p < depth; ++p) {
        parts.PackRow(p, 0, turned.data() + p * rows, rows / 3);
        parts.PackRow(p, rows / 3, turned.data() + p * rows + rows / 3, rows - rows / 3);
      }
      Floats pieced(out.size());
      Multiply(parts, packed, Start::kZero, pieced.data(), columns);
      Floats twice(out.size());
      Multiply(strips, packed, Start::kZero, twice.data(), columns);
      Multiply(strips, packed, Start::kOutput, twice.data(), columns);
      PackedMatrix left;  // begins with a row that is left out
      left.Reserve(rows + 1, depth);
      for (std::int64_t i = 0; i < rows; ++i) left.PackRow(i + 1, a.data() + i * depth);
      Floats by_column(b.size());
      for (std::int64_t p = 0; p < depth; ++p) {
        for (std::int64_t j = 0; j < columns; ++j) {
          by_column[static_cast<std::size_t>(j * depth + p)] = At(b, p * columns + j);
        }
      }
      packed.Pack({by_column.data(), 1, depth}, depth, columns);
      Floats again(out.size());
      Multiply(left, 1, rows, packed, Start::kZero, again.data(), columns);
      bool equal = true;
      for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t j = 0; j < columns; ++j) {
          double sum = 0.0;
          for (std::int64_t p = 0; p < depth; ++p) sum += double{At(a, i * depth + p)} * At(b, p * columns + j);
          equal = equal && Close(At(out, i * columns + j), sum + At(bias, j));
          equal = equal && Close(At(twice, i * columns + j), 2 * sum);
          equal = equal && Close(At(pieced, i * columns + j), sum);
          equal = equal && Close(At(again, i * columns + j), sum);
        }
      }
      CHECK(equal);
    }
  }
}

TEST_CASE("a dense layer's gradients equal differences of its values") {
  const DenseShape shape{.rows = 410, .inputs = 3, .outputs = 5, .relu = true};
  const Floats x = Numbers(shape.rows * shape.inputs, 1);
  Floats w = Numbers(shape.outputs * shape.inputs, 2);
  const Floats bias = Numbers(shape.outputs, 3);
  const Floats grad = Numbers(shape.rows * shape.outputs, 4);
  Floats y(grad.size());
  const auto value = [&] {
    DenseForward(shape, x, w, bias, y, 2);
    double sum = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += double{y[i]} * grad[i];
    return sum;
  };
  value();
  Floats grad_x(x.size());
  Floats grad_w(w.size());
  Floats grad_bias(bias.size());
  DenseBackward(shape, x, w, y, grad, grad_x, grad_w, grad_bias, 3);
  for (std::size_t i = 0; i < w.size(); ++i) {
    const float kept = w[i];
    w[i] = kept + 1e-3F;
    const double above = value();
    w[i] = kept - 1e-3F;
    const double below = value();
    w[i] = kept;
    CHECK(std::fabs((above - below) / 2e-3 - grad_w[i]) < 0.2);
  }
}

TEST_CASE("an LSTM's gradients equal differences of its values, resets included") {
  const LstmShape shape{.segments = 27, .steps = 10, .inputs = 2, .units = 5};
  const std::int64_t places = shape.segments * shape.steps;
  const Floats x = Numbers(places * shape.inputs, 1);
  Floats h0 = Numbers(shape.segments * shape.units, 2);
  const Floats c0 = Numbers(shape.segments * shape.units, 3);
  const Floats w_ih = Numbers(4 * shape.units * shape.inputs, 4);
  Floats w_hh = Numbers(4 * shape.units * shape.units, 5);
  const Floats bias = Numbers(4 * shape.units, 6);
  std::vector<std::uint8_t> first(static_cast<std::size_t>(places), 0);
  for (std::size_t i = 0; i < first.size(); i += 4) first[i] = 1;
  Floats gates(static_cast<std::size_t>(places * 4 * shape.units));
  Floats cells(static_cast<std::size_t>(places * shape.units));
  Floats h(cells.size());
  Floats hn(h0.size());
  Floats cn(c0.size());
  const LstmInputs in{x, first, h0, c0, w_ih, w_hh, bias};
  const LstmTrace trace{gates, cells};
  const Floats grad = Numbers(places * shape.units, 7);
  const Floats zeros(h0.size(), 0.0F);
  const auto value = [&] {
    LstmForward(shape, in, trace, h, hn, cn, 2);
    double sum = 0.0;
    for (std::size_t i = 0; i < h.size(); ++i) sum += double{h[i]} * grad[i];
    return sum;
  };
  value();
  Floats grad_x(x.size());
  Floats grad_h0(h0.size());
  Floats grad_c0(c0.size());
  Floats grad_w_ih(w_ih.size());
  Floats grad_w_hh(w_hh.size());
  Floats grad_bias(bias.size());
  LstmBackward(shape, in, trace, h, grad, zeros, zeros, {grad_x, grad_h0, grad_c0, grad_w_ih, grad_w_hh, grad_bias}, 2);
  const auto difference = [&](float& number) {
    const float kept = number;
    number = kept + 1e-2F;
    const double above = value();
    number = kept - 1e-2F;
    const double below = value();
    number = kept;
    return (above - below) / 2e-2;
  };
  for (std::size_t i = 0; i < w_hh.size(); i += 7) CHECK(std::fabs(difference(w_hh[i]) - grad_w_hh[i]) < 1e-2);
  for (std::size_t i = 0; i < h0.size(); i += 11) CHECK(std::fabs(difference(h0[i]) - grad_h0[i]) < 1e-2);
  CHECK(grad_h0[0] == 0.0F);  // the first segment is reset before its first step
}

TEST_CASE("a masked distribution has the entropy and gradients of its definition") {
  const Floats logits = {1.0F, 2.0F, 3.0F};
  const std::vector<std::uint8_t> mask = {1, 0, 1};
  const std::vector<std::int64_t> actions = {2};
  const CategoricalView view{1, 3, mask, actions};
  Floats log_probs(3);
  Floats chosen(1);
  Floats entropy(1);
  CategoricalForward(view, logits, log_probs, chosen, entropy, 2);
  const double p = 1.0 / (1.0 + std::exp(-2.0));
  CHECK(Close(chosen[0], std::log(p)));
  CHECK(Close(entropy[0], -p * std::log(p) - (1 - p) * std::log(1 - p)));
  Floats grad(3);
  CategoricalBackward(view, log_probs, entropy, Floats{1.0F}, Floats{0.0F}, grad, 2);
  CHECK(Close(grad[0], p - 1));
  CHECK(grad[1] == 0.0F);
  CHECK(Close(grad[2], 1 - p));
}

TEST_CASE("Adam equals its definition at any size, for any number of threads") {
  for (const std::int64_t size : {1, 17, 300, 40000}) {
    const AdamSettings settings{0.1, 0.8, 0.9, 1e-3, 0.2, size % 2 == 0};
    const Floats start = Numbers(size, 1);
    const Floats means = Numbers(size, 3);
    Floats alone;
    for (const int threads : {1, 2, 3}) {
      Floats weights = start;
      Floats gradient = Numbers(size, 2);
      Floats first = means;
      Floats second(static_cast<std::size_t>(size), 0.5F);
      const AdamTensor tensor{weights.data(), gradient.data(),           first.data(), second.data(),
                              size,           AdamFactors(settings, 2.0)};
      const std::vector<std::span<const float>> gradients = {gradient};
      const double norm = GradientNorm(gradients, threads);
      AdamStep({&tensor, 1}, 0.5F, threads);
      double squares = 0.0;
      bool equal = true;
      for (std::int64_t i = 0; i < size; ++i) {
        const double g = 2.0 * At(gradient, i);
        squares += g * g;
        const double w = At(start, i);
        const double pull = 0.5 * g + (settings.decoupled ? 0.0 : 0.2 * w);
        const double m = 0.8 * At(means, i) + 0.2 * pull;
        const double v = 0.9 * 0.5 + 0.1 * pull * pull;
        const double step = 0.1 * (m / 0.36) / (std::sqrt(v / 0.19) + 1e-3);
        equal = equal && Close(At(weights, i), w * (settings.decoupled ? 0.98 : 1.0) - step);
      }
      CHECK(equal);
      CHECK(Close(norm, std::sqrt(squares)));
      if (threads == 1) alone = weights;
      CHECK(weights == alone);
    }
  }
}

TEST_CASE("rows are gathered and columns spread, whatever their size, for any number of threads") {
  for (const std::int64_t bytes : {1, 3, 4, 8, 70000}) {
    const std::vector<std::int64_t> chosen = {4, 0, 4, 2, 1, 3, 3, 0, 2, 1, 0, 4};
    const auto count = static_cast<std::int64_t>(chosen.size());
    std::vector<std::byte> table(static_cast<std::size_t>(5 * bytes));
    for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<std::byte>(i * 37 + i / 251);
    for (const int threads : {1, 3}) {
      std::vector<std::byte> gathered(static_cast<std::size_t>(count * bytes));
      const GatheredTable from{table.data(), gathered.data(), bytes};
      GatherRows({&from, 1}, chosen, threads);
      const std::int64_t stride = 2 * bytes + 1;
      std::vector<std::byte> apart(static_cast<std::size_t>(count * stride));
      const SpreadColumn column{gathered.data(), apart.data(), bytes, stride};
      SpreadColumns({&column, 1}, count, threads);
      bool equal = true;
      for (std::int64_t i = 0; i < count; ++i) {
        for (std::int64_t j = 0; j < stride; ++j) {
          const auto row = chosen[static_cast<std::size_t>(i)];
          const auto expected = j < bytes ? table[static_cast<std::size_t>(row * bytes + j)] : std::byte{0};
          equal = equal && apart[static_cast<std::size_t>(i * stride + j)] == expected;
        }
      }
      CHECK(equal);
    }
  }
}
