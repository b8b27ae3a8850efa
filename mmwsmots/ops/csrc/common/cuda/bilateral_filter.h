// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
// The bilateral filter on a CUDA device, without any dependency but the runtime.
// Everything runs on the given stream, in the memory that it is given.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace mmwsmots {
namespace cuda {

// Ranks of the spatial basis that are filtered at once, as on the CPU.
constexpr int kLanes = 8;

struct Crops {
  int batch, channels, height, width;
};

// Place of every pixel in the colour grid of its crop.
struct GridPlan {
  // (batch, height * width) from the cell's centre, -0.5 .. 0.5 along each axis, in
  // ten bits each
  const int32_t *offsets;
  const int32_t *cells;  // (batch, height * width) first of the cell's 27 nodes
  const int32_t *shape;  // (batch, 4) nodes along the axes; 0: crop not in the grid
  int64_t max_nodes;     // that any crop has
};

struct GridTables {
  const float *basis_y;  // (blocks, height, kLanes)
  const float *basis_x;  // (blocks, width, kLanes)
  const float *kernel;   // (radius + 1)
  int blocks, radius;
};

// out = W * values, exactly; T is float or double. With `shape`, only for the crops
// whose grid has no nodes.
template <typename T>
cudaError_t filter_exact(const T *image, const T *values, T *out, const Crops &crops,
                         double sigma_rgb, double sigma_xy, const int32_t *shape,
                         cudaStream_t stream);

// Fills the three tables of a plan. Crops that need more nodes than max_nodes, or
// have a colour that is not finite, get the shape 0.
cudaError_t plan_grid(const float *image, const Crops &crops, float spacing,
                      int64_t max_nodes, int32_t *offsets, int32_t *cells,
                      int32_t *shape, cudaStream_t stream);

// out = W * values for the crops that are in the grid. `scratch` has room for
// 2 * crops_at_once * max_nodes * kLanes floats. The order of additions, and so the
// last bits, differ from run to run.
cudaError_t filter_grid(const GridPlan &plan, const GridTables &tables,
                        const float *values, float *out, const Crops &crops,
                        float *scratch, int crops_at_once, cudaStream_t stream);

}  // namespace cuda
}  // namespace mmwsmots
