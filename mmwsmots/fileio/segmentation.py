# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pycocotools import mask as mask_utils

from mmwsmots.fileio.rle import rles_to_runs

MAX_REACH = 10  # of a polygon, in sizes of the frame


def segmentation_to_rle(segmentation: object, size: tuple[int, int]) -> str:
    """Convert a segmentation of a COCO file, after a check.

    Args:
        segmentation (object): Polygons, or compressed or plain RLE.
        size (tuple[int, int]): Height and width of the frame in pixels.

    Returns:
        str: COCO's compressed run-length encoding.

    Raises:
        ValueError: If it is none of these, or of another size.
    """
    if isinstance(segmentation, list):
        return _polygons(segmentation, size)
    if not isinstance(segmentation, dict):
        raise ValueError(f'no segmentation: {str(segmentation)[:80]!r}')
    declared, counts = segmentation.get('size'), segmentation.get('counts')
    if not isinstance(declared, list) or declared != list(size):
        raise ValueError(
            f'the mask has the size {str(declared)[:80]}, the frame {list(size)}'
        )
    if isinstance(counts, str):
        rles_to_runs([counts], *size)
        return counts
    if not isinstance(counts, list) or not counts:
        raise ValueError(f'no run lengths: {str(counts)[:80]!r}')
    limit = size[0] * size[1]
    if not all(type(n) is int and 0 <= n <= limit for n in counts):
        raise ValueError('a run length is no whole number within the frame')
    if sum(counts) != limit:
        raise ValueError(f'the run lengths add up to {sum(counts)}, not to {limit}')
    plain = dict(size=list(size), counts=counts)
    return mask_utils.frPyObjects(plain, *size)['counts'].decode('ascii')


def _polygons(polygons: list, size: tuple[int, int]) -> str:
    """The union of polygons x1, y1, x2, y2, ..."""
    reach = MAX_REACH * max(size)
    for polygon in polygons:
        if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
            raise ValueError('a polygon needs three points or more, x and y of each')
        if not all(type(v) in (int, float) and -reach <= v <= reach for v in polygon):
            raise ValueError('a polygon has points far from the frame, or no numbers')
    if not polygons:
        raise ValueError('no polygon')
    parts = mask_utils.frPyObjects(polygons, *size)
    return mask_utils.merge(parts)['counts'].decode('ascii')
