# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from functools import partial

import torch
from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.hooks.hook import DATA_BATCH
from mmengine.runner import Runner
from torch import Tensor, nn

from mmwsmots.models.roi_heads import MOTSMaskHead

# How masks learned from boxes fail, and what helps.
FILLED_BOX = (
    'filled box',
    'learn from the masks of tools/label_dataset.py as the wsmots-masker_* configs do, '
    "or in mask_head overlap='background', loss_crf=None or a smaller "
    'loss_crf.loss_weight',
)
VANISHING_MASK = (
    'vanishing mask',
    'in mask_head a smaller loss_crf.loss_weight, a smaller cam_thr, a smaller '
    'loss_loc.loss_weight or one that grows (LossWarmupHook)',
)


@HOOKS.register_module()
class MaskGuardHook(Hook):
    """Log how masks learn from boxes, and warn when they collapse.

    With it the training log shows, of a :class:`MOTSMaskHead` or, with the stage in
    front (``s0.``), of that of each stage of a cascade:

    - ``mask_area`` and ``mask_area_soft``: the foreground ratio, the area of the
      thresholded and of the soft masks inside the boxes over the boxes' area;
    - ``label_positive`` and ``label_void``: shares of the pseudo labels' cells;
    - ``cam_rim_precision``, where heat maps are used;
    - ``mask_grad_X``: norm of the gradient of the loss X at the mask logits, in
      thousandths.

    Args:
        max_ratio (float): Above it ``mask_area``, the mean of the stages, means filled
            boxes.
        min_ratio (float): Below it ``mask_area`` means vanishing masks.
        patience (int): Warn after so many iterations in a row.
        grad_interval (int): Iterations between two gradient norms, each of which costs
            the losses' own backward pass once more; 0 computes none.

    Raises:
        ValueError: If they are out of range, or the model has no such mask head.
    """

    def __init__(
        self,
        max_ratio: float = 0.97,
        min_ratio: float = 0.3,
        patience: int = 100,
        grad_interval: int = 50,
    ) -> None:
        if not 0 <= min_ratio < max_ratio <= 1:
            raise ValueError(
                'MaskGuardHook needs 0 <= min_ratio < max_ratio <= 1, got '
                f'min_ratio={min_ratio}, max_ratio={max_ratio}'
            )
        if patience < 1:
            raise ValueError(f'patience must be at least 1, got {patience}')
        self.max_ratio = max_ratio
        self.min_ratio = min_ratio
        self.patience = patience
        self.grad_interval = grad_interval
        self._state, self._num_iters = None, 0

    def before_train(self, runner: Runner) -> None:
        """Find the mask heads to watch."""
        self._heads = {
            name: module
            for name, module in runner.model.named_modules()
            if isinstance(module, MOTSMaskHead)
        }
        if not self._heads:
            raise ValueError(
                'MaskGuardHook: the model has no MOTSMaskHead or GradCAMMaskHead'
            )
        self._switch_statistics(True)
        self._norms_due, self._norms, self._handles = False, {}, []
        for name, head in self._heads.items():
            stage = name.rpartition('.')[2]
            self._watch_gradients(head, f's{stage}.' if stage.isdigit() else '')

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: DATA_BATCH = None
    ) -> None:
        """Ask for gradient norms when it is their turn."""
        self._norms_due = self.every_n_train_iters(runner, self.grad_interval)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: DATA_BATCH = None,
        outputs: dict | None = None,
    ) -> None:
        """Log gradient norms; warn, once per collapse, of ratios out of bounds."""
        for name, value in self._norms.items():
            runner.message_hub.update_scalar(f'train/{name}', value)
        self._norms.clear()
        ratios = [outputs[key] for key in outputs if key.endswith('mask_area')]
        ratio = sum(map(float, ratios)) / len(ratios) if ratios else float('nan')
        if ratio > self.max_ratio:
            state = FILLED_BOX
        elif ratio < self.min_ratio:
            state = VANISHING_MASK
        elif ratio == ratio:
            state = None
        else:  # no object in the batch: nothing is known
            return
        self._num_iters = self._num_iters + 1 if state is self._state else 1
        self._state = state
        if state is not None and self._num_iters == self.patience:
            runner.logger.warning(
                f'The masks have collapsed ({state[0]}): they cover {ratio:.2f} of '
                f'their boxes, for {self.patience} iterations out of '
                f'{self.min_ratio:g}..{self.max_ratio:g}. What helps: {state[1]}.'
            )

    def after_train(self, runner: Runner) -> None:
        """Leave the heads as they were."""
        self._switch_statistics(False)
        for handle in self._handles:
            handle.remove()

    def _switch_statistics(self, on: bool) -> None:
        for head in self._heads.values():
            head.log_statistics = on

    def _watch_gradients(self, mask_head: nn.Module, prefix: str) -> None:
        """Let each loss of a mask head leave the norm of its gradient."""
        logits = {}

        def keep(module: nn.Module, args: tuple, mask_preds: Tensor) -> None:
            logits['mask_preds'] = mask_preds if self._norms_due else None

        def measure(name: str, module: nn.Module, args: tuple, loss: Tensor) -> None:
            if self._norms_due and loss.requires_grad:
                self._norms[name] = gradient_norm(loss, logits['mask_preds'])

        self._handles.append(mask_head.register_forward_hook(keep))
        for name, module in mask_head.named_children():
            if name.startswith('loss_'):
                name = prefix + name.replace('loss_', 'mask_grad_', 1)
                hook = partial(measure, name)
                self._handles.append(module.register_forward_hook(hook))


def gradient_norm(loss: Tensor, mask_preds: Tensor) -> Tensor:
    """Norm of a loss's gradient at the mask logits, in thousandths.

    The unit is for the log, which shows four decimals.
    """
    (grad,) = torch.autograd.grad(loss, mask_preds, retain_graph=True)
    return 1e3 * grad.norm()
