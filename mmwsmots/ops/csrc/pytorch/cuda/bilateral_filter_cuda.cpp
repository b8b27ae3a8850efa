// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
// CUDA implementation of the operator that ops/library.py defines.
#include <ATen/Dispatch.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include "../../common/cuda/bilateral_filter.h"
#include "../checks.h"

namespace mmwsmots {
namespace {

Tensor bilateral_exact(const Tensor &values_in, const Tensor &image_in,
                       double sigma_rgb, double sigma_xy) {
  check_pair(values_in, image_in);
  const c10::cuda::CUDAGuard guard(values_in.device());
  const Tensor values = values_in.contiguous(), image = image_in.contiguous();
  Tensor out = at::empty(values.sizes(), values.options());
  if (out.numel() == 0) return out;
  const cuda::Crops crops = {(int)values.size(0), (int)values.size(1),
                             (int)values.size(2), (int)values.size(3)};
  AT_DISPATCH_FLOATING_TYPES(values.scalar_type(), "bilateral_exact", [&] {
    C10_CUDA_CHECK(cuda::filter_exact(
        image.const_data_ptr<scalar_t>(), values.const_data_ptr<scalar_t>(),
        out.mutable_data_ptr<scalar_t>(), crops, sigma_rgb, sigma_xy,
        c10::cuda::getCurrentCUDAStream()));
  });
  return out;
}

}  // namespace

TORCH_LIBRARY_IMPL(mmwsmots, CUDA, m) { m.impl("_bilateral_exact", bilateral_exact); }

}  // namespace mmwsmots
