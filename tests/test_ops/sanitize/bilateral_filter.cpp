// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
// Runs the CPU kernels on many sizes against the definition, with all buffers of
// exactly the documented size: meant for AddressSanitizer and UBSan.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <vector>

#include "../../../mmwsmots/ops/csrc/common/cpu/bilateral_filter.h"

using namespace mmwsmots;

namespace {

std::vector<double> dense_filter(const std::vector<float> &image,
                                 const std::vector<float> &values, int height,
                                 int width, double sigma_rgb, double sigma_xy) {
  const int area = height * width;
  std::vector<double> out(area, 0.);
  for (int i = 0; i < area; ++i)
    for (int j = 0; j < area; ++j) {
      double colour = 0;
      for (int c = 0; c < 3; ++c) {
        const double d = (double)image[c * area + i] - image[c * area + j];
        colour += d * d;
      }
      const double y = i / width - j / width, x = i % width - j % width;
      out[i] += values[j] * std::exp(-colour / (2 * sigma_rgb * sigma_rgb) -
                                     (y * y + x * x) / (2 * sigma_xy * sigma_xy));
    }
  return out;
}

template <typename T>
double error(const std::vector<T> &actual, const std::vector<double> &expected) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += (actual[i] - expected[i]) * (actual[i] - expected[i]);
    norm += expected[i] * expected[i];
  }
  return std::sqrt(difference / norm);
}

void require(bool holds, const char *what, int height, int width) {
  if (holds) return;
  std::fprintf(stderr, "%s fails on %d x %d\n", what, height, width);
  std::exit(1);
}

// One block with a constant basis is the filter without its spatial part.
void check_grid(const Kernels &kernels, const std::vector<float> &image,
                const std::vector<float> &values, int height, int width,
                double sigma_rgb, Workspace &workspace) {
  const int area = height * width;
  // The taps for cells of half a sigma, by the package's fit.
  const float kernel[] = {1.069537f, 0.926951f, 0.603477f, 0.295263f,
                          0.108620f, 0.030158f, 0.006218f, 0.001110f};
  const int radius = 7;
  std::vector<float> out(area);
  std::vector<float> basis_y(height * kLanes, 0.f), basis_x(width * kLanes, 1.f);
  for (int y = 0; y < height; ++y) basis_y[y * kLanes] = 1.f;
  std::vector<int32_t> plan(plan_size(area, 0));
  plan.resize(plan_grid(kernels, image.data(), height, width, (float)(0.5 * sigma_rgb),
                        0.f, 200000, workspace, plan.data()));
  const std::vector<float> taps(kernel, kernel + radius + 1);
  const GridTables tables = {basis_y.data(), basis_x.data(), taps.data(), 1, radius, 0};
  if (!filter_grid(kernels, plan.data(), tables, kMaxNodes, height, width, values.data(),
                   out.data(), workspace))
    return;
  const double found =
      error(out, dense_filter(image, values, height, width, sigma_rgb, 1e6));
  require(found < 0.02, "grid", height, width);
}

void check_tiles(const Kernels &kernels, const std::vector<float> &image,
                 const std::vector<float> &values, int height, int width,
                 double sigma_rgb, double sigma_xy, Workspace &workspace) {
  // The finer of the package's nodes.
  const std::vector<float> weights = {
      0.86637f, -0.56695f, 0.29927f, 0.78066f,  0.63089f, -0.48322f, -0.03748f, 0.64896f,
      0.65369f, -0.26023f, 0.08727f, 0.27597f, 0.42203f, -0.21239f, 0.01639f};
  const float side = (float)(1.1 * std::max(sigma_xy, 1.));
  std::vector<float> out(height * width);
  std::vector<int32_t> plan(plan_size(height * width, side));
  plan.resize(plan_grid(kernels, image.data(), height, width, (float)(1.2 * sigma_rgb),
                        side, 200000, workspace, plan.data()));
  const GridTables tables = {nullptr, nullptr, weights.data(), 0, 0, side};
  require(!filter_grid(kernels, plan.data(), tables, 0, height, width, values.data(),
                       out.data(), workspace),
          "limit of tiles", height, width);
  if (!filter_grid(kernels, plan.data(), tables, kMaxNodes, height, width, values.data(),
                   out.data(), workspace))
    return;
  const double found =
      error(out, dense_filter(image, values, height, width, sigma_rgb, side / 1.1));
  require(found < 0.05, "tiles", height, width);
}

void check_exact(const Kernels &kernels, const std::vector<float> &image,
                 const std::vector<float> &values, int height, int width,
                 double sigma_rgb, double sigma_xy) {
  const auto expected = dense_filter(image, values, height, width, sigma_rgb, sigma_xy);
  const int area = height * width;
  for (int channels = 1; channels <= 3; ++channels) {
    std::vector<float> many, out(channels * area);
    for (int c = 0; c < channels; ++c)
      many.insert(many.end(), values.begin(), values.end());
    filter_exact<float>(kernels, image.data(), many.data(), out.data(), channels,
                        height, width, sigma_rgb, sigma_xy);
    out.erase(out.begin(), out.end() - area);
    require(error(out, expected) < 1e-5, "exact float", height, width);
  }
  const std::vector<double> image64(image.begin(), image.end()),
      values64(values.begin(), values.end());
  std::vector<double> out(area);
  filter_exact<double>(kernels, image64.data(), values64.data(), out.data(), 1, height,
                       width, sigma_rgb, sigma_xy);
  require(error(out, expected) < 1e-12, "exact double", height, width);
}

}  // namespace

int main(int argc, char **argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 150;
  std::mt19937 random(0);
  const auto uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  const Kernels *all[] = {&portable_kernels(), &avx2_kernels(), &avx512_kernels()};
  const bool avx512 = __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq");
  const int count = !__builtin_cpu_supports("avx2") ? 1 : avx512 ? 3 : 2;
  for (int round = 0; round < rounds; ++round) {
    const int height = (int)uniform(1, 34), width = (int)uniform(1, 34);
    const int area = height * width;
    const double sigma_rgb = uniform(3, 60), sigma_xy = uniform(1, 60);
    const double spread = uniform(0, 255), base = uniform(0, 255 - spread);
    std::vector<float> image(3 * area), values(area);
    for (float &x : image) x = (float)(base + uniform(0, spread));
    for (float &x : values) x = (float)uniform(0, 1);
    Workspace workspace;
    for (int k = 0; k < count; ++k) {
      check_exact(*all[k], image, values, height, width, sigma_rgb, sigma_xy);
      check_grid(*all[k], image, values, height, width, sigma_rgb, workspace);
      check_tiles(*all[k], image, values, height, width, sigma_rgb, sigma_xy,
                  workspace);
      // What is no number must not become an address.
      std::vector<float> broken = image;
      broken[area / 2] = round % 2 ? std::numeric_limits<float>::quiet_NaN()
                                   : std::numeric_limits<float>::infinity();
      std::vector<float> out(area);
      const float side = round % 3 * 5.f;
      std::vector<int32_t> plan(plan_size(area, side), 1);
      plan_grid(*all[k], broken.data(), height, width, 10.f, side, 200000, workspace,
                plan.data());
      require(plan[0] == 0 && plan[3] == 0, "plan of no number", height, width);
      filter_exact<float>(*all[k], broken.data(), values.data(), out.data(), 1, height,
                          width, sigma_rgb, sigma_xy);
    }
  }
  std::printf("%d random crops: no error\n", rounds);
}
