# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Feed broken files to the readers and converters, as a Markdown table.

Takes valid files, changes some of their bytes, fields or lines at random (fixed seed)
and looks at what each reader makes of them. Allowed are an error that names the file
(ValueError or OSError) and a result that stands: objects that write and read back the
same, with masks that pycocotools decodes to the same pixels, disjoint, no id twice; an
annotation file of the right counts; boxes on the pictures that the file names. Anything
else, a traceback or a wrong acceptance, is printed with the file's content and fails
the run.

Example:
    python benchmarks/fuzz.py --cases 24000
"""

import argparse
import contextlib
import io
import runpy
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from common import heading, report

import numpy as np
from fuzz_boxes import box_targets
from fuzz_masks import mask_targets
from pycocotools import mask as mask_utils

from mmwsmots.fileio.box_readers.text_boxes import read_kitti_boxes
from mmwsmots.fileio.cocovid import CocoVIDBuilder
from mmwsmots.fileio.mots_txt import (
    CLASS_IDS,
    MOTSObject,
    format_line,
    read_mots_txt,
    read_seqmap,
    write_mots_txt,
)
from mmwsmots.fileio.rle import mask_to_rle, rles_to_runs

REPO = Path(__file__).resolve().parents[1]
SIZE = 12, 20  # height, width
JUNK = (
    '-1',
    '1e9',
    'nan',
    'inf',
    '9' * 30,
    '0',
    '1.5',
    '',
    ' ',
    '\t',
    '\x00',
    '\x85',
    'ß',
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--cases', type=int, default=24_000, help='of all targets')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', type=Path, help='write the table here too')
    return parser.parse_args()


def mots_text(rng: np.random.Generator) -> str:
    """A valid KITTI MOTS file."""
    lines = []
    for frame_id in range(int(rng.integers(1, 4))):
        painted = rng.integers(0, 5, SIZE)
        if rng.random() < 0.5:
            painted = np.sort(painted, axis=1)
        for i in range(int(rng.integers(0, 4))):
            cls = (1, 2, 10)[int(rng.integers(3))]
            rle = mask_to_rle(painted == i)
            lines.append(
                format_line(MOTSObject(frame_id, 1000 * cls + i, cls, *SIZE, rle))
            )
    return ''.join(lines)


def seqmap_text(rng: np.random.Generator) -> str:
    """A valid seqmap."""
    numbers = range(int(rng.integers(1, 5)))
    return ''.join(f'{i:04d} empty 000000 {rng.integers(999):06d}\n' for i in numbers)


def label_text(rng: np.random.Generator) -> str:
    """A valid file of KITTI tracking labels."""
    names = 'Car', 'Pedestrian', 'DontCare', 'Van'
    lines = []
    for frame in range(3):
        for i in range(int(rng.integers(0, 4))):
            x, y, w, h = rng.uniform(1, 9, 4)
            box = f'{x:.2f} {y:.2f} {x + w:.2f} {y + h:.2f}'
            name = names[int(rng.integers(4))]
            lines.append(f'{frame} {i} {name} 0 0 -1.5 {box} 1 1 1 0 0 9 0.1\n')
    return ''.join(lines)


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """The data with one to three changes, or none."""
    for _ in range(int(rng.integers(0, 4))):
        place = int(rng.integers(len(data) + 1))
        kind = int(rng.integers(7))
        if kind == 0:  # a byte
            data = data[:place] + bytes([int(rng.integers(256))]) + data[place + 1 :]
        elif kind == 1:  # a cut
            data = data[:place]
        elif kind == 2:  # a piece lost
            data = data[:place] + data[place + int(rng.integers(1, 9)) :]
        elif kind == 3:  # a piece twice
            piece = data[place : place + int(rng.integers(1, 60))]
            data = data[:place] + piece + data[place:]
        elif kind == 4:  # lines in another order
            lines = data.splitlines(keepends=True)
            data = b''.join(lines[i] for i in rng.permutation(len(lines)))
        else:  # a field
            separators = [c for c in (b',', b' ', b'"', b'>') if c in data] or [b' ']
            separator = separators[int(rng.integers(len(separators)))]
            fields = data.split(separator)
            junk = JUNK[int(rng.integers(len(JUNK)))].encode()
            fields[int(rng.integers(len(fields)))] = junk
            data = separator.join(fields)
    return data


def check_mots(path: Path, check_ids: bool) -> None:
    """Read a KITTI MOTS file; what is accepted must stand."""
    objects = read_mots_txt(path, check_ids=check_ids)
    seen = {}
    for obj in objects:
        runs, _ = rles_to_runs([obj.rle], obj.height, obj.width)
        ours = np.repeat(np.arange(len(runs)) % 2, runs) > 0
        theirs = mask_utils.decode(obj.coco_rle).astype(bool).T.ravel()
        assert np.array_equal(ours, theirs), 'decodes to other pixels'
        ids, pixels = seen.setdefault(obj.frame_id, (set(), np.zeros_like(ours)))
        assert obj.track_id not in ids, 'an id twice'
        assert not (pixels & ours).any(), 'overlap'
        assert not check_ids or obj.track_id // 1000 == obj.class_id, 'id of a class'
        ids.add(obj.track_id)
        pixels |= ours
    written = path.with_name('again.txt')
    write_mots_txt(written, objects)
    assert read_mots_txt(written, check_ids=check_ids) == objects, (
        'reads back otherwise'
    )


def check_seqmap(path: Path) -> None:
    """Read a seqmap."""
    lengths = read_seqmap(path)
    assert lengths and all(length >= 1 for length in lengths.values())


def check_labels(path: Path) -> None:
    """Read KITTI tracking labels."""
    for box in read_kitti_boxes(path):
        assert np.isfinite(box.bbox).all(), 'box of no numbers'


def check_kitti2coco(add_sequence: Callable, path: Path) -> None:
    """Convert KITTI MOTS annotations."""
    root = path.parent
    (root / 'instances_txt').mkdir(exist_ok=True)
    path.replace(root / 'instances_txt/0000.txt')
    builder = CocoVIDBuilder(CLASS_IDS)
    args = SimpleNamespace(masks='txt', box_source='mask', lengths={'0000': 5})
    add_sequence(builder, '0000', root, args)
    objects = read_mots_txt(root / 'instances_txt/0000.txt')
    num_objects = sum(obj.class_id != 10 for obj in objects)
    assert num_objects == sum(not ann['iscrowd'] for ann in builder.annotations)
    builder.write(root / 'annotations.json')


def main() -> None:
    args = parse_args()
    tools = REPO / 'tools/dataset_converters'
    sys.path.insert(0, str(tools))
    add_sequence = runpy.run_path(str(tools / 'kitti_mots2coco.py'))['add_sequence']
    targets = {
        'results reader': (mots_text, lambda path: check_mots(path, False)),
        'annotations reader': (mots_text, lambda path: check_mots(path, True)),
        'kitti_mots2coco': (
            mots_text,
            lambda path: check_kitti2coco(add_sequence, path),
        ),
        'seqmap': (seqmap_text, check_seqmap),
        'label_02': (label_text, check_labels),
    }
    failures = set()
    with tempfile.TemporaryDirectory() as temp:
        targets |= box_targets(Path(temp)) | mask_targets()
        counts = {name: Counter() for name in targets}
        for case in range(args.cases):
            name = list(targets)[case % len(targets)]
            make, check = targets[name]
            rng = np.random.default_rng([args.seed, case])
            data = make(rng)
            data = mutate(data.encode() if isinstance(data, str) else data, rng)
            path = Path(temp) / 'input.txt'
            path.write_bytes(data)
            outcome = 'accepted'
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    check(path)
            except (OSError, ValueError) as error:
                outcome = 'refused'
                if '.txt' not in str(error):
                    outcome = 'failed'
                    reason = f'no file named: {error!r}'
            except Exception as error:
                outcome, reason = 'failed', repr(error)
            counts[name][outcome] += 1
            if outcome == 'failed' and (name, reason[:30]) not in failures:
                failures.add((name, reason[:30]))
                print(f'case {case}, {name}: {reason}\n{data!r}')
    lines = [heading(f'{args.cases} cases, seed {args.seed}'), '']
    lines += ['| target | accepted | refused | failed |', '|---|---|---|---|']
    for name, count in counts.items():
        cells = ' | '.join(str(count[key]) for key in ('accepted', 'refused', 'failed'))
        lines.append(f'| {name} | {cells} |')
    report(lines, args.out)
    if failures:
        raise SystemExit(f'{len(failures)} kinds of failure')


if __name__ == '__main__':
    main()
