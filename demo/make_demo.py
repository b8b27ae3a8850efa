# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Boxes in, masks and tracks out, from nothing: what ``make demo`` runs.

Renders clips, lets the masker of the project turn the boxes of some into masks, trains
on these, evaluates on the others and shows what was learned. Every step is a command of
the project, printed as it runs, so that each can be repeated by hand.
"""

import argparse
import shlex
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONFIG = 'configs/wsmots/wsmots-masker_mnv2_fpn_demo.py'
WEIGHTS = Path('data/pretrained/mobilenet_v2.pth')
WORK_DIR = Path('work_dirs/demo')


class Steps:
    """Run commands of the project and say how far the demo is.

    Args:
        total (int): Number of steps.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0
        self.start = time.monotonic()

    def run(self, title: str, *command: object) -> None:
        """Run one step; the demo ends with it if it fails.

        Args:
            title (str): What the step does.
            *command (object): Script of the project and its arguments.
        """
        self.done += 1
        elapsed = time.monotonic() - self.start
        command = [str(part) for part in command]
        print(f'\n[{self.done}/{self.total}] {title} ({elapsed:.0f} s so far)')
        print('$ python ' + shlex.join(command), flush=True)
        status = subprocess.run([sys.executable, *command], cwd=ROOT).returncode
        if status != 0:
            sys.exit(f'make_demo: step {self.done} ({title}) failed')


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--workers', type=int, default=2, help='rendering processes')
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], help='settings for the training'
    )
    args = parser.parse_args()

    steps = Steps(9)
    render = 'projects/rendered_mots/render_mots.py'
    convert = 'tools/dataset_converters/kitti_mots2coco.py'
    clips = dict(train=(12, 20, 1), val=(6, 16, 2))
    for split, (sequences, frames, seed) in clips.items():
        data = WORK_DIR / split
        options = dict(size='832x256', scale=0.75, frames=frames, seed=seed)
        # Objects as large as in KITTI's frames, which are twice as wide.
        options.update({'num-sequences': sequences, 'focal-ratio': 0.9})
        options.update(workers=args.workers)
        flags = [f'--{name}={value}' for name, value in options.items()]
        steps.run(f'Render {split} clips', render, data, *flags, '--overwrite')
        names = [f'{number:04d}' for number in range(sequences)]
        steps.run(
            f'Convert {split} clips',
            *(convert, data, '--split', split, f'--{split}', *names, '--overwrite'),
        )
    steps.run(
        'Fetch the ImageNet weights of the backbone',
        'tools/model_converters/mobilenetv2_to_mmdet.py',
        *(WEIGHTS, '--overwrite'),
    )
    train = WORK_DIR / 'train'
    steps.run(
        'Adapt the masker to the boxes of the train clips and label them',
        *('tools/label_dataset.py', train / 'annotations/kitti_mots_train.json'),
        train / 'training/image_02',
        train / 'annotations/kitti_mots_train_masks.json',
        *('--adapt', 50, '--work-dir', WORK_DIR / 'label', '--overwrite'),
    )
    run_dir = WORK_DIR / 'run'
    options = ['--cfg-options', *args.cfg_options] if args.cfg_options else []
    steps.run(
        'Train on boxes, classes, identities and these masks',
        *('tools/train.py', CONFIG, '--work-dir', run_dir, *options),
    )
    checkpoint = (ROOT / run_dir / 'last_checkpoint').read_text().strip()
    steps.run(
        'Track the unseen clips and evaluate them',
        *('tools/test.py', CONFIG, checkpoint, '--work-dir', run_dir, '--overwrite'),
    )
    steps.run(
        'Draw videos and how boxes become masks',
        *('demo/draw_demo.py', WORK_DIR / 'val', CONFIG, checkpoint),
        *('--results', run_dir / 'results', '--out', WORK_DIR, '--overwrite'),
    )
    minutes = (time.monotonic() - steps.start) / 60
    print(
        f'\nDone in {minutes:.1f} min. Look at {WORK_DIR}: *.mp4, demo.gif, panel.png'
    )


if __name__ == '__main__':
    main()
