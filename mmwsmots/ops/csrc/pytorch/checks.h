// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
// What the operators demand of their arguments on every device.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace mmwsmots {

using at::Tensor;

// Pixels of a crop, and nodes of its grid times the ranks, are indexed by 32 bits.
constexpr int64_t kMaxPixels = 1 << 26, kMostNodes = 1 << 26;
// Of the grid's tables; the kernels have constants of the same values.
constexpr int64_t kRanksPerBlock = 8, kMaxTaps = 32;

inline void check_image(const Tensor &image) {
  TORCH_CHECK(image.dim() == 4 && image.size(1) == 3,
              "image must be (B, 3, H, W), got ", image.sizes());
  TORCH_CHECK(image.size(0) <= INT32_MAX && image.size(2) <= INT16_MAX &&
                  image.size(3) <= INT16_MAX &&
                  image.size(2) * image.size(3) <= kMaxPixels,
              image.size(0), " crops of ", image.size(2), " x ", image.size(3),
              " are too large");
}

inline void check_pair(const Tensor &values, const Tensor &image) {
  check_image(image);
  TORCH_CHECK(values.dim() == 4, "values must be (B, C, H, W), got ", values.sizes());
  TORCH_CHECK(image.size(0) == values.size(0) && image.size(2) == values.size(2) &&
                  image.size(3) == values.size(3),
              "image must be (B, 3, H, W) as values ", values.sizes(), ", got ",
              image.sizes());
  TORCH_CHECK(values.scalar_type() == at::kFloat || values.scalar_type() == at::kDouble,
              "values must be float32 or float64, got ", values.scalar_type());
  TORCH_CHECK(image.scalar_type() == values.scalar_type(),
              "image and values must share a dtype, got ", image.scalar_type(),
              " and ", values.scalar_type());
  TORCH_CHECK(image.device() == values.device(), "image is on ", image.device(),
              ", values on ", values.device());
}

inline void check_max_nodes(int64_t max_nodes) {
  TORCH_CHECK(0 <= max_nodes && max_nodes <= kMostNodes, "max_nodes ", max_nodes,
              " is out of range");
}

inline void check_plan(const Tensor &image, double spacing, int64_t max_nodes) {
  check_image(image);
  TORCH_CHECK(image.scalar_type() == at::kFloat, "image must be float32, got ",
              image.scalar_type());
  TORCH_CHECK(spacing > 0, "spacing must be positive, got ", spacing);
  check_max_nodes(max_nodes);
}

// Of a tensor that has been made for `values`.
inline void check_tensor(const Tensor &t, const char *name, at::IntArrayRef sizes,
                         at::ScalarType type, const Tensor &values) {
  TORCH_CHECK(t.sizes() == sizes && t.scalar_type() == type && t.is_contiguous() &&
                  t.device() == values.device(),
              name, " must be a contiguous ", type, " tensor ", sizes, " on ",
              values.device(), ", got ", t.scalar_type(), " ", t.sizes(), " on ",
              t.device());
}

inline void check_tables(const Tensor &values, const Tensor &basis_y,
                         const Tensor &basis_x, const Tensor &kernel) {
  const int64_t blocks = basis_y.dim() == 0 ? 0 : basis_y.size(0);
  check_tensor(values, "values", values.sizes(), at::kFloat, values);
  check_tensor(basis_y, "basis_y", {blocks, values.size(2), kRanksPerBlock}, at::kFloat, values);
  check_tensor(basis_x, "basis_x", {blocks, values.size(3), kRanksPerBlock}, at::kFloat, values);
  check_tensor(kernel, "kernel", {kernel.numel()}, at::kFloat, values);
  TORCH_CHECK(blocks > 0, "the tables have no block of ranks");
  TORCH_CHECK(1 <= kernel.numel() && kernel.numel() <= kMaxTaps,
              "kernel must have 1 to ", kMaxTaps, " taps, got ", kernel.numel());
}

}  // namespace mmwsmots
