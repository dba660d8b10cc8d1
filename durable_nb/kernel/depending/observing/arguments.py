"""Paths within the arguments of functions that open files themselves, and within SQL."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from durable_nb.kernel.depending.observing.commands import LONGEST_TEXT
from durable_nb.kernel.depending.observing.default_tables import note_default_tables
from durable_nb.kernel.depending.observing.observed import Observed

Note = Callable[[Observed, tuple[Any, ...], Mapping[str, Any]], None]
"""Takes note of what a call with these arguments will read or write."""

_LITERAL = re.compile(
    r"(?P<writes>\bTO\s+)?(?:'(?P<text>(?:[^']|'')*)'|\"(?P<name>(?:[^\"]|\"\")*)\")", re.IGNORECASE
)


def reading(place: int, *names: str) -> Note:
    """The argument at a place, or under one of these names, holds paths, URLs, folders or globs."""

    def note(observed: Observed, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        file_system = kwargs.get("filesystem")
        for path in paths_in(_argument(place, names, args, kwargs)):
            _read(observed, path, file_system)

    return note


def writing(place: int, *names: str) -> Note:
    """The same argument is where something is written."""

    def note(observed: Observed, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        for path in paths_in(_argument(place, names, args, kwargs)):
            if "://" not in path:
                observed.wrote(path, folder=not os.path.exists(path))

    return note


def opening_database(place: int, *names: str) -> Note:
    """The argument is the file of an embedded database; none, or a name with a colon, is one in memory."""

    def note(observed: Observed, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        for path in paths_in(_argument(place, names, args, kwargs)):
            if "://" in path or path.partition(":")[0] in {"md", "motherduck"}:
                observed.reads_remote(path.partition("?")[0])
            elif not path.startswith(":"):
                observed.opens_database(path)

    return note


def asking(place: int, *names: str) -> Note:
    """The argument is SQL; the other arguments may hold its parameters."""

    def note(observed: Observed, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        statement = _argument(place, names, args, kwargs)
        if isinstance(statement, str):
            statement_reads(observed, statement)
        for path in paths_in([*args[place + 1 :], kwargs.get("params"), kwargs.get("parameters")]):
            observed.reads_if_there(path)

    return note


def asking_default(place: int, *names: str) -> Note:
    """The argument is SQL for DuckDB's default connection, unless another one is given."""
    ask = asking(place, *names)

    def note(observed: Observed, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        ask(observed, args, kwargs)
        statement = _argument(place, names, args, kwargs)
        if isinstance(statement, str) and kwargs.get("connection") is None:
            note_default_tables(observed, statement)

    return note


def statement_reads(observed: Observed, statement: str) -> None:
    """Take note of the files that literals of a SQL statement name."""
    if len(statement) > LONGEST_TEXT:
        return
    for literal in _LITERAL.finditer(statement):
        text = (literal["text"] or "").replace("''", "'") or (literal["name"] or "").replace('""', '"')
        if literal["writes"] and text:
            observed.wrote(text)
        elif "." in text or os.sep in text:
            observed.reads_if_there(text)


def paths_in(value: object) -> Iterator[str]:
    """The paths that an argument holds; open files and bytes are none."""
    if isinstance(value, str | os.PathLike):
        path = os.fspath(value)
        if isinstance(path, str) and path and len(path) <= LONGEST_TEXT:
            yield path
    elif isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        for item in value:
            yield from paths_in(item)
    elif isinstance(folder := getattr(value, "base_dir", None), str):  # pyarrow.fs.FileSelector
        yield folder


def _argument(place: int, names: tuple[str, ...], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> object:
    if len(args) > place:
        return args[place]
    return next((kwargs[name] for name in names if name in kwargs), None)


def reading_by_file_system(observed: Observed, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """A method of a pyarrow file system: it and the path are the arguments."""
    for path in paths_in(_argument(1, ("path",), args, kwargs)):
        _read(observed, path, args[0])


def reading_database(observed: Observed, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """The second argument is a database: its URL, or an engine or a connection of SQLAlchemy."""
    database = _argument(1, ("con", "connection", "uri"), args, kwargs)
    engine = getattr(database, "engine", database)
    url = str(getattr(engine, "url", engine if isinstance(engine, str) else ""))
    scheme, separator, path = url.partition(":///")
    if separator and scheme.startswith(("sqlite", "duckdb")):
        observed.reads_if_there(path)
    elif url:
        observed.reads_remote(url.rpartition("@")[2])


def reading_clipboard(observed: Observed, _: tuple[Any, ...], __: Mapping[str, Any]) -> None:
    """What is in the clipboard is gone when the next thing is copied."""
    observed.reads_remote("the clipboard")


def _read(observed: Observed, path: str, file_system: Any) -> None:
    kind = type(file_system).__name__
    if kind == "SubTreeFileSystem":
        _read(observed, os.path.join(file_system.base_path, path), file_system.base_fs)
    elif kind == "PyFileSystem" or _is_local(file_system):
        _read_in_python(observed, path, getattr(file_system, "handler", None))
    elif file_system is None or kind == "LocalFileSystem":
        observed.reads(path)
    else:
        observed.reads_remote(f"{kind} {path}")


def _read_in_python(observed: Observed, path: str, handler: Any) -> None:
    """Python's own ``open`` shows; what else an fsspec file system does, does not."""
    inner = getattr(handler, "fs", None)
    if inner is not None and not _is_local(inner):
        observed.reads_remote(f"{type(inner).__name__} {path}")


def _is_local(file_system: Any) -> bool:
    return type(file_system).__module__ == "fsspec.implementations.local"
