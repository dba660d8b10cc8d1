"""How a trace names what a step saw of the file system: a path, and which aspect of it was seen."""

from __future__ import annotations

from enum import StrEnum


class Aspect(StrEnum):
    """What of a path a step depends on."""

    CONTENT = ""
    """What is in a file."""
    GLOB = "glob"
    """Names and contents of the files that match a pattern."""
    NAMES = "names"
    """Only the names that match a pattern, hidden ones left out."""
    ALL_NAMES = "allnames"
    """The names that match a pattern, hidden ones too."""
    LIST = "list"
    """What a folder holds: names, and which of them are folders."""
    SIZES = "sizes"
    """The same, and the size of each file."""
    EXISTS = "exists"
    """Whether there is a file or a folder."""
    SIZE = "size"
    """The same, and how large the file is."""
    TIME = "time"
    """The same, and when it was changed last."""


_WORDING = {
    Aspect.GLOB: "files {}",
    Aspect.NAMES: "names of {}",
    Aspect.ALL_NAMES: "names of {}",
    Aspect.LIST: "list of {}",
    Aspect.SIZES: "list of {}",
    Aspect.EXISTS: "presence of {}",
    Aspect.SIZE: "size of {}",
    Aspect.TIME: "time of {}",
}


def place_name(aspect: Aspect, path: str) -> str:
    """The name of a dependency: ``data.csv``, ``list:data``."""
    if aspect is Aspect.CONTENT:
        return path if split_place(path)[0] is Aspect.CONTENT else f"./{path}"
    return f"{aspect.value}:{path}"


def split_place(name: str) -> tuple[Aspect, str]:
    """The aspect and the path of a dependency's name."""
    before, separator, path = name.partition(":")
    if separator and before and before in _BY_PREFIX:
        return _BY_PREFIX[before], path
    return Aspect.CONTENT, name


def describe_place(name: str) -> str:
    """For people: ``data.csv``, ``list of data``."""
    aspect, path = split_place(name)
    return _WORDING[aspect].format(path) if aspect in _WORDING else path


_BY_PREFIX = {aspect.value: aspect for aspect in Aspect}
