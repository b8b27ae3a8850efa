// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
#include "bilateral_filter.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace mmwsmots {
namespace {

// Sorts by cell; pixels of a cell stay in raster order. Returns the number of runs.
// The two halves of the crop have counters of their own and go side by side: a
// counter that was just written is slow to read, and neighbours share their cell.
int sort_pixels(const int32_t *cells, const int32_t *unsorted_offsets, int num_pixels,
                int width, int num_cells, int32_t *starts, int32_t *offsets,
                int32_t *pixels, Run *runs) {
  const int half = num_pixels / 2;
  int32_t *first = starts, *second = starts + num_cells;
  std::fill(starts, starts + 2 * (int64_t)num_cells, 0);
  for (int i = 0; i < half; ++i) {
    ++first[cells[i]];
    ++second[cells[half + i]];
  }
  if (num_pixels % 2 == 1) ++second[cells[num_pixels - 1]];
  int num_runs = 0;
  int32_t start = 0;
  for (int cell = 0; cell < num_cells; ++cell) {
    const int32_t in_first = first[cell], in_second = second[cell];
    if (in_first + in_second == 0) continue;
    first[cell] = start;
    second[cell] = start + in_first;
    start += in_first + in_second;
    runs[num_runs++] = {cell, start};
  }

  struct Position {
    int y, x;
  };
  const auto place = [&](int i, int32_t *counters, Position &at) {
    const int32_t to = counters[cells[i]]++;
    offsets[to] = unsorted_offsets[i];
    pixels[to] = at.y << 16 | at.x;
    if (++at.x == width) at = {at.y + 1, 0};
  };
  Position upper = {0, 0}, lower = {half / width, half % width};
  for (int i = 0; i < half; ++i) {
    place(i, first, upper);
    place(half + i, second, lower);
  }
  if (num_pixels % 2 == 1) place(num_pixels - 1, second, lower);
  return num_runs;
}

}  // namespace

bool plan_grid(const Kernels &kernels, const float *image, int height, int width,
               float spacing, int64_t max_nodes, Workspace &workspace,
               int32_t *offsets, int32_t *pixels, Run *runs, int32_t *shape) {
  const int num_pixels = height * width;
  const int stride = round_up(num_pixels, kLanes);
  // Grey and two chroma axes: natural colours lie near the first, which makes the
  // bounding box small.
  const float a = 1 / std::sqrt(3.f) / spacing, b = 1 / std::sqrt(2.f) / spacing,
              c = 1 / std::sqrt(6.f) / spacing;
  const float rotation[9] = {a, a, a, b, -b, 0, c, c, -2 * c};
  float low[3], high[3];
  bool fits = kernels.colour_range(image, num_pixels, rotation, low, high);
  int64_t num_nodes = 1;
  for (int axis = 0; axis < 3 && fits; ++axis) {
    // The nearest cell of the highest colour, rounded as bin_colours() rounds.
    const float last = high[axis] - low[axis] + 0.5f;
    fits = last < max_nodes;  // max_nodes is an int: the next line cannot overflow
    if (!fits) break;
    shape[axis] = (int32_t)last + kSplineNodes;
    num_nodes *= shape[axis];
    fits = num_nodes <= max_nodes;
  }
  if (!fits) {
    std::fill(shape, shape + 4, 0);
    return false;
  }
  int32_t *cells = workspace.cells.get(2 * (std::size_t)stride);
  int32_t *unsorted_offsets = cells + stride;
  kernels.bin_colours(image, num_pixels, rotation, low, shape, cells,
                      unsorted_offsets);
  int32_t *starts = workspace.counts.get(2 * num_nodes);
  shape[3] = sort_pixels(cells, unsorted_offsets, num_pixels, width, (int)num_nodes,
                         starts, offsets, pixels, runs);
  return true;
}

bool plan_grid(const Kernels &kernels, const float *image, int height, int width,
               float spacing, int64_t max_nodes, Workspace &workspace,
               GridPlan *plan) {
  const int num_pixels = height * width;
  int32_t *offsets = workspace.plan.get(2 * (std::size_t)num_pixels);
  int32_t *pixels = offsets + num_pixels;
  Run *runs = workspace.runs.get(num_pixels);
  int32_t shape[4];
  const bool fits = plan_grid(kernels, image, height, width, spacing, max_nodes,
                              workspace, offsets, pixels, runs, shape);
  *plan = {offsets, pixels, runs, num_pixels, shape[3], {shape[0], shape[1], shape[2]}};
  return fits;
}

void filter_grid(const Kernels &kernels, const GridPlan &plan,
                 const GridTables &tables, int height, int width,
                 const float *values, float *out, Workspace &workspace) {
  const std::size_t nx = plan.nodes[0], ny = plan.nodes[1], nz = plan.nodes[2];
  GridBuffers buffers;
  buffers.grid = workspace.grid.get(nx * ny * nz * kLanes);
  buffers.blurred = workspace.blurred.get(nx * ny * nz * kLanes);
  buffers.line = workspace.line.get((nx + 2 * tables.radius) * kLanes);
  buffers.touched = workspace.intervals.get(3 * ny * nz);
  buffers.along_z = buffers.touched + ny * nz;
  buffers.along_y = buffers.along_z + ny * nz;
  kernels.find_intervals(plan, tables.radius, buffers);
  std::fill(out, out + plan.num_pixels, 0.f);
  for (int block = 0; block < tables.blocks; ++block)
    kernels.filter_block(plan, tables, block, height, width, values, out, buffers);
}

template <typename T>
void filter_exact(const Kernels &kernels, const T *image, const T *values, T *out,
                  int channels, int height, int width, double sigma_rgb,
                  double sigma_xy, Workspace &workspace) {
  constexpr bool is_float = sizeof(T) == sizeof(float);
  constexpr double log2_e = 1.4426950408889634;
  const int stride = round_up(width, kLanes);
  const std::size_t area = (std::size_t)height * stride;
  const std::size_t reach = std::max(stride + kLanes, height);
  const std::size_t size = (3 + 2 * (std::size_t)channels) * area + stride + reach;
  T *memory;
  if constexpr (is_float)
    memory = workspace.exact_float.get(size);
  else
    memory = workspace.exact_double.get(size);
  std::fill(memory, memory + size, T(0));
  T *colours = memory, *padded = colours + 3 * area, *sums = padded + channels * area,
    *space = sums + channels * area;
  const auto pad = [&](const T *from, int count, T *to) {
    for (int row = 0; row < count * height; ++row)
      std::copy(from + (std::size_t)row * width, from + (std::size_t)(row + 1) * width,
                to + (std::size_t)row * stride);
  };
  pad(image, 3, colours);
  pad(values, channels, padded);
  const double scale = 0.5 * log2_e / (sigma_xy * sigma_xy);
  for (int64_t d = -stride; d < (int64_t)reach; ++d)
    space[d + stride] = (T)std::max(-scale * (double)(d * d), -1e4);

  ExactProblem<T> problem;
  problem.colours = colours;
  problem.values = padded;
  problem.out = sums;
  problem.space = space;
  problem.colour_scale = (T)(0.5 * log2_e / (sigma_rgb * sigma_rgb));
  problem.channels = channels;
  problem.height = height;
  problem.width = width;
  problem.stride = stride;
  // Beyond it a weight is below 2^-bits, half a unit in the last place of 1 or less.
  const double bits = is_float ? 26 : 56;
  problem.radius = (int)std::min(std::ceil(std::sqrt(bits / scale)),
                                 (double)std::max(height, width));
  if constexpr (is_float)
    kernels.exact_float(problem);
  else
    kernels.exact_double(problem);
  for (int row = 0; row < channels * height; ++row)
    std::copy(sums + (std::size_t)row * stride,
              sums + (std::size_t)row * stride + width,
              out + (std::size_t)row * width);
}

template void filter_exact<float>(const Kernels &, const float *, const float *,
                                  float *, int, int, int, double, double,
                                  Workspace &);
template void filter_exact<double>(const Kernels &, const double *, const double *,
                                   double *, int, int, int, double, double,
                                   Workspace &);

}  // namespace mmwsmots
