#!/usr/bin/env bash
# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Compiles the CPU kernels with AddressSanitizer and UBSan and runs them.
# Usage: tests/test_ops/sanitize/run.sh [random crops]
set -euo pipefail
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"${CXX:-g++}" -std=c++17 -O1 -g -fno-omit-frame-pointer -Wall -Wextra -Werror \
  -Wno-psabi -fopenmp-simd -fsanitize=address,undefined -fno-sanitize-recover=all \
  -o "$out/test" bilateral_filter.cpp ../../../mmwsmots/ops/csrc/common/cpu/*.cpp
"$out/test" "$@"
