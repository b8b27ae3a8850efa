// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
#include "bilateral_filter.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace mmwsmots {
namespace {

// Of the colour grid behind tiles, whose size does not limit max_nodes.
constexpr int64_t kMaxCells = 1 << 20;

int num_tiles(int size, float side) { return (int)((size - 0.5f) / side) + 1; }

// The tile's first row or column; behind the last tile, the size.
int start_of_tile(int tile, float side, int size) {
  int start = std::min((int)(tile * side), size);
  while (start < size && (int)((start + 0.5f) / side) < tile) ++start;
  return start;
}

// Sorts the pixels of each tile by cell, cells in the order in which they appear; pixels
// of a cell stay in raster order. Returns the number of runs.
int sort_pixels(const int32_t *cells, const int32_t *unsorted_offsets, int height,
               int width, float side, int num_cells, int32_t *starts, int32_t *offsets,
               int32_t *pixels, Run *runs) {
  std::fill(starts, starts + num_cells, 0);
  const int rows = num_tiles(height, side), columns = num_tiles(width, side);
  int num_runs = 0;
  int32_t start = 0;
  for (int tile = 0; tile < rows * columns; ++tile) {
    const int top = start_of_tile(tile / columns, side, height),
              bottom = start_of_tile(tile / columns + 1, side, height),
              left = start_of_tile(tile % columns, side, width),
              right = start_of_tile(tile % columns + 1, side, width);
    const int first_run = num_runs;
    for (int y = top; y < bottom; ++y)
      for (int x = left; x < right; ++x) {
        const int32_t cell = cells[y * width + x];
        if (starts[cell]++ == 0) runs[num_runs++].cell = cell;
      }
    for (int run = first_run; run < num_runs; ++run) {
      const int32_t count = starts[runs[run].cell];
      starts[runs[run].cell] = start;
      start += count;
      runs[run].end = start;
    }
    for (int y = top; y < bottom; ++y)
      for (int x = left; x < right; ++x) {
        const int32_t to = starts[cells[y * width + x]]++;
        offsets[to] = unsorted_offsets[y * width + x];
        pixels[to] = y << 16 | x;
      }
    for (int run = first_run; run < num_runs; ++run) {
      starts[runs[run].cell] = 0;
      runs[run].cell += tile * num_cells;
    }
  }
  return num_runs;
}

// What the tiles of a plan touch. `runs` receives the runs without their tiles.
Tiles find_tiles(const GridPlan &plan, const GridTables &tables, int height, int width,
                 Workspace &workspace, Run *runs) {
  const int nx = plan.nodes[0], ny = plan.nodes[1], nz = plan.nodes[2];
  const int num_nodes = nx * ny * nz, num_lines = ny * nz;
  const float side = tables.side;
  const int rows = num_tiles(height, side), columns = num_tiles(width, side);
  // Of each line: the nodes that the tile touches, and those that any tile does.
  workspace.touched.assign(2 * num_lines, Interval{0, 0});
  Interval *in_tile = workspace.touched.data(), *in_crop = in_tile + num_lines;
  std::vector<Line> &lines = workspace.lines;
  lines.clear();
  workspace.tiles.clear();
  int run = 0, most = 0;
  int64_t all_nodes = 0;
  for (int tile = 0; tile < rows * columns; ++tile) {
    Tile t = {{run, 0}, {(int)lines.size(), 0}};
    const int first_cell = tile * num_nodes;
    for (; run < plan.num_runs && plan.runs[run].cell - first_cell < num_nodes; ++run) {
      const int cell = plan.runs[run].cell - first_cell;
      runs[run] = {cell, plan.runs[run].end};
      const int x = cell % nx, first_line = cell / nx;
      for (int k = 0; k < kSplineNodes; ++k)
        for (int j = 0; j < kSplineNodes; ++j) {
          const int line = first_line + k * ny + j;
          Interval &at = in_tile[line];
          if (at.end == 0) {
            lines.push_back({line, 0, 0, 0, 0});
            at = {x, x + kSplineNodes};
          } else {
            at.first = std::min(at.first, x);
            at.end = std::max(at.end, x + kSplineNodes);
          }
        }
    }
    t.runs.end = run;
    t.lines.end = (int)lines.size();
    workspace.tiles.push_back(t);
    int nodes = 0;
    for (int i = t.lines.first; i < t.lines.end; ++i) {
      Line &line = lines[i];
      Interval &at = in_tile[line.line], &all = in_crop[line.line];
      line.first = at.first;
      line.nodes = round_up(at.end - at.first, kLanes);
      nodes += line.nodes;
      all.first = all.end == 0 ? at.first : std::min(all.first, at.first);
      all.end = std::max(all.end, at.first + line.nodes);
      at = {0, 0};
    }
    most = std::max(most, nodes);
    all_nodes += nodes;
  }
  int64_t window = 0;
  std::vector<int64_t> &starts = workspace.starts;
  starts.resize(num_lines);
  for (int line = 0; line < num_lines; ++line) {
    starts[line] = window - in_crop[line].first;
    const int64_t stride = in_crop[line].end - in_crop[line].first;
    window += stride * (columns + kTileNodes - 1);
  }
  for (Line &line : lines) {
    line.window = starts[line.line] + line.first;
    line.stride = in_crop[line.line].end - in_crop[line.line].first;
  }
  return {side,         tables.kernel, rows,      columns, workspace.tiles.data(),
          lines.data(), most,          all_nodes, window};
}

}  // namespace

bool plan_grid(const Kernels &kernels, const float *image, int height, int width,
               float spacing, float side, int64_t max_nodes, Workspace &workspace,
               int32_t *offsets, int32_t *pixels, Run *runs, int32_t *shape) {
  const int num_pixels = height * width;
  const int stride = round_up(num_pixels, kLanes);
  // Grey and two chroma axes: natural colours lie near the first, which makes the
  // bounding box small.
  const float a = 1 / std::sqrt(3.f) / spacing, b = 1 / std::sqrt(2.f) / spacing,
              c = 1 / std::sqrt(6.f) / spacing;
  const float rotation[9] = {a, a, a, b, -b, 0, c, c, -2 * c};
  float low[3], high[3];
  if (side > 0) max_nodes = std::min<int64_t>(max_nodes, kMaxCells);
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
  if (side > 0 && fits) {
    fits = num_nodes * num_tiles(height, side) * num_tiles(width, side) <= INT32_MAX;
  }
  if (!fits) {
    std::fill(shape, shape + 4, 0);
    return false;
  }
  int32_t *cells = workspace.cells.get(2 * (std::size_t)stride);
  int32_t *unsorted_offsets = cells + stride;
  kernels.bin_colours(image, num_pixels, rotation, low, shape, cells,
                      unsorted_offsets);
  const float whole = (float)std::max(height, width);  // one tile
  shape[3] = sort_pixels(cells, unsorted_offsets, height, width, side > 0 ? side : whole,
                         (int)num_nodes, workspace.counts.get(num_nodes), offsets, pixels,
                         runs);
  return true;
}

bool plan_grid(const Kernels &kernels, const float *image, int height, int width,
               float spacing, float side, int64_t max_nodes, Workspace &workspace,
               GridPlan *plan) {
  const int num_pixels = height * width;
  int32_t *offsets = workspace.plan.get(2 * (std::size_t)num_pixels);
  int32_t *pixels = offsets + num_pixels;
  Run *runs = workspace.runs.get(num_pixels);
  int32_t shape[4];
  const bool fits = plan_grid(kernels, image, height, width, spacing, side, max_nodes,
                              workspace, offsets, pixels, runs, shape);
  *plan = {offsets, pixels, runs, num_pixels, shape[3], {shape[0], shape[1], shape[2]}};
  return fits;
}

namespace {

bool filter_tiles(const Kernels &kernels, GridPlan plan, const GridTables &tables,
                  int64_t max_nodes, int height, int width, const float *values,
                  float *out, Workspace &workspace) {
  Run *runs = workspace.tile_runs.get(plan.num_runs);
  const Tiles tiles = find_tiles(plan, tables, height, width, workspace, runs);
  plan.runs = runs;
  // Measured in nodes of 10 ns: where tiles are small, their window outgrows the caches.
  const double cost =
      0.6 * tiles.all_nodes + 0.025 * tiles.window * (tiles.rows + kTileNodes - 1);
  if (max_nodes < kMaxNodes && cost > max_nodes) return false;
  TileBuffers buffers;
  buffers.basis_y = workspace.basis.get((std::size_t)(height + width) * kLanes);
  buffers.basis_x = buffers.basis_y + (std::size_t)height * kLanes;
  buffers.grid = workspace.grid.get((std::size_t)tiles.nodes * kLanes);
  buffers.start = workspace.counts.get((std::size_t)plan.nodes[1] * plan.nodes[2]);
  buffers.window = workspace.blurred.get((std::size_t)kWindowRows * tiles.window);
  std::fill(out, out + plan.num_pixels, 0.f);
  kernels.filter_tiles(plan, tiles, height, width, values, out, buffers);
  return true;
}

}  // namespace

bool filter_grid(const Kernels &kernels, const GridPlan &plan,
                 const GridTables &tables, int64_t max_nodes, int height, int width,
                 const float *values, float *out, Workspace &workspace) {
  if (plan.nodes[0] == 0) return false;
  if (tables.side > 0)
    return filter_tiles(kernels, plan, tables, max_nodes, height, width, values, out,
                        workspace);
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
  return true;
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
