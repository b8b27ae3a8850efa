// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
// Included by a file that names the instruction set, MMWSMOTS_TARGET, and the function
// that hands out its kernels, MMWSMOTS_KERNELS.
#include "bilateral_kernels.h"

#if defined(__x86_64__)
#define MMWSMOTS_STRING(...) #__VA_ARGS__
#define MMWSMOTS_PRAGMA(...) _Pragma(MMWSMOTS_STRING(__VA_ARGS__))
#if defined(__clang__)
MMWSMOTS_PRAGMA(clang attribute push(__attribute__((target(MMWSMOTS_TARGET))),
                apply_to = function))
#else
#pragma GCC push_options
MMWSMOTS_PRAGMA(GCC target(MMWSMOTS_TARGET))
#endif

namespace mmwsmots {
namespace {
#include "bilateral_kernels.inl"
#include "bilateral_tiles.inl"
}  // namespace
}  // namespace mmwsmots

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace mmwsmots {

const Kernels &MMWSMOTS_KERNELS() { return kKernels; }

}  // namespace mmwsmots
#else
namespace mmwsmots {

const Kernels &MMWSMOTS_KERNELS() { return portable_kernels(); }

}  // namespace mmwsmots
#endif
