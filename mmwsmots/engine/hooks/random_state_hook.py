# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import random

import numpy as np
import torch
from mmdet.registry import HOOKS
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner


@HOOKS.register_module()
class RandomStateHook(Hook):
    """Lets a resumed run draw the random numbers of an uninterrupted one.

    mmengine resumes weights, optimizer, schedules and the place in the data, but not
    the random generators from which RoIs are sampled. With this hook and
    ``randomness=dict(seed=...)`` the losses go on as if nothing had happened:
    exactly with :class:`mmengine.runner.IterBasedTrainLoop`; with epochs if
    ``persistent_workers`` is False, as the state of workers dies with them. Several
    processes have a state each, of which a checkpoint holds none.
    """

    def __init__(self) -> None:
        self._state = None

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add the state of the generators as ``random_state``.

        Args:
            runner (:obj:`Runner`): The runner.
            checkpoint (dict): Changed in place.
        """
        if get_world_size() > 1:
            return
        name, keys, *rest = np.random.get_state()
        checkpoint['random_state'] = dict(
            python=random.getstate(),
            numpy=(name, keys.tolist(), *rest),
            torch=torch.get_rng_state(),
            cuda=torch.cuda.get_rng_state_all(),
        )

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep the state until training starts.

        Args:
            runner (:obj:`Runner`): The runner.
            checkpoint (dict): As it was loaded.
        """
        self._state = checkpoint.get('random_state')

    def before_train_epoch(self, runner: Runner) -> None:
        """Restore the state, in a resumed run, where the next data are drawn.

        Args:
            runner (:obj:`Runner`): The runner.
        """
        state, self._state = self._state, None
        if state is None or runner.iter == 0:  # only the weights were loaded
            return
        if not isinstance(runner.train_loop, IterBasedTrainLoop):
            _restore(state)
            return
        # That loop still has to pass by the data of the first part, which draws.
        iterator = runner.train_loop.dataloader_iterator
        skip = iterator.skip_iter

        def skip_and_restore(num_iters: int) -> None:
            skip(num_iters)
            _restore(state)

        iterator.skip_iter = skip_and_restore


def _restore(state: dict) -> None:
    random.setstate(state['python'])
    np.random.set_state(state['numpy'])
    torch.set_rng_state(state['torch'])
    if len(state['cuda']) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state['cuda'])
