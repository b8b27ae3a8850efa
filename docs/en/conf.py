# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Configuration of Sphinx: ``make docs``."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE / '_ext')]

from components import write_reference  # noqa: E402
from sphinx.application import Sphinx  # noqa: E402

from mmwsmots.version import __version__  # noqa: E402

project = 'mmwsmots'
author = copyright = 'mmwsmots authors'
release = version = __version__

extensions = ['myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon', 'mathml']
myst_enable_extensions = ['dollarmath', 'colon_fence', 'deflist']
myst_heading_anchors = 3
autodoc_typehints = 'none'
autodoc_preserve_defaults = True
napoleon_use_ivar = True
html_math_renderer = 'mathml'

html_theme = 'furo'
html_title = f'mmwsmots {release}'


def setup(app: Sphinx) -> None:
    """Let napoleon read an argument line of ``*args, **kwargs``."""
    app.connect('autodoc-process-docstring', _escape_kwargs, priority=400)


def _escape_kwargs(app, what, name, obj, options, lines: list[str]) -> None:
    lines[:] = [
        line.replace('*args, **kwargs:', r'*args, \*\*kwargs:') for line in lines
    ]


# Parts of pages that are made here: the reference from the registries, and the table
# of the accuracy bench, where there is one.
generated = ROOT / 'build/docs/parts'
generated.mkdir(parents=True, exist_ok=True)
write_reference(generated / 'components.md')
accuracy = ROOT / 'benchmarks/results/accuracy.md'
(generated / 'accuracy.md').write_text(
    accuracy.read_text()
    if accuracy.is_file()
    else 'There are no figures of the accuracy bench yet.\n'
)
