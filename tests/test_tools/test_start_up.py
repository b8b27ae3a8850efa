# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""A command line is read before anything is imported that takes seconds."""

import json
import subprocess
import sys

TOOLS = (
    'train.py',
    'test.py',
    'analysis_tools/browse_dataset.py',
    'dataset_converters/kitti_mots2coco.py',
    'dataset_converters/mots20_2coco.py',
    'misc/collect_log.py',
    'misc/publish_model.py',
    'model_converters/mobilenetv2_to_mmdet.py',
)
CODE = """
import json, runpy, sys

slow = {'torch', 'mmdet', 'mmcv', 'mmwsmots', 'trackeval', 'matplotlib'}
for path in sys.argv[1:]:
    sys.argv, sys.path[0] = [path, '--help'], path.rpartition('/')[0]
    try:
        runpy.run_path(path, run_name='__main__')
    except SystemExit as end:
        print(json.dumps([end.code, sorted(slow & set(sys.modules))]))
"""


def test_help_imports_nothing_slow(repo):
    paths = [str(repo / 'tools' / name) for name in TOOLS]
    command = [sys.executable, '-c', CODE, *paths]
    output = subprocess.check_output(command, text=True)
    results = [json.loads(line) for line in output.splitlines() if line[:1] == '[']
    assert results == [[0, []]] * len(TOOLS)
    assert output.count('usage: ') == len(TOOLS)
