// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
// CPU implementations of the operators that ops/library.py defines.
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <torch/library.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <tuple>

#include "../../common/cpu/bilateral_filter.h"
#include "../checks.h"

namespace mmwsmots {
namespace {

static_assert(kLanes == kRanksPerBlock && kMaxRadius + 1 == kMaxTaps &&
              kMaxNodes == kMostNodes);

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

// Ints of a crop's layout of tiles; a larger one is made at each call.
int64_t layout_room(double side, int64_t area) { return side > 0 ? 4 * area : 0; }

template <typename T>
void exact_batch(const Tensor &values, const Tensor &image, double sigma_rgb,
                 double sigma_xy, Tensor &out) {
  const int channels = values.size(1), height = values.size(2), width = values.size(3);
  const int64_t area = (int64_t)height * width;
  const T *value_data = values.const_data_ptr<T>(), *image_data = image.const_data_ptr<T>();
  T *out_data = out.mutable_data_ptr<T>();
  for_each_item(values.size(0), [&](int64_t crop, Workspace &workspace) {
    filter_exact<T>(kernels(), image_data + 3 * area * crop,
                    value_data + channels * area * crop,
                    out_data + channels * area * crop, channels, height, width,
                    sigma_rgb, sigma_xy, workspace);
  });
}

Tensor bilateral_exact(const Tensor &values_in, const Tensor &image_in,
                       double sigma_rgb, double sigma_xy) {
  check_pair(values_in, image_in);
  const Tensor values = values_in.contiguous(), image = image_in.contiguous();
  Tensor out = at::empty(values.sizes(), values.options());
  if (out.numel() == 0) return out;
  if (values.scalar_type() == at::kFloat)
    exact_batch<float>(values, image, sigma_rgb, sigma_xy, out);
  else
    exact_batch<double>(values, image, sigma_rgb, sigma_xy, out);
  return out;
}

std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor> bilateral_grid_plan(
    const Tensor &image_in, double spacing, double side, int64_t max_nodes) {
  check_plan(image_in, spacing, max_nodes);
  const Tensor image = image_in.contiguous();
  const int64_t batch = image.size(0);
  const int height = image.size(2), width = image.size(3);
  const int64_t area = (int64_t)height * width;
  Tensor pixels = at::empty({batch, area}, image.options().dtype(at::kInt));
  Tensor offsets = at::empty(pixels.sizes(), pixels.options());
  Tensor runs = at::empty({batch, area, 2}, pixels.options());
  Tensor shape = at::zeros({batch, 4}, pixels.options());
  const int64_t room = layout_room(side, area);
  Tensor layout = at::empty({batch, room}, pixels.options());
  if (image.numel() == 0) return {offsets, pixels, runs, shape, layout};
  const float *image_data = image.const_data_ptr<float>();
  int32_t *offset_data = offsets.mutable_data_ptr<int32_t>(),
          *pixel_data = pixels.mutable_data_ptr<int32_t>(),
          *shape_data = shape.mutable_data_ptr<int32_t>(),
          *layout_data = layout.mutable_data_ptr<int32_t>();
  Run *run_data = reinterpret_cast<Run *>(runs.mutable_data_ptr<int32_t>());
  for_each_item(batch, [&](int64_t crop, Workspace &workspace) {
    int32_t *crop_offsets = offset_data + area * crop,
            *crop_pixels = pixel_data + area * crop, *crop_shape = shape_data + 4 * crop;
    Run *crop_runs = run_data + area * crop;
    if (!plan_grid(kernels(), image_data + 3 * area * crop, height, width,
                   (float)spacing, (float)side, max_nodes, workspace, crop_offsets, crop_pixels,
                   crop_runs, crop_shape)) {
      std::fill_n(crop_offsets, area, 0);
      std::fill_n(crop_pixels, area, 0);
    }
    // The operator's outputs have no undefined parts.
    std::fill(crop_runs + crop_shape[3], crop_runs + area, Run{0, 0});
    if (room == 0) return;
    const std::vector<int32_t> &made = workspace.layout;
    const bool fits = crop_shape[3] > 0 && (int64_t)made.size() <= room;
    int32_t *crop_layout = layout_data + room * crop;
    if (fits) std::copy(made.begin(), made.end(), crop_layout);
    std::fill(crop_layout + (fits ? made.size() : 0), crop_layout + room, 0);
  });
  return {offsets, pixels, runs, shape, layout};
}

GridTables read_tables(const Tensor &values, const Tensor &basis_y,
                       const Tensor &basis_x, const Tensor &kernel, double side) {
  check_tables(values, basis_y, basis_x, kernel);
  GridTables tables;
  tables.basis_y = basis_y.const_data_ptr<float>();
  tables.basis_x = basis_x.const_data_ptr<float>();
  tables.kernel = kernel.const_data_ptr<float>();
  tables.blocks = basis_y.size(0);
  tables.radius = kernel.numel() - 1;
  tables.side = (float)side;
  TORCH_CHECK(side == 0 || (side >= 1 && kernel.numel() == kTileWeights),
              "side ", side, " does not go with ", kernel.numel(), " weights");
  return tables;
}

Tensor bilateral_grid(const Tensor &values_in, const Tensor &image_in,
                      const Tensor &offsets, const Tensor &pixels, const Tensor &runs,
                      const Tensor &shape, const Tensor &layout, const Tensor &basis_y,
                      const Tensor &basis_x, const Tensor &kernel, double side,
                      int64_t max_nodes, double sigma_rgb, double sigma_xy) {
  check_pair(values_in, image_in);
  const Tensor values = values_in.contiguous(), image = image_in.contiguous();
  const int64_t batch = values.size(0), channels = values.size(1);
  const int height = values.size(2), width = values.size(3);
  const int64_t area = (int64_t)height * width;
  check_tensor(offsets, "offsets", {batch, area}, at::kInt, values);
  check_tensor(pixels, "pixels", {batch, area}, at::kInt, values);
  check_tensor(runs, "runs", {batch, area, 2}, at::kInt, values);
  check_tensor(shape, "shape", {batch, 4}, at::kInt, values);
  const int64_t room = layout_room(side, area);
  check_tensor(layout, "layout", {batch, room}, at::kInt, values);
  const GridTables tables = read_tables(values, basis_y, basis_x, kernel, side);
  Tensor out = at::empty(values.sizes(), values.options());
  if (out.numel() == 0) return out;

  const float *value_data = values.const_data_ptr<float>(),
              *image_data = image.const_data_ptr<float>();
  const int32_t *offset_data = offsets.const_data_ptr<int32_t>(),
                *pixel_data = pixels.const_data_ptr<int32_t>(),
                *shape_data = shape.const_data_ptr<int32_t>(),
                *layout_data = layout.const_data_ptr<int32_t>();
  const Run *run_data = reinterpret_cast<const Run *>(runs.const_data_ptr<int32_t>());
  float *out_data = out.mutable_data_ptr<float>();
  for_each_item(batch * channels, [&](int64_t item, Workspace &workspace) {
    const int64_t crop = item / channels;
    GridPlan plan;
    plan.offsets = offset_data + area * crop;
    plan.pixels = pixel_data + area * crop;
    plan.runs = run_data + area * crop;
    plan.num_pixels = area;
    plan.num_runs = shape_data[4 * crop + 3];
    std::copy_n(shape_data + 4 * crop, 3, plan.nodes);
    plan.layout = room > 0 ? layout_data + room * crop : nullptr;
    const float *from = value_data + area * item;
    float *to = out_data + area * item;
    // Else the grid is too large, or a colour not finite.
    if (!filter_grid(kernels(), plan, tables, max_nodes, height, width, from, to,
                     workspace))
      filter_exact<float>(kernels(), image_data + 3 * area * crop, from, to, 1, height,
                          width, sigma_rgb, sigma_xy, workspace);
  });
  return out;
}

// A crop's plan stays in the cache of the core that made it.
Tensor bilateral_grid_once(const Tensor &values_in, const Tensor &image_in,
                           const Tensor &basis_y, const Tensor &basis_x,
                           const Tensor &kernel, double spacing, double side,
                           int64_t max_nodes,
                           double sigma_rgb, double sigma_xy) {
  check_pair(values_in, image_in);
  check_plan(image_in, spacing, max_nodes);
  const Tensor values = values_in.contiguous(), image = image_in.contiguous();
  const int64_t batch = values.size(0), channels = values.size(1);
  const int height = values.size(2), width = values.size(3);
  const int64_t area = (int64_t)height * width;
  const GridTables tables = read_tables(values, basis_y, basis_x, kernel, side);
  Tensor out = at::empty(values.sizes(), values.options());
  if (out.numel() == 0) return out;

  const float *value_data = values.const_data_ptr<float>(),
              *image_data = image.const_data_ptr<float>();
  float *out_data = out.mutable_data_ptr<float>();
  for_each_item(batch, [&](int64_t crop, Workspace &workspace) {
    const float *crop_image = image_data + 3 * area * crop,
                *from = value_data + channels * area * crop;
    float *to = out_data + channels * area * crop;
    GridPlan plan;
    plan_grid(kernels(), crop_image, height, width, (float)spacing, (float)side,
              max_nodes, workspace, &plan);
    for (int64_t c = 0; c < channels; ++c)
      if (!filter_grid(kernels(), plan, tables, max_nodes, height, width,
                       from + area * c, to + area * c, workspace)) {
        filter_exact<float>(kernels(), crop_image, from, to, channels, height, width,
                            sigma_rgb, sigma_xy, workspace);
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
  m.impl("_bilateral_grid_once", bilateral_grid_once);
}

}  // namespace mmwsmots
