// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
// Included behind bilateral_kernels.inl: the filter of a small sigma_xy. A Gaussian is a
// sum of products of two others, of sigma / sqrt(2), over nodes that are a sigma apart:
// W = P P^T without a convolution, whose nodes are those that pixels touch. A pixel
// touches 27 nodes in colour and 16 in space. Within a tile, the cell between four spatial
// nodes, the weights of the latter are polynomials: their kLanes moments, of y^(lane /
// 3) x^(lane % 3) without the ninth, stand for the 16 until all pixels of the tile are
// in the nodes.

// Of an even polynomial with mean 1 over a cell, at the offset u.
inline Vec even_weight(Vec u, Vec a, Vec b) {
  const Vec square = u * u - kMeanSquare;
  return 1 + a * square + b * (square * square - 1 / 180.f);
}

// Three nodes in colour and four in space, in units of cells: piecewise quadratics that
// were fitted such that products sum to the Gaussian. In colour as in Spline; in space
// the coefficients of 1, u and u^2 - 1/12 of the inner and the outer node at u > 0. What
// a pixel gives and gets is weighted by its place in its cell, or else its product with
// itself would depend on that place.
struct HalfGaussian {
  static constexpr bool kWeighted = true;
  Vec mid, mid2, out, out1, out2, colour[2], inner[3], outer[3], space[2];

  explicit HalfGaussian(const float *weights) {
    Vec *all[] = {&mid,       &mid2,     &out,      &out1,     &out2,
                  &colour[0], &colour[1], &inner[0], &inner[1], &inner[2],
                  &outer[0],  &outer[1], &outer[2], &space[0], &space[1]};
    for (int i = 0; i < kTileWeights; ++i) *all[i] = broadcast(weights[i]);
  }

  // At these offsets in colour; that of space is in the basis.
  Vec weight(const Vec *at) const {
    return even_weight(at[0], colour[0], colour[1]) *
           even_weight(at[1], colour[0], colour[1]) *
           even_weight(at[2], colour[0], colour[1]);
  }
};

// The four nodes along an axis of what has the coefficients c.
inline void spread_tile(const HalfGaussian &h, const Vec *c, Vec *nodes) {
  const Vec inner = h.inner[0] * c[0] + h.inner[2] * c[2], inner_odd = h.inner[1] * c[1];
  const Vec outer = h.outer[0] * c[0] + h.outer[2] * c[2], outer_odd = h.outer[1] * c[1];
  nodes[0] = outer - outer_odd;
  nodes[1] = inner - inner_odd;
  nodes[2] = inner + inner_odd;
  nodes[3] = outer + outer_odd;
}

// The transpose.
inline void collect_tile(const HalfGaussian &h, const Vec *nodes, Vec *c) {
  const Vec inner = nodes[1] + nodes[2], outer = nodes[0] + nodes[3];
  c[0] = h.inner[0] * inner + h.outer[0] * outer;
  c[1] = h.inner[1] * (nodes[2] - nodes[1]) + h.outer[1] * (nodes[3] - nodes[0]);
  c[2] = h.inner[2] * inner + h.outer[2] * outer;
}

void tile_basis(const HalfGaussian &h, int size, float side, bool along_y,
                float *basis) {
  for (int i = 0; i < size; ++i) {
    const float at = (i + 0.5f) / side, u = at - (int)at - 0.5f;
    const float weight = even_weight(broadcast(u), h.space[0], h.space[1])[0];
    const float powers[3] = {weight, weight * u, weight * (u * u - kMeanSquare)};
    for (int lane = 0; lane < kLanes; ++lane)
      basis[i * kLanes + lane] = powers[along_y ? lane / 3 : lane % 3];
  }
}

inline float *window_row(const Tiles &tiles, const TileBuffers &buffers, int row) {
  return buffers.window + (int64_t)(row % kWindowRows) * tiles.window;
}

// Where the line's node 0 is, at each spatial node of a tile in this column.
inline const int32_t *line_starts(const Tiles &tiles, const Line &line, int column) {
  return tiles.starts + (int64_t)line.index * (tiles.columns + kTileNodes - 1) + column;
}

struct TileCells {
  float *grid;
  const int32_t *start;
  int nx, ny, first;  // cell

  void find(int cell, float **lines) const {
    const int x = (cell - first) % nx, line = (cell - first) / nx;
    for (int i = 0; i < kSplineNodes * kSplineNodes; ++i)
      lines[i] = grid + (int64_t)(start[line + i / 3 * ny + i % 3] + x) * kLanes;
  }
};

// Lays the tile's lines one after another.
TileCells lay_lines(const GridPlan &plan, const Tiles &tiles, int tile,
                    const TileBuffers &buffers) {
  int nodes = 0;
  const Interval lines = tiles.tiles[tile].lines;
  for (int i = lines.first; i < lines.end; ++i) {
    const Line line = tiles.lines[i];
    buffers.start[tiles.crop_lines[line.index]] = nodes - line.first;
    nodes += line.nodes;
  }
  const int nx = plan.nodes[0], ny = plan.nodes[1];
  return {buffers.grid, buffers.start, nx, ny, tile * nx * ny * plan.nodes[2]};
}

// The tile's pixels into the colour nodes of `grid`, and from there into the window.
void splat_tile(const HalfGaussian &h, const GridPlan &plan, const Tiles &tiles, int row,
                int column, int width, const float *values, const TileBuffers &buffers) {
  const int index = row * tiles.columns + column;
  const Tile tile = tiles.tiles[index];
  const TileCells cells = lay_lines(plan, tiles, index, buffers);
  clear_bytes(buffers.grid, tile.nodes * kLanes * (int64_t)sizeof(float));
  splat(h, plan, tile.runs, cells, buffers.basis_y, buffers.basis_x, width, values);
  float *rows[kTileNodes];
  for (int y = 0; y < kTileNodes; ++y) rows[y] = window_row(tiles, buffers, row + y);
  const float *from = buffers.grid;
  for (int i = tile.lines.first; i < tile.lines.end; ++i) {
    const Line line = tiles.lines[i];
    const int32_t *starts = line_starts(tiles, line, column);
    for (int node = 0; node < line.nodes; node += kLanes, from += kLanes * kLanes) {
      Vec m[kLanes + 1] = {};  // by lane, of kLanes nodes
      for (int u = 0; u < kLanes; ++u) m[u] = load(from + u * kLanes);
      transpose(m);
      Vec along_x[3][kTileNodes];
      for (int y = 0; y < 3; ++y) spread_tile(h, m + 3 * y, along_x[y]);
      for (int x = 0; x < kTileNodes; ++x) {
        const Vec c[3] = {along_x[0][x], along_x[1][x], along_x[2][x]};
        Vec nodes[kTileNodes];
        spread_tile(h, c, nodes);
        const int64_t at = (int64_t)starts[x] + line.first + node;
        for (int y = 0; y < kTileNodes; ++y)
          store(rows[y] + at, load(rows[y] + at) + nodes[y]);
      }
    }
  }
}

// The transpose.
void slice_tile(const HalfGaussian &h, const GridPlan &plan, const Tiles &tiles, int row,
                int column, int width, float *out, const TileBuffers &buffers) {
  const int index = row * tiles.columns + column;
  const Tile tile = tiles.tiles[index];
  const TileCells cells = lay_lines(plan, tiles, index, buffers);
  const float *rows[kTileNodes];
  for (int y = 0; y < kTileNodes; ++y) rows[y] = window_row(tiles, buffers, row + y);
  float *to = buffers.grid;
  for (int i = tile.lines.first; i < tile.lines.end; ++i) {
    const Line line = tiles.lines[i];
    const int32_t *starts = line_starts(tiles, line, column);
    for (int node = 0; node < line.nodes; node += kLanes, to += kLanes * kLanes) {
      Vec along_x[3][kTileNodes];
      for (int x = 0; x < kTileNodes; ++x) {
        Vec nodes[kTileNodes], c[3];
        for (int y = 0; y < kTileNodes; ++y)
          nodes[y] = load(rows[y] + starts[x] + line.first + node);
        collect_tile(h, nodes, c);
        for (int y = 0; y < 3; ++y) along_x[y][x] = c[y];
      }
      Vec m[kLanes + 1];
      for (int y = 0; y < 3; ++y) collect_tile(h, along_x[y], m + 3 * y);
      transpose(m);
      for (int u = 0; u < kLanes; ++u) store(to + u * kLanes, m[u]);
    }
  }
  gather(h, plan, tile.runs, cells, buffers.basis_y, buffers.basis_x, width, out);
}

void filter_tiles(const GridPlan &plan, const GridTables &tables, const Tiles &tiles,
                  int height, int width, const float *values, float *out,
                  const TileBuffers &buffers) {
  const HalfGaussian h(tables.kernel);
  tile_basis(h, height, tables.side, true, buffers.basis_y);
  tile_basis(h, width, tables.side, false, buffers.basis_x);
  // A row of tiles is complete when the last that shares its nodes is in them.
  constexpr int kDelay = kTileNodes - 1;
  for (int row = 0; row < tiles.rows + kDelay; ++row) {
    // The rows that this row of tiles is the first to touch.
    for (int y = row == 0 ? 0 : row + kDelay; row < tiles.rows && y <= row + kDelay; ++y)
      clear_bytes(window_row(tiles, buffers, y), tiles.window * (int64_t)sizeof(float));
    for (int column = 0; row < tiles.rows && column < tiles.columns; ++column)
      splat_tile(h, plan, tiles, row, column, width, values, buffers);
    for (int column = 0; row >= kDelay && column < tiles.columns; ++column)
      slice_tile(h, plan, tiles, row - kDelay, column, width, out, buffers);
  }
}

constexpr Kernels kKernels = {
    colour_range, bin_colours,            filter_ranks,
    filter_tiles, exact<float, uint32_t>, exact<double, uint64_t>};
