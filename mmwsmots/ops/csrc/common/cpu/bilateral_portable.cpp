// Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
#include "bilateral_kernels.h"

namespace mmwsmots {
namespace {
#include "bilateral_kernels.inl"
#include "bilateral_tiles.inl"
}  // namespace

const Kernels &portable_kernels() { return kKernels; }

}  // namespace mmwsmots
