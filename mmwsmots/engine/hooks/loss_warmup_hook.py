# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner


@HOOKS.register_module()
class LossWarmupHook(Hook):
    """Let the weight of a loss grow linearly over the first iterations.

    Where most labels are 0, an untrained mask head can be driven to empty masks, at
    which a projection has no gradient. A resumed training goes on where it was.

    Args:
        loss (str): Path of the loss in the model, a module with a ``loss_weight``, e.g.
            ``detector.roi_head.mask_head.loss_loc``.
        num_iters (int): Iterations until the weight is whole.

    Raises:
        ValueError: If ``num_iters`` is less than 1, or, in training, the model has no
            such loss.
    """

    def __init__(self, loss: str, num_iters: int) -> None:
        if num_iters < 1:
            raise ValueError(f'num_iters must be at least 1, got {num_iters}')
        self.loss = loss
        self.num_iters = num_iters

    def before_train(self, runner: Runner) -> None:
        """Find the loss and its whole weight."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        modules = dict(model.named_modules())
        self._loss = modules.get(self.loss)
        if not hasattr(self._loss, 'loss_weight'):
            raise ValueError(
                f"LossWarmupHook: the model's '{self.loss}' is "
                f'{type(self._loss).__name__}, which has no loss_weight'
            )
        self._weight = self._loss.loss_weight

    def before_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        """Set the weight of this iteration."""
        share = min((runner.iter + 1) / self.num_iters, 1.0)
        self._loss.loss_weight = share * self._weight

    def after_train(self, runner: Runner) -> None:
        """Leave the whole weight."""
        self._loss.loss_weight = self._weight
