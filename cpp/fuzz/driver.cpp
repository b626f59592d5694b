// A small coverage-guided fuzzer for compilers without libFuzzer:
//
//   fuzz_engine [--seconds 30] [--seed 0] [--artifacts DIR] [--corpus DIR]   search, then print one JSON line
//   fuzz_engine FILE...                                                      tell what these inputs mean and run them
//   again
//
// Inputs that reach new edges of the engine are kept and mutated further. What breaks a promise, trips a sanitizer or
// takes longer than a minute is written to DIR/crash-<n>.bin, and the exit status is not 0.

#include <sanitizer/common_interface_defs.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "coverage.h"
#include "mettagrid/core/rng.h"
#include "play_bytes.h"

namespace {

using namespace mettagrid;
using namespace mettagrid::fuzz;
using Input = std::vector<std::uint8_t>;
using Clock = std::chrono::steady_clock;

constexpr unsigned kHangSeconds = 60;
constexpr std::size_t kMaxInput = 600;

std::string artifacts = ".";
const Input* current = nullptr;  // for the callbacks below, which know nothing else

std::string Save(const Input& input) {
  const std::string path = artifacts + "/crash-" +
                           std::to_string(std::hash<std::string>{}({input.begin(), input.end()}) % 1'000'000) + ".bin";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(input.data()), static_cast<std::streamsize>(input.size()));
  return path;
}

void SaveCurrent() {
  if (current != nullptr) std::fprintf(stderr, "the input stands in %s\n", Save(*current).c_str());
}

// gcc's undefined-behaviour sanitizer does not know the address sanitizer's callback.
void OnAbort(int) {
  SaveCurrent();
  _exit(1);
}

void OnHang(int) {
  std::fprintf(stderr, "an input took longer than %u s\n", kHangSeconds);
  SaveCurrent();
  _exit(1);
}

// Whether the engine took the game.
bool Run(const Input& input) {
  current = &input;
  alarm(kHangSeconds);
  const bool legal = PlayBytes(input);
  alarm(0);
  current = nullptr;
  return legal;
}

// The shortest end that can be cut off while the promise stays broken.
Input Shortened(Input input) {
  for (std::size_t cut = input.size() / 2; cut > 0;) {
    Input shorter(input.begin(), input.end() - static_cast<std::ptrdiff_t>(std::min(cut, input.size())));
    try {
      Run(shorter);
      cut /= 2;
    } catch (const Violation&) {
      input = std::move(shorter);
      cut = std::min(cut, input.size());
    }
  }
  return input;
}

class Search {
 public:
  explicit Search(std::uint64_t seed) : random_(seed, 0, 0, 0, Purpose::kMap), seed_(seed) {}

  void Add(Input input) { corpus_.push_back(std::move(input)); }

  int Go(double seconds) {
    for (std::size_t i = 0; i < 64; ++i) Add(RandomInput());
    const std::vector<Input> start = corpus_;
    const auto begin = Clock::now();
    const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
    std::size_t legal = 0;
    std::size_t runs = 0;
    double slowest = 0.0;
    for (; elapsed() < seconds; ++runs) {
      const Input input = runs < start.size() ? start[runs] : Mutated();
      const double before = elapsed();
      StartInput();
      try {
        legal += Run(input) ? 1 : 0;
      } catch (const Violation& violation) {
        std::fprintf(stderr, "broken promise: %s\n", violation.what());
        std::fprintf(stderr, "the input stands in %s\n", Save(Shortened(input)).c_str());
        return 1;
      }
      slowest = std::max(slowest, elapsed() - before);
      if (FoundNew() && runs >= start.size()) Add(input);
    }
    std::printf("{\"name\": \"fuzz_engine\", \"seed\": %llu, \"seconds\": %.1f, \"runs\": %zu, \"legal_games\": %zu, ",
                static_cast<unsigned long long>(seed_), elapsed(), runs, legal);
    std::printf("\"corpus\": %zu, \"edges\": %zu, \"slowest_ms\": %.1f}\n", corpus_.size(), NumEdges(), slowest * 1e3);
    return 0;
  }

 private:
  std::size_t Below(std::size_t bound) { return random_.Below(static_cast<std::uint32_t>(bound)); }
  std::uint8_t Byte() { return static_cast<std::uint8_t>(Below(256)); }

  Input RandomInput() {
    Input input(8 + Below(120));
    for (std::uint8_t& byte : input) byte = Byte();
    return input;
  }

  Input Mutated() {
    Input input = corpus_[Below(corpus_.size())];
    for (std::size_t left = 1 + Below(6); left > 0; --left) Mutate(input);
    return input;
  }

  void Mutate(Input& input) {
    if (input.empty()) input = RandomInput();
    const std::size_t at = Below(input.size());
    const auto place = input.begin() + static_cast<std::ptrdiff_t>(at);
    switch (Below(6)) {
      case 0:
        input[at] = Byte();
        return;
      case 1:
        input[at] ^= static_cast<std::uint8_t>(1U << Below(8));
        return;
      case 2:
        if (input.size() < kMaxInput) input.insert(place, Byte());
        return;
      case 3:
        input.erase(place);
        return;
      case 4: {  // the end of another input
        const Input& other = corpus_[Below(corpus_.size())];
        const std::size_t from = Below(other.size() + 1);
        input.resize(at);
        input.insert(input.end(), other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
        if (input.size() > kMaxInput) input.resize(kMaxInput);
        return;
      }
      default:
        input[at] = static_cast<std::uint8_t>(input[at] + Below(9) - 4);
    }
  }

  RandomStream random_;
  std::uint64_t seed_;
  std::vector<Input> corpus_;
};

Input Load(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    std::exit(2);
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

int RunFiles(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    const Input input = Load(path);
    std::printf("%s\n", DescribeBytes(input).c_str());
    std::fflush(stdout);  // a sanitizer may end the process
    try {
      std::printf("%s: %s\n", path.c_str(), Run(input) ? "played" : "refused");
    } catch (const Violation& violation) {
      std::printf("%s: broken promise: %s\n", path.c_str(), violation.what());
      return 1;
    }
  }
  return 0;
}

}  // namespace

extern "C" const char* __ubsan_default_options() { return "print_stacktrace=1:abort_on_error=1"; }

int main(int argc, char** argv) {
  double seconds = 30.0;
  std::uint64_t seed = 0;
  std::string corpus;
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const char* const next = i + 1 < argc ? argv[i + 1] : "";
    if (argument == "--seconds") {
      seconds = std::atof(next), ++i;
    } else if (argument == "--seed") {
      seed = std::strtoull(next, nullptr, 10), ++i;
    } else if (argument == "--artifacts") {
      artifacts = next, ++i;
    } else if (argument == "--corpus") {
      corpus = next, ++i;
    } else {
      files.push_back(argument);
    }
  }
  __sanitizer_set_death_callback(SaveCurrent);
  std::signal(SIGALRM, OnHang);
  std::signal(SIGABRT, OnAbort);
  if (!files.empty()) return RunFiles(files);
  Search search(seed);
  if (!corpus.empty()) {
    std::vector<std::filesystem::path> paths(std::filesystem::directory_iterator(corpus), {});
    std::ranges::sort(paths);
    for (const auto& path : paths) search.Add(Load(path));
  }
  return search.Go(seconds);
}
