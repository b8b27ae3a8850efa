// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
#include "block.h"

#include <sanitizer/common_interface_defs.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <set>
#include <vector>

namespace cuda_emulator {

dim3 blockDim, blockIdx, gridDim, threadIdx;

namespace {

// The limits of every device that is supported.
constexpr unsigned kMaxThreads = 1024, kMaxGridX = 0x7fffffff, kMaxGridY = 65535;
constexpr std::size_t kStackSize = 1 << 18;

Order order = Order::kForward;
std::mt19937 random_numbers;

[[noreturn]] void fail(const char *what) {
  std::fprintf(stderr, "cuda_emulator: %s in block (%u, %u)\n", what, blockIdx.x,
               blockIdx.y);
  std::exit(1);
}

std::vector<unsigned> permutation(unsigned count) {
  std::vector<unsigned> indices(count);
  std::iota(indices.begin(), indices.end(), 0u);
  if (order == Order::kBackward) std::reverse(indices.begin(), indices.end());
  if (order == Order::kShuffled)
    std::shuffle(indices.begin(), indices.end(), random_numbers);
  return indices;
}

// A stack of its own, on which threads run one after the other; it is left where one
// of them waits at a barrier.
struct Fibre {
  ucontext_t context;
  std::unique_ptr<char[]> stack{new char[kStackSize]};
  unsigned thread;
  int line;  // of the barrier; 0: between two threads
};

class Block {
 public:
  void run(unsigned count, const std::function<void()> &thread) {
    thread_ = &thread;
    to_start_ = permutation(count);
    std::reverse(to_start_.begin(), to_start_.end());  // the next one is at the back
    defined_.clear();
    std::vector<Fibre *> waiting;
    while (!to_start_.empty()) {
      Fibre *fibre = idle_fibre();
      resume(fibre);
      if (fibre->line != 0)
        waiting.push_back(fibre);
      else
        idle_.push_back(fibre);
    }
    std::size_t started = count;
    while (!waiting.empty()) {
      if (waiting.size() < started) fail("some threads returned while others wait");
      for (const Fibre *fibre : waiting)
        if (fibre->line != waiting[0]->line) fail("threads wait at different barriers");
      started = waiting.size();
      std::vector<Fibre *> still_waiting;
      for (unsigned i : permutation(started)) {
        resume(waiting[i]);
        (waiting[i]->line != 0 ? still_waiting : idle_).push_back(waiting[i]);
      }
      // By thread, so that the next order does not depend on the last.
      std::sort(still_waiting.begin(), still_waiting.end(),
                [](Fibre *a, Fibre *b) { return a->thread < b->thread; });
      waiting = still_waiting;
    }
  }

  void wait(int line) {
    running_->line = line;
    leave_fibre();
    threadIdx = dim3(running_->thread);
    running_->line = 0;
  }

  void make_undefined(void *shared, std::size_t size) {
    if (defined_.insert(shared).second) std::memset(shared, 0xff, size);
  }

 private:
  Fibre *idle_fibre() {
    if (idle_.empty()) {
      fibres_.emplace_back(new Fibre);
      Fibre *fibre = fibres_.back().get();
      getcontext(&fibre->context);
      fibre->context.uc_stack.ss_sp = fibre->stack.get();
      fibre->context.uc_stack.ss_size = kStackSize;
      fibre->context.uc_link = nullptr;
      makecontext(&fibre->context, &Block::run_fibre, 0);
      idle_.push_back(fibre);
    }
    Fibre *fibre = idle_.back();
    idle_.pop_back();
    return fibre;
  }

  void resume(Fibre *fibre) {
    running_ = fibre;
    void *fake_stack;
    __sanitizer_start_switch_fiber(&fake_stack, fibre->stack.get(), kStackSize);
    swapcontext(&scheduler_, &fibre->context);
    __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
  }

  void leave_fibre() {
    void *fake_stack;
    __sanitizer_start_switch_fiber(&fake_stack, scheduler_stack_, scheduler_size_);
    swapcontext(&running_->context, &scheduler_);
    __sanitizer_finish_switch_fiber(fake_stack, &scheduler_stack_, &scheduler_size_);
  }

  static void run_fibre();

  ucontext_t scheduler_;
  const void *scheduler_stack_ = nullptr;
  std::size_t scheduler_size_ = 0;
  Fibre *running_ = nullptr;
  std::vector<std::unique_ptr<Fibre>> fibres_;
  std::vector<Fibre *> idle_;
  std::vector<unsigned> to_start_;
  std::set<void *> defined_;
  const std::function<void()> *thread_ = nullptr;
};

Block block;

void Block::run_fibre() {
  __sanitizer_finish_switch_fiber(nullptr, &block.scheduler_stack_,
                                  &block.scheduler_size_);
  for (;;) {
    Fibre *fibre = block.running_;
    fibre->line = 0;
    // Threads that meet no barrier need no stack of their own.
    while (!block.to_start_.empty()) {
      fibre->thread = block.to_start_.back();
      block.to_start_.pop_back();
      threadIdx = dim3(fibre->thread);
      (*block.thread_)();
    }
    block.leave_fibre();
  }
}

}  // namespace

void set_order(Order new_order, unsigned seed) {
  order = new_order;
  random_numbers.seed(seed);
}

void wait_at_barrier(int line) { block.wait(line); }

void make_undefined(void *shared, std::size_t size) {
  block.make_undefined(shared, size);
}

void run_grid(const dim3 &grid, const dim3 &threads,
              const std::function<void()> &thread) {
  const bool flat = grid.z == 1 && threads.y == 1 && threads.z == 1;
  if (!flat || grid.x == 0 || grid.y == 0 || grid.x > kMaxGridX || grid.y > kMaxGridY ||
      threads.x == 0 || threads.x > kMaxThreads)
    fail("a launch of a size that devices refuse");
  gridDim = grid;
  blockDim = threads;
  for (unsigned i : permutation(grid.x * grid.y)) {
    blockIdx = dim3(i % grid.x, i / grid.x);
    block.run(threads.x, thread);
  }
}

}  // namespace cuda_emulator
