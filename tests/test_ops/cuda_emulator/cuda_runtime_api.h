// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
// Stands in for CUDA's headers where g++ compiles the kernels for the CPU: the part of
// CUDA that they use. See block.h for how a block runs.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "block.h"

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
// One block runs at a time.
#define __shared__ static
#define __syncthreads() cuda_emulator::wait_at_barrier(__LINE__)

using cuda_emulator::blockDim;
using cuda_emulator::blockIdx;
using cuda_emulator::dim3;
using cuda_emulator::gridDim;
using cuda_emulator::threadIdx;
using std::max;
using std::min;

typedef int cudaError_t;
typedef void *cudaStream_t;
constexpr cudaError_t cudaSuccess = 0;
inline cudaError_t cudaGetLastError() { return cudaSuccess; }

namespace cuda_emulator {

// ex2.approx.ftz.f32, always off by the largest error that PTX allows it.
inline float ex2_approx_ftz(float x) {
  return x < -126.f ? 0.f : std::exp2(x) * (1 - 0x1p-22f);
}

}  // namespace cuda_emulator
