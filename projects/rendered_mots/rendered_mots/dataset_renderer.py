# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import multiprocessing
import shutil
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2
from tqdm import tqdm

from mmwsmots.fileio.mots_txt import MOTSObject, read_mots_txt, write_mots_txt

from .annotated_scene import AnnotatedScene
from .camera import FOCAL_RATIO
from .plan import SequencePlan, plan_sequences
from .procedural_scene import ProceduralScene
from .rng import generator
from .textures import PatchSource, list_images

CHUNK = 100  # frames that one process draws of one sequence
PNG_OPTIONS = [cv2.IMWRITE_PNG_COMPRESSION, 1]


class Chunk(NamedTuple):
    """Some frames of a sequence, drawn by one process.

    Attributes:
        plan (SequencePlan): The sequence.
        start (int): First frame.
        stop (int): End of the frames, exclusive.
        folder (Path): Where the pictures go.
    """

    plan: SequencePlan
    start: int
    stop: int
    folder: Path


def render_dataset(
    out_dir: str | Path,
    annotations: str | Path | None = None,
    backgrounds: str | Path | None = None,
    sequences: Sequence[str] | None = None,
    num_sequences: int | None = None,
    frames: int | None = None,
    frame_stride: int = 1,
    size: tuple[int, int] = (1242, 375),
    scale: float = 1.0,
    seed: int = 0,
    workers: int = 1,
    overwrite: bool = False,
    focal_ratio: float = FOCAL_RATIO,
) -> list[str]:
    """Render a data set in the layout of KITTI MOTS.

    Writes ``training/image_02/SSSS/FFFFFF.png`` and ``instances_txt/SSSS.txt``,
    everything or nothing. The result depends on the seed, not on ``workers``.

    Args:
        out_dir (str | Path): Root of the data set.
        annotations (str | Path | None): Folder of KITTI MOTS text files
            ``SSSS.txt``: silhouettes, tracks and ignore regions are taken from
            there and only the appearance is drawn. A sequence is as long as the
            seqmap says that lies in a folder ``seqmaps`` in or beside it, or ends
            with its last annotated frame. None draws procedural scenes.
        backgrounds (str | Path | None): Folder of real frames that lend their
            textures to the scenery; None draws all textures.
        sequences (Sequence[str] | None): Names of the sequences. Defaults to all
            annotated ones.
        num_sequences (int | None): How many sequences if ``sequences`` is None:
            the first annotated ones, or procedural ones named 0000, 0001, ...
            (default 8).
        frames (int | None): Frames of each procedural sequence (default 40); the
            most frames of an annotated one, counted after ``frame_stride``.
        frame_stride (int): Keep one frame of so many; the kept frames are numbered
            0, 1, ...
        size (tuple[int]): Native width and height; annotated sequences have their
            own unless nothing is annotated in them.
        scale (float): Factor from the native to the written size.
        seed (int): Seed of all random choices, >= 0.
        workers (int): Processes.
        overwrite (bool): Whether to replace an earlier data set in ``out_dir``.
        focal_ratio (float): Focal length of procedural scenes over the width of a
            frame, 0.1 to 10. The default is KITTI's; a longer one shows fewer objects
            larger, as a cut-out of a wider frame does.

    Returns:
        list[str]: Names of the sequences written.

    Raises:
        ValueError: If an argument makes no sense; the message names it. Nothing is
            written then.
    """
    out_dir = Path(out_dir)
    if workers < 1:
        raise ValueError(f'workers must be >= 1, got {workers}')
    if backgrounds is not None:
        list_images(backgrounds)
    if out_dir.exists() and not out_dir.is_dir():
        raise ValueError(f'{out_dir} is no folder')
    if out_dir.is_dir() and any(out_dir.iterdir()) and not overwrite:
        raise ValueError(f'{out_dir} is not empty (overwrite replaces its content)')
    plans = plan_sequences(
        annotations, backgrounds, sequences, num_sequences, frames, frame_stride, size,
        scale, seed, focal_ratio,
    )  # fmt: skip
    _write(out_dir, plans, workers)
    return [plan.name for plan in plans]


def _write(out_dir: Path, plans: list[SequencePlan], workers: int) -> None:
    """Render next to ``out_dir`` and move the folders there when all is done."""
    out_dir.parent.mkdir(parents=True, exist_ok=True)
    temp = out_dir.parent / f'.{out_dir.name}.partial'
    shutil.rmtree(temp, ignore_errors=True)
    try:
        chunks = []
        for plan in plans:
            folder = temp / 'image_02' / plan.name
            folder.mkdir(parents=True)
            for start in range(0, plan.frames, CHUNK):
                stop = min(start + CHUNK, plan.frames)
                chunks.append(Chunk(plan, start, stop, folder))
        objects = {plan.name: [] for plan in plans}
        for chunk, found in zip(chunks, _run(chunks, workers)):
            objects[chunk.plan.name] += found
        for name, found in objects.items():
            write_mots_txt(temp / 'instances_txt' / f'{name}.txt', found)
        (out_dir / 'training').mkdir(parents=True, exist_ok=True)
        for source, target in (
            (temp / 'image_02', out_dir / 'training' / 'image_02'),
            (temp / 'instances_txt', out_dir / 'instances_txt'),
        ):
            if target.exists():
                shutil.rmtree(target)
            source.rename(target)
    finally:
        shutil.rmtree(temp, ignore_errors=True)


_drawn = None  # counter of frames, shared by the processes


def _start_worker(counter) -> None:
    global _drawn
    _drawn = counter
    cv2.setNumThreads(1)  # processes share the cores already; for spawned ones


def _run(chunks: list[Chunk], workers: int) -> list[list[MOTSObject]]:
    """Render chunks in several processes behind one progress bar."""
    total = sum(chunk.stop - chunk.start for chunk in chunks)
    counter = multiprocessing.Value('i', 0)
    # A forked process inherits OpenCV's pool without its threads and hangs when it
    # changes their number: end the threads before the fork.
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    pool = ProcessPoolExecutor(
        min(workers, len(chunks)), initializer=_start_worker, initargs=(counter,)
    )
    try:
        futures = pending = [pool.submit(_render_chunk, chunk) for chunk in chunks]
        with tqdm(total=total, unit='frame', desc='render') as bar:
            while pending:
                done, pending = wait(pending, 0.2, FIRST_EXCEPTION)
                for future in done:
                    future.result()  # raises what the process raised
                if counter.value > bar.n:
                    bar.update(counter.value - bar.n)
    finally:
        pool.shutdown(cancel_futures=True)
        cv2.setNumThreads(threads)
    return [future.result() for future in futures]


@lru_cache(maxsize=1)
def _scene(plan: SequencePlan) -> ProceduralScene | AnnotatedScene:
    """Scene of a sequence; a process draws its chunks one after the other."""
    source = None
    if plan.backgrounds is not None:
        rng = generator(plan.seed, 'backgrounds', plan.name)
        source = PatchSource(plan.backgrounds, rng)
    length = (plan.frames - 1) * plan.stride + 1
    if plan.annotation is None:
        return ProceduralScene(
            plan.seed, plan.name, length, plan.size, source, plan.focal_ratio
        )
    objects = read_mots_txt(plan.annotation, check_disjoint=False)  # checked before
    objects = [obj for obj in objects if obj.frame_id < length]
    return AnnotatedScene(plan.seed, plan.name, objects, length, plan.size, source)


def _render_chunk(chunk: Chunk) -> list[MOTSObject]:
    """Draw and write the frames of a chunk; return their annotation."""
    scene = _scene(chunk.plan)
    found = []
    for index in range(chunk.start, chunk.stop):
        image, objects = scene.render(index * chunk.plan.stride)
        path = chunk.folder / f'{index:06d}.png'
        if not cv2.imwrite(str(path), image, PNG_OPTIONS):
            raise OSError(f'cannot write {path}')
        found += [obj._replace(frame_id=index) for obj in objects]
        with _drawn.get_lock():
            _drawn.value += 1
    return found
