// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
// The inner loops of the bilateral filter, compiled once per instruction set.
// They touch only the memory they are given: callers own all buffers.
#pragma once

#include <cstdint>

namespace mmwsmots {

// Floats that a vector holds; the ranks of the grid come in blocks of as many.
constexpr int kLanes = 8;
// Nodes of a quadratic B-spline along one axis.
constexpr int kSplineNodes = 3;
// Largest radius of the grid's kernel, in cells.
constexpr int kMaxRadius = 31;

inline int round_up(int n, int multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

// Offsets from -1 to 1 along the three axes are packed into ten bits each, the first
// axis lowest; 0 is exact. Memory traffic costs more than unpacking them.
constexpr int kOffsetBits = 10;
constexpr int kOffsetMask = (1 << kOffsetBits) - 1;
constexpr int kOffsetScale = 511;

// Pixels of one cell of the colour grid; they start where the last run ended.
struct Run {
  int32_t cell;  // first of the cell's 27 nodes; with tiles plus the tile * nodes
  int32_t end;
};

// Pixels of one crop, sorted by cell.
struct GridPlan {
  const int32_t *offsets;  // (num_pixels) from the cell's centre, packed
  const int32_t *pixels;   // (num_pixels) row << 16 | column
  const Run *runs;         // (num_runs), tile by tile
  int num_pixels, num_runs;
  int nodes[3];  // of the grid, along grey and the two chroma axes; 0 without a grid
  const int32_t *layout;  // of the tiles; null if it is to be made
};

// W_ij = sum_r basis_r(i) basis_r(j) * spline-kernel-spline(colour_i, colour_j).
struct GridTables {
  const float *basis_y;  // (blocks, height, kLanes)
  const float *basis_x;  // (blocks, width, kLanes)
  const float *kernel;   // (radius + 1), symmetric taps in units of cells
  int blocks;
  int radius;
  float side;  // of tiles, pixels; 0 without, else `kernel` is (kTileWeights)
};

// Nodes of a line, from first to before end; 0, 0 if there are none.
struct Interval {
  int32_t first, end;
};

// Buffers of one rank block; a node is one vector of kLanes floats. The intervals of
// the lines serve all blocks.
struct GridBuffers {
  float *grid;        // (nz, ny, nx, kLanes)
  float *blurred;     // as grid
  float *line;        // (nx + 2 * radius, kLanes)
  Interval *touched;  // (nz, ny) that pixels touch
  Interval *along_z;  // (nz, ny) that the pass along z reads
  Interval *along_y;  // (nz, ny) of touched lines, that the pass along y reads
};

// Spatial nodes that a tile touches along an axis, and the rows of nodes that are in
// use at a time: those of a tile whose own nodes others, above and below, share.
constexpr int kTileNodes = 4;
constexpr int kWindowRows = 8;
// Coefficients of the nodes in colour and in space; see bilateral_tiles.inl.
constexpr int kTileWeights = 15;

// Colour nodes, one after another along grey, that a tile touches.
struct Line {
  int32_t index;         // among the lines that the crop touches
  int32_t first, nodes;  // nodes: a multiple of kLanes
};

struct Tile {
  Interval runs, lines;
  int32_t nodes;
};

// What the tiles of a crop touch.
struct Tiles {
  int rows, columns;
  const Tile *tiles;  // (rows, columns)
  const Line *lines;
  // Of the lines that the crop touches: where they are in the colour grid, and in a row
  // of the window, (columns + kTileNodes - 1) each, where their node 0 is.
  const int32_t *crop_lines, *starts;
  int nodes;      // most of a tile
  int all_nodes;  // sum over the tiles, or the largest int
  int window;     // floats in a row of the window
};

struct TileBuffers {
  float *basis_y;  // (height, kLanes)
  float *basis_x;  // (width, kLanes)
  float *grid;     // (tiles.nodes, kLanes), of one tile, line after line
  int32_t *start;  // (nz, ny) of each line in `grid`, less its first node
  float *window;   // (kWindowRows, tiles.window)
};

// Exponents are those of 2.
template <typename T>
struct ExactProblem {
  const T *image;   // (3, height, width)
  const T *values;  // (channels, height, width)
  T *out;           // (channels, height, width), zero at entry
  const T *space;   // (2 * size - 1): exponent at distance d, at d + size - 1
  T *weights;       // (width), scratch memory
  T colour_scale;   // exponent = space - colour_scale * squared colour distance
  int channels, height, width;
  int size;    // the larger of height and width
  int radius;  // pixels; what is farther weighs nothing in this precision
};

struct Kernels {
  // The range of the coordinates rotation (3, 3) * image (3, num_pixels). Returns
  // false if a colour is not finite.
  bool (*colour_range)(const float *image, int num_pixels, const float *rotation,
                       float *low, float *high);
  // Cells of the coordinates, and their packed offsets.
  void (*bin_colours)(const float *image, int num_pixels, const float *rotation,
                      const float *low, const int *nodes, int32_t *cells,
                      int32_t *offsets);
  // out (height, width) += W * values, by blocks of ranks or by tiles.
  void (*filter_ranks)(const GridPlan &plan, const GridTables &tables, int height,
                       int width, const float *values, float *out,
                       const GridBuffers &buffers);
  void (*filter_tiles)(const GridPlan &plan, const GridTables &tables,
                       const Tiles &tiles, int height, int width, const float *values,
                       float *out, const TileBuffers &buffers);
  void (*exact_float)(const ExactProblem<float> &problem);
  void (*exact_double)(const ExactProblem<double> &problem);
};

const Kernels &portable_kernels();
// These fall back to the portable ones where the compiler cannot target AVX.
const Kernels &avx2_kernels();
const Kernels &avx512_kernels();

}  // namespace mmwsmots
