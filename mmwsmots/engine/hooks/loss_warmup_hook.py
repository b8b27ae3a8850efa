# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner


@HOOKS.register_module()
class LossWarmupHook(Hook):
    """Let the weight of a loss grow linearly over the first ``num_iters`` iterations.

    Where most labels are 0, an untrained mask head can be driven to empty masks, at
    which a projection has no gradient. ``loss`` is the path in the model of a module
    with a ``loss_weight``, e.g. ``detector.roi_head.mask_head.loss_loc``. ValueError if
    there is none, or ``num_iters`` is less than 1.
    """

    def __init__(self, loss: str, num_iters: int) -> None:
        if num_iters < 1:
            raise ValueError(f'num_iters must be at least 1, got {num_iters}')
        self.loss, self.num_iters = loss, num_iters

    def before_train(self, runner: Runner) -> None:
        """Find the loss and its whole weight."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        modules = dict(model.named_modules())
        self._loss = modules.get(self.loss)
        if not hasattr(self._loss, 'loss_weight'):
            text = f'is {type(self._loss).__name__}, which has no loss_weight'
            raise ValueError(f"LossWarmupHook: the model's '{self.loss}' {text}")
        self._weight = self._loss.loss_weight

    def before_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        """Set the weight of this iteration."""
        share = min((runner.iter + 1) / self.num_iters, 1.0)
        self._loss.loss_weight = share * self._weight

    def after_train(self, runner: Runner) -> None:
        """Leave the whole weight."""
        self._loss.loss_weight = self._weight
