// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
// CUDA implementations of the operators that ops/library.py defines.
#include <ATen/Context.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include <algorithm>
#include <tuple>

#include "../../common/cuda/bilateral_filter.h"
#include "../checks.h"

namespace mmwsmots {
namespace {

static_assert(cuda::kLanes == kRanksPerBlock);

// Scratch memory of the grid: 256 MiB, or one crop.
constexpr int64_t kScratchFloats = 1 << 26;

cuda::Crops crops_of(const Tensor &values) {
  return {(int)values.size(0), (int)values.size(1), (int)values.size(2),
          (int)values.size(3)};
}

template <typename T>
void exact(const Tensor &values, const Tensor &image, const cuda::Crops &crops,
           double sigma_rgb, double sigma_xy, const int32_t *shape, Tensor &out) {
  C10_CUDA_CHECK(cuda::filter_exact<T>(
      image.const_data_ptr<T>(), values.const_data_ptr<T>(), out.mutable_data_ptr<T>(),
      crops, sigma_rgb, sigma_xy, shape, c10::cuda::getCurrentCUDAStream()));
}

Tensor bilateral_exact(const Tensor &values_in, const Tensor &image_in,
                       double sigma_rgb, double sigma_xy) {
  check_pair(values_in, image_in);
  const cuda::Crops crops = crops_of(values_in);
  const c10::cuda::CUDAGuard guard(values_in.device());
  const Tensor values = values_in.contiguous(), image = image_in.contiguous();
  Tensor out = at::empty(values.sizes(), values.options());
  if (out.numel() == 0) return out;
  if (values.scalar_type() == at::kFloat)
    exact<float>(values, image, crops, sigma_rgb, sigma_xy, nullptr, out);
  else
    exact<double>(values, image, crops, sigma_rgb, sigma_xy, nullptr, out);
  return out;
}

// `pixels` holds every pixel's cell; nothing is sorted, so there are no runs, and no
// layout of tiles.
std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor> bilateral_grid_plan(
    const Tensor &image_in, double spacing, double side, int64_t max_nodes) {
  TORCH_CHECK(side == 0, "there are no tiles on CUDA");
  check_plan(image_in, spacing, max_nodes);
  const cuda::Crops crops = crops_of(image_in);
  const c10::cuda::CUDAGuard guard(image_in.device());
  const Tensor image = image_in.contiguous();
  const int64_t batch = image.size(0), area = image.size(2) * image.size(3);
  const auto integers = image.options().dtype(at::kInt);
  Tensor offsets = at::empty({batch, area}, integers);
  Tensor pixels = at::empty({batch, area}, integers);
  Tensor runs = at::empty({batch, 0, 2}, integers);
  Tensor shape = at::empty({batch, 4}, integers);
  Tensor layout = at::empty({batch, 0}, integers);
  if (batch > 0)
    C10_CUDA_CHECK(cuda::plan_grid(
        image.const_data_ptr<float>(), crops, (float)spacing, max_nodes,
        offsets.mutable_data_ptr<int32_t>(), pixels.mutable_data_ptr<int32_t>(),
        shape.mutable_data_ptr<int32_t>(), c10::cuda::getCurrentCUDAStream()));
  return {offsets, pixels, runs, shape, layout};
}

Tensor bilateral_grid(const Tensor &values_in, const Tensor &image_in,
                      const Tensor &offsets, const Tensor &pixels, const Tensor &runs,
                      const Tensor &shape, const Tensor &layout, const Tensor &basis_y,
                      const Tensor &basis_x, const Tensor &kernel, double side,
                      int64_t max_nodes, double sigma_rgb, double sigma_xy) {
  TORCH_CHECK(side == 0, "there are no tiles on CUDA");
  at::globalContext().alertNotDeterministic("mmwsmots bilateral grid on CUDA");
  check_pair(values_in, image_in);
  const cuda::Crops crops = crops_of(values_in);
  const c10::cuda::CUDAGuard guard(values_in.device());
  const Tensor values = values_in.contiguous(), image = image_in.contiguous();
  const int64_t batch = crops.batch, blocks = basis_y.size(0);
  const int64_t area = (int64_t)crops.height * crops.width;
  check_tensor(offsets, "offsets", {batch, area}, at::kInt, values);
  check_tensor(pixels, "pixels", {batch, area}, at::kInt, values);
  check_tensor(shape, "shape", {batch, 4}, at::kInt, values);
  check_tables(values, basis_y, basis_x, kernel);
  check_max_nodes(max_nodes);
  Tensor out = at::empty(values.sizes(), values.options());
  if (out.numel() == 0) return out;

  const int32_t *shape_data = shape.const_data_ptr<int32_t>();
  if (max_nodes > 0) {
    const int64_t per_crop = 2 * max_nodes * cuda::kLanes;
    const int64_t at_once = std::clamp<int64_t>(kScratchFloats / per_crop, 1, batch);
    Tensor scratch = at::empty({at_once * per_crop}, values.options());
    const cuda::GridPlan plan = {offsets.const_data_ptr<int32_t>(),
                                 pixels.const_data_ptr<int32_t>(), shape_data,
                                 max_nodes};
    const cuda::GridTables tables = {
        basis_y.const_data_ptr<float>(), basis_x.const_data_ptr<float>(),
        kernel.const_data_ptr<float>(), (int)blocks, (int)kernel.numel() - 1};
    C10_CUDA_CHECK(cuda::filter_grid(
        plan, tables, values.const_data_ptr<float>(), out.mutable_data_ptr<float>(),
        crops, scratch.mutable_data_ptr<float>(), (int)at_once,
        c10::cuda::getCurrentCUDAStream()));
  }
  exact<float>(values, image, crops, sigma_rgb, sigma_xy, shape_data, out);
  return out;
}

}  // namespace

TORCH_LIBRARY_IMPL(mmwsmots, CUDA, m) {
  m.impl("_bilateral_exact", bilateral_exact);
  m.impl("_bilateral_grid_plan", bilateral_grid_plan);
  m.impl("_bilateral_grid", bilateral_grid);
}

}  // namespace mmwsmots
