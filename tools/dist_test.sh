#!/usr/bin/env bash
# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Test with one process for each GPU, or with as many CPU processes where there is
# none. On several nodes, run it on each with NNODES, NODE_RANK, MASTER_ADDR and PORT.
# PYTHON names the interpreter; the default is that of `make`, else the shell's.
set -euo pipefail

if [ $# -lt 3 ]; then
    echo "usage: $0 CONFIG CHECKPOINT GPUS [options of test.py]" >&2
    exit 2
fi
config=$1
checkpoint=$2
gpus=$3

tools=$(cd "$(dirname "$0")" && pwd)
python=python
if [ -x "$tools/../.venv/bin/python" ]; then
    python=$tools/../.venv/bin/python
fi

exec "${PYTHON:-$python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$gpus" \
    "$tools/test.py" "$config" "$checkpoint" --launcher pytorch "${@:4}"
