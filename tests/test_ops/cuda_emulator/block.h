// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
// Runs the threads of a block on one core. A thread runs until it returns or waits at
// a barrier, then another does. Who comes next is a setting: where the result depends
// on it, a barrier is missing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace cuda_emulator {

struct dim3 {
  unsigned x, y, z;
  dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

extern dim3 blockDim, blockIdx, gridDim, threadIdx;

// Of blocks and threads, drawn anew at each barrier.
enum class Order { kForward, kBackward, kShuffled };
void set_order(Order order, unsigned seed);

void wait_at_barrier(int line);

// Once per block, as shared memory starts undefined: all bits 1, NaN in floats.
void make_undefined(void *shared, std::size_t size);

void run_grid(const dim3 &grid, const dim3 &block,
              const std::function<void()> &thread);

// kernel<<<grid, block, 0, stream>>>(arguments) is rewritten to
// Launch(grid, block, 0, stream)(kernel, arguments).
class Launch {
 public:
  Launch(const dim3 &grid, const dim3 &block, std::size_t /* dynamic shared memory */,
         void * /* stream */)
      : grid_(grid), block_(block) {}

  template <typename... Parameters, typename... Arguments>
  void operator()(void (*kernel)(Parameters...), const Arguments &...arguments) const {
    run_grid(grid_, block_, [&] { kernel(arguments...); });
  }

 private:
  dim3 grid_, block_;
};

}  // namespace cuda_emulator
