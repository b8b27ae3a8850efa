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
inline IntVec load_some(const int32_t *p, int count) {
  if (count >= kLanes) return load(p);
  IntVec v = IntVec{} + p[0];
  for (int i = 1; i < count; ++i) v[i] = p[i];
  return v;
}

#if defined(__clang__)
#define MMWSMOTS_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define MMWSMOTS_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, IntVec{__VA_ARGS__})
#endif

// The sums of eight vectors, with a third of the additions of one after another.
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

inline float coordinate(const float *image, int num_pixels, int i, const float *m) {
  return m[0] * image[i] + m[1] * image[num_pixels + i] + m[2] * image[2 * num_pixels + i];
}

bool colour_range(const float *image, int num_pixels, const float *rotation,
                  float *low, float *high) {
  float check = 0;  // NaN for NaN and infinity
  for (int axis = 0; axis < 3; ++axis) {
    float lowest = __builtin_inff(), highest = -lowest;
#pragma omp simd reduction(min : lowest) reduction(max : highest) reduction(+ : check)
    for (int i = 0; i < num_pixels; ++i) {
      const float x = coordinate(image, num_pixels, i, rotation + 3 * axis);
      lowest = x < lowest ? x : lowest;
      highest = x > highest ? x : highest;
      check += x * 0.f;
    }
    low[axis] = lowest;
    high[axis] = highest;
  }
  return check == check;
}

void bin_colours(const float *image, int num_pixels, const float *rotation,
                 const float *low, const int *nodes, int32_t *cells,
                 int32_t *offsets) {
#pragma omp simd
  for (int i = 0; i < num_pixels; ++i) {
    int32_t cell = 0, packed = 0;
#pragma GCC unroll 3
    for (int axis = 2; axis >= 0; --axis) {
      const float x = coordinate(image, num_pixels, i, rotation + 3 * axis) - low[axis];
      // Inside the grid, even if the compiler rounded differently in colour_range().
      const int nearest = smaller((int)(x + 0.5f), nodes[axis] - kSplineNodes);
      // Rounded to the nearest of 0 .. 1022, as conversion cuts off.
      const float level = (x - nearest + 1) * kOffsetScale + 0.5f;
      packed = packed << kOffsetBits | (int)level;
      cell = cell * nodes[axis] + nearest;
    }
    cells[i] = cell;
    offsets[i] = packed;
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
      : nx(nodes[0]), ny(nodes[1]), nz(nodes[2]), line(nx * kLanes), plane(line * ny) {}
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
  for (int line = 0; line < num_lines; ++line) {
    const Interval at = touched[line];
    const int z = line / size.ny, last = smaller(size.nz - 1, z + radius);
    for (int to = larger(0, z - radius); to <= last; ++to)
      include(along_z[line + (to - z) * size.ny], at.first, at.end);
  }
  for (int line = 0; line < num_lines; ++line) {
    const Interval at = along_z[line];
    const int y = line % size.ny, last = smaller(size.ny - 1, y + radius);
    for (int to = larger(0, y - radius); to <= last; ++to)
      if (touched[line + to - y].end > 0)
        include(along_y[line + to - y], at.first, at.end);
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
  for (int t = 0; t <= 2 * radius; ++t) {
    rows[t] = buffers.line + (int64_t)t * kLanes;
    weights[t] = kernel[t < radius ? radius - t : t - radius];
  }
  for (int line = 0; line < size.ny * size.nz; ++line) {
    const Interval from = buffers.touched[line], to = buffers.along_y[line];
    if (from.end == 0) continue;
    // All that is read for the nodes of `to`, which include those of `from`.
    float *start = buffers.line + pad + (from.first - to.first) * kLanes;
    clear_bytes(buffers.line,
                (2 * pad + (to.end - to.first) * kLanes) * (int64_t)sizeof(float));
    __builtin_memcpy(start, buffers.grid + line * size.line + from.first * kLanes,
                     (from.end - from.first) * kLanes * sizeof(float));
    combine_rows(buffers.blurred + line * size.line + to.first * kLanes, rows, weights,
                 2 * radius + 1, to.end - to.first);
  }
  // Of lines that are `step` apart, those in `read`, along an axis of `count`.
  const auto across = [&](const float *from, float *to, const Interval *read,
                          const Interval *written, int axis, int step, int count) {
    for (int line = 0; line < size.ny * size.nz; ++line) {
      const Interval at = written[line];
      if (at.end == 0) continue;
      const int place = axis == 1 ? line % size.ny : line / size.ny;
      const int last = smaller(count - 1, place + radius);
      int num_rows = 0;
      for (int other = larger(0, place - radius); other <= last; ++other) {
        const int row = line + (other - place) * step;
        if (read[row].end == 0) continue;
        rows[num_rows] = from + row * size.line + at.first * kLanes;
        weights[num_rows++] = kernel[other < place ? place - other : other - place];
      }
      combine_rows(to + line * size.line + at.first * kLanes, rows, weights, num_rows,
                   at.end - at.first);
    }
  };
  // On all nodes that the next pass reads.
  across(buffers.blurred, buffers.grid, buffers.touched, buffers.along_z, 1, 1, size.ny);
  across(buffers.grid, buffers.blurred, buffers.along_z, buffers.touched, 2, size.ny,
         size.nz);
}

void filter_ranks(const GridPlan &plan, const GridTables &tables, int height, int width,
                  const float *values, float *out, const GridBuffers &buffers) {
  const GridSize size(plan.nodes);
  const Interval runs = {0, plan.num_runs};
  find_intervals(plan, tables.radius, buffers);
  for (int block = 0; block < tables.blocks; ++block) {
    const float *basis_y = tables.basis_y + (int64_t)block * height * kLanes;
    const float *basis_x = tables.basis_x + (int64_t)block * width * kLanes;
    clear_touched(size, buffers);
    splat(Spline(), plan, runs, GridCells{buffers.grid, size}, basis_y, basis_x, width,
          values);
    blur(size, tables.kernel, tables.radius, buffers);
    gather(Spline(), plan, runs, GridCells{buffers.blurred, size}, basis_y, basis_x,
           width, out);
  }
}

// ------------------------------------------------------------------------- exact

// ln(2)^k / k!, the Taylor coefficients of 2^x.
constexpr double kExp2[13] = {
    1., 0.6931471805599453, 0.2402265069591007, 0.05550410866482158,
    0.009618129107628477, 0.0013333558146428443, 0.00015403530393381608,
    1.525273380405984e-05, 1.3215486790144307e-06, 1.0178086009239699e-07,
    7.0549116208011209e-09, 4.4455382718708116e-10, 2.5678435993488206e-11};

// 2^x for x <= 0; NaN stays NaN. Int is unsigned and as large as T.
template <typename T, typename Int>
inline T exp2(T x) {
  constexpr bool is_float = sizeof(T) == sizeof(float);
  constexpr int kMantissa = is_float ? 23 : 52, kDegree = is_float ? 6 : 12;
  constexpr T kRound = (T)1.5 * ((Int)1 << kMantissa);
  // Products with small values are slow where they are subnormal.
  constexpr T kLowest = is_float ? -80 : -500;
  x = x < kLowest ? kLowest : x;
  const T shifted = x + kRound;  // its low bits are round(x)
  const T f = x - (shifted - kRound);
  T p = (T)kExp2[kDegree];
#pragma GCC unroll 12
  for (int k = kDegree - 1; k >= 0; --k) p = p * f + (T)kExp2[k];
  Int bits, exponent;
  __builtin_memcpy(&bits, &p, sizeof(p));
  __builtin_memcpy(&exponent, &shifted, sizeof(shifted));
  bits += exponent << kMantissa;
  __builtin_memcpy(&p, &bits, sizeof(p));
  return p;
}

// Compilers are bad at sums of floats.
template <typename T>
inline T dot(const T *a, const T *b, int count) {
  typedef T Lanes __attribute__((vector_size(32)));
  constexpr int kCount = sizeof(Lanes) / sizeof(T);
  Lanes sums = {}, va, vb;
  int i = 0;
  for (; i + kCount <= count; i += kCount) {
    __builtin_memcpy(&va, a + i, sizeof(va));
    __builtin_memcpy(&vb, b + i, sizeof(vb));
    sums += va * vb;
  }
  T sum = 0;
  for (int lane = 0; lane < kCount; ++lane) sum += sums[lane];
  for (; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

// All pairs of one crop, each once: a weight serves both of its pixels.
template <typename T, typename Int>
void exact(const ExactProblem<T> &p) {
  const int64_t area = (int64_t)p.height * p.width;
  const T *middle = p.space + p.size - 1;
  T *weights = p.weights;
  for (int64_t i = 0; i < area; ++i) {
    const int yi = i / p.width, xi = i % p.width;
    const int first = larger(0, xi - p.radius), end = smaller(p.width, xi + p.radius + 1);
    const int end_y = smaller(p.height, yi + p.radius + 1);
    const T red_i = p.image[i], green_i = p.image[area + i],
            blue_i = p.image[2 * area + i];
    for (int yj = yi; yj < end_y; ++yj) {
      const T *red = p.image + (int64_t)yj * p.width, *green = red + area,
              *blue = green + area, *near = middle - xi;
      const T far = middle[yj - yi];
#pragma omp simd
      for (int x = first; x < end; ++x) {
        const T r = red[x] - red_i, g = green[x] - green_i, b = blue[x] - blue_i;
        const T square = r * r + g * g + b * b;
        weights[x] = exp2<T, Int>(far + near[x] - p.colour_scale * square);
      }
      for (int c = 0; c < p.channels; ++c) {
        const T *values = p.values + c * area, *row = values + (int64_t)yj * p.width;
        T *out = p.out + c * area, *to = out + (int64_t)yj * p.width;
        out[i] += dot(weights + first, row + first, end - first);
        // Within a row every pixel sums for itself.
        const T value = yj > yi ? values[i] : 0;
#pragma omp simd
        for (int x = first; x < end; ++x) to[x] += weights[x] * value;
      }
    }
  }
}
