# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import mmcv
import mmdet
import mmengine
from mmengine.utils import digit_version

# First version that works, and first one that is not known to; by import name.
SUPPORTED = {
    'mmengine': (mmengine, '0.10.7', '1.0.0'),
    'mmcv': (mmcv, '2.0.0rc4', '3.0.0'),
    'mmdet': (mmdet, '3.0.0rc5', '4.0.0'),
}
# MMDetection 3.1 took tracking over from MMTracking.
MMDET_TRACKS = digit_version(mmdet.__version__) >= digit_version('3.1.0')


def check_versions() -> None:
    """Raise ImportError if a package of OpenMMLab is too old or too new."""
    for name, (module, first, end) in SUPPORTED.items():
        found = module.__version__
        if not digit_version(first) <= digit_version(found) < digit_version(end):
            raise ImportError(
                f'{name}=={found} is used but incompatible with mmwsmots, please '
                f'install {name}>={first},<{end}.'
            )
