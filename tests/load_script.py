# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Import scripts that no package holds."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def load_script(path: Path) -> ModuleType:
    """Import a script by its file, without running its ``main``.

    Its folder is searched for modules, as Python does when it runs the script.
    """
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    spec.loader.exec_module(module)
    return module
