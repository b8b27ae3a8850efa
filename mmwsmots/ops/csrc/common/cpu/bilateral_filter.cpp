// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
#include "bilateral_filter.h"

#include <algorithm>
#include <climits>
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

// How far a pixel alone in its cell may be from the centre of another.
constexpr int kFarthest = (int)(0.7f * kOffsetScale);
// Added to the count of a cell of one pixel that is kept.
constexpr int32_t kKept = 1 << 30;

// Moves a pixel that is alone in its cell to a neighbour that stays, if one is near
// enough. Half of the cells of natural tiles have one pixel, and a cell costs more than
// its pixels.
void join_cell(int32_t *cell, int32_t *packed, const int *steps, int num_cells,
               int32_t *counts) {
  struct Axis {
    int step, move, distance;
  } axes[3];
  for (int axis = 0; axis < 3; ++axis) {
    const int offset = ((*packed >> axis * kOffsetBits) & kOffsetMask) - kOffsetScale;
    const int sign = offset > 0 ? 1 : -1;
    axes[axis] = {sign * steps[axis], -sign * (kOffsetScale << axis * kOffsetBits),
                  kOffsetScale - sign * offset};
  }
  std::sort(axes, axes + 3,
            [](const Axis &a, const Axis &b) { return a.distance < b.distance; });
  // The nearest neighbours first: bit k goes one cell along the k-th nearest axis.
  for (int moves = 1; moves < 8; ++moves) {
    const int last = moves >> 2 ? 2 : moves >> 1;
    if (axes[last].distance > kFarthest) break;
    int to = *cell, moved = *packed;
    for (int k = 0; k <= last; ++k)
      if (moves >> k & 1) {
        to += axes[k].step;
        moved += axes[k].move;
      }
    // Cells beyond the grid's edge have no pixels.
    if (to < 0 || to >= num_cells || counts[to] <= 1) continue;
    counts[*cell] = 0;
    ++counts[to];
    *cell = to;
    *packed = moved;
    return;
  }
  counts[*cell] |= kKept;
}

// Sorts the pixels of each tile by cell, cells in the order in which they appear; pixels
// of a cell stay in raster order. With `join`, pixels alone in their cells join others.
// Returns the number of runs.
int sort_pixels(int32_t *cells, int32_t *unsorted_offsets, int height, int width,
                float side, bool join, const int *nodes, int num_cells, int32_t *counts,
                int32_t *offsets, int32_t *pixels, Run *runs) {
  std::fill(counts, counts + num_cells, 0);
  const int steps[3] = {1, nodes[0], nodes[0] * nodes[1]};
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
        if (counts[cell]++ > 0) continue;
        pixels[start + num_runs - first_run] = y * width + x;  // until they are sorted
        runs[num_runs++].cell = cell;
      }
    const int end_run = num_runs, num_pixels = (bottom - top) * (right - left);
    // In noise, most would stay alone.
    const bool joins = join && 2 * (end_run - first_run) < num_pixels;
    for (int run = first_run; joins && run < end_run; ++run) {
      if (counts[runs[run].cell] > 1) continue;
      const int at = pixels[start + run - first_run];
      join_cell(cells + at, unsorted_offsets + at, steps, num_cells, counts);
    }
    num_runs = first_run;
    for (int run = first_run; run < end_run; ++run) {
      const int32_t cell = runs[run].cell, count = counts[cell] & ~kKept;
      counts[cell] = count == 0 ? 0 : start;
      if (count == 0) continue;
      start += count;
      runs[num_runs++] = {cell, start};
    }
    for (int y = top; y < bottom; ++y)
      for (int x = left; x < right; ++x) {
        const int32_t to = counts[cells[y * width + x]]++;
        offsets[to] = unsorted_offsets[y * width + x];
        pixels[to] = y << 16 | x;
      }
    for (int run = first_run; run < num_runs; ++run) {
      counts[runs[run].cell] = 0;
      runs[run].cell += tile * num_cells;
    }
  }
  return num_runs;
}

// Whether the interval was empty.
inline bool include(Interval &interval, Interval other) {
  const bool was_empty = interval.end == 0;
  interval.first = was_empty ? other.first : std::min(interval.first, other.first);
  interval.end = std::max(interval.end, other.end);
  return was_empty;
}

// The numbers before offsets, pixels and runs of a plan.
struct PlanHeader {
  int32_t nodes[3], runs, layout;  // ints of the layout behind the runs
};

// The numbers before tiles, lines, crop_lines and starts of a layout.
struct LayoutHeader { int32_t lines, crop_lines, nodes, all_nodes, window; };
constexpr std::size_t kInt = sizeof(int32_t);

GridPlan read_plan(const int32_t *plan, int num_pixels) {
  PlanHeader header;
  std::memcpy(&header, plan, sizeof(header));
  const int32_t *offsets = plan + sizeof(header) / kInt, *pixels = offsets + num_pixels;
  const Run *runs = reinterpret_cast<const Run *>(pixels + num_pixels);
  const int32_t *layout = reinterpret_cast<const int32_t *>(runs + header.runs);
  return {offsets, pixels, runs, num_pixels, header.runs,
          {header.nodes[0], header.nodes[1], header.nodes[2]},
          header.layout > 0 ? layout : nullptr};
}

Tiles read_layout(const int32_t *layout, const GridTables &tables, int height,
                  int width) {
  LayoutHeader header;
  std::memcpy(&header, layout, sizeof(header));
  const int rows = num_tiles(height, tables.side),
            columns = num_tiles(width, tables.side);
  const int32_t *tiles = layout + sizeof(header) / kInt;
  const int32_t *lines = tiles + (std::size_t)rows * columns * (sizeof(Tile) / kInt);
  const int32_t *crop_lines = lines + (std::size_t)header.lines * (sizeof(Line) / kInt);
  return {rows, columns, reinterpret_cast<const Tile *>(tiles),
          reinterpret_cast<const Line *>(lines), crop_lines,
          crop_lines + header.crop_lines, header.nodes, header.all_nodes, header.window};
}

// Makes workspace.layout of what the tiles of a plan touch. Returns false if a row of the
// window has too many nodes.
bool lay_tiles(const GridPlan &plan, float side, int height, int width,
               Workspace &workspace) {
  const int nx = plan.nodes[0], ny = plan.nodes[1], nz = plan.nodes[2];
  const int num_nodes = nx * ny * nz, num_lines = ny * nz;
  const int rows = num_tiles(height, side), columns = num_tiles(width, side);
  const int node_columns = columns + kTileNodes - 1;
  // Of each line: the first nodes of the cells of the tile's pixels, and all nodes that
  // the tile touches; of those that the crop touches, the nodes in each column.
  workspace.touched.assign(2 * num_lines, Interval{0, 0});
  Interval *of_cells = workspace.touched.data(), *in_tile = of_cells + num_lines;
  workspace.line_index.assign(num_lines, -1);
  std::vector<Interval> &in_columns = workspace.in_columns;
  std::vector<int32_t> &crop_lines = workspace.crop_lines;
  std::vector<Line> &lines = workspace.lines;
  workspace.tiles.clear();
  in_columns.clear();
  crop_lines.clear();
  lines.clear();
  int run = 0, most = 0;
  int64_t all_nodes = 0;
  for (int tile = 0; tile < rows * columns; ++tile) {
    Tile t = {{run, 0}, {(int)lines.size(), 0}, 0};
    const int first_cell = tile * num_nodes;
    std::vector<int32_t> &cell_lines = workspace.cell_lines;
    cell_lines.clear();
    for (; run < plan.num_runs && plan.runs[run].cell - first_cell < num_nodes; ++run) {
      const int cell = plan.runs[run].cell - first_cell, x = cell % nx, line = cell / nx;
      if (include(of_cells[line], {x, x + kSplineNodes})) cell_lines.push_back(line);
    }
    for (const int cell_line : cell_lines) {
      for (int k = 0; k < kSplineNodes; ++k)
        for (int j = 0; j < kSplineNodes; ++j) {
          const int line = cell_line + k * ny + j;
          if (include(in_tile[line], of_cells[cell_line])) lines.push_back({line, 0, 0});
        }
      of_cells[cell_line] = {0, 0};
    }
    t.runs.end = run;
    t.lines.end = (int)lines.size();
    for (int i = t.lines.first; i < t.lines.end; ++i) {
      Line &line = lines[i];
      const Interval at = in_tile[line.index];
      in_tile[line.index] = {0, 0};
      int32_t &index = workspace.line_index[line.index];
      if (index < 0) {
        index = (int)crop_lines.size();
        crop_lines.push_back(line.index);
        in_columns.resize(in_columns.size() + node_columns, Interval{0, 0});
      }
      line = {index, at.first, round_up(at.end - at.first, kLanes)};
      t.nodes += line.nodes;
      Interval *nodes = &in_columns[(std::size_t)index * node_columns + tile % columns];
      // Without the padding, which adds zeros to what lies behind it.
      for (int x = 0; x < kTileNodes; ++x) include(nodes[x], at);
    }
    workspace.tiles.push_back(t);
    most = std::max(most, t.nodes);
    all_nodes += t.nodes;
  }
  int64_t window = kLanes;  // room for padding
  for (const Interval at : in_columns) window += at.end - at.first;
  const std::size_t ints =
      (sizeof(LayoutHeader) + workspace.tiles.size() * sizeof(Tile) +
       lines.size() * sizeof(Line)) / kInt + crop_lines.size() + in_columns.size();
  if (std::max<int64_t>(window, ints) > INT32_MAX) return false;
  workspace.layout.resize(ints);
  const LayoutHeader header = {(int32_t)lines.size(), (int32_t)crop_lines.size(), most,
                               (int32_t)std::min<int64_t>(all_nodes, INT32_MAX),
                               (int32_t)window};
  int32_t *to = workspace.layout.data();
  const auto append = [&](const void *from, std::size_t bytes) {
    std::memcpy(to, from, bytes);
    to += bytes / kInt;
  };
  append(&header, sizeof(header));
  append(workspace.tiles.data(), workspace.tiles.size() * sizeof(Tile));
  append(lines.data(), lines.size() * sizeof(Line));
  append(crop_lines.data(), crop_lines.size() * kInt);
  int32_t start = 0;
  for (const Interval at : in_columns) {
    *to++ = start - at.first;
    start += at.end - at.first;
  }
  return true;
}

bool filter_tiles(const Kernels &kernels, const GridPlan &plan,
                  const GridTables &tables, int64_t max_nodes, int height, int width,
                  const float *values, float *out, Workspace &workspace) {
  const int32_t *layout = plan.layout;
  if (layout == nullptr) {  // it was too large to keep
    lay_tiles(plan, tables.side, height, width, workspace);
    layout = workspace.layout.data();
  }
  const Tiles tiles = read_layout(layout, tables, height, width);
  // Measured in nodes of 10 ns: where tiles are small, their window outgrows the caches.
  const double cost = 0.7 * tiles.all_nodes +
                      0.06 * (double)tiles.window * (tiles.rows + kTileNodes - 1);
  if (max_nodes < kMaxNodes && cost > max_nodes) return false;
  TileBuffers buffers;
  buffers.basis_y = workspace.basis.get((std::size_t)(height + width) * kLanes);
  buffers.basis_x = buffers.basis_y + (std::size_t)height * kLanes;
  buffers.grid = workspace.grid.get((std::size_t)tiles.nodes * kLanes);
  buffers.start = workspace.counts.get((std::size_t)plan.nodes[1] * plan.nodes[2]);
  buffers.window = workspace.blurred.get((std::size_t)kWindowRows * tiles.window);
  std::fill(out, out + plan.num_pixels, 0.f);
  kernels.filter_tiles(plan, tables, tiles, height, width, values, out, buffers);
  return true;
}

}  // namespace

int64_t plan_grid(const Kernels &kernels, const float *image, int height, int width,
                  float spacing, float side, int64_t max_nodes, Workspace &workspace,
                  int32_t *plan) {
  const int num_pixels = height * width;
  // Grey and two chroma axes: natural colours lie near the first, which makes the
  // bounding box small.
  const float a = 1 / std::sqrt(3.f) / spacing, b = 1 / std::sqrt(2.f) / spacing,
              c = 1 / std::sqrt(6.f) / spacing;
  const float rotation[9] = {a, a, a, b, -b, 0, c, c, -2 * c};
  float low[3], high[3];
  if (side > 0) max_nodes = std::min<int64_t>(max_nodes, kMaxCells);
  bool fits = kernels.colour_range(image, num_pixels, rotation, low, high);
  PlanHeader header = {};
  int64_t num_nodes = 1;
  for (int axis = 0; axis < 3 && fits; ++axis) {
    // The nearest cell of the highest colour, rounded as bin_colours() rounds.
    const float last = high[axis] - low[axis] + 0.5f;
    fits = last < max_nodes;  // max_nodes is an int: the next line cannot overflow
    if (!fits) break;
    header.nodes[axis] = (int32_t)last + kSplineNodes;
    num_nodes *= header.nodes[axis];
    fits = num_nodes <= max_nodes;
  }
  if (side > 0 && fits)
    fits = num_nodes * num_tiles(height, side) * num_tiles(width, side) <= INT32_MAX;
  int64_t used = sizeof(header) / kInt;
  if (fits) {
    int32_t *cells = workspace.cells.get(2 * (std::size_t)num_pixels);
    int32_t *unsorted_offsets = cells + num_pixels;
    kernels.bin_colours(image, num_pixels, rotation, low, header.nodes, cells,
                        unsorted_offsets);
    int32_t *offsets = plan + used, *pixels = offsets + num_pixels;
    Run *runs = reinterpret_cast<Run *>(pixels + num_pixels);
    const float whole = (float)std::max(height, width);  // one tile
    header.runs = sort_pixels(cells, unsorted_offsets, height, width,
                              side > 0 ? side : whole, side > 0, header.nodes,
                              (int)num_nodes, workspace.counts.get(num_nodes), offsets,
                              pixels, runs);
    used += 2 * (int64_t)num_pixels + 2 * header.runs;
  }
  if (side > 0 && fits) {
    std::memcpy(plan, &header, sizeof(header));
    fits = lay_tiles(read_plan(plan, num_pixels), side, height, width, workspace);
    const std::vector<int32_t> &layout = workspace.layout;
    if (fits && used + (int64_t)layout.size() <= plan_size(num_pixels, side)) {
      header.layout = (int32_t)layout.size();
      std::copy(layout.begin(), layout.end(), plan + used);
      used += header.layout;
    }
  }
  if (!fits) {
    header = {};
    used = sizeof(header) / kInt;
  }
  std::memcpy(plan, &header, sizeof(header));
  return used;
}

bool filter_grid(const Kernels &kernels, const int32_t *plan_data,
                 const GridTables &tables, int64_t max_nodes, int height, int width,
                 const float *values, float *out, Workspace &workspace) {
  const GridPlan plan = read_plan(plan_data, height * width);
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
  std::fill(out, out + plan.num_pixels, 0.f);
  kernels.filter_ranks(plan, tables, height, width, values, out, buffers);
  return true;
}

template <typename T>
void filter_exact(const Kernels &kernels, const T *image, const T *values, T *out,
                  int channels, int height, int width, double sigma_rgb,
                  double sigma_xy) {
  constexpr bool is_float = sizeof(T) == sizeof(float);
  constexpr double log2_e = 1.4426950408889634;
  const double scale = 0.5 * log2_e / (sigma_xy * sigma_xy);
  const int size = std::max(height, width);
  std::vector<T> space(2 * size - 1), weights(width);
  for (int d = 1 - size; d < size; ++d) space[d + size - 1] = (T)(-scale * d * d);
  // Beyond it a weight is below 2^-bits, half a unit in the last place of 1 or less.
  const double bits = is_float ? 26 : 56;
  const double radius = std::min<double>(std::ceil(std::sqrt(bits / scale)), size);
  const T colour_scale = (T)(0.5 * log2_e / (sigma_rgb * sigma_rgb));
  const ExactProblem<T> problem = {
      image,    values, out,   space.data(), weights.data(), colour_scale,
      channels, height, width, size,         (int)radius};
  std::fill(out, out + (std::size_t)channels * height * width, T(0));
  if constexpr (is_float)
    kernels.exact_float(problem);
  else
    kernels.exact_double(problem);
}

template void filter_exact(const Kernels &, const float *, const float *, float *, int,
                           int, int, double, double);
template void filter_exact(const Kernels &, const double *, const double *, double *,
                           int, int, int, double, double);

}  // namespace mmwsmots
