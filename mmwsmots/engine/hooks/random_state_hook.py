# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import random
from collections.abc import Callable, Iterator

import numpy as np
import torch
from mmdet.registry import HOOKS
from mmengine.dist import all_gather_object, get_rank
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner

from .epoch_seed import EpochSeed


@HOOKS.register_module()
class RandomStateHook(Hook):
    """Lets a resumed run draw the random numbers of an uninterrupted one.

    mmengine resumes weights, optimizer, schedules and the place in the data, but not
    the random generators: those of each process, from which RoIs are sampled, and those
    of the workers, which load the data. With this hook and
    ``randomness=dict(seed=...)`` the losses go on as if nothing had happened, by
    iterations and by epochs, in one process and in several of the same number, with and
    without (persistent) workers.

    A checkpoint holds the generators of all processes. Workers start each epoch from
    the seed and the epoch alone, see :class:`EpochSeed`; iterations without epochs
    replay the workers' data up to the place. Validation draws without an effect on
    training.
    """

    def __init__(self) -> None:
        self._epoch_seed = None
        self._gathered = None
        self._resumed = None
        self._before_val = None

    def before_train(self, runner: Runner) -> None:
        """Reach the workers, and the states of all processes where one saves."""
        if not isinstance(runner.train_loop, IterBasedTrainLoop):
            self._epoch_seed = EpochSeed(runner.seed, get_rank())
            self._epoch_seed.install(runner.train_dataloader)
        save_checkpoint = runner.save_checkpoint

        def gather_and_save(*args, **kwargs) -> None:
            self._gathered = all_gather_object(_get_state())
            save_checkpoint(*args, **kwargs)

        # All processes call it, but hooks see only the one that writes.
        runner.save_checkpoint = gather_and_save

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add the states of the generators as ``random_states``, one per process."""
        checkpoint['random_states'] = self._gathered

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep the state of this process until training starts."""
        states = checkpoint.get('random_states', [])
        if len(states) == runner.world_size:
            self._resumed = states[get_rank()]
        elif states and runner._resume:
            runner.logger.warning(
                f'The checkpoint was saved by {len(states)} processes, this run has '
                f'{runner.world_size}: the random generators start anew, so that the '
                'losses are not those of an uninterrupted run.'
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Restore the state, in a resumed run, where the next data are drawn."""
        if self._epoch_seed is not None:
            self._epoch_seed.set_epoch(runner.epoch)
        if runner.iter == 0:  # only the weights were loaded
            self._resumed = None
        if self._resumed is None:
            return
        loader, loop = runner.train_dataloader, runner.train_loop
        if not isinstance(loop, IterBasedTrainLoop):
            if not loader.persistent_workers:
                self._restore_resumed()
            return
        # That loop still has to pass by the data of the first part, which draws.
        loop.dataloader_iterator = _RestoringIterator(
            loop.dataloader_iterator,
            runner.iter,
            None if loader.persistent_workers else self._restore_resumed,
            has_workers=loader.num_workers > 0,
        )

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Restore the state where persistent workers draw the data.

        To start them draws a number, once in a run: also in the resumed one, where the
        uninterrupted one does not.
        """
        self._restore_resumed()

    def before_val(self, runner: Runner) -> None:
        """Keep the state, as a resumed run does not validate again."""
        self._before_val = _get_state()

    def after_val(self, runner: Runner) -> None:
        """Go on as if nothing had been validated."""
        _set_state(self._before_val)

    def _restore_resumed(self) -> None:
        """Restore the resumed state, once."""
        if self._resumed is not None:
            _set_state(self._resumed)
            self._resumed = None


class _RestoringIterator:
    """Iterator over batches that restores the generators after the skipped ones.

    mmengine 0.10.7 draws these one by one, onedl-mmengine calls ``skip_iter``.

    Args:
        iterator (Iterator): The train loop's.
        num_skipped (int): Batches that the loop passes by.
        restore (Callable | None): Called before the batch after them is drawn.
        has_workers (bool): Whether workers load the data: their generators get to the
            place only by loading what is passed by.
    """

    def __init__(
        self,
        iterator: Iterator,
        num_skipped: int,
        restore: Callable[[], None] | None,
        has_workers: bool,
    ) -> None:
        self._iterator = iterator
        self._num_skipped = num_skipped
        self._restore = restore
        self._has_workers = has_workers

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> dict:
        if self._num_skipped == 0 and self._restore is not None:
            # onedl-mmengine opens the loader at the first batch, which draws a seed.
            if hasattr(self._iterator, '_ensure_iterator'):
                self._iterator._ensure_iterator()
            self._restore()
        self._num_skipped -= 1
        return next(self._iterator)

    def skip_iter(self, num_iters: int) -> None:
        """Pass by batches at once, or load them where workers do."""
        if self._has_workers:
            for _ in range(num_iters):
                next(self._iterator)
        else:
            self._iterator.skip_iter(num_iters)
        self._num_skipped -= num_iters


def _get_state() -> dict:
    """The state of this process's generators, of types that load as data."""
    name, keys, *rest = np.random.get_state()
    return dict(
        python=random.getstate(),
        numpy=(name, keys.tolist(), *rest),
        torch=torch.get_rng_state(),
        cuda=torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
    )


def _set_state(state: dict) -> None:
    """Restore what :func:`_get_state` gave."""
    random.setstate(state['python'])
    np.random.set_state(state['numpy'])
    torch.set_rng_state(state['torch'])
    if state['cuda'] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state['cuda'])
