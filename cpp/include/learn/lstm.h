#pragma once

#include <cstdint>
#include <span>

namespace mettagrid::learn {

// One layer of LSTM over segments, its state reset where an episode begins. Gates stand in torch's order: input,
// forget, cell, output. Sizes: S segments of T steps, F inputs, H units.
struct LstmShape {
  std::int64_t segments;
  std::int64_t steps;
  std::int64_t inputs;
  std::int64_t units;
};

struct LstmInputs {
  std::span<const float> x;             // [S, T, F]
  std::span<const std::uint8_t> first;  // [S, T]: nonzero where the state is zeroed before the step
  std::span<const float> h0;            // [S, H], before the first step
  std::span<const float> c0;            // [S, H]
  std::span<const float> w_ih;          // [4H, F]
  std::span<const float> w_hh;          // [4H, H]
  std::span<const float> bias;          // [4H]: of inputs and of units, added
};

// What the backward pass needs of the forward pass besides its results, in the order in which a thread wrote it (some
// segments through all steps, then the next ones); both empty: nothing is kept.
struct LstmTrace {
  std::span<float> gates;  // [S * T, 4H] after their nonlinearities
  std::span<float> cells;  // [S * T, H]
};

//   i, f, o = sigmoid, g = tanh of  w_ih x + w_hh h + bias       c <- f c + i g       h <- o tanh(c)
// h [S, T, H] is each step's result; hn, cn [S, H] the state after the last one.
// A thread computes whole segments, so that bits do not depend on num_threads.
void LstmForward(const LstmShape& shape, const LstmInputs& in, const LstmTrace& trace, std::span<float> h,
                 std::span<float> hn, std::span<float> cn, int num_threads);

struct LstmGradients {
  std::span<float> x;     // [S, T, F]; empty: not wanted
  std::span<float> h0;    // [S, H]
  std::span<float> c0;    // [S, H]
  std::span<float> w_ih;  // [4H, F]
  std::span<float> w_hh;  // [4H, H]
  std::span<float> bias;  // [4H]: of each of the two biases
};

// Gradients of LstmForward from those of its results; overwrites `grad`. `h` is what LstmForward gave.
// The weights' gradients are summed by groups of segments that follow from the shape alone, so that bits do not depend
// on num_threads.
void LstmBackward(const LstmShape& shape, const LstmInputs& in, const LstmTrace& trace, std::span<const float> h,
                  std::span<const float> grad_h, std::span<const float> grad_hn, std::span<const float> grad_cn,
                  const LstmGradients& grad, int num_threads);

}  // namespace mettagrid::learn
