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
  int64_t bytes;  // of a number: 4 or 8
  int64_t batch, channels, height, width;
  double sigma_rgb, sigma_xy;
};

template <typename T>
std::vector<T> read(std::size_t count) {
  std::vector<T> array(count);
  if (std::fread(array.data(), sizeof(T), count, stdin) != count) std::exit(2);
  return array;
}

template <typename T>
void run(const Case &c) {
  const cuda::Crops crops = {(int)c.batch, (int)c.channels, (int)c.height,
                             (int)c.width};
  const std::size_t area = (std::size_t)c.height * c.width;
  const auto image = read<T>(3 * c.batch * area);
  const auto values = read<T>(c.channels * c.batch * area);
  std::vector<T> out(values.size(), std::numeric_limits<T>::quiet_NaN());
  cuda::filter_exact<T>(image.data(), values.data(), out.data(), crops, c.sigma_rgb,
                        c.sigma_xy, nullptr);
  std::fwrite(out.data(), sizeof(T), out.size(), stdout);
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
    if (c.bytes == 4)
      run<float>(c);
    else
      run<double>(c);
  }
}
