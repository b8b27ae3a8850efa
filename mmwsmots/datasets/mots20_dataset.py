# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmdet.registry import DATASETS

from .mots_dataset import MOTSDataset

MOTS20_SPLITS = dict(
    train=('MOTS20-02', 'MOTS20-05', 'MOTS20-09', 'MOTS20-11'),
    test=('MOTS20-01', 'MOTS20-06', 'MOTS20-07', 'MOTS20-12'),
)


@DATASETS.register_module()
class MOTS20Dataset(MOTSDataset):
    """MOTS20 (MOTSChallenge), or any CocoVID file, with the class pedestrian only.

    Annotations of other classes are left out. The files come from
    ``tools/dataset_converters/mots20_2coco.py``.
    """

    METAINFO = dict(classes=('pedestrian',), palette=[(217, 83, 25)])


def leave_one_out() -> dict[str, dict[str, tuple[str, ...]]]:
    """The folds of TrackR-CNN, as the test set's masks are not public.

    Returns:
        dict[str, dict[str, tuple[str, ...]]]: For each training sequence, by its number
        ``0002`` and so on, the sequences to train on and, as ``val``, itself.
    """
    sequences = MOTS20_SPLITS['train']
    return {
        sequence_number(held_out): dict(
            train=tuple(name for name in sequences if name != held_out), val=(held_out,)
        )
        for held_out in sequences
    }


def sequence_number(name: str) -> str:
    """Number of a sequence in the authors' own files: ``MOTS20-02`` is ``0002``."""
    return name.removeprefix('MOTS20-').zfill(4)
