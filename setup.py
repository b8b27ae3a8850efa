# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import os
import runpy
import shutil
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

# What a user without a checkout needs of it, besides the package.
MIM_FILES = ('configs', 'demo/mots_demo.py', 'model-index.yml', 'tools')


def ignored(folder, names):
    """What stays out: tools/setup prepares a checkout, and mim finds a config by name.

    So the short name in configs/ must not stand beside the config that it names.
    """
    return {
        name
        for name in names
        if name == '__pycache__'
        or (name == 'setup' and Path(folder).name == 'tools')
        or (name.endswith('.py') and Path(folder).name == 'configs')
    }


class BuildPy(build_py):
    """Give the package its folder ``.mim``, in which mim looks for configs and tools.

    A wheel gets copies, made in the build folder. An editable install gets links in
    the checkout, so that edits show.
    """

    def run(self):
        """Build, then fill the folder."""
        super().run()
        folder = Path('' if self.editable_mode else self.build_lib, 'mmwsmots/.mim')
        shutil.rmtree(folder, ignore_errors=True)
        for name in MIM_FILES:
            source, target = Path(name), folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if self.editable_mode:
                target.symlink_to(os.path.relpath(source, target.parent))
            elif source.is_dir():
                shutil.copytree(source, target, ignore=ignored)
            else:
                shutil.copyfile(source, target)


options = {}
if not {'egg_info', 'dist_info'} & set(sys.argv):  # what pip asks first needs no torch
    # By path: importing the package would need what is about to be installed.
    options = runpy.run_path('mmwsmots/ops/build.py')['extensions']()
options.setdefault('cmdclass', {})['build_py'] = BuildPy

setup(**options)
