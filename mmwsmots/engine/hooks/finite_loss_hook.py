# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.registry import HOOKS
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner

MAX_SKIPS = 10  # in a row


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Keeps a loss that is NaN or infinite from the weights, and names its batch.

    mmdet's :class:`CheckInvalidLossHook` looks after the weights have changed, every 50
    iterations. All processes stop, or skip, together.

    Args:
        action (str): 'stop' ends the run with an error; 'skip' leaves the batch out and
            logs a warning, at most 10 times in a row, as then it is not the batch.

    Raises:
        ValueError: If ``action`` is neither.
    """

    def __init__(self, action: str = 'stop') -> None:
        if action not in ('stop', 'skip'):
            raise ValueError(f"action must be 'stop' or 'skip', got {action!r}")
        self.action = action
        self._data_batch = None
        self._num_skips = 0

    def before_train(self, runner: Runner) -> None:
        """Put the check between the loss and the weights, of any optim wrapper."""
        update_params = runner.optim_wrapper.update_params

        def checked_update_params(loss: torch.Tensor, *args, **kwargs) -> None:
            if self._is_finite(loss):
                self._num_skips = 0
                update_params(loss, *args, **kwargs)
            else:
                self._refuse(runner, loss)

        runner.optim_wrapper.update_params = checked_update_params

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Remember the batch."""
        self._data_batch = data_batch

    @staticmethod
    def _is_finite(loss: torch.Tensor) -> bool:
        """Whether the loss of every process is a number."""
        is_bad = (~torch.isfinite(loss.detach())).float()
        all_reduce(is_bad, 'max')
        return not is_bad.any()

    def _refuse(self, runner: Runner, loss: torch.Tensor) -> None:
        self._num_skips += 1
        message = (
            f'iteration {runner.iter + 1}: the loss is {loss.item()}, in this or '
            f'another process; batch: {", ".join(_names(self._data_batch))}'
        )
        if self.action == 'stop':
            raise FloatingPointError(message)
        if self._num_skips > MAX_SKIPS:
            raise FloatingPointError(
                f'{message}; {MAX_SKIPS} batches before it were skipped'
            )
        runner.logger.warning(f'{message}; skipped')


def _names(data_batch: dict | None) -> list[str]:
    """Files of the frames of a batch."""
    names = []
    for sample in (data_batch or {}).get('data_samples', ()):
        frames = getattr(sample, 'video_data_samples', [sample])
        names += [
            str(frame.get('img_path', 'a frame without a name')) for frame in frames
        ]
    return names or ['without names']
