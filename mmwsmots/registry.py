# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The scope ``mmwsmots``, below mmdet's, and where the components are.

mmdet's registries import them when something is looked up, so that ``import mmwsmots``
is quick. A config inherited as ``_base_ = 'mmwsmots::wsmots/NAME.py'`` is built in the
scope ``mmwsmots``, whose registries know what mmdet's know.
"""

from importlib import import_module

from mmdet import registry as mmdet_registry
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.registry import Registry

LOCATIONS = {
    'DATASETS': 'mmwsmots.datasets',
    'DATA_SAMPLERS': 'mmwsmots.datasets',
    'HOOKS': 'mmwsmots.engine',
    'METRICS': 'mmwsmots.evaluation.metrics',
    'MODELS': 'mmwsmots.models',
    'TASK_UTILS': 'mmwsmots.models',
    'TRANSFORMS': 'mmwsmots.datasets',
    'VISUALIZERS': 'mmwsmots.visualization',
}

# mmengine's own table: names of packages in ``package::config.py``.
MODULE2PACKAGE.setdefault('mmwsmots', 'mmwsmots')


def register_components() -> None:
    """Tell mmdet's registries where to import from; make those of our scope."""
    for name, parent in vars(mmdet_registry).items():
        if not isinstance(parent, Registry) or parent.scope != 'mmdet':
            continue
        if name in LOCATIONS:
            if parent._imported:  # something was looked up before
                import_module(LOCATIONS[name])
            else:
                parent._locations.append(LOCATIONS[name])
        Registry(
            parent.name, parent=parent, scope='mmwsmots', locations=parent._locations
        )


register_components()
