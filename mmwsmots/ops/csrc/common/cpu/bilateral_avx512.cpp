// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
// Vectors of eight floats as with AVX2: twice as many registers hold them.
#define MMWSMOTS_TARGET "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl"
#define MMWSMOTS_KERNELS avx512_kernels
#include "bilateral_avx.inl"
