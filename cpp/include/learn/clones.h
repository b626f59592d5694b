#pragma once

// LEARN_CLONES on a function compiles it for several instruction sets; the loader picks one. Only for loops whose bits
// are the same for all of them (element-wise, no fused multiply-add: see METTA_FLAGS), or whose input depends on the
// instruction set already. Needs glibc's indirect functions, which sanitizers do not survive at start-up.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define LEARN_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define LEARN_CLONES
#endif
