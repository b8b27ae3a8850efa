# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from argparse import Namespace
from collections.abc import Sequence

import cv2
import numpy as np
import torch

from .recipe import Recipe


class SAM2(Recipe):
    """SAM 2 (Ravi et al., 2024) by transformers, an optional package.

    Args:
        args (Namespace): With ``sam_weights``, a folder as ``save_pretrained`` of
            ``Sam2Model`` and ``Sam2Processor`` writes it. Nothing is downloaded.
    """

    def __init__(self, args: Namespace) -> None:
        super().__init__(args)
        if args.sam_weights is None:
            raise ValueError('recipe sam2 needs --sam-weights DIR')
        if not args.sam_weights.is_dir():
            raise ValueError(f'--sam-weights: {args.sam_weights} is no folder')
        try:
            from transformers import Sam2Model, Sam2Processor
        except ImportError as error:
            raise ValueError(
                'recipe sam2 needs transformers 4.56 or later and torchvision: '
                f'{str(error).splitlines()[-1]}'
            ) from None
        options = dict(local_files_only=True)
        self.processor = Sam2Processor.from_pretrained(args.sam_weights, **options)
        model = Sam2Model.from_pretrained(args.sam_weights, **options)
        self.model = model.to(args.device).eval()

    @torch.no_grad()
    def masks(
        self, frame: np.ndarray, boxes: np.ndarray, labels: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Prompt with the boxes, one mask each; see :meth:`Recipe.masks`."""
        inputs = self.processor(
            images=cv2.cvtColor(frame, cv2.COLOR_BGR2RGB),
            input_boxes=[boxes.tolist()],
            return_tensors='pt',
        ).to(self.model.device)
        outputs = self.model(**inputs, multimask_output=False)
        (masks,) = self.processor.post_process_masks(
            outputs.pred_masks.cpu(), inputs['original_sizes'].cpu()
        )
        confidences = outputs.iou_scores[0, :, 0].clamp(0, 1)
        return masks[:, 0].numpy().astype(bool), confidences.cpu().numpy()
