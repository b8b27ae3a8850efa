# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import runpy

from setuptools import setup

# By path: importing the package would need what is about to be installed.
build = runpy.run_path('mmwsmots/ops/build.py')

setup(**build['extensions']())
