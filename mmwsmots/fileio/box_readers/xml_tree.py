# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

MAX_DEPTH = 50  # of elements; CVAT's have 8


def read_xml(path: str | Path) -> ElementTree.Element:
    """Read an XML file of anybody.

    A file that declares a document type is refused: its entities could unfold to any
    size or take in other files. Without them the tree is of the file's size. This is
    defusedxml's ``forbid_dtd`` by the same handlers of expat, and a limit to the depth,
    which it does not have, without another package.

    Raises:
        ValueError: If it is no XML, declares a document type or is nested too deeply.
    """
    builder, parser, depth = ElementTree.TreeBuilder(), expat.ParserCreate(), 0

    def refuse(*_) -> None:
        raise ValueError('it declares a document type (DOCTYPE), remove that')

    def start(tag: str, attributes: dict) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError('it is nested too deeply')
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.buffer_text = True
    try:
        with Path(path).open('rb') as file:
            parser.ParseFile(file)
        return builder.close()
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise ValueError(f'{path}: no XML: {error}') from None
