# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import dataclasses
from collections import Counter
from collections.abc import Collection, Mapping

from ..class_names import find_name, fold
from .box_file import BoxFile


def select_classes(
    file: BoxFile,
    class_names: Collection[str],
    class_map: Mapping[str, str] | None = None,
) -> BoxFile:
    """Give boxes the wanted names of their classes and leave out those of others.

    The others are counted as left out; ignored boxes stay. Upper and lower case make
    no difference.

    Args:
        file (BoxFile): Boxes with the class names of their file.
        class_names (Collection[str]): The wanted classes.
        class_map (Mapping[str, str], optional): Class of further names, e.g. 'Van' ->
            'car'.

    Raises:
        ValueError: If an identity has two classes; the message names the box's place.
    """
    names = {fold(name): name for name in class_names}
    for name, target in (class_map or {}).items():
        names[fold(name)] = find_name(target, class_names) or target
    kept, left_out, first_of = [], Counter(), {}
    for box in file.boxes:
        name = names.get(fold(box.class_name))
        if box.is_ignored:
            kept.append(box)
            continue
        if name is None:
            left_out[box.class_name] += 1
            continue
        before, where = first_of.setdefault(box.track_id, (name, box.where))
        if before != name:
            raise ValueError(
                f'{file.path}, {box.where}: id {box.track_id} is a {name}, on {where} '
                f'a {before}'
            )
        kept.append(box._replace(class_name=name))
    return dataclasses.replace(file, boxes=kept, left_out=file.left_out + left_out)
