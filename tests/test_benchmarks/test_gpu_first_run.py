# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import subprocess


def test_without_a_gpu_nothing_is_written(repo, tmp_path):
    python = tmp_path / 'python'
    python.write_text('#!/bin/sh\necho 0\n')  # as a torch that sees no GPU
    python.chmod(0o755)
    script = repo / 'benchmarks/gpu_first_run.sh'
    done = subprocess.run(
        [script, tmp_path / 'results.md'],
        env=dict(PATH='/usr/bin:/bin', PYTHON=str(python)),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 2 and 'no torch that sees a GPU' in done.stderr
    assert not (tmp_path / 'results.md').exists()
