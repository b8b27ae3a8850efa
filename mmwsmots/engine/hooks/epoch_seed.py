# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info


class EpochSeed:
    """Seeds the workers of a data loader anew in each epoch.

    The generators of persistent workers run on from epoch to epoch and die with the
    run; those of other workers start each epoch from the same seed and repeat its
    numbers. Seeded from the run's seed, the process, the worker and the epoch, both
    draw new numbers in each epoch, and the same ones in a resumed run.
    """

    def __init__(self, seed: int, rank: int) -> None:
        self._seed = seed
        self._rank = rank
        # Read by workers that live through many epochs.
        self._epoch = torch.zeros((), dtype=torch.long).share_memory_()
        self._seeded_epoch = None  # of a worker

    def set_epoch(self, epoch: int) -> None:
        """Tell all workers the epoch whose data are drawn next."""
        self._epoch.fill_(epoch)

    def install(self, loader: DataLoader) -> None:
        """Let the workers of a loader follow, before its first iteration.

        Its data set, or those that it wraps as ``dataset`` or ``datasets``, call
        ``pipeline``.
        """
        loader.worker_init_fn = partial(self._init_worker, loader.worker_init_fn)

    def _init_worker(self, init_worker: Callable | None, worker_id: int) -> None:
        """Run in a worker, on its copy of the data set."""
        if init_worker is not None:
            init_worker(worker_id)
        for dataset in _innermost(get_worker_info().dataset):
            dataset.pipeline = partial(self._seed_and_run, dataset.pipeline)

    def _seed_and_run(self, pipeline: Callable, data: dict) -> Any:
        """Run the pipeline, in a worker that is seeded for the epoch."""
        epoch = int(self._epoch)
        if epoch != self._seeded_epoch:
            self._seeded_epoch = epoch
            key = [self._seed, self._rank, get_worker_info().id, epoch]
            numbers = np.random.SeedSequence(key).generate_state(3).tolist()
            random.seed(numbers[0])
            np.random.seed(numbers[1])
            torch.manual_seed(numbers[2])
        return pipeline(data)


def _innermost(dataset: Dataset) -> list[Dataset]:
    """The data sets in a wrapper that have a pipeline of transforms."""
    inner = [*getattr(dataset, 'datasets', ()), getattr(dataset, 'dataset', None)]
    inner = [wrapped for wrapped in inner if wrapped is not None]
    if inner:
        return [found for wrapped in inner for found in _innermost(wrapped)]
    return [dataset] if callable(getattr(dataset, 'pipeline', None)) else []
