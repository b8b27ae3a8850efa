// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
// The bilateral filter of single crops on the CPU, without any dependency.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "bilateral_kernels.h"

namespace mmwsmots {

// Uninitialised memory that only grows, aligned to lines of the cache: else vectors lie
// in two of them.
template <typename T>
class Buffer {
 public:
  T *get(std::size_t size) {
    if (size > size_) {
      data_.reset();
      data_.reset(static_cast<T *>(::operator new(size * sizeof(T), kLine)));
      size_ = size;
    }
    return data_.get();
  }

 private:
  static constexpr std::align_val_t kLine{64};
  struct Free {
    void operator()(T *p) const { ::operator delete(p, kLine); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t size_ = 0;
};

// Scratch memory of one thread, reused from crop to crop.
struct Workspace {
  Buffer<float> grid, blurred, line, basis;
  Buffer<int32_t> cells, counts, plan;
  std::vector<Interval> touched, in_columns;
  std::vector<int32_t> cell_lines, line_index, crop_lines, layout;
  std::vector<Line> lines;
  std::vector<Tile> tiles;
  Buffer<Run> runs;
  Buffer<Interval> intervals;
  Buffer<float> exact_float;
  Buffer<double> exact_double;
};

// Sorts a crop's pixels into the cells of a grid over the rotated colours, spaced
// `spacing` apart. `runs` has room for one run per pixel; `shape` receives the nodes
// along the three axes and the number of runs. Returns false, with a zero shape and
// nothing else written, if the grid would need more than `max_nodes`, or a colour is
// not finite. Where `side` is not 0, tiles of so many pixels are sorted one by one, and
// workspace.layout says what they touch; its first number is its size.
bool plan_grid(const Kernels &kernels, const float *image, int height, int width,
               float spacing, float side, int64_t max_nodes, Workspace &workspace,
               int32_t *offsets, int32_t *pixels, Run *runs, int32_t *shape);

// The same, into the workspace: valid until it is used for another crop's plan.
bool plan_grid(const Kernels &kernels, const float *image, int height, int width,
               float spacing, float side, int64_t max_nodes, Workspace &workspace,
               GridPlan *plan);

// out (height, width) = W * values with the grid of `plan`. Returns false, with nothing
// written, if the plan has no nodes, or its tiles cost more than `max_nodes` do;
// kMaxNodes has no such limit.
constexpr int64_t kMaxNodes = 1 << 26;
bool filter_grid(const Kernels &kernels, const GridPlan &plan,
                 const GridTables &tables, int64_t max_nodes, int height, int width,
                 const float *values, float *out, Workspace &workspace);

// out (channels, height, width) = W * values, exactly. T is float or double.
template <typename T>
void filter_exact(const Kernels &kernels, const T *image, const T *values, T *out,
                  int channels, int height, int width, double sigma_rgb,
                  double sigma_xy, Workspace &workspace);

}  // namespace mmwsmots
