# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from setuptools import setup

setup()
