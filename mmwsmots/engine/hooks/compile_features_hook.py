# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner


@HOOKS.register_module()
class CompileFeaturesHook(Hook):
    """Compiles backbone and neck of the detector with ``torch.compile``.

    They are one graph and most of the arithmetic. Heads are left as they are: their
    RoIs and samples change in number with each image. The weights, their names and the
    checkpoints do not change.

    Args:
        **options: Of :func:`torch.compile`, e.g. ``backend``; ``dynamic=True`` spares a
            compilation for each image size.
    """

    def __init__(self, **options) -> None:
        self.options = options

    def before_run(self, runner: Runner) -> None:
        """Compile, for training and test alike."""
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        detector = getattr(model, 'detector', model)
        detector.extract_feat = torch.compile(
            detector.extract_feat, fullgraph=True, **self.options
        )
