// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
#include <cmath>

#include "bilateral_filter.h"

namespace mmwsmots {
namespace cuda {
namespace {

constexpr int kThreads = 128;
// Targets of one thread: as many rows of one column, which share what depends on the
// columns.
constexpr int kRows = 4;
// Sources that a block holds in shared memory.
constexpr int kTile = 128;
constexpr int kMaxBatch = 65535;  // blocks along y
// Blocks that share a multiprocessor: as many as leave each thread the registers that
// it needs.
template <typename T>
constexpr int kBlocks = sizeof(T) == sizeof(float) ? 4 : 3;

__device__ __forceinline__ float exp2_of(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

__device__ __forceinline__ double exp2_of(double x) { return exp2(x); }

template <typename T>
struct Source {
  T red, green, blue, x;
};

// Weights are exponents of 2: exp2(-(colour_scale * d_colour)^2 - space_scale * d^2).
// The factor of the rows is taken out of the sum over a row.
template <typename T, int kChannels>
__global__ void __launch_bounds__(kThreads, kBlocks<T>)
    exact_kernel(const T *image, const T *values, T *out, int channels,
                 int first_channel, int height, int width, T colour_scale,
                 T space_scale, int radius) {
  const int crop = blockIdx.y;
  const int64_t area = (int64_t)height * width;
  image += 3 * area * crop;
  values += (channels * (int64_t)crop + first_channel) * area;
  out += (channels * (int64_t)crop + first_channel) * area;
  __shared__ Source<T> tile[kTile];
  __shared__ T tile_values[kTile][kChannels];

  // Column and first row of the thread's targets; surplus threads repeat the last.
  const int64_t groups = (height + kRows - 1) / kRows, items = groups * width;
  const int64_t first_item = (int64_t)blockIdx.x * kThreads;
  const int64_t item = min(first_item + threadIdx.x, items - 1);
  const int xi = item % width, first_row = item / width * kRows;
  T red[kRows], green[kRows], blue[kRows], sums[kRows][kChannels] = {};
#pragma unroll
  for (int u = 0; u < kRows; ++u) {
    const int64_t i = (int64_t)min(first_row + u, height - 1) * width + xi;
    red[u] = image[i] * colour_scale;
    green[u] = image[area + i] * colour_scale;
    blue[u] = image[2 * area + i] * colour_scale;
  }

  const int64_t last_item = min(first_item + kThreads, items) - 1;
  const int begin = max((int)(first_item / width) * kRows - radius, 0);
  const int end = min((int)(last_item / width + 1) * kRows + radius, height);
  for (int yj = begin; yj < end; ++yj) {
    T row_sums[kRows][kChannels] = {};
    for (int start = 0; start < width; start += kTile) {
      const int count = min(kTile, width - start);
      __syncthreads();
      for (int t = threadIdx.x; t < count; t += kThreads) {
        const int64_t j = (int64_t)yj * width + start + t;
        tile[t] = {image[j] * colour_scale, image[area + j] * colour_scale,
                   image[2 * area + j] * colour_scale, (T)(start + t)};
        for (int c = 0; c < kChannels; ++c) tile_values[t][c] = values[c * area + j];
      }
      __syncthreads();
#pragma unroll 4
      for (int t = 0; t < count; ++t) {
        const Source<T> source = tile[t];
        const T dx = source.x - (T)xi;
        const T near = -space_scale * dx * dx;
#pragma unroll
        for (int u = 0; u < kRows; ++u) {
          const T dr = source.red - red[u], dg = source.green - green[u],
                  db = source.blue - blue[u];
          const T weight = exp2_of(near - dr * dr - dg * dg - db * db);
#pragma unroll
          for (int c = 0; c < kChannels; ++c)
            row_sums[u][c] += weight * tile_values[t][c];
        }
      }
    }
#pragma unroll
    for (int u = 0; u < kRows; ++u) {
      const T dy = yj - (first_row + u);
      const T far = exp2_of(-space_scale * dy * dy);
#pragma unroll
      for (int c = 0; c < kChannels; ++c) sums[u][c] += far * row_sums[u][c];
    }
  }
  if (first_item + threadIdx.x >= items) return;
#pragma unroll
  for (int u = 0; u < kRows; ++u) {
    if (first_row + u >= height) break;
    for (int c = 0; c < kChannels; ++c)
      out[c * area + (int64_t)(first_row + u) * width + xi] = sums[u][c];
  }
}

}  // namespace

template <typename T>
cudaError_t filter_exact(const T *image, const T *values, T *out, const Crops &crops,
                         double sigma_rgb, double sigma_xy, cudaStream_t stream) {
  const double log2_e = 1.4426950408889634;
  const T colour_scale = (T)(std::sqrt(0.5 * log2_e) / sigma_rgb);
  const double space_scale = 0.5 * log2_e / (sigma_xy * sigma_xy);
  // Beyond it a weight is below 2^-bits, half a unit in the last place of 1 or less.
  const double bits = sizeof(T) == sizeof(float) ? 26 : 56;
  const int radius =
      (int)std::fmin(std::ceil(std::sqrt(bits / space_scale)), crops.height);
  const int64_t area = (int64_t)crops.height * crops.width;
  const int64_t items = (int64_t)((crops.height + kRows - 1) / kRows) * crops.width;
  const int blocks = (int)((items + kThreads - 1) / kThreads);
  for (int start = 0; start < crops.batch; start += kMaxBatch) {
    const int left = crops.batch - start;
    const dim3 grid(blocks, left < kMaxBatch ? left : kMaxBatch);
    const T *images = image + 3 * area * start;
    const int64_t skipped = crops.channels * area * start;
    int channel = 0;
    for (; channel + 2 <= crops.channels; channel += 2)
      exact_kernel<T, 2><<<grid, kThreads, 0, stream>>>(
          images, values + skipped, out + skipped, crops.channels, channel,
          crops.height, crops.width, colour_scale, (T)space_scale, radius);
    if (channel < crops.channels)
      exact_kernel<T, 1><<<grid, kThreads, 0, stream>>>(
          images, values + skipped, out + skipped, crops.channels, channel,
          crops.height, crops.width, colour_scale, (T)space_scale, radius);
  }
  return cudaGetLastError();
}

template cudaError_t filter_exact(const float *, const float *, float *, const Crops &,
                                  double, double, cudaStream_t);
template cudaError_t filter_exact(const double *, const double *, double *,
                                  const Crops &, double, double, cudaStream_t);

}  // namespace cuda
}  // namespace mmwsmots
