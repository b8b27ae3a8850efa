// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
#define MMWSMOTS_TARGET "avx2,fma"
#define MMWSMOTS_KERNELS avx2_kernels
#include "bilateral_avx.inl"
