# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Write the config reference from the registries, so that it cannot be out of date."""

from pathlib import Path

import mmdet.registry
from mmengine.registry import Registry

import mmwsmots.apis
import mmwsmots.datasets
import mmwsmots.engine
import mmwsmots.evaluation.metrics
import mmwsmots.models
import mmwsmots.visualization  # noqa: F401

# What the sections of the page hold: registries, in the order of the page.
SECTIONS = {
    'Models, heads and losses': 'MODELS',
    'Samplers and task modules': 'TASK_UTILS',
    'Data sets': 'DATASETS',
    'Data samplers': 'DATA_SAMPLERS',
    'Transforms': 'TRANSFORMS',
    'Metrics': 'METRICS',
    'Hooks': 'HOOKS',
    'Visualizers': 'VISUALIZERS',
}


def registered_components() -> dict[str, list[type]]:
    """The project's classes of each registry of mmdet, sorted by name.

    Raises:
        ValueError: If a registry that no section names holds a component.
    """
    registries = {
        name: registry
        for name, registry in vars(mmdet.registry).items()
        if isinstance(registry, Registry)
    }
    found = {}
    for name, registry in registries.items():
        classes = {
            component
            for component in registry.module_dict.values()
            if component.__module__.startswith('mmwsmots.')
        }
        if classes:
            found[name] = sorted(classes, key=lambda component: component.__name__)
    unknown = sorted(set(found) - set(SECTIONS.values()))
    if unknown:
        raise ValueError(f'docs/en/_ext/components.py has no section for {unknown}')
    return found


def write_reference(path: Path) -> None:
    """Write the reference as Markdown with autodoc directives."""
    components = registered_components()
    parts = []
    for title, name in SECTIONS.items():
        if name not in components:
            continue
        parts.append(f'## {title}\n')
        for component in components[name]:
            full_name = f'{component.__module__}.{component.__name__}'
            parts.append(
                f'### {component.__name__}\n\n'
                f'```{{eval-rst}}\n.. autoclass:: {full_name}\n```\n'
            )
    path.write_text('\n'.join(parts))
