// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
// The bilateral filter on a CUDA device, without any dependency but the runtime.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace mmwsmots {
namespace cuda {

struct Crops {
  int batch, channels, height, width;
};

// out (batch, channels, height, width) = W * values, exactly, on the stream; image is
// (batch, 3, height, width). T is float or double.
template <typename T>
cudaError_t filter_exact(const T *image, const T *values, T *out, const Crops &crops,
                         double sigma_rgb, double sigma_xy, cudaStream_t stream);

}  // namespace cuda
}  // namespace mmwsmots
