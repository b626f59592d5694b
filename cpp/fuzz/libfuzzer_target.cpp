// For clang's libFuzzer: cmake -DMETTA_FUZZ=ON -DCMAKE_CXX_COMPILER=clang++ -DMETTA_SANITIZE=address,undefined, then
// fuzz_libfuzzer cpp/fuzz/corpus. A Violation ends the process, which libFuzzer reports as a crash.

#include <cstddef>
#include <cstdint>

#include "play_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  mettagrid::fuzz::PlayBytes({data, size});
  return 0;
}
