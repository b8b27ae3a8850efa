// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
// Runs cases from standard input through the emulated kernels, as the binding in
// csrc/pytorch/cuda runs them on a device, and writes what they computed to standard
// output. Usage: emulator forward|backward|SEED. All buffers have exactly the
// documented size and start undefined.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include "../../../mmwsmots/ops/csrc/common/cuda/bilateral_filter.h"

using namespace mmwsmots;

namespace {

// As emulated_cuda.py packs it.
struct Case {
  int64_t kind;  // 4: exact float, 8: exact double, 0: grid
  int64_t batch, channels, height, width, blocks, taps, max_nodes, crops_at_once;
  double sigma_rgb, sigma_xy, spacing;
};

template <typename T>
std::vector<T> read(std::size_t count) {
  std::vector<T> array(count);
  if (std::fread(array.data(), sizeof(T), count, stdin) != count) std::exit(2);
  return array;
}

template <typename T>
void write(const std::vector<T> &array) {
  std::fwrite(array.data(), sizeof(T), array.size(), stdout);
}

template <typename T>
void run_exact(const Case &c, const cuda::Crops &crops, std::size_t area) {
  const auto image = read<T>(3 * c.batch * area);
  const auto values = read<T>(c.channels * c.batch * area);
  std::vector<T> out(values.size(), std::numeric_limits<T>::quiet_NaN());
  cuda::filter_exact<T>(image.data(), values.data(), out.data(), crops, c.sigma_rgb,
                        c.sigma_xy, nullptr, nullptr);
  write(out);
}

void run_grid(const Case &c, const cuda::Crops &crops, std::size_t area) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto image = read<float>(3 * c.batch * area);
  const auto values = read<float>(c.channels * c.batch * area);
  const auto basis_y = read<float>(c.blocks * c.height * cuda::kLanes);
  const auto basis_x = read<float>(c.blocks * c.width * cuda::kLanes);
  const auto kernel = read<float>(c.taps);
  std::vector<int32_t> offsets(c.batch * area, -1), cells(c.batch * area, -1),
      shape(4 * c.batch, -1);
  cuda::plan_grid(image.data(), crops, (float)c.spacing, c.max_nodes, offsets.data(),
                  cells.data(), shape.data(), nullptr);
  std::vector<float> out(values.size(), nan);
  std::vector<float> scratch(2 * c.crops_at_once * c.max_nodes * cuda::kLanes, nan);
  const cuda::GridPlan plan = {offsets.data(), cells.data(), shape.data(), c.max_nodes};
  const cuda::GridTables tables = {basis_y.data(), basis_x.data(), kernel.data(),
                                   (int)c.blocks, (int)c.taps - 1};
  cuda::filter_grid(plan, tables, values.data(), out.data(), crops, scratch.data(),
                    (int)c.crops_at_once, nullptr);
  cuda::filter_exact<float>(image.data(), values.data(), out.data(), crops,
                            c.sigma_rgb, c.sigma_xy, shape.data(), nullptr);
  write(shape);
  write(out);
}

}  // namespace

int main(int argc, char **argv) {
  using cuda_emulator::Order;
  if (argc != 2) return 2;
  const bool forward = std::strcmp(argv[1], "forward") == 0;
  const bool backward = std::strcmp(argv[1], "backward") == 0;
  cuda_emulator::set_order(forward    ? Order::kForward
                           : backward ? Order::kBackward
                                      : Order::kShuffled,
                           (unsigned)std::atoi(argv[1]));
  Case c;
  while (std::fread(&c, sizeof c, 1, stdin) == 1) {
    const cuda::Crops crops = {(int)c.batch, (int)c.channels, (int)c.height,
                               (int)c.width};
    const std::size_t area = (std::size_t)c.height * c.width;
    if (c.kind == 4)
      run_exact<float>(c, crops, area);
    else if (c.kind == 8)
      run_exact<double>(c, crops, area);
    else
      run_grid(c, crops, area);
  }
}
