#include "learn/token_bag.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "checked_span.h"
#include "learn/token_network.h"

namespace mettagrid::learn {
namespace {

namespace py = pybind11;

// Owns copies of the tables, checked once.
class OwnedTables {
 public:
  using Arguments = std::tuple<Array<std::int32_t>, Array<std::uint8_t>, Array<std::int32_t>, Array<float>>;

  OwnedTables(const Array<std::int32_t>& positions, const Array<std::uint8_t>& scopes, const Array<std::int32_t>& rows,
              const Array<float>& weights)
      : positions_(Copy("positions", positions, {3, 256})),
        scopes_(Copy("scopes", scopes, {256})),
        rows_(Copy("rows", rows, {256, 256})),
        weights_(Copy("weights", weights, {256, 256})) {
    for (const std::uint8_t scope : scopes_) {
      if (scope > 2) throw std::invalid_argument("scopes: expected values 0 .. 2, got " + std::to_string(scope));
    }
    largest_ = LargestRow(view());
  }

  // What the constructor takes.
  Arguments State() const {
    return Arguments(ArrayOf(positions_, {3, 256}), ArrayOf(scopes_, {256}), ArrayOf(rows_, {256, 256}),
                     ArrayOf(weights_, {256, 256}));
  }

  TokenTables view() const { return {positions_, scopes_, rows_, weights_}; }

  TokenTables Checked(std::int64_t num_rows) const {
    if (largest_ < num_rows) return view();
    throw std::invalid_argument("table has " + std::to_string(num_rows) + " rows, but tokens lead to row " +
                                std::to_string(largest_));
  }

 private:
  template <typename T>
  static std::vector<T> Copy(const char* name, const Array<T>& array, std::initializer_list<std::int64_t> shape) {
    const auto view = CheckedInput(name, array, shape);
    return {view.begin(), view.end()};
  }

  template <typename T>
  static Array<T> ArrayOf(const std::vector<T>& values, const std::vector<py::ssize_t>& shape) {
    return Array<T>(shape, values.data());
  }

  std::vector<std::int32_t> positions_;
  std::vector<std::uint8_t> scopes_;
  std::vector<std::int32_t> rows_;
  std::vector<float> weights_;
  std::int64_t largest_ = -1;
};

TokenBagShape ShapeOf(const Array<std::uint8_t>& obs, const Array<float>& table) {
  if (obs.ndim() != 3 || obs.shape(2) != 3) throw std::invalid_argument("obs: expected shape (B, K, 3)");
  if (table.ndim() != 2) throw std::invalid_argument("table: expected shape (N, F)");
  return {obs.shape(0), obs.shape(1), table.shape(0), table.shape(1)};
}

// Where decoded tokens are kept: entries [B, K], as many bytes as a TokenEntry each, and begins and ends [2, B].
using Kept = std::optional<std::tuple<Array<std::int64_t>, Array<std::int32_t>>>;

DecodedTokens CheckedTokens(Kept& kept, const TokenBagShape& shape) {
  static_assert(sizeof(TokenEntry) == sizeof(std::int64_t));
  if (!kept.has_value()) return {};
  auto& [entries, bounds] = *kept;
  const auto memory = CheckedOutput("entries", entries, {shape.num_obs, shape.num_tokens});
  const auto both = CheckedOutput("bounds", bounds, {2, shape.num_obs});
  const auto count = static_cast<std::size_t>(shape.num_obs);
  return {{reinterpret_cast<TokenEntry*>(memory.data()), memory.size()}, both.first(count), both.subspan(count)};
}

void CheckBounds(const DecodedTokens& decoded) {
  for (std::size_t b = 0; b < decoded.begins.size(); ++b) {
    const std::int64_t begin = decoded.begins[b];
    const std::int64_t end = decoded.ends[b];
    if (begin >= 0 && begin <= end && end <= static_cast<std::int64_t>(decoded.entries.size())) continue;
    throw std::invalid_argument("kept: observation " + std::to_string(b) + " has entries " + std::to_string(begin) +
                                " to " + std::to_string(end) + "; pass what token_bag_forward wrote");
  }
}

// Weight [outputs, inputs], bias [outputs], whether a relu follows, and where the result goes [B, outputs].
using LayerArguments = std::tuple<Array<float>, Array<float>, bool, Array<float>>;

std::vector<DenseLayer> CheckedLayers(std::vector<LayerArguments>& arguments, std::int64_t num_obs,
                                      std::int64_t inputs) {
  std::vector<DenseLayer> layers;
  for (auto& [weight, bias, relu, out] : arguments) {
    if (weight.ndim() != 2) throw std::invalid_argument("layers: expected weights of shape (outputs, inputs)");
    const std::int64_t outputs = weight.shape(0);
    layers.push_back({CheckedInput("weight", weight, {outputs, inputs}), CheckedInput("bias", bias, {outputs}), inputs,
                      outputs, relu, CheckedOutput("out", out, {num_obs, outputs})});
    inputs = outputs;
  }
  return layers;
}

// Weight [actions, inputs] and bias of the actor, those of the critic [1, inputs], and where logits [B, actions] and
// values [B] go.
using HeadsArguments =
    std::optional<std::tuple<Array<float>, Array<float>, Array<float>, Array<float>, Array<float>, Array<float>>>;

HeadsLayer CheckedHeads(HeadsArguments& arguments, std::int64_t num_obs, std::int64_t inputs) {
  if (!arguments.has_value()) return {};
  auto& [actor, actor_bias, critic, critic_bias, logits, values] = *arguments;
  if (actor.ndim() != 2) throw std::invalid_argument("heads: expected the actor's weight of shape (actions, inputs)");
  const std::int64_t actions = actor.shape(0);
  return {CheckedInput("actor", actor, {actions, inputs}),
          CheckedInput("actor_bias", actor_bias, {actions}),
          CheckedInput("critic", critic, {1, inputs}),
          CheckedInput("critic_bias", critic_bias, {1}),
          inputs,
          actions,
          CheckedOutput("logits", logits, {num_obs, actions}),
          CheckedOutput("values", values, {num_obs})};
}

}  // namespace
}  // namespace mettagrid::learn

void BindTokenBag(pybind11::module_& m) {
  using namespace mettagrid::learn;
  namespace py = pybind11;
  py::class_<OwnedTables>(m, "TokenTables", "Where each token's vector stands in a token bag's table.")
      .def(py::init<const Array<std::int32_t>&, const Array<std::uint8_t>&, const Array<std::int32_t>&,
                    const Array<float>&>(),
           py::arg("positions").noconvert(), py::arg("scopes").noconvert(), py::arg("rows").noconvert(),
           py::arg("weights").noconvert())
      .def(
          "__deepcopy__", [](const py::object& self, const py::dict&) { return self; }, py::arg("memo"))
      .def(py::pickle([](const OwnedTables& tables) { return tables.State(); },
                      [](const OwnedTables::Arguments& state) { return std::make_from_tuple<OwnedTables>(state); }));
  m.def(
      "token_bag_forward",
      [](const OwnedTables& tables, const Array<std::uint8_t>& obs, const Array<float>& table, const Array<float>& bias,
         bool relu, Array<float> out, int num_threads, std::vector<LayerArguments> layers, HeadsArguments heads,
         Kept kept) {
        const TokenBagShape shape = ShapeOf(obs, table);
        const auto tokens = CheckedInput("obs", obs, {shape.num_obs, shape.num_tokens, 3});
        const TokenBagLayer bag{tables.Checked(shape.num_rows),
                                shape,
                                CheckedInput("table", table, {shape.num_rows, shape.width}),
                                CheckedInput("bias", bias, {shape.width}),
                                relu,
                                CheckedOutput("out", out, {shape.num_obs, shape.width}),
                                CheckedTokens(kept, shape)};
        const auto following = CheckedLayers(layers, shape.num_obs, shape.width);
        const std::int64_t last = following.empty() ? shape.width : following.back().outputs;
        const HeadsLayer both = CheckedHeads(heads, shape.num_obs, last);
        const py::gil_scoped_release release;
        if (following.empty() && !heads.has_value()) {
          TokenBagForward(bag.tables, shape, tokens, bag.table, bag.bias, relu, bag.out, bag.decoded, num_threads);
        } else {
          TokenNetworkForward(bag, tokens, following, heads.has_value() ? &both : nullptr, num_threads);
        }
      },
      py::arg("tables"), py::arg("obs").noconvert(), py::arg("table").noconvert(), py::arg("bias").noconvert(),
      py::arg("relu"), py::arg("out").noconvert(), py::arg("num_threads"), py::arg("layers") = py::list(),
      py::arg("heads") = py::none(), py::arg("kept").noconvert() = py::none(),
      "out[b] = bias + sum of weight * table[row] over the tokens of obs[b], then relu if wanted; then the layers.");
  m.def(
      "joint_heads_forward",
      [](const Array<float>& x, HeadsArguments heads, int num_threads) {
        if (x.ndim() != 2) throw std::invalid_argument("x: expected shape (B, inputs)");
        if (!heads.has_value()) throw std::invalid_argument("heads: expected weights, biases and results of both");
        const auto features = CheckedInput("x", x, {x.shape(0), x.shape(1)});
        const HeadsLayer both = CheckedHeads(heads, x.shape(0), x.shape(1));
        const py::gil_scoped_release release;
        JointHeadsForward(both, features, num_threads);
      },
      py::arg("x").noconvert(), py::arg("heads"), py::arg("num_threads"),
      "Logits and values of an actor and a critic that read the same features.");
  m.def(
      "token_bag_backward",
      [](const OwnedTables& tables, const Array<std::uint8_t>& obs, const std::optional<Array<float>>& out,
         const Array<float>& grad_out, Array<float> grad_table, Array<float> grad_bias, int num_threads, Kept kept) {
        const TokenBagShape shape = ShapeOf(obs, grad_table);
        const auto tokens = CheckedInput("obs", obs, {shape.num_obs, shape.num_tokens, 3});
        std::span<const float> result;
        if (out.has_value()) result = CheckedInput("out", *out, {shape.num_obs, shape.width});
        const auto grad = CheckedInput("grad_out", grad_out, {shape.num_obs, shape.width});
        const auto to_table = CheckedOutput("grad_table", grad_table, {shape.num_rows, shape.width});
        const auto to_bias = CheckedOutput("grad_bias", grad_bias, {shape.width});
        const TokenTables checked = tables.Checked(shape.num_rows);
        const DecodedTokens decoded = CheckedTokens(kept, shape);
        CheckBounds(decoded);
        const py::gil_scoped_release release;
        TokenBagBackward(checked, shape, tokens, result, grad, to_table, to_bias, decoded, num_threads);
      },
      py::arg("tables"), py::arg("obs").noconvert(), py::arg("out").noconvert(), py::arg("grad_out").noconvert(),
      py::arg("grad_table").noconvert(), py::arg("grad_bias").noconvert(), py::arg("num_threads"),
      py::arg("kept").noconvert() = py::none(),
      "Overwrite grad_table and grad_bias with the gradients of token_bag_forward.");
}
