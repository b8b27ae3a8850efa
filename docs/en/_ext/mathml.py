# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Equations as MathML, which browsers draw themselves: no script, no network."""

import re

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict:
    """Register the renderer; ``html_math_renderer = 'mathml'`` selects it."""
    app.add_html_math_renderer('mathml', (_visit_inline, None), (_visit_block, None))
    return dict(parallel_read_safe=True)


def _write(writer, node, as_block: bool) -> None:
    # docutils does not know the sizes of brackets, which MathML chooses itself.
    tex = re.sub(r'\\[bB]igg?[lr]?(?![a-zA-Z])', '', node.astext())
    try:
        writer.body.append(tex2mathml(tex, as_block=as_block))
    except MathError as error:
        logger.warning('%s: %s', tex, error, location=node)
    raise nodes.SkipNode  # the source text, the node's only child


def _visit_inline(writer, node) -> None:
    _write(writer, node, as_block=False)


def _visit_block(writer, node) -> None:
    _write(writer, node, as_block=True)
