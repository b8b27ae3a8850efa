# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Print the lines of requirements files that the running interpreter does not meet.

Usage: ``missing_requirements.py {pinned,any} FILE...``. With ``any``, every version
will do, and so will a package of another name with the same module (``mmcv`` for
``onedl-mmcv``): an environment that is used as it is.
"""

import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement

# Packages whose module other packages have too.
MODULES = {
    'onedl-mmcv': 'mmcv',
    'onedl-mmdetection': 'mmdet',
    'onedl-mmengine': 'mmengine',
    'opencv-python': 'cv2',
}


def is_met(requirement, any_version):
    """Whether the running interpreter has what a line asks for.

    Args:
        requirement (Requirement): The line.
        any_version (bool): Whether other versions and packages of other names count.

    Returns:
        bool: True if it has, or if the line is for other interpreters.
    """
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        module = MODULES.get(requirement.name)
        return any_version and module is not None and find_spec(module) is not None
    return any_version or requirement.specifier.contains(found)


def main():
    """Print what is missing, one requirement a line, without markers."""
    any_version = sys.argv[1] == 'any'
    for path in sys.argv[2:]:
        for line in Path(path).read_text().splitlines():
            line = line.split('#')[0].strip()
            if line and not is_met(Requirement(line), any_version):
                print(line.split(';')[0].strip())


if __name__ == '__main__':
    main()
