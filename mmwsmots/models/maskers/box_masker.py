# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import math

import torch
import torch.nn.functional as F
from mmdet.models.detectors import BaseDetector
from mmdet.registry import MODELS, TASK_UTILS
from mmdet.structures import SampleList
from mmdet.utils import ConfigType, OptConfigType, OptMultiConfig
from mmengine.model import constant_init
from mmengine.structures import InstanceData
from torch import Tensor, nn

from ..utils.crop_augment import blur_some, jitter_colors
from ..utils.mask_confidence import mask_confidences
from ..utils.roi_grid import (
    box_masks_on_rois,
    crop_rois,
    expand_bboxes,
    pixel_edges,
    sample_window,
    soft_boxes_on_rois,
)
from .crop_sampler import Crops, paste_occluders, sample_crops

MIN_CROP_SIDE = 1.0  # pixels; a smaller box has no RoI to resample
EMPTY_LOGIT = -20.0  # of background, surely
AREA_WEIGHT = 2.0  # of the logarithm of a box's area against a logit


@MODELS.register_module()
class BoxMasker(BaseDetector):
    """Class-agnostic masks of boxes, from a crop around each box.

    The boxes are ``gt_instances.bboxes``, in training and at test; the pipelines keep
    the images' size.

    The first of two stages learns from boxes alone and must not see them, or it would
    fill them: RoIs are jittered and there is no prompt. The second sees the boxes, and
    learns from the first one's ``gt_instances.masks``, weighted by ``mask_scores`` if
    any.

    Args:
        backbone (dict): Any backbone; its finest map sets the masks' resolution.
        decoder (dict): See :class:`CropDecoder`.
        crop_size (int): Side of a crop in pixels.
        context (float): Side of a crop's RoI over the side of its box.
        prompt (bool): Whether the network sees the box and the other boxes.
        loss_outside, loss_projection, loss_pairwise (dict, optional): E.g.
            :class:`PartialCrossEntropyLoss`, :class:`BoxProjectionLoss`,
            :class:`PairwiseAffinityLoss`.
        loss_mask, loss_dice (dict, optional): Of logits and masks, both (N, h * w), and
            weights, e.g. mmdet's ``CrossEntropyLoss`` and ``DiceLoss``; need masks.
        train_cfg (dict): Options of :func:`sample_crops`, and ``occluder_prob``, see
            :func:`paste_occluders`.
        test_cfg (dict): ``flip``, whether to average with the mirrored crop;
            ``mask_thr_binary``, the probability above which a pixel belongs to the
            mask, before the image places the edges; ``mask_refiner``, a
            :class:`MaskRefiner` or None; ``batch_size`` of crops.
        data_preprocessor (dict): With ``mean`` and ``std``, for RGB.
    """

    def __init__(
        self,
        backbone: ConfigType,
        decoder: ConfigType,
        crop_size: int = 128,
        context: float = 1.6,
        prompt: bool = False,
        loss_outside: OptConfigType = None,
        loss_projection: OptConfigType = None,
        loss_pairwise: OptConfigType = None,
        loss_mask: OptConfigType = None,
        loss_dice: OptConfigType = None,
        train_cfg: OptConfigType = None,
        test_cfg: OptConfigType = None,
        data_preprocessor: OptConfigType = None,
        init_cfg: OptMultiConfig = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.backbone = MODELS.build(backbone)
        self.decoder = MODELS.build(dict(decoder, prompt_channels=2 if prompt else 0))
        self.crop_size = crop_size
        self.context = context
        # The prompt is painted on the crop, so any backbone takes it.
        self.prompt = nn.Conv2d(2, 3, 3, padding=1) if prompt else None
        if prompt:
            constant_init(self.prompt, 0)
        self.loss_outside = loss_outside and MODELS.build(loss_outside)
        self.loss_projection = loss_projection and MODELS.build(loss_projection)
        self.loss_pairwise = loss_pairwise and MODELS.build(loss_pairwise)
        self.loss_mask = loss_mask and MODELS.build(loss_mask)
        self.loss_dice = loss_dice and MODELS.build(loss_dice)
        self.needs_masks = loss_mask is not None or loss_dice is not None
        self.train_cfg = dict(train_cfg or {})
        self.occluder_prob = self.train_cfg.pop('occluder_prob', 0)
        self.test_cfg = test_cfg or {}
        self.refiner = TASK_UTILS.build(
            self.test_cfg.get('mask_refiner') or dict(type='MaskRefiner')
        )

    def extract_feat(self, batch_inputs: Tensor) -> tuple[Tensor, ...]:
        """Maps (N, C, h, w), fine to coarse, of normalised crops (N, 3, S, S)."""
        return self.backbone(batch_inputs.contiguous(memory_format=torch.channels_last))

    def crop_logits(self, crops: Tensor, prompts: Tensor | None = None) -> Tensor:
        """Logits (N, h, w), float32, of normalised crops (N, 3, S, S) and prompts."""
        if self.prompt is not None:
            crops = crops + self.prompt(prompts)
        return self.decoder(self.extract_feat(crops), prompts).float()

    def loss(self, batch_inputs: Tensor, batch_data_samples: SampleList) -> dict:
        """Losses of crops of images (B, 3, H, W), and foreground over box area."""
        crops = sample_crops(
            batch_inputs,
            [sample.gt_instances for sample in batch_data_samples],
            self.crop_size,
            self.context,
            with_masks=self.needs_masks,
            with_prompts=self.prompt is not None,
            **self.train_cfg,
        )
        if crops is None:  # all parameters take part in every step
            return dict(loss_mask=sum(p.sum() for p in self.parameters()) * 0)
        rgb = self._rgb(crops.images)
        if self.needs_masks and self.occluder_prob > 0:
            rgb, crops = paste_occluders(rgb, crops, self.occluder_prob)
        seen = self.normalize(blur_some(jitter_colors(rgb)))
        logits = self.crop_logits(seen, crops.prompts)
        size = logits.shape[-1]
        boxes = box_masks_on_rois(crops.bboxes, crops.rois[:, 1:], size)
        losses = self._mask_losses(logits, crops) if self.needs_masks else {}
        if self.loss_outside is not None:
            losses['loss_outside'] = self.loss_outside(logits, -boxes.long())
        if self.loss_projection is not None:
            losses['loss_projection'] = self.loss_projection(logits.sigmoid(), boxes)
        if self.loss_pairwise is not None:
            rgb = F.adaptive_avg_pool2d(rgb, size)
            losses['loss_pairwise'] = self.loss_pairwise(logits, rgb, boxes)
        area = ((logits > 0) & boxes).sum() / boxes.sum().clamp(min=1)
        return dict(**losses, mask_area=area)

    def _mask_losses(self, logits: Tensor, crops: Crops) -> dict:
        """What masks say, each with its weight."""
        known, target = (
            F.adaptive_avg_pool2d(maps[:, None].float(), logits.shape[1:]).flatten(1)
            for maps in (crops.known, crops.masks)
        )
        known = known > 0.5
        pred, target = logits.flatten(1), target * known
        losses = {}
        if self.loss_mask is not None:
            weight = crops.weights[:, None] * known
            total = weight.sum().clamp(min=1e-6)
            losses['loss_mask'] = self.loss_mask(pred, target, weight, avg_factor=total)
        if self.loss_dice is not None:
            pred, weight = pred.masked_fill(~known, EMPTY_LOGIT), crops.weights
            total = weight.sum().clamp(min=1e-6)
            losses['loss_dice'] = self.loss_dice(pred, target, weight, avg_factor=total)
        return losses

    @torch.no_grad()
    def predict(
        self, batch_inputs: Tensor, batch_data_samples: SampleList, rescale: bool = True
    ) -> SampleList:
        """Segment the boxes of ``gt_instances`` in normalised images (B, 3, H, W).

        ``pred_instances`` have their ``bboxes``, ``labels`` and what :meth:`segment`
        gives. A resized image is a ValueError, so ``rescale`` is unused.
        """
        for image, sample in zip(batch_inputs, batch_data_samples):
            height, width = sample.img_shape[:2]
            if tuple(sample.ori_shape[:2]) != (height, width):
                raise ValueError(
                    f'{sample.get("img_path", "image")}: the pipeline resized it from '
                    f'{tuple(sample.ori_shape[:2])} to {(height, width)}; BoxMasker '
                    'takes images at their own size'
                )
            boxes = sample.gt_instances
            results = self.segment(image[:, :height, :width], boxes.bboxes)
            results.bboxes = boxes.bboxes
            if 'labels' in boxes:
                results.labels = boxes.labels
            sample.pred_instances = results
        return batch_data_samples

    @torch.no_grad()
    def segment(
        self,
        image: Tensor,
        bboxes: Tensor,
        size: tuple[int, int] | None = None,
        scale_factor: tuple[float, float] = (1.0, 1.0),
    ) -> InstanceData:
        """Disjoint bool ``masks`` (n, height, width) of an image's boxes, ``scores``.

        Args:
            image (Tensor): Normalised image, shape (3, H, W).
            bboxes (Tensor): All that are known, (n, 4), xyxy in pixels of the masks.
            size (tuple[int, int], optional): Height and width of the masks; None: the
                image's.
            scale_factor (tuple[float, float]): The image's width and height over them.
        """
        size = size or tuple(image.shape[1:])
        if len(bboxes) == 0:
            masks = torch.zeros((0, *size), dtype=torch.bool, device=image.device)
            return InstanceData(masks=masks, scores=image.new_zeros(0))
        bboxes = bboxes.to(image)
        rois = self._rois(bboxes)
        scale = image.new_tensor(scale_factor).repeat(2)
        boxes, places = bboxes * scale, rois * scale  # on the image
        # From here on the threshold is at 0.
        threshold = torch.tensor(self.test_cfg.get('mask_thr_binary', 0.5))
        logits = self._predict_logits(image, boxes, places) - threshold.logit().item()
        places, rgb = F.pad(places, (1, 0)), self._rgb(image[None])
        logits = self.refiner.refine_logits(logits, places, boxes, rgb)
        logits = self.refiner.shift_logits(logits, places, boxes)
        masks = paste_disjoint(logits, rois, bboxes, size)
        scores = mask_confidences(masks, logits.sigmoid(), rois, bboxes)
        return InstanceData(masks=masks, scores=scores)

    def _rois(self, bboxes: Tensor) -> Tensor:
        """Where the crops of boxes lie, (n, 4)."""
        halves = (bboxes[:, 2:] - bboxes[:, :2]).clamp(min=MIN_CROP_SIDE) / 2
        centers = (bboxes[:, 2:] + bboxes[:, :2]) / 2
        bboxes = torch.cat([centers - halves, centers + halves], dim=1)
        return expand_bboxes(bboxes, self.context)

    def _predict_logits(self, image: Tensor, bboxes: Tensor, rois: Tensor) -> Tensor:
        """Logits of boxes on their RoIs, (n, h, w)."""
        prompts, rois = None, F.pad(rois, (1, 0))
        if self.prompt is not None:
            prompts = soft_boxes_on_rois(bboxes, rois[:, 1:], self.crop_size)
        parts = []
        step = self.test_cfg.get('batch_size', 32)
        for start in range(0, len(rois), step):
            part = slice(start, start + step)
            crops = crop_rois(image[None], rois[part], self.crop_size)
            hints = None if prompts is None else prompts[part]
            logits = self.crop_logits(crops, hints)
            if self.test_cfg.get('flip', True):
                hints = None if hints is None else hints.flip(3)
                mirrored = self.crop_logits(crops.flip(3), hints)
                logits = (logits + mirrored.flip(2)) / 2
            parts.append(logits)
        return torch.cat(parts)

    def _rgb(self, images: Tensor) -> Tensor:
        """RGB in 0..255 of normalised images."""
        return images * self.data_preprocessor.std + self.data_preprocessor.mean

    def normalize(self, rgb: Tensor) -> Tensor:
        """Normalised images (N, 3, H, W) of RGB in 0..255."""
        return (rgb - self.data_preprocessor.mean) / self.data_preprocessor.std

    def _forward(self, batch_inputs: Tensor, batch_data_samples: SampleList) -> tuple:
        """Raw logits of the boxes of each image, for FLOPs counters and tests."""
        boxes = [s.gt_instances.bboxes.to(batch_inputs) for s in batch_data_samples]
        rows = zip(batch_inputs, boxes, map(self._rois, boxes))
        return tuple(self._predict_logits(*row) for row in rows)


def paste_disjoint(
    logits: Tensor, rois: Tensor, bboxes: Tensor, size: tuple[int, int]
) -> Tensor:
    r"""Disjoint masks of an image of ``size`` (height, width), each within its box.

    Logits (N, h, w) are on the grids of RoIs; ``rois`` and ``bboxes`` are (N, 4), xyxy
    in pixels. A pixel that several objects claim goes to the largest :math:`l - 2 \log
    A`, with the logit l, above 0, and the area A of the object's box: a small object in
    the box of a large one is more often in front. Ties go to the first.
    """
    best = logits.new_full(size, -torch.inf)
    owner = torch.full(size, -1, dtype=torch.int32, device=logits.device)
    for n, (x1, y1, x2, y2) in enumerate(pixel_edges(bboxes, *size)):
        if x1 >= x2 or y1 >= y2:
            continue
        pasted = sample_window(logits[n], rois[n], (x1, y1, x2, y2), 'border')
        place = slice(y1, y2), slice(x1, x2)
        claims = pasted - AREA_WEIGHT * math.log(pasted.numel())
        wins = (pasted > 0) & (claims > best[place])
        best[place][wins] = claims[wins]
        owner[place][wins] = n
    return owner == torch.arange(len(logits), device=logits.device)[:, None, None]
