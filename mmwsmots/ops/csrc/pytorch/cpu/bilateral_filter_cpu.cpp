// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
// CPU implementations of the operators that ops/library.py defines.
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include <algorithm>
#include <atomic>
#include <string>

#include "../../common/cpu/bilateral_filter.h"
#include "../checks.h"

namespace mmwsmots {
namespace {

// torch has looked at the processor, and at the user's ATEN_CPU_CAPABILITY.
const Kernels &kernels() {
  static const std::string capability = at::get_cpu_capability();
  if (capability == "AVX512") return avx512_kernels();
  return capability == "AVX2" ? avx2_kernels() : portable_kernels();
}

// Calls function(item, workspace) for every item. Threads take the next one when they
// are done with theirs, as crops differ in cost; who takes it does not matter to the
// result.
template <typename Function>
void for_each_item(int64_t count, const Function &function) {
  std::atomic<int64_t> next{0};
  at::parallel_for(0, count, 1, [&](int64_t, int64_t) {
    Workspace workspace;
    for (int64_t item; (item = next++) < count;) function(item, workspace);
  });
}

Tensor bilateral_exact(const Tensor &values_in, const Tensor &image_in,
                       double sigma_rgb, double sigma_xy) {
  check_pair(values_in, image_in);
  const Tensor values = values_in.contiguous(), image = image_in.contiguous();
  Tensor out = at::empty(values.sizes(), values.options());
  if (out.numel() == 0) return out;
  const int channels = values.size(1), height = values.size(2), width = values.size(3);
  const int64_t area = (int64_t)height * width;
  AT_DISPATCH_FLOATING_TYPES(values.scalar_type(), "bilateral_exact", [&] {
    const scalar_t *images = image.const_data_ptr<scalar_t>(),
                   *from = values.const_data_ptr<scalar_t>();
    scalar_t *to = out.mutable_data_ptr<scalar_t>();
    for_each_item(values.size(0), [&](int64_t crop, Workspace &) {
      filter_exact(kernels(), images + 3 * area * crop, from + channels * area * crop,
                   to + channels * area * crop, channels, height, width, sigma_rgb,
                   sigma_xy);
    });
  });
  return out;
}

void check_grid(const Tensor &image, double spacing, double side, int64_t max_nodes) {
  TORCH_CHECK(image.scalar_type() == at::kFloat, "image must be float32, got ",
              image.scalar_type());
  TORCH_CHECK(spacing > 0 && (side == 0 || side >= 1), "spacing ", spacing,
              " or side ", side, " is out of range");
  TORCH_CHECK(0 <= max_nodes && max_nodes <= kMaxNodes, "max_nodes ", max_nodes,
              " is out of range");
}

void check_tensor(const Tensor &t, const char *name, at::IntArrayRef sizes,
                  at::ScalarType type) {
  TORCH_CHECK(t.sizes() == sizes && t.scalar_type() == type && t.is_contiguous() &&
                  t.is_cpu(),
              name, " must be a contiguous ", type, " tensor ", sizes, ", got ",
              t.scalar_type(), " ", t.sizes(), " on ", t.device());
}

GridTables read_tables(const Tensor &basis_y, const Tensor &basis_x,
                       const Tensor &kernel, double side, int height, int width) {
  const int64_t blocks = basis_y.dim() == 0 ? 0 : basis_y.size(0), taps = kernel.numel();
  check_tensor(basis_y, "basis_y", {blocks, height, kLanes}, at::kFloat);
  check_tensor(basis_x, "basis_x", {blocks, width, kLanes}, at::kFloat);
  check_tensor(kernel, "kernel", {taps}, at::kFloat);
  TORCH_CHECK(blocks > 0, "the tables have no block of ranks");
  TORCH_CHECK(side > 0 ? taps == kTileWeights : 1 <= taps && taps <= kMaxRadius + 1,
              taps, " taps or weights do not go with side ", side);
  return {basis_y.const_data_ptr<float>(), basis_x.const_data_ptr<float>(),
          kernel.const_data_ptr<float>(), (int)blocks, (int)taps - 1, (float)side};
}

Tensor bilateral_grid_plan(const Tensor &image_in, double spacing, double side,
                           int64_t max_nodes) {
  check_pair(image_in, image_in);
  check_grid(image_in, spacing, side, max_nodes);
  const Tensor image = image_in.contiguous();
  const int height = image.size(2), width = image.size(3);
  const int64_t area = (int64_t)height * width, size = plan_size(area, side);
  Tensor plan = at::empty({image.size(0), size}, image.options().dtype(at::kInt));
  if (image.numel() == 0) return plan.zero_();
  const float *images = image.const_data_ptr<float>();
  int32_t *plans = plan.mutable_data_ptr<int32_t>();
  for_each_item(image.size(0), [&](int64_t crop, Workspace &workspace) {
    int32_t *to = plans + size * crop;
    const int64_t used = plan_grid(kernels(), images + 3 * area * crop, height, width,
                                   spacing, side, max_nodes, workspace, to);
    std::fill(to + used, to + size, 0);  // an output has no undefined parts
  });
  return plan;
}

Tensor bilateral_grid(const Tensor &values_in, const Tensor &image_in,
                      const Tensor &plan, const Tensor &basis_y, const Tensor &basis_x,
                      const Tensor &kernel, double spacing, double side,
                      int64_t max_nodes, double sigma_rgb, double sigma_xy) {
  check_pair(values_in, image_in);
  check_grid(image_in, spacing, side, max_nodes);
  const Tensor values = values_in.contiguous(), image = image_in.contiguous();
  const int64_t batch = values.size(0), channels = values.size(1);
  const int height = values.size(2), width = values.size(3);
  const int64_t area = (int64_t)height * width, size = plan_size(area, side);
  const bool planned = plan.numel() > 0;
  if (planned) check_tensor(plan, "plan", {batch, size}, at::kInt);
  const GridTables tables = read_tables(basis_y, basis_x, kernel, side, height, width);
  Tensor out = at::empty(values.sizes(), values.options());
  if (out.numel() == 0) return out;

  const float *value_data = values.const_data_ptr<float>(),
              *image_data = image.const_data_ptr<float>();
  const int32_t *plans = planned ? plan.const_data_ptr<int32_t>() : nullptr;
  float *out_data = out.mutable_data_ptr<float>();
  // A plan that is not kept serves all channels from the cache of the core that made it.
  const int64_t at_once = planned ? 1 : channels;
  for_each_item(batch * channels / at_once, [&](int64_t item, Workspace &workspace) {
    const int64_t crop = item * at_once / channels;
    const float *crop_image = image_data + 3 * area * crop;
    int32_t *made = planned ? nullptr : workspace.plan.get(size);
    if (!planned)
      plan_grid(kernels(), crop_image, height, width, spacing, side, max_nodes,
                workspace, made);
    const int32_t *crop_plan = planned ? plans + size * crop : made;
    const float *from = value_data + at_once * area * item;
    float *to = out_data + at_once * area * item;
    for (int64_t c = 0; c < at_once; ++c)
      if (!filter_grid(kernels(), crop_plan, tables, max_nodes, height, width,
                       from + area * c, to + area * c, workspace)) {
        filter_exact(kernels(), crop_image, from, to, at_once, height, width, sigma_rgb,
                     sigma_xy);
        break;
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
