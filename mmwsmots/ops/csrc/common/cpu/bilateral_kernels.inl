// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
// Included inside a namespace per instruction set, by a file that sets the
// compiler's target. Plain vector arithmetic: the compiler emits AVX2 with FMA, or
// whatever the platform has. No inline function of the standard library may be
// used here: the linker could pick its AVX2 copy for everybody.

typedef float Vec __attribute__((vector_size(32)));
typedef int32_t IntVec __attribute__((vector_size(32)));

// Moments of a cell: 1, x, y, z, xx, yy, zz, xy, xz, yz of its pixels' offsets.
constexpr int kMoments = 10;
constexpr float kMeanSquare = 1 / 12.f;  // of offsets; the squares are less this
// Pixels that are unpacked at once; a multiple of kLanes.
constexpr int kPiece = 64;

inline Vec load(const float *p) {
  Vec v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}

inline void store(float *p, Vec v) { __builtin_memcpy(p, &v, sizeof(v)); }

inline Vec broadcast(float x) { return Vec{x, x, x, x, x, x, x, x}; }

inline IntVec load(const int32_t *p) {
  IntVec v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}

inline void store(int32_t *p, IntVec v) { __builtin_memcpy(p, &v, sizeof(v)); }

// The first `count` numbers; the other lanes repeat the first.
inline Vec load_some(const float *p, int count) {
  if (count >= kLanes) return load(p);
  Vec v = broadcast(p[0]);
  for (int i = 1; i < count; ++i) v[i] = p[i];
  return v;
}

inline IntVec load_some(const int32_t *p, int count) {
  if (count >= kLanes) return load(p);
  IntVec v = IntVec{} + p[0];
  for (int i = 1; i < count; ++i) v[i] = p[i];
  return v;
}

inline float sum_lanes(Vec v) {
  typedef float Half __attribute__((vector_size(16)));
  Half halves[2];
  __builtin_memcpy(halves, &v, sizeof(v));
  Half s = halves[0] + halves[1];
  return (s[0] + s[2]) + (s[1] + s[3]);
}

#if defined(__clang__)
#define MMWSMOTS_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define MMWSMOTS_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, IntVec{__VA_ARGS__})
#endif

// The sums of eight vectors: a third of the additions of eight times sum_lanes().
inline Vec sum_lanes_of_eight(const float *p) {
  Vec twos[4], fours[2];
  for (int i = 0; i < 4; ++i) {
    const Vec a = load(p + 2 * i * kLanes), b = load(p + (2 * i + 1) * kLanes);
    twos[i] = MMWSMOTS_SHUFFLE(a, b, 0, 8, 1, 9, 4, 12, 5, 13) +
              MMWSMOTS_SHUFFLE(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (int i = 0; i < 2; ++i) {
    const Vec a = twos[2 * i], b = twos[2 * i + 1];
    fours[i] = MMWSMOTS_SHUFFLE(a, b, 0, 1, 8, 9, 4, 5, 12, 13) +
               MMWSMOTS_SHUFFLE(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
  }
  return MMWSMOTS_SHUFFLE(fours[0], fours[1], 0, 1, 2, 3, 8, 9, 10, 11) +
         MMWSMOTS_SHUFFLE(fours[0], fours[1], 4, 5, 6, 7, 12, 13, 14, 15);
}

inline void transpose(Vec *v) {
  Vec twos[8], fours[8];
  for (int i = 0; i < 4; ++i) {
    const Vec a = v[2 * i], b = v[2 * i + 1];
    twos[2 * i] = MMWSMOTS_SHUFFLE(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
    twos[2 * i + 1] = MMWSMOTS_SHUFFLE(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (int i = 0; i < 8; i += 4)
    for (int j = 0; j < 2; ++j) {
      const Vec a = twos[i + j], b = twos[i + 2 + j];
      fours[i + 2 * j] = MMWSMOTS_SHUFFLE(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
      fours[i + 2 * j + 1] = MMWSMOTS_SHUFFLE(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (int i = 0; i < 4; ++i) {
    v[i] = MMWSMOTS_SHUFFLE(fours[i], fours[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    v[i + 4] = MMWSMOTS_SHUFFLE(fours[i], fours[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

#undef MMWSMOTS_SHUFFLE

inline int smaller(int a, int b) { return a < b ? a : b; }
inline int larger(int a, int b) { return a > b ? a : b; }

// ---------------------------------------------------------------- image's part

// Coordinates of kLanes pixels; behind the last they repeat a pixel. Both passes
// below compute them: cheaper than to store and load them, and to the same bits.
struct Rotated {
  Vec rgb[3], coords[3];

  Rotated(const float *image, int num_pixels, int first, const float *rotation) {
    for (int c = 0; c < 3; ++c)
      rgb[c] = load_some(image + (int64_t)c * num_pixels + first, num_pixels - first);
    for (int axis = 0; axis < 3; ++axis) {
      const float *m = rotation + 3 * axis;
      coords[axis] = m[0] * rgb[0] + m[1] * rgb[1] + m[2] * rgb[2];
    }
  }
};

bool colour_range(const float *image, int num_pixels, const float *rotation,
                  float *low, float *high) {
  const Vec huge = broadcast(__builtin_inff());
  Vec lo[3] = {huge, huge, huge}, hi[3] = {-huge, -huge, -huge};
  Vec not_finite = broadcast(0.f);
  for (int i = 0; i < num_pixels; i += kLanes) {
    const Rotated pixels(image, num_pixels, i, rotation);
    for (int axis = 0; axis < 3; ++axis) {
      const Vec x = pixels.coords[axis];
      not_finite += pixels.rgb[axis] * 0.f;  // NaN for NaN and infinity
      lo[axis] = x < lo[axis] ? x : lo[axis];
      hi[axis] = x > hi[axis] ? x : hi[axis];
    }
  }
  for (int axis = 0; axis < 3; ++axis) {
    low[axis] = lo[axis][0];
    high[axis] = hi[axis][0];
    for (int lane = 1; lane < kLanes; ++lane) {
      low[axis] = lo[axis][lane] < low[axis] ? lo[axis][lane] : low[axis];
      high[axis] = hi[axis][lane] > high[axis] ? hi[axis][lane] : high[axis];
    }
  }
  const float check = sum_lanes(not_finite);
  return check == check;
}

void bin_colours(const float *image, int num_pixels, const float *rotation,
                 const float *low, const int *nodes, int32_t *cells,
                 int32_t *offsets) {
  for (int i = 0; i < num_pixels; i += kLanes) {
    const Rotated pixels(image, num_pixels, i, rotation);
    IntVec cell = {}, packed = {};
    for (int axis = 2; axis >= 0; --axis) {
      const Vec x = pixels.coords[axis] - low[axis];
      // Inside the grid, even if the compiler rounded differently in colour_range().
      const IntVec last = IntVec{} + (nodes[axis] - kSplineNodes);
      IntVec nearest = __builtin_convertvector(x + 0.5f, IntVec);
      nearest = nearest < last ? nearest : last;
      const Vec offset = x - __builtin_convertvector(nearest, Vec);
      // Rounded to the nearest of 0 .. 1022, as conversion cuts off.
      const Vec level = (offset + 1) * (float)kOffsetScale + 0.5f;
      packed = (packed << kOffsetBits) | __builtin_convertvector(level, IntVec);
      cell = cell * nodes[axis] + nearest;
    }
    store(cells + i, cell);
    store(offsets + i, packed);
  }
}

// ------------------------------------------------------------- moments and nodes
// Three nodes of a piecewise quadratic, before, at and after the cell's centre, at
// offset f: out - out1 f + out2 s, mid + mid2 s, out + out1 f + out2 s with s = f^2 -
// 1/12. Subtracting the mean of f^2 makes what is dropped (terms of degree > 2 over
// the three axes) small. The outer two share an even part and differ in the odd one.

// The B-spline.
struct Spline {
  static constexpr bool kWeighted = false;
  static constexpr float mid = 2 / 3.f, mid2 = -1, out = 1 / 6.f, out1 = 0.5f,
                         out2 = 0.5f;
};

template <typename S>
inline void spread(const S &s, Vec m0, Vec m1, Vec m2, Vec *nodes) {
  const Vec even = s.out * m0 + s.out2 * m2, odd = s.out1 * m1;
  nodes[0] = even - odd;
  nodes[1] = s.mid * m0 + s.mid2 * m2;
  nodes[2] = even + odd;
}

// The transpose: what the nodes are worth to 1, f and f^2 - 1/12.
template <typename S>
inline void collect(const S &s, Vec before, Vec at, Vec after, Vec *c) {
  const Vec outer = before + after;
  c[0] = s.out * outer + s.mid * at;
  c[1] = s.out1 * (after - before);
  c[2] = s.out2 * outer + s.mid2 * at;
}

// Adds the moments {1, x, y, z, xx, yy, zz, xy, xz, yz} to the 27 nodes.
template <typename S>
inline void expand_moments(const S &s, const Vec *m, float *const *lines) {
  const Vec zero = broadcast(0.f);
  Vec p0[3], px[3], py[3];  // over z; the moments xx, yy, xy have no z
  spread(s, m[0], m[3], m[6], p0);
  spread(s, m[1], m[8], zero, px);
  spread(s, m[2], m[9], zero, py);
  const decltype(s.mid) a[3] = {s.out, s.mid, s.out};
  for (int k = 0; k < 3; ++k) {
    Vec q0[3], qx[3];  // over y
    spread(s, p0[k], py[k], a[k] * m[5], q0);
    spread(s, px[k], a[k] * m[7], zero, qx);
    for (int j = 0; j < 3; ++j) {
      float *out = lines[3 * k + j];
      Vec v[3];
      spread(s, q0[j], qx[j], a[k] * a[j] * m[4], v);
      for (int i = 0; i < 3; ++i)
        store(out + i * kLanes, load(out + i * kLanes) + v[i]);
    }
  }
}

// The transpose: the coefficients of the ten polynomials from the 27 nodes.
template <typename S>
inline void contract_nodes(const S &s, float *const *lines, Vec *c) {
  const decltype(s.mid) a[3] = {s.out, s.mid, s.out};
  Vec p0[3], px[3], py[3];
  c[4] = c[5] = c[7] = broadcast(0.f);
  for (int k = 0; k < 3; ++k) {
    Vec q0[3], qx[3], qxx = {};
    for (int j = 0; j < 3; ++j) {
      const float *in = lines[3 * k + j];
      Vec v[3];
      collect(s, load(in), load(in + kLanes), load(in + 2 * kLanes), v);
      q0[j] = v[0];
      qx[j] = v[1];
      qxx += a[j] * v[2];
    }
    Vec v[3];
    collect(s, q0[0], q0[1], q0[2], v);
    p0[k] = v[0];
    py[k] = v[1];
    c[5] += a[k] * v[2];
    collect(s, qx[0], qx[1], qx[2], v);
    px[k] = v[0];
    c[7] += a[k] * v[1];
    c[4] += a[k] * qxx;
  }
  Vec v[3];
  collect(s, p0[0], p0[1], p0[2], v);
  c[0] = v[0];
  c[3] = v[1];
  c[6] = v[2];
  collect(s, px[0], px[1], px[2], v);
  c[1] = v[0];
  c[8] = v[1];
  collect(s, py[0], py[1], py[2], v);
  c[2] = v[0];
  c[9] = v[1];
}

// Of the lowest bits.
inline Vec unpack_offset(IntVec packed) {
  const Vec level = __builtin_convertvector(packed & kOffsetMask, Vec);
  return level * (1.f / kOffsetScale) - 1;
}

// Sorted pixels, unpacked, in pieces that fit the first-level cache. Cells may end
// anywhere in a piece: most are too small to fill vectors of their own.
struct Piece {
  int first, end, last;
  float x[kPiece], y[kPiece], z[kPiece];  // offsets
  float weight[kPiece];  // if the nodes have any
  int32_t row[kPiece], column[kPiece];  // times kLanes: into the bases
  int32_t pixel[kPiece];

  // Of these runs.
  Piece(const GridPlan &plan, Interval runs)
      : first(runs.first == 0 ? 0 : plan.runs[runs.first - 1].end),
        end(first),
        last(plan.runs[runs.end - 1].end) {}

  // Goes on to the pixels from `end`.
  template <typename S>
  void advance(const S &nodes, const GridPlan &plan, int width) {
    first = end;
    end = smaller(first + kPiece, last);
    for (int i = 0; i < end - first; i += kLanes) {
      const int left = end - first - i;
      const IntVec offsets = load_some(plan.offsets + first + i, left);
      const Vec at[3] = {unpack_offset(offsets), unpack_offset(offsets >> kOffsetBits),
                         unpack_offset(offsets >> 2 * kOffsetBits)};
      store(x + i, at[0]);
      store(y + i, at[1]);
      store(z + i, at[2]);
      if constexpr (S::kWeighted) store(weight + i, nodes.weight(at));
      const IntVec packed = load_some(plan.pixels + first + i, left);
      const IntVec at_y = packed >> 16, at_x = packed & 0xffff;
      store(row + i, at_y * kLanes);
      store(column + i, at_x * kLanes);
      store(pixel + i, at_y * width + at_x);
    }
  }
};

// -------------------------------------------------------------------------- grid

struct GridSize {
  int nx, ny, nz;
  int64_t line, plane;  // floats between nodes along y and z

  explicit GridSize(const int *nodes)
      : nx(nodes[0]),
        ny(nodes[1]),
        nz(nodes[2]),
        line((int64_t)nx * kLanes),
        plane(line * ny) {}
};

inline void clear_bytes(void *p, int64_t count) { __builtin_memset(p, 0, count); }

inline void include(Interval &interval, int first, int end) {
  if (first >= end) return;
  interval.first = interval.end == 0 ? first : smaller(interval.first, first);
  interval.end = larger(interval.end, end);
}

// Natural colours fill a small part of their bounding box. The nodes of each line that
// the passes of blur() have to visit: they depend on the plan only, not on the block.
void find_intervals(const GridPlan &plan, int radius, const GridBuffers &buffers) {
  const GridSize size(plan.nodes);
  const int num_lines = size.ny * size.nz;
  Interval *touched = buffers.touched, *along_z = buffers.along_z,
           *along_y = buffers.along_y;
  clear_bytes(touched, num_lines * sizeof(Interval));
  clear_bytes(along_z, num_lines * sizeof(Interval));
  clear_bytes(along_y, num_lines * sizeof(Interval));
  for (int run = 0; run < plan.num_runs; ++run) {
    const int line = plan.runs[run].cell / size.nx, x = plan.runs[run].cell % size.nx;
    for (int k = 0; k < kSplineNodes; ++k)
      for (int j = 0; j < kSplineNodes; ++j)
        include(touched[line + k * size.ny + j], x, x + kSplineNodes);
  }
  // What the pass along z reads, and what the pass along y reads for it.
  for (int z = 0; z < size.nz; ++z)
    for (int y = 0; y < size.ny; ++y) {
      const Interval at = touched[z * size.ny + y];
      const int last = smaller(size.nz - 1, z + radius);
      for (int to = larger(0, z - radius); at.end > 0 && to <= last; ++to)
        include(along_z[to * size.ny + y], at.first, at.end);
    }
  for (int z = 0; z < size.nz; ++z)
    for (int y = 0; y < size.ny; ++y) {
      const Interval at = along_z[z * size.ny + y];
      const int last = smaller(size.ny - 1, y + radius);
      for (int to = larger(0, y - radius); at.end > 0 && to <= last; ++to)
        if (touched[z * size.ny + to].end > 0)
          include(along_y[z * size.ny + to], at.first, at.end);
    }
}

// Zeroes the nodes that pixels touch.
void clear_touched(const GridSize &size, const GridBuffers &buffers) {
  for (int line = 0; line < size.ny * size.nz; ++line) {
    const Interval at = buffers.touched[line];
    clear_bytes(buffers.grid + line * size.line + at.first * kLanes,
                (at.end - at.first) * kLanes * (int64_t)sizeof(float));
  }
}

// Where the nodes of a cell are, line by line.
struct GridCells {
  float *grid;
  GridSize size;

  void find(int cell, float **lines) const {
    for (int i = 0; i < kSplineNodes * kSplineNodes; ++i)
      lines[i] = grid + (int64_t)cell * kLanes + i / 3 * size.plane + i % 3 * size.line;
  }
};

template <typename S, typename Cells>
void splat(const S &nodes, const GridPlan &plan, Interval runs, const Cells &cells,
           const float *basis_y, const float *basis_x, int width, const float *values) {
  Piece piece(plan, runs);
  int first = piece.first;
  for (int run = runs.first; run < runs.end; ++run) {
    Vec m[kMoments];
    for (Vec &moment : m) moment = broadcast(0.f);
    const int end = plan.runs[run].end;
    while (first < end) {
      if (first == piece.end) piece.advance(nodes, plan, width);
      const int stop = smaller(end, piece.end);
      for (int i = first - piece.first; i < stop - piece.first; ++i) {
        const Vec basis = load(basis_y + piece.row[i]) * load(basis_x + piece.column[i]);
        float value = values[piece.pixel[i]];
        if constexpr (S::kWeighted) value *= piece.weight[i];
        const Vec v = value * basis;
        m[0] += v;
        // In an order that needs few registers besides those of the moments: one
        // moment in memory would take twice the time.
        const Vec x = broadcast(piece.x[i]), xv = x * v;
        m[1] += xv;
        m[4] += x * xv;
        const Vec y = broadcast(piece.y[i]), yv = y * v;
        m[7] += y * xv;
        m[2] += yv;
        m[5] += y * yv;
        const Vec z = broadcast(piece.z[i]), zv = z * v;
        m[8] += z * xv;
        m[9] += z * yv;
        m[3] += zv;
        m[6] += z * zv;
      }
      first = stop;
    }
    for (int a = 4; a < 7; ++a) m[a] -= kMeanSquare * m[0];
    float *lines[kSplineNodes * kSplineNodes];
    cells.find(plan.runs[run].cell, lines);
    expand_moments(nodes, m, lines);
  }
}

template <typename S, typename Cells>
void gather(const S &nodes, const GridPlan &plan, Interval runs, const Cells &cells,
            const float *basis_y, const float *basis_x, int width, float *out) {
  Piece piece(plan, runs);
  int first = piece.first;
  // Of each pixel, by rank. Summed over the ranks a piece at a time, so that no
  // pixel waits for the sum of the one before.
  float terms[kPiece * kLanes] = {};
  const auto add_terms = [&] {
    for (int i = 0; i < piece.end - piece.first; i += kLanes) {
      float sums[kLanes];
      Vec sum = sum_lanes_of_eight(terms + i * kLanes);
      if constexpr (S::kWeighted) sum *= load(piece.weight + i);
      store(sums, sum);
      const int count = smaller(kLanes, piece.end - piece.first - i);
      for (int j = 0; j < count; ++j) out[piece.pixel[i + j]] += sums[j];
    }
  };
  for (int run = runs.first; run < runs.end; ++run) {
    Vec c[kMoments];
    float *lines[kSplineNodes * kSplineNodes];
    cells.find(plan.runs[run].cell, lines);
    contract_nodes(nodes, lines, c);
    c[0] -= kMeanSquare * (c[4] + c[5] + c[6]);
    const int end = plan.runs[run].end;
    while (first < end) {
      if (first == piece.end) {
        add_terms();
        piece.advance(nodes, plan, width);
      }
      const int stop = smaller(end, piece.end);
      for (int i = first - piece.first; i < stop - piece.first; ++i) {
        const Vec x = broadcast(piece.x[i]), y = broadcast(piece.y[i]),
                  z = broadcast(piece.z[i]);
        const Vec of_x = c[1] + x * c[4] + y * c[7] + z * c[8];
        const Vec of_y = c[2] + y * c[5] + z * c[9];
        const Vec of_z = c[3] + z * c[6];
        const Vec sum = c[0] + z * of_z + y * of_y + x * of_x;
        const Vec basis = load(basis_y + piece.row[i]) * load(basis_x + piece.column[i]);
        store(terms + i * kLanes, sum * basis);
      }
      first = stop;
    }
  }
  add_terms();
}

// dst (count vectors) = sum_i weights[i] * rows[i]
inline void combine_rows(float *dst, const float *const *rows, const float *weights,
                         int num_rows, int count) {
  int x = 0;
  for (; x + 4 <= count; x += 4) {
    Vec sums[4] = {};
    for (int i = 0; i < num_rows; ++i) {
      const float *row = rows[i] + (int64_t)x * kLanes;
#pragma GCC unroll 4
      for (int u = 0; u < 4; ++u) sums[u] += weights[i] * load(row + u * kLanes);
    }
#pragma GCC unroll 4
    for (int u = 0; u < 4; ++u) store(dst + (int64_t)(x + u) * kLanes, sums[u]);
  }
  for (; x < count; ++x) {
    Vec sum = {};
    for (int i = 0; i < num_rows; ++i)
      sum += weights[i] * load(rows[i] + (int64_t)x * kLanes);
    store(dst + (int64_t)x * kLanes, sum);
  }
}

// Convolves the grid along its three axes; the result, in `blurred`, is defined on
// the touched nodes only.
void blur(const GridSize &size, const float *kernel, int radius,
          const GridBuffers &buffers) {
  const float *rows[2 * kMaxRadius + 1];
  float weights[2 * kMaxRadius + 1];
  const int64_t pad = (int64_t)radius * kLanes;
  // Along x, the padded line being the same row at every shift: grid -> blurred.
  for (int t = 0; t <= 2 * radius; ++t)
    weights[t] = kernel[t < radius ? radius - t : t - radius];
  for (int line = 0; line < size.ny * size.nz; ++line) {
    const Interval from = buffers.touched[line], to = buffers.along_y[line];
    if (from.end == 0) continue;
    // All that is read for the nodes of `to`, which include those of `from`.
    float *padded = buffers.line;
    const int count = to.end - to.first, before = from.first - to.first;
    const int length = from.end - from.first;
    clear_bytes(padded, (pad + before * kLanes) * sizeof(float));
    __builtin_memcpy(padded + pad + before * kLanes,
                     buffers.grid + line * size.line + from.first * kLanes,
                     length * kLanes * sizeof(float));
    clear_bytes(padded + pad + (before + length) * kLanes,
                ((count - before - length) * kLanes + pad) * sizeof(float));
    for (int t = 0; t <= 2 * radius; ++t) rows[t] = padded + (int64_t)t * kLanes;
    combine_rows(buffers.blurred + line * size.line + to.first * kLanes, rows, weights,
                 2 * radius + 1, count);
  }
  // Along y: blurred -> grid, on all nodes that the next pass reads.
  for (int z = 0; z < size.nz; ++z)
    for (int y = 0; y < size.ny; ++y) {
      const Interval to = buffers.along_z[z * size.ny + y];
      if (to.end == 0) continue;
      int num_rows = 0;
      const int last = smaller(size.ny - 1, y + radius);
      for (int from = larger(0, y - radius); from <= last; ++from) {
        if (buffers.touched[z * size.ny + from].end == 0) continue;
        rows[num_rows] =
            buffers.blurred + z * size.plane + from * size.line + to.first * kLanes;
        weights[num_rows++] = kernel[from < y ? y - from : from - y];
      }
      combine_rows(buffers.grid + z * size.plane + y * size.line + to.first * kLanes,
                   rows, weights, num_rows, to.end - to.first);
    }
  // Along z: grid -> blurred.
  for (int z = 0; z < size.nz; ++z)
    for (int y = 0; y < size.ny; ++y) {
      const Interval to = buffers.touched[z * size.ny + y];
      if (to.end == 0) continue;
      int num_rows = 0;
      const int last = smaller(size.nz - 1, z + radius);
      for (int from = larger(0, z - radius); from <= last; ++from) {
        rows[num_rows] =
            buffers.grid + from * size.plane + y * size.line + to.first * kLanes;
        weights[num_rows++] = kernel[from < z ? z - from : from - z];
      }
      combine_rows(buffers.blurred + z * size.plane + y * size.line + to.first * kLanes,
                   rows, weights, num_rows, to.end - to.first);
    }
}

void filter_block(const GridPlan &plan, const GridTables &tables, int block,
                  int height, int width, const float *values, float *out,
                  const GridBuffers &buffers) {
  const GridSize size(plan.nodes);
  const float *basis_y = tables.basis_y + (int64_t)block * height * kLanes;
  const float *basis_x = tables.basis_x + (int64_t)block * width * kLanes;
  clear_touched(size, buffers);
  const Interval runs = {0, plan.num_runs};
  splat(Spline(), plan, runs, GridCells{buffers.grid, size}, basis_y, basis_x, width,
        values);
  blur(size, tables.kernel, tables.radius, buffers);
  gather(Spline(), plan, runs, GridCells{buffers.blurred, size}, basis_y, basis_x, width,
         out);
}

// ------------------------------------------------------------------------- exact

template <typename T>
struct Simd;

template <>
struct Simd<float> {
  typedef Vec V;
  typedef IntVec I;
  static constexpr int kWidth = 8;
  static constexpr int kMantissa = 23;
  static constexpr float kRound = 12582912.f;  // 1.5 * 2^23
  static constexpr float kLowest = -120.f;     // above subnormal weights
  static constexpr int kDegree = 6;
};

template <>
struct Simd<double> {
  typedef double V __attribute__((vector_size(32)));
  typedef int64_t I __attribute__((vector_size(32)));
  static constexpr int kWidth = 4;
  static constexpr int kMantissa = 52;
  static constexpr double kRound = 6755399441055744.;  // 1.5 * 2^52
  static constexpr double kLowest = -1000.;
  static constexpr int kDegree = 12;
};

// ln(2)^k / k!, the Taylor coefficients of 2^x.
constexpr double kExp2[13] = {1.,
                              0.6931471805599453,
                              0.2402265069591007,
                              0.05550410866482158,
                              0.009618129107628477,
                              0.0013333558146428443,
                              0.00015403530393381608,
                              1.525273380405984e-05,
                              1.3215486790144307e-06,
                              1.0178086009239699e-07,
                              7.0549116208011209e-09,
                              4.4455382718708116e-10,
                              2.5678435993488206e-11};

// 2^x for x <= 0; NaN stays NaN.
template <typename T>
inline typename Simd<T>::V exp2(typename Simd<T>::V x) {
  typedef Simd<T> S;
  const typename S::V lowest = typename S::V{} + S::kLowest;
  x = x < lowest ? lowest : x;
  const typename S::V shifted = x + S::kRound;  // its low bits are round(x)
  const typename S::V f = x - (shifted - S::kRound);
  typename S::V p = typename S::V{} + (T)kExp2[S::kDegree];
#pragma GCC unroll 12
  for (int k = S::kDegree - 1; k >= 0; --k) p = p * f + (T)kExp2[k];
  typename S::I bits, exponent;
  __builtin_memcpy(&bits, &p, sizeof(p));
  __builtin_memcpy(&exponent, &shifted, sizeof(shifted));
  bits += exponent << S::kMantissa;
  __builtin_memcpy(&p, &bits, sizeof(p));
  return p;
}

template <typename V, typename T>
inline V load_as(const T *p) {
  V v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}

// All pairs of one crop, each once: a weight serves both of its pixels.
template <typename T, int kChannels>
void exact_channels(const ExactProblem<T> &p, int first_channel) {
  typedef typename Simd<T>::V V;
  constexpr int kWidth = Simd<T>::kWidth;
  constexpr int kPixels = 4;  // held in registers
  const int64_t area = (int64_t)p.height * p.stride;
  const T *red = p.colours, *green = red + area, *blue = green + area;
  const T *values = p.values + first_channel * area;
  T *out = p.out + first_channel * area;
  for (int yi = 0; yi < p.height; ++yi) {
    const int last_y = smaller(p.height - 1, yi + p.radius);
    for (int xi = 0; xi < p.width; xi += kPixels) {
      const int64_t i = (int64_t)yi * p.stride + xi;
      const int first_x = larger(0, xi - p.radius) / kWidth * kWidth;
      const int end_x = smaller(p.width, xi + kPixels + p.radius);
      V sums[kPixels][kChannels] = {};
      for (int yj = yi; yj <= last_y; ++yj) {
        const T far = p.space[p.stride + (yj - yi)];
        for (int xj = first_x; xj < end_x; xj += kWidth) {
          const int64_t j = (int64_t)yj * p.stride + xj;
          const V r = load_as<V>(red + j), g = load_as<V>(green + j),
                  b = load_as<V>(blue + j);
          V back[kChannels] = {};
#pragma GCC unroll 4
          for (int u = 0; u < kPixels; ++u) {
            const V dr = r - red[i + u], dg = g - green[i + u], db = b - blue[i + u];
            const V near = load_as<V>(p.space + p.stride + xj - (xi + u));
            const V square = dr * dr + dg * dg + db * db;
            const V w = exp2<T>(far + near - p.colour_scale * square);
            for (int c = 0; c < kChannels; ++c) {
              sums[u][c] += w * load_as<V>(values + c * area + j);
              back[c] += w * values[c * area + i + u];
            }
          }
          if (yj == yi) continue;  // a row with itself: every pixel sums for itself
          for (int c = 0; c < kChannels; ++c) {
            T *q = out + c * area + j;
            const V total = load_as<V>(q) + back[c];
            __builtin_memcpy(q, &total, sizeof(total));
          }
        }
      }
      for (int u = 0; u < kPixels; ++u)
        for (int c = 0; c < kChannels; ++c) {
          T total = 0;
          for (int lane = 0; lane < kWidth; ++lane) total += sums[u][c][lane];
          out[c * area + i + u] += total;
        }
    }
  }
}

template <typename T>
void exact(const ExactProblem<T> &problem) {
  int channel = 0;
  for (; channel + 2 <= problem.channels; channel += 2)
    exact_channels<T, 2>(problem, channel);
  if (channel < problem.channels) exact_channels<T, 1>(problem, channel);
}
