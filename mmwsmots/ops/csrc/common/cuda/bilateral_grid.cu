// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
#include <cmath>

#include "bilateral_filter.h"

namespace mmwsmots {
namespace cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kSplineNodes = 3;
constexpr int kMaxBatch = 65535;  // blocks along y
constexpr float kInfinity = 3.4e38f;
constexpr int kOffsetBits = 10;
constexpr int kOffsetMask = (1 << kOffsetBits) - 1;
constexpr float kOffsetScale = 1022.f;

struct Rotation {
  float m[3][3];
};

// One rounding per step, so that both passes over the image agree to the bit.
__device__ float rotate(const float *m, float red, float green, float blue) {
  return __fmaf_rn(m[0], red, __fmaf_rn(m[1], green, __fmul_rn(m[2], blue)));
}

// One block per crop: the bounding box of its colours, then every pixel's cell.
__global__ void plan_kernel(const float *image, int64_t area, Rotation rotation,
                            int64_t max_nodes, int32_t *offsets, int32_t *cells,
                            int32_t *shape) {
  __shared__ float lows[3][kThreads], highs[3][kThreads];
  __shared__ int nodes[3];
  const int64_t crop = blockIdx.x;
  const int thread = threadIdx.x;
  image += 3 * area * crop;
  offsets += area * crop;
  cells += area * crop;

  float low[3] = {kInfinity, kInfinity, kInfinity};
  float high[3] = {-kInfinity, -kInfinity, -kInfinity};
  for (int64_t i = thread; i < area; i += kThreads) {
    for (int axis = 0; axis < 3; ++axis) {
      const float x =
          rotate(rotation.m[axis], image[i], image[area + i], image[2 * area + i]);
      // A colour that is no finite number gives a range that no grid holds.
      low[axis] = fabsf(x) < kInfinity ? fminf(low[axis], x) : -kInfinity;
      high[axis] = fabsf(x) < kInfinity ? fmaxf(high[axis], x) : kInfinity;
    }
  }
  for (int axis = 0; axis < 3; ++axis) {
    lows[axis][thread] = low[axis];
    highs[axis][thread] = high[axis];
  }
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (thread < half) {
      for (int axis = 0; axis < 3; ++axis) {
        lows[axis][thread] = fminf(lows[axis][thread], lows[axis][thread + half]);
        highs[axis][thread] = fmaxf(highs[axis][thread], highs[axis][thread + half]);
      }
    }
    __syncthreads();
  }
  if (thread == 0) {
    bool fits = true;
    int64_t product = 1;
    for (int axis = 0; axis < 3; ++axis) {
      const float last = highs[axis][0] - lows[axis][0] + 0.5f;
      fits = fits && last < (float)max_nodes;
      nodes[axis] = fits ? (int)last + kSplineNodes : 0;
      product *= nodes[axis];
      fits = fits && product <= max_nodes;
    }
    for (int axis = 0; axis < 3; ++axis) {
      if (!fits) nodes[axis] = 0;
      shape[4 * crop + axis] = nodes[axis];
    }
    shape[4 * crop + 3] = 0;
  }
  __syncthreads();
  for (int64_t i = thread; i < area; i += kThreads) {
    int cell = 0, packed = 0;
    for (int axis = 2; axis >= 0; --axis) {
      const float x =
          rotate(rotation.m[axis], image[i], image[area + i], image[2 * area + i]) -
          lows[axis][0];
      const int nearest = nodes[axis] > 0 ? (int)(x + 0.5f) : 0;
      const float offset = nodes[axis] > 0 ? x - nearest : 0.f;
      packed = packed << kOffsetBits | (int)((offset + 0.5f) * kOffsetScale + 0.5f);
      cell = cell * nodes[axis] + nearest;
    }
    cells[i] = cell;
    offsets[i] = packed;
  }
}

// Of the offset in the lowest bits.
__device__ void spline_weights(int packed, float *weights) {
  const float f = (packed & kOffsetMask) * (1 / kOffsetScale) - 0.5f;
  weights[0] = 0.5f * (0.5f - f) * (0.5f - f);
  weights[1] = 0.75f - f * f;
  weights[2] = 0.5f * (0.5f + f) * (0.5f + f);
}

// A crop's part of the chunk's arrays.
struct Crop {
  int nx, ny, nz;
  int64_t size;  // floats in use

  __device__ explicit Crop(const int32_t *shape)
      : nx(shape[0]), ny(shape[1]), nz(shape[2]), size((int64_t)nx * ny * nz * kLanes) {}
};

__global__ void clear_kernel(const int32_t *shape, int64_t stride, float *grid) {
  const Crop crop(shape + 4 * blockIdx.y);
  grid += stride * blockIdx.y;
  const int64_t step = (int64_t)gridDim.x * blockDim.x;
  for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < crop.size;
       i += step)
    grid[i] = 0.f;
}

// One thread per pixel and lane: eight neighbours write one sector of memory.
__global__ void splat_kernel(GridPlan plan, const float *basis_y,
                             const float *basis_x, int width, int64_t area,
                             const float *values, int64_t value_stride,
                             int64_t stride, float *grid) {
  const Crop crop(plan.shape + 4 * blockIdx.y);
  if (crop.size == 0) return;
  const int64_t thread = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  const int64_t i = thread / kLanes;
  const int lane = thread % kLanes;
  if (i >= area) return;
  const int packed = plan.offsets[area * blockIdx.y + i];
  const int64_t cell = plan.cells[area * blockIdx.y + i];
  const float value = values[value_stride * blockIdx.y + i] *
                      basis_y[i / width * kLanes + lane] *
                      basis_x[i % width * kLanes + lane];
  float wx[3], wy[3], wz[3];
  spline_weights(packed, wx);
  spline_weights(packed >> kOffsetBits, wy);
  spline_weights(packed >> 2 * kOffsetBits, wz);
  float *node = grid + stride * blockIdx.y + cell * kLanes + lane;
#pragma unroll
  for (int k = 0; k < 3; ++k)
#pragma unroll
    for (int j = 0; j < 3; ++j) {
      float *line = node + ((int64_t)k * crop.ny + j) * crop.nx * kLanes;
      const float weight = wz[k] * wy[j] * value;
#pragma unroll
      for (int n = 0; n < 3; ++n) atomicAdd(line + n * kLanes, wx[n] * weight);
    }
}

// Convolves along the axis (0: x, 1: y, 2: z); nodes outside the grid are zero.
__global__ void blur_kernel(const int32_t *shape, const float *kernel, int radius,
                            int axis, int64_t stride, const float *from, float *to) {
  const Crop crop(shape + 4 * blockIdx.y);
  from += stride * blockIdx.y;
  to += stride * blockIdx.y;
  const int count = axis == 0 ? crop.nx : axis == 1 ? crop.ny : crop.nz;
  const int64_t apart = axis == 0   ? kLanes
                        : axis == 1 ? (int64_t)crop.nx * kLanes
                                    : (int64_t)crop.nx * crop.ny * kLanes;
  const int64_t step = (int64_t)gridDim.x * blockDim.x;
  for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < crop.size;
       i += step) {
    const int at = i / apart % count;
    float sum = kernel[0] * from[i];
    for (int d = 1; d <= radius; ++d) {
      const float before = at >= d ? from[i - d * apart] : 0.f;
      const float after = at + d < count ? from[i + d * apart] : 0.f;
      sum += kernel[d] * (before + after);
    }
    to[i] = sum;
  }
}

// One thread per pixel. The first block of ranks sets the output, the others add.
__global__ void gather_kernel(GridPlan plan, const float *basis_y,
                              const float *basis_x, int width, int64_t area,
                              const float *grid, int64_t stride, bool first,
                              int64_t value_stride, float *out) {
  const Crop crop(plan.shape + 4 * blockIdx.y);
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (crop.size == 0 || i >= area) return;
  const int packed = plan.offsets[area * blockIdx.y + i];
  const int64_t cell = plan.cells[area * blockIdx.y + i];
  float wx[3], wy[3], wz[3];
  spline_weights(packed, wx);
  spline_weights(packed >> kOffsetBits, wy);
  spline_weights(packed >> 2 * kOffsetBits, wz);
  const float *node = grid + stride * blockIdx.y + cell * kLanes;
  float sums[kLanes] = {};
#pragma unroll
  for (int k = 0; k < 3; ++k)
#pragma unroll
    for (int j = 0; j < 3; ++j) {
      const float *line = node + ((int64_t)k * crop.ny + j) * crop.nx * kLanes;
      const float weight = wz[k] * wy[j];
#pragma unroll
      for (int n = 0; n < 3; ++n)
#pragma unroll
        for (int lane = 0; lane < kLanes; ++lane)
          sums[lane] += weight * wx[n] * line[n * kLanes + lane];
    }
  float sum = 0.f;
#pragma unroll
  for (int lane = 0; lane < kLanes; ++lane)
    sum += sums[lane] * basis_y[i / width * kLanes + lane] *
           basis_x[i % width * kLanes + lane];
  float &result = out[value_stride * blockIdx.y + i];
  result = first ? sum : result + sum;
}

int blocks_for(int64_t threads) { return (int)((threads + kThreads - 1) / kThreads); }

}  // namespace

cudaError_t plan_grid(const float *image, const Crops &crops, float spacing,
                      int64_t max_nodes, int32_t *offsets, int32_t *cells,
                      int32_t *shape, cudaStream_t stream) {
  // Grey and two chroma axes, as on the CPU.
  const float a = 1 / std::sqrt(3.f) / spacing, b = 1 / std::sqrt(2.f) / spacing,
              c = 1 / std::sqrt(6.f) / spacing;
  const Rotation rotation = {{{a, a, a}, {b, -b, 0.f}, {c, c, -2 * c}}};
  const int64_t area = (int64_t)crops.height * crops.width;
  plan_kernel<<<crops.batch, kThreads, 0, stream>>>(image, area, rotation, max_nodes,
                                                    offsets, cells, shape);
  return cudaGetLastError();
}

cudaError_t filter_grid(const GridPlan &plan, const GridTables &tables,
                        const float *values, float *out, const Crops &crops,
                        float *scratch, int crops_at_once, cudaStream_t stream) {
  const int64_t area = (int64_t)crops.height * crops.width;
  const int64_t value_stride = crops.channels * area;
  const int64_t stride = plan.max_nodes * kLanes;
  const int at_once = crops_at_once < kMaxBatch ? crops_at_once : kMaxBatch;
  float *grid = scratch, *blurred = scratch + stride * at_once;
  // Crops differ in size; a thread of a large one takes several nodes.
  const int64_t wanted = blocks_for(stride);
  const int node_blocks = (int)(wanted < 64 ? wanted : 64);
  for (int start = 0; start < crops.batch; start += at_once) {
    const int count = crops.batch - start < at_once ? crops.batch - start : at_once;
    GridPlan chunk = plan;
    chunk.offsets += area * start;
    chunk.cells += area * start;
    chunk.shape += 4 * (int64_t)start;
    const dim3 over_nodes(node_blocks, count);
    const dim3 over_lanes(blocks_for(area * kLanes), count);
    const dim3 over_pixels(blocks_for(area), count);
    for (int channel = 0; channel < crops.channels; ++channel) {
      const int64_t skipped = value_stride * start + area * channel;
      for (int block = 0; block < tables.blocks; ++block) {
        const float *basis_y = tables.basis_y + (int64_t)block * crops.height * kLanes;
        const float *basis_x = tables.basis_x + (int64_t)block * crops.width * kLanes;
        clear_kernel<<<over_nodes, kThreads, 0, stream>>>(chunk.shape, stride, grid);
        splat_kernel<<<over_lanes, kThreads, 0, stream>>>(
            chunk, basis_y, basis_x, crops.width, area, values + skipped, value_stride,
            stride, grid);
        blur_kernel<<<over_nodes, kThreads, 0, stream>>>(
            chunk.shape, tables.kernel, tables.radius, 0, stride, grid, blurred);
        blur_kernel<<<over_nodes, kThreads, 0, stream>>>(
            chunk.shape, tables.kernel, tables.radius, 1, stride, blurred, grid);
        blur_kernel<<<over_nodes, kThreads, 0, stream>>>(
            chunk.shape, tables.kernel, tables.radius, 2, stride, grid, blurred);
        gather_kernel<<<over_pixels, kThreads, 0, stream>>>(
            chunk, basis_y, basis_x, crops.width, area, blurred, stride, block == 0,
            value_stride, out + skipped);
      }
    }
  }
  return cudaGetLastError();
}

}  // namespace cuda
}  // namespace mmwsmots
