# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import subprocess
import sys

CODE = """
import warnings

import torch

from mmwsmots.utils import quiet_dependencies

quiet_dependencies()
import mmdet.datasets.transforms
import mmdet.evaluation.metrics
from mmengine.fileio import FileClient
from mmengine.logging import print_log
from mmengine.runner import loops

FileClient.infer_client(uri='.')
end = 'Reach the end of the dataloader, it will be restarted'
warnings.warn_explicit(end, UserWarning, loops.__file__, 1, module=loops.__name__)
if hasattr(loops, '_InfiniteDataloaderIterator'):
    batches = loops._InfiniteDataloaderIterator(torch.utils.data.DataLoader([1]))
    next(batches), next(batches)
# What a user can act on is still there.
warnings.warn_explicit('another', UserWarning, loops.__file__, 1, module=loops.__name__)
print_log('a note')
"""


def test_only_what_helps_is_said():
    command = [sys.executable, '-c', CODE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout == 'a note\n'
    assert 'UserWarning: another' in done.stderr
    for noise in ('OneDL', 'faster_coco_eval', 'FileClient', 'HardDisk', 'Reach the'):
        assert noise not in done.stderr
