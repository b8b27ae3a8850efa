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
  Buffer<Interval> intervals;
};

// Ints of a crop's plan: its numbers, offsets and pixels; the rest has room for one run
// per pixel, and behind the runs for what tiles touch.
inline int64_t plan_size(int64_t num_pixels, float side) {
  return 5 + (side > 0 ? 8 : 4) * num_pixels;
}

// Sorts a crop's pixels into the cells of a grid over the rotated colours, spaced
// `spacing` apart; where `side` is not 0, tiles of so many pixels one by one. Returns
// the ints of `plan` that are set. The plan has no nodes if the grid would need more
// than `max_nodes`, or a colour is not finite.
int64_t plan_grid(const Kernels &kernels, const float *image, int height, int width,
                  float spacing, float side, int64_t max_nodes, Workspace &workspace,
                  int32_t *plan);

// out (height, width) = W * values with the grid of a plan. Returns false, with nothing
// written, if the plan has no nodes, or its tiles cost more than `max_nodes` do;
// kMaxNodes has no such limit.
constexpr int64_t kMaxNodes = 1 << 26;
bool filter_grid(const Kernels &kernels, const int32_t *plan, const GridTables &tables,
                 int64_t max_nodes, int height, int width, const float *values,
                 float *out, Workspace &workspace);

// out (channels, height, width) = W * values, exactly. T is float or double.
template <typename T>
void filter_exact(const Kernels &kernels, const T *image, const T *values, T *out,
                  int channels, int height, int width, double sigma_rgb,
                  double sigma_xy);

}  // namespace mmwsmots
