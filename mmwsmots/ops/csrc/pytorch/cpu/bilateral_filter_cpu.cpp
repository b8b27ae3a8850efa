// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
// CPU implementations of the operators that ops/library.py defines.
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <torch/library.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "../../common/cpu/bilateral_filter.h"

namespace mmwsmots {
namespace {

using at::Tensor;

// torch has looked at the processor, and at the user's ATEN_CPU_CAPABILITY.
const Kernels &kernels() {
  static const std::string capability = at::get_cpu_capability();
  static const bool avx2 = capability == "AVX2" || capability == "AVX512";
  return avx2 ? avx2_kernels() : portable_kernels();
}

void check_pair(const Tensor &values, const Tensor &image) {
  TORCH_CHECK(values.dim() == 4, "values must be (B, C, H, W), got ", values.sizes());
  TORCH_CHECK(image.dim() == 4 && image.size(0) == values.size(0) &&
                  image.size(1) == 3 && image.size(2) == values.size(2) &&
                  image.size(3) == values.size(3),
              "image must be (B, 3, H, W) as values ", values.sizes(), ", got ",
              image.sizes());
  TORCH_CHECK(image.scalar_type() == values.scalar_type(),
              "image and values must share a dtype, got ", image.scalar_type(),
              " and ", values.scalar_type());
}

void check_size(const Tensor &image) {
  TORCH_CHECK(image.size(2) <= INT16_MAX && image.size(3) <= INT16_MAX &&
                  image.size(2) * image.size(3) <= 1 << 26,
              "crops of ", image.size(2), " x ", image.size(3), " are too large");
}

template <typename T>
void exact_batch(const Tensor &values, const Tensor &image, double sigma_rgb,
                 double sigma_xy, Tensor &out) {
  const int channels = values.size(1), height = values.size(2), width = values.size(3);
  const int64_t area = (int64_t)height * width;
  const T *value_data = values.const_data_ptr<T>(), *image_data = image.const_data_ptr<T>();
  T *out_data = out.mutable_data_ptr<T>();
  at::parallel_for(0, values.size(0), 1, [&](int64_t first, int64_t end) {
    Workspace workspace;
    for (int64_t crop = first; crop < end; ++crop)
      filter_exact<T>(kernels(), image_data + 3 * area * crop,
                      value_data + channels * area * crop,
                      out_data + channels * area * crop, channels, height, width,
                      sigma_rgb, sigma_xy, workspace);
  });
}

Tensor bilateral_exact(const Tensor &values_in, const Tensor &image_in,
                       double sigma_rgb, double sigma_xy) {
  check_pair(values_in, image_in);
  check_size(image_in);
  const Tensor values = values_in.contiguous(), image = image_in.contiguous();
  Tensor out = at::empty(values.sizes(), values.options());
  if (out.numel() == 0) return out;
  if (values.scalar_type() == at::kFloat) {
    exact_batch<float>(values, image, sigma_rgb, sigma_xy, out);
  } else {
    TORCH_CHECK(values.scalar_type() == at::kDouble,
                "values must be float32 or float64, got ", values.scalar_type());
    exact_batch<double>(values, image, sigma_rgb, sigma_xy, out);
  }
  return out;
}

std::tuple<Tensor, Tensor, Tensor, Tensor> bilateral_grid_plan(const Tensor &image_in,
                                                               double spacing,
                                                               int64_t max_nodes) {
  TORCH_CHECK(image_in.dim() == 4 && image_in.size(1) == 3,
              "image must be (B, 3, H, W), got ", image_in.sizes());
  TORCH_CHECK(image_in.scalar_type() == at::kFloat, "image must be float32, got ",
              image_in.scalar_type());
  TORCH_CHECK(spacing > 0, "spacing must be positive, got ", spacing);
  TORCH_CHECK(0 <= max_nodes && max_nodes <= 1 << 28, "max_nodes ", max_nodes,
              " is out of range");
  check_size(image_in);
  const Tensor image = image_in.contiguous();
  const int64_t batch = image.size(0);
  const int height = image.size(2), width = image.size(3);
  const int64_t area = (int64_t)height * width;
  Tensor pixels = at::empty({batch, area}, image.options().dtype(at::kInt));
  Tensor offsets = at::empty(pixels.sizes(), pixels.options());
  Tensor runs = at::empty({batch, area, 2}, pixels.options());
  Tensor shape = at::zeros({batch, 4}, pixels.options());
  if (image.numel() == 0) return {offsets, pixels, runs, shape};
  const float *image_data = image.const_data_ptr<float>();
  int32_t *offset_data = offsets.mutable_data_ptr<int32_t>(),
          *pixel_data = pixels.mutable_data_ptr<int32_t>(),
          *shape_data = shape.mutable_data_ptr<int32_t>();
  Run *run_data = reinterpret_cast<Run *>(runs.mutable_data_ptr<int32_t>());
  at::parallel_for(0, batch, 1, [&](int64_t first, int64_t end) {
    Workspace workspace;
    for (int64_t crop = first; crop < end; ++crop)
      plan_grid(kernels(), image_data + 3 * area * crop, height, width, (float)spacing,
                max_nodes, workspace, offset_data + area * crop,
                pixel_data + area * crop, run_data + area * crop,
                shape_data + 4 * crop);
  });
  return {offsets, pixels, runs, shape};
}

Tensor bilateral_grid(const Tensor &values_in, const Tensor &image_in,
                      const Tensor &offsets, const Tensor &pixels, const Tensor &runs,
                      const Tensor &shape, const Tensor &basis_y,
                      const Tensor &basis_x, const Tensor &kernel,
                      int64_t /* max_nodes: the CUDA kernels need it */,
                      double sigma_rgb, double sigma_xy) {
  check_pair(values_in, image_in);
  check_size(image_in);
  const Tensor values = values_in.contiguous(), image = image_in.contiguous();
  const int64_t batch = values.size(0), channels = values.size(1);
  const int height = values.size(2), width = values.size(3);
  const int64_t area = (int64_t)height * width, blocks = basis_y.size(0);
  const auto check = [](const Tensor &t, at::IntArrayRef sizes, at::ScalarType type) {
    TORCH_CHECK(t.sizes() == sizes && t.scalar_type() == type && t.is_contiguous(),
                "expected a contiguous ", type, " tensor ", sizes, ", got ",
                t.scalar_type(), " ", t.sizes());
  };
  check(values, values.sizes(), at::kFloat);
  check(offsets, {batch, area}, at::kInt);
  check(pixels, {batch, area}, at::kInt);
  check(runs, {batch, area, 2}, at::kInt);
  check(shape, {batch, 4}, at::kInt);
  check(basis_y, {blocks, height, kLanes}, at::kFloat);
  check(basis_x, {blocks, width, kLanes}, at::kFloat);
  check(kernel, {kernel.numel()}, at::kFloat);
  TORCH_CHECK(1 <= kernel.numel() && kernel.numel() <= kMaxRadius + 1,
              "kernel must have 1 to ", kMaxRadius + 1, " taps, got ", kernel.numel());
  Tensor out = at::empty(values.sizes(), values.options());
  if (out.numel() == 0) return out;

  GridTables tables;
  tables.basis_y = basis_y.const_data_ptr<float>();
  tables.basis_x = basis_x.const_data_ptr<float>();
  tables.kernel = kernel.const_data_ptr<float>();
  tables.blocks = blocks;
  tables.radius = kernel.numel() - 1;
  const float *value_data = values.const_data_ptr<float>(),
              *image_data = image.const_data_ptr<float>();
  const int32_t *offset_data = offsets.const_data_ptr<int32_t>(),
                *pixel_data = pixels.const_data_ptr<int32_t>(),
                *shape_data = shape.const_data_ptr<int32_t>();
  const Run *run_data = reinterpret_cast<const Run *>(runs.const_data_ptr<int32_t>());
  float *out_data = out.mutable_data_ptr<float>();
  at::parallel_for(0, batch * channels, 1, [&](int64_t first, int64_t end) {
    Workspace workspace;
    for (int64_t item = first; item < end; ++item) {
      const int64_t crop = item / channels;
      GridPlan plan;
      plan.offsets = offset_data + area * crop;
      plan.pixels = pixel_data + area * crop;
      plan.runs = run_data + area * crop;
      plan.num_pixels = area;
      plan.num_runs = shape_data[4 * crop + 3];
      std::copy_n(shape_data + 4 * crop, 3, plan.nodes);
      const float *from = value_data + area * item;
      float *to = out_data + area * item;
      if (plan.nodes[0] > 0)
        filter_grid(kernels(), plan, tables, height, width, from, to, workspace);
      else  // the plan found the grid too large, or a colour not finite
        filter_exact<float>(kernels(), image_data + 3 * area * crop, from, to, 1,
                            height, width, sigma_rgb, sigma_xy, workspace);
    }
  });
  return out;
}

}  // namespace

TORCH_LIBRARY_IMPL(mmwsmots, CPU, m) {
  m.impl("_bilateral_exact", bilateral_exact);
  m.impl("_bilateral_grid_plan", bilateral_grid_plan);
  m.impl("_bilateral_grid", bilateral_grid);
}

}  // namespace mmwsmots
