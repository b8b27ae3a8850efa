// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
// Vectors of eight floats as with AVX2: twice as many registers hold them.
#include "bilateral_kernels.h"

#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push( \
    __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")
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

const Kernels &avx512_kernels() {
  static const Kernels kernels = {colour_range, bin_colours,  find_intervals,
                                  filter_block, filter_tiles, exact<float>,
                                  exact<double>};
  return kernels;
}

}  // namespace mmwsmots
#else
namespace mmwsmots {

const Kernels &avx512_kernels() { return portable_kernels(); }

}  // namespace mmwsmots
#endif
