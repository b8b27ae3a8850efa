// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
// What the operators demand of their arguments.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace mmwsmots {

using at::Tensor;

// Crops are indexed by 32 bits.
constexpr int64_t kMaxPixels = 1 << 26;

inline void check_pair(const Tensor &values, const Tensor &image) {
  TORCH_CHECK(values.dim() == 4 && image.dim() == 4 && image.size(0) == values.size(0) &&
                  image.size(1) == 3 && image.size(2) == values.size(2) &&
                  image.size(3) == values.size(3),
              "values must be (B, C, H, W) and image (B, 3, H, W), got ",
              values.sizes(), " and ", image.sizes());
  TORCH_CHECK(image.size(0) <= INT32_MAX && image.size(2) <= INT16_MAX &&
                  image.size(3) <= INT16_MAX &&
                  image.size(2) * image.size(3) <= kMaxPixels,
              "crops ", image.sizes(), " are too large");
  TORCH_CHECK(values.is_floating_point() && values.element_size() >= 4 &&
                  image.scalar_type() == values.scalar_type(),
              "values and image must both be float32 or float64, got ",
              values.scalar_type(), " and ", image.scalar_type());
  TORCH_CHECK(image.device() == values.device(), "image is on ", image.device(),
              ", values on ", values.device());
}

}  // namespace mmwsmots
