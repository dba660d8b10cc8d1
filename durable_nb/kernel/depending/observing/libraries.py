"""Libraries whose readers bypass ``open``: what they are called, and which of their arguments are paths."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from durable_nb.kernel.depending.observing.arguments import (
    Note,
    asking,
    asking_default,
    opening_database,
    reading,
    reading_by_file_system,
    reading_clipboard,
    reading_database,
    writing,
)
from durable_nb.kernel.depending.observing.origins import is_users_code
from durable_nb.kernel.depending.observing.wrapping import (
    Replacement,
    noticed,
    noticed_class,
    replace_everywhere,
    set_attribute,
)

_PATH = reading(0, "source", "path", "file", "filename", "paths", "path_or_paths", "file_path", "io")
_METHOD_PATH = reading(1, "source", "path", "file", "path_or_paths", "path_or_buffer", "file_glob", "where")
_DUCKDB_PATH = reading(0, "path_or_buffer", "file_glob", "file_globs", "filename", "name", "path")
_DUCKDB_METHOD_PATH = reading(1, "path_or_buffer", "file_glob", "file_globs", "filename", "name", "path")
_TARGET = writing(0, "file", "path", "where", "base_dir", "target")
_METHOD_TARGET = writing(1, "file", "path", "where", "target", "workbook")


@dataclass(frozen=True, slots=True)
class Readers:
    """What to notice of one module."""

    module: str
    functions: Mapping[str, Note] = field(default_factory=dict)
    """Name → its note; ``read_*`` stands for all names that begin so."""
    methods: Mapping[tuple[str, str], Note] = field(default_factory=dict)
    """(class, method) → its note."""
    classes: Mapping[str, Note] = field(default_factory=dict)
    """Class that cannot be changed itself → note of its constructor."""


_SQL = asking_default(0, "query", "sql")
_METHOD_SQL = asking(1, "query", "sql")
_DUCKDB_READERS = ("read_csv", "read_json", "read_parquet", "from_parquet", "from_csv_auto")
_DUCKDB_STATEMENTS = ("sql", "query", "execute", "executemany", "from_query", "query_df")

LIBRARIES: tuple[Readers, ...] = (
    Readers(
        "duckdb",
        {
            "connect": opening_database(0, "database"),
            **dict.fromkeys(_DUCKDB_READERS, _DUCKDB_PATH),
            **dict.fromkeys(_DUCKDB_STATEMENTS, _SQL),
        },
        {
            **{("DuckDBPyConnection", name): _DUCKDB_METHOD_PATH for name in _DUCKDB_READERS},
            **{("DuckDBPyConnection", name): _METHOD_SQL for name in _DUCKDB_STATEMENTS},
            **{
                ("DuckDBPyRelation", name): _METHOD_TARGET
                for name in ("write_csv", "to_csv", "write_parquet", "to_parquet")
            },
            ("DuckDBPyRelation", "query"): asking(2, "sql_query"),
        },
    ),
    Readers("h5py", methods={("File", "__init__"): reading(1, "name")}),
    Readers(
        "pandas",
        {
            "read_clipboard": reading_clipboard,
            "read_hdf": reading(0, "path_or_buf"),
            **dict.fromkeys(("read_sql", "read_sql_query", "read_sql_table"), reading_database),
        },
    ),
    Readers(
        "polars",
        {
            "read_clipboard": reading_clipboard,
            "read_database": reading_database,
            "read_database_uri": reading_database,
            "read_*": _PATH,
            "scan_*": _PATH,
        },
        {
            ("SQLContext", "execute"): _METHOD_SQL,
            ("DataFrame", "write_*"): _METHOD_TARGET,
            ("LazyFrame", "sink_*"): _METHOD_TARGET,
        },
    ),
    Readers(
        "pyarrow",
        {"memory_map": _PATH, "input_stream": _PATH},
        classes={"OSFile": _PATH},
    ),
    Readers(
        "pyarrow.csv",
        {
            "read_csv": reading(0, "input_file"),
            "open_csv": reading(0, "input_file"),
            "write_csv": writing(1, "output_file"),
        },
    ),
    Readers(
        "pyarrow.dataset",
        {
            "dataset": _PATH,
            "parquet_dataset": reading(0, "metadata_path"),
            "write_dataset": writing(1, "base_dir"),
        },
    ),
    Readers("pyarrow.feather", {"read_*": _PATH, "write_feather": writing(1, "dest")}),
    Readers(
        "pyarrow.fs",
        methods={
            ("FileSystem", "open_input_file"): reading_by_file_system,
            ("FileSystem", "open_input_stream"): reading_by_file_system,
            ("FileSystem", "open_output_stream"): writing(1, "path"),
        },
    ),
    Readers("pyarrow.json", {"read_json": reading(0, "input_file"), "open_json": reading(0, "input_file")}),
    Readers(
        "pyarrow.orc",
        {"read_table": _PATH, "write_table": writing(1, "where")},
        {("ORCFile", "__init__"): _METHOD_PATH},
    ),
    Readers(
        "pyarrow.parquet",
        {
            "read_table": _PATH,
            "read_pandas": _PATH,
            "read_metadata": reading(0, "where"),
            "read_schema": reading(0, "where"),
            "write_table": writing(1, "where"),
            "write_to_dataset": writing(1, "root_path"),
        },
        {
            ("ParquetFile", "__init__"): _METHOD_PATH,
            ("ParquetDataset", "__init__"): _METHOD_PATH,
            ("ParquetWriter", "__init__"): writing(1, "where"),
        },
    ),
)

_TOP_LEVELS = frozenset(library.module.partition(".")[0] for library in LIBRARIES)


class Libraries:
    """What of the loaded libraries is noticed.

    Args:
        namespace: The notebook's variables: a function that a cell has imported before is replaced there too.
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self._waiting = {library.module: library for library in LIBRARIES}
        self._done: list[Replacement] = []
        self._in_namespace: dict[int, tuple[Any, Any]] = {}
        """id of a replaced function → original, replacement."""

    def imported(self, name: str) -> None:
        """Look after a library, if it is one, when it may have been loaded."""
        if name.partition(".")[0] in _TOP_LEVELS:
            self.look()

    def look(self) -> None:
        """Replace the readers of libraries that were loaded since the last look."""
        loaded = [self._waiting.pop(name) for name in [n for n in self._waiting if _is_loaded(n)]]
        swapped: dict[int, tuple[Any, Any]] = {}
        for library in loaded:
            swapped |= _replacements(library)
            for (cls, pattern), note in library.methods.items():
                self._methods(getattr(sys.modules[library.module], cls, None), pattern, note)
        if swapped:
            self._done += replace_everywhere(swapped, _homes(original for original, _ in swapped.values()))
            self._in_namespace |= swapped
            _swap(self._namespace, {key: replaced for key, (_, replaced) in swapped.items()})

    def undo(self) -> None:
        """Leave the libraries as they were."""
        for replacement in reversed(self._done):
            replacement.undo()
        back = {id(replaced): original for original, replaced in self._in_namespace.values()}
        _swap(self._namespace, back)
        self._done.clear()
        self._in_namespace.clear()

    def _methods(self, cls: Any, pattern: str, note: Note) -> None:
        if not isinstance(cls, type):
            return
        for name in _matching(vars(cls), pattern):
            original = vars(cls)[name]
            replaced = noticed(original, note)
            set_attribute(cls, name, replaced)
            self._done.append(Replacement(cls, name, original, replaced))


def _is_loaded(name: str) -> bool:
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    return module is not None and not getattr(spec, "_initializing", False)


def _matching(names: Mapping[str, Any], pattern: str) -> list[str]:
    if pattern.endswith("*"):
        return [name for name in names if name.startswith(pattern[:-1]) and callable(names[name])]
    return [pattern] if pattern in names else []


def _named(module: ModuleType, pattern: str) -> list[Any]:
    found = [vars(module)[name] for name in _matching(vars(module), pattern)]
    return list({id(value): value for value in found}.values())


def _replacements(library: Readers) -> dict[int, tuple[Any, Any]]:
    """For each function or class by its id: itself, and what stands in its place."""
    module = sys.modules[library.module]
    found: dict[int, tuple[Any, Any]] = {}
    for pattern, note in library.functions.items():
        for original in _named(module, pattern):
            found.setdefault(id(original), (original, noticed(original, note)))
    for name, note in library.classes.items():
        original = getattr(module, name, None)
        if isinstance(original, type):
            found[id(original)] = original, noticed_class(original, note)
    return found


def _homes(originals: Iterable[Any]) -> Iterator[ModuleType]:
    """Modules of the libraries and of the user's project: any of them may have one under a name."""
    libraries = _TOP_LEVELS | {str(getattr(one, "__module__", "")).partition(".")[0] for one in originals}
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        is_a_librarys = name.partition(".")[0] in libraries
        if is_a_librarys or (isinstance(path, str) and is_users_code(path)):
            yield module


def _swap(namespace: dict[str, Any], swapped: Mapping[int, Any]) -> None:
    for name, value in list(namespace.items()):
        if id(value) in swapped:
            namespace[name] = swapped[id(value)]
