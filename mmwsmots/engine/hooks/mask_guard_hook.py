# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import math

from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmwsmots.models.roi_heads import MOTSMaskHead

MAX_RATIO, MIN_RATIO = 0.97, 0.3
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
    """Log how large masks learned from boxes are, and warn when they collapse.

    The training log shows ``mask_area`` of a :class:`MOTSMaskHead`, of each stage of a
    cascade as ``s0.mask_area``: the masks' area inside the boxes over the boxes' area.
    If its mean over the stages is above 0.97, masks are the filled boxes; below 0.3
    they vanish: the warning comes after ``patience`` such iterations in a row.
    ValueError if that is less than 1, or the model has no such mask head.
    """

    def __init__(self, patience: int = 100) -> None:
        if patience < 1:
            raise ValueError(f'patience must be at least 1, got {patience}')
        self.patience = patience
        self._state, self._num_iters = None, 0

    def before_train(self, runner: Runner) -> None:
        """Find the mask heads to watch."""
        modules = runner.model.modules()
        self._heads = [m for m in modules if isinstance(m, MOTSMaskHead)]
        if not self._heads:
            text = 'the model has no MOTSMaskHead or GradCAMMaskHead'
            raise ValueError(f'MaskGuardHook: {text}')
        for head in self._heads:
            head.log_statistics = True

    def after_train_iter(self, runner: Runner, *args, outputs: dict, **kwargs) -> None:
        """Warn, once per collapse, of ratios out of bounds."""
        ratios = [float(outputs[key]) for key in outputs if key.endswith('mask_area')]
        ratio = sum(ratios) / max(len(ratios), 1)
        if not ratios or math.isnan(ratio):  # no object in the batch: nothing is known
            return
        state = FILLED_BOX if ratio > MAX_RATIO else None
        state = VANISHING_MASK if ratio < MIN_RATIO else state
        self._num_iters = self._num_iters + 1 if state is self._state else 1
        self._state = state
        if state and self._num_iters == self.patience:
            runner.logger.warning(
                f'The masks have collapsed ({state[0]}): they cover {ratio:.2f} of '
                f'their boxes, for {self.patience} iterations out of '
                f'{MIN_RATIO}..{MAX_RATIO}. What helps: {state[1]}.'
            )

    def after_train(self, runner: Runner) -> None:
        """Leave the heads as they were."""
        for head in self._heads:
            head.log_statistics = False
