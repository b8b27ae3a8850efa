# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.registry import HOOKS
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stops before a loss that is NaN or infinite reaches the weights.

    mmdet's :class:`CheckInvalidLossHook` looks after they have changed. The error names
    the batch. All processes stop together.
    """

    _data_batch = None

    def before_train(self, runner: Runner) -> None:
        """Put the check between the loss and the weights, of any optim wrapper."""
        update_params = runner.optim_wrapper.update_params

        def checked_update_params(loss: torch.Tensor, *args, **kwargs) -> None:
            is_bad = (~torch.isfinite(loss.detach())).float()
            all_reduce(is_bad, 'max')
            if is_bad.any():
                raise FloatingPointError(
                    f'iteration {runner.iter + 1}: the loss is {loss.item()}, in this '
                    f'or another process; batch: {", ".join(_names(self._data_batch))}'
                )
            update_params(loss, *args, **kwargs)

        runner.optim_wrapper.update_params = checked_update_params

    def before_train_iter(self, runner: Runner, *_, data_batch: dict, **kwargs) -> None:
        """Remember the batch."""
        self._data_batch = data_batch


def _names(data_batch: dict | None) -> list[str]:
    """Files of the frames of a batch."""
    samples = (data_batch or {}).get('data_samples', ())
    clips = (getattr(sample, 'video_data_samples', [sample]) for sample in samples)
    frames = (frame for clip in clips for frame in clip)
    names = [str(frame.get('img_path', 'a frame without a name')) for frame in frames]
    return names or ['without names']
