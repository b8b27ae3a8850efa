// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
// Included behind bilateral_kernels.inl: the filter of a small sigma_xy. A Gaussian is a
// sum of products of two others, of sigma / sqrt(2), over nodes that are a sigma apart:
// W = P P^T without a convolution, whose nodes are those that pixels touch. A pixel
// touches 27 nodes in colour and 16 in space. Within a tile, the cell between four spatial
// nodes, the weights of the latter are polynomials: their kLanes moments, of y^(lane /
// 3) x^(lane % 3) without the ninth, stand for the 16 until all pixels of the tile are
// in the nodes.

// Three nodes in colour and four in space, in units of cells: piecewise quadratics that
// were fitted such that products sum to the Gaussian. In colour as in Spline; in space
// the coefficients of 1, u and u^2 - 1/12 of the inner and the outer node at u > 0.
struct HalfGaussian {
  Vec mid, mid2, out, out1, out2, inner[3], outer[3];

  explicit HalfGaussian(const float *weights) {
    Vec *all[] = {&mid,      &mid2,     &out,      &out1,     &out2,    &inner[0],
                  &inner[1], &inner[2], &outer[0], &outer[1], &outer[2]};
    for (int i = 0; i < kTileWeights; ++i) *all[i] = broadcast(weights[i]);
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

void tile_basis(int size, float side, bool along_y, float *basis) {
  for (int i = 0; i < size; ++i) {
    const float at = (i + 0.5f) / side, u = at - (int)at - 0.5f;
    const float powers[3] = {1, u, u * u - kMeanSquare};
    for (int lane = 0; lane < kLanes; ++lane)
      basis[i * kLanes + lane] = powers[along_y ? lane / 3 : lane % 3];
  }
}

// A block's part of the window, at a row of spatial nodes.
inline float *window_of(const Tiles &tiles, const TileBuffers &buffers, int row,
                        int block) {
  const int64_t line = (int64_t)(row % kWindowRows) * tiles.window + block;
  return buffers.window + line * (tiles.columns + kTileNodes - 1) * kLanes;
}

// The tile's pixels into the colour nodes of `grid`, and from there into the window.
void splat_tile(const HalfGaussian &h, const GridPlan &plan, const GridSize &size, const Tiles &tiles, int row,
                int column, int width, const float *values, const TileBuffers &buffers) {
  const Tile &tile = tiles.tiles[row * tiles.columns + column];
  for (int b = tile.blocks.first; b < tile.blocks.end; ++b)
    for (int i = 0; i < kLanes; ++i)
      store(buffers.grid + (int64_t)(tiles.blocks[b].node + i) * kLanes, Vec{});
  splat(h, plan, tile.runs, size, buffers.basis_y, buffers.basis_x, width,
                      values, buffers.grid);
  for (int b = tile.blocks.first; b < tile.blocks.end; ++b) {
    const Block &block = tiles.blocks[b];
    Vec m[kLanes + 1] = {};  // by lane, of kLanes nodes
    for (int i = 0; i < kLanes; ++i)
      m[i] = load(buffers.grid + (int64_t)(block.node + i) * kLanes);
    transpose(m);
    Vec along_x[3][kTileNodes];
    for (int y = 0; y < 3; ++y) spread_tile(h, m + 3 * y, along_x[y]);
    float *to[kTileNodes];
    for (int y = 0; y < kTileNodes; ++y)
      to[y] = window_of(tiles, buffers, row + y, block.window) + column * kLanes;
    for (int x = 0; x < kTileNodes; ++x) {
      const Vec c[3] = {along_x[0][x], along_x[1][x], along_x[2][x]};
      Vec nodes[kTileNodes];
      spread_tile(h, c, nodes);
      for (int y = 0; y < kTileNodes; ++y)
        store(to[y] + x * kLanes, load(to[y] + x * kLanes) + nodes[y]);
    }
  }
}

// The transpose.
void slice_tile(const HalfGaussian &h, const GridPlan &plan, const GridSize &size, const Tiles &tiles, int row,
                int column, int width, float *out, const TileBuffers &buffers) {
  const Tile &tile = tiles.tiles[row * tiles.columns + column];
  for (int b = tile.blocks.first; b < tile.blocks.end; ++b) {
    const Block &block = tiles.blocks[b];
    const float *from[kTileNodes];
    for (int y = 0; y < kTileNodes; ++y)
      from[y] = window_of(tiles, buffers, row + y, block.window) + column * kLanes;
    Vec along_x[3][kTileNodes];
    for (int x = 0; x < kTileNodes; ++x) {
      Vec nodes[kTileNodes], c[3];
      for (int y = 0; y < kTileNodes; ++y) nodes[y] = load(from[y] + x * kLanes);
      collect_tile(h, nodes, c);
      for (int y = 0; y < 3; ++y) along_x[y][x] = c[y];
    }
    Vec m[kLanes + 1];
    for (int y = 0; y < 3; ++y) collect_tile(h, along_x[y], m + 3 * y);
    transpose(m);
    for (int i = 0; i < kLanes; ++i)
      store(buffers.grid + (int64_t)(block.node + i) * kLanes, m[i]);
  }
  gather(h, plan, tile.runs, size, buffers.basis_y, buffers.basis_x, width,
                       buffers.grid, out);
}

void filter_tiles(const GridPlan &plan, const Tiles &tiles, int height, int width,
                  const float *values, float *out, const TileBuffers &buffers) {
  const GridSize size(plan.nodes);
  const HalfGaussian h(tiles.weights);
  tile_basis(height, tiles.side, true, buffers.basis_y);
  tile_basis(width, tiles.side, false, buffers.basis_x);
  // A row of tiles is complete when the last that shares its nodes is in them.
  constexpr int kDelay = kTileNodes - 1;
  for (int row = 0; row < tiles.rows + kDelay; ++row) {
    // The rows that this row of tiles is the first to touch.
    for (int y = row == 0 ? 0 : row + kDelay; row < tiles.rows && y <= row + kDelay; ++y)
      clear_bytes(window_of(tiles, buffers, y, 0), (tiles.columns + kDelay) * kLanes *
                                                       (int64_t)sizeof(float) *
                                                       tiles.window);
    for (int column = 0; row < tiles.rows && column < tiles.columns; ++column)
      splat_tile(h, plan, size, tiles, row, column, width, values, buffers);
    for (int column = 0; row >= kDelay && column < tiles.columns; ++column)
      slice_tile(h, plan, size, tiles, row - kDelay, column, width, out, buffers);
  }
}
