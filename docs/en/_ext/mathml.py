# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Equations as MathML, which browsers draw themselves: no script, no network."""

from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict:
    """Register the renderer; ``html_math_renderer = 'mathml'`` selects it."""
    app.add_html_math_renderer(
        'mathml', (_visit_inline, _depart), (_visit_block, _depart)
    )
    return dict(parallel_read_safe=True)


def _visit_inline(writer, node) -> None:
    writer.body.append(tex2mathml(node.astext()))


def _visit_block(writer, node) -> None:
    writer.body.append(tex2mathml(node.astext(), as_block=True))


def _depart(writer, node) -> None:
    """The visit has written all; mathml has no children."""
