#!/usr/bin/env bash
# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# What nobody has run yet, for whoever has an NVIDIA GPU, in at most eight minutes:
# compiles the operator for it, runs its tests and compute-sanitizer, times it, times the
# weak beside the supervised step (R50, full KITTI size), and trains ten iterations on
# all GPUs. Needs a checkout whose Python has a CUDA torch and mmcv with CUDA ops.
# Usage: benchmarks/gpu_first_run.sh [RESULTS.md]
#   PYTHON: interpreter (.venv/bin/python of the checkout, else python)
#   DATA: converted KITTI MOTS (docs/en/kitti_mots.md); rendered frames by default
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=480
[ -x .venv/bin/python ] && own=$PWD/.venv/bin/python
export PYTHON=${PYTHON:-${own:-python}}
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
if ! gpus=$("$PYTHON" -c 'import torch; print(torch.cuda.device_count())') || [ "$gpus" = 0 ]; then
    echo "error: $PYTHON has no torch that sees a GPU" >&2
    exit 2
fi
results=${1:-benchmarks/results/gpu_$(date +%F).md}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# step TITLE COMMAND...: the end of what it prints, its time and its status go into the
# results; a step that fails does not end the run, the eight minutes do.
step() {
    local title=$1 begun=$SECONDS status
    shift
    echo "== $title"
    timeout --kill-after=5 "$((SECONDS < seconds ? seconds - SECONDS : 1))" "$@" 2>&1 |
        tee "$work/output"
    status=${PIPESTATUS[0]}
    [ "$status" = 0 ] || failed=1
    {
        printf '\n## %s\n\nExit status %s, %s s.\n\n```\n' \
            "$title" "$status" "$((SECONDS - begun))"
        grep -v 'Warning' "$work/output" | tail -n "${LINES_KEPT:-12}"
        printf '```\n'
    } >>"$results"
}

config() { # NAME BASE: a config without download and validation
    cat >"$work/$1.py" <<EOF
_base_ = '$PWD/configs/wsmots/$2.py'
data_root = '${DATA:-$work/data}/'
model = dict(detector=dict(backbone=dict(init_cfg=None)))
train_dataloader = dict(dataset=dict(data_root=data_root))
train_cfg = dict(
    _delete_=True, type='IterBasedTrainLoop', max_iters=10, val_interval=1000
)
param_scheduler = []
val_cfg = val_dataloader = val_evaluator = None
test_cfg = test_dataloader = test_evaluator = None
default_hooks = dict(logger=dict(interval=1))
EOF
}

cat >"$work/small.py" <<'EOF'
"""The kernel in both precisions."""

import torch

from mmwsmots.ops import bilateral_filter

torch.manual_seed(0)
values = torch.rand(3, 3, 37, 141)
image = torch.rand(3, 3, 37, 141) * torch.tensor([30.0, 255, 90]).view(3, 1, 1, 1)
for dtype in (torch.float64, torch.float32):
    out = bilateral_filter(values.to('cuda', dtype), image.to('cuda', dtype), 15, 40)
    exact = bilateral_filter(values.double(), image.double(), 15, 40, 'exact')
    error = ((out.cpu() - exact).norm() / exact.norm()).item()
    print(f'{out.dtype}: relative error {error:.1e}')
    assert error < 1e-6
EOF

{
    echo '# First run on a GPU'
    echo
    echo "$(date +%F), commit $(git rev-parse --short HEAD)," \
        "$("$PYTHON" -c 'import torch; print("torch", torch.__version__)')," \
        "$gpus GPU(s). Command: \`benchmarks/gpu_first_run.sh\`."
} >"$results"
step 'Devices' nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv
export TORCH_CUDA_ARCH_LIST=${TORCH_CUDA_ARCH_LIST:-$("$PYTHON" -c '
import torch
print(";".join(sorted({"%d.%d" % torch.cuda.get_device_capability(i)
                       for i in range(torch.cuda.device_count())})))')}
LINES_KEPT=3 step "Build for $TORCH_CUDA_ARCH_LIST" \
    "$PYTHON" setup.py build_ext --inplace --force
step 'What is active' "$PYTHON" -m mmwsmots.ops
step "The operator's tests" \
    "$PYTHON" -m pytest -q -p no:cacheprovider tests/test_ops/test_bilateral_filter.py
if command -v compute-sanitizer >/dev/null; then
    for tool in memcheck racecheck synccheck; do
        step "compute-sanitizer, $tool" compute-sanitizer --tool "$tool" \
            --error-exitcode 1 "$PYTHON" -W ignore "$work/small.py"
    done
else
    step 'Without compute-sanitizer, which is not there' "$PYTHON" "$work/small.py"
fi
if [ -z "${DATA:-}" ]; then
    step 'Render frames' "$PYTHON" projects/rendered_mots/render_mots.py "$work/data" \
        --num-sequences 2 --frames 30 --workers "$(nproc)"
    step 'Convert them' "$PYTHON" tools/dataset_converters/kitti_mots2coco.py \
        "$work/data" --split train --train 0000 0001
fi
frames=${DATA:-$work/data}/training/image_02
LINES_KEPT=60 step "The operator's times" "$PYTHON" -W ignore \
    benchmarks/bilateral_filter.py --device cuda --method auto --frames "$frames"
config weak wsmots_r50_fpn_kitti
config supervised mots_r50_fpn_kitti
step 'The weak beside the supervised step' "$PYTHON" -W ignore \
    benchmarks/training_step.py "$work/weak.py" "$work/supervised.py" \
    --device cuda --batches 3 --rounds 4
LINES_KEPT=20 step "Ten iterations on $gpus GPU(s)" \
    tools/dist_train.sh "$work/weak.py" "$gpus" --work-dir "$work/run"
echo "$results"
exit $failed
