"""The house has floors: who may import whom, and who alone may import a heavy library."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import durable_nb

HOUSE = Path(durable_nb.__file__).parent

BELOW = {
    "core": set[str](),
    "store": {"core"},
    "kernel": {"core", "store"},
    "batch": {"core", "store"},
    "dashboard": {"core", "store", "kernel", "batch"},
    "cli": {"core", "store", "kernel", "batch", "dashboard"},
    "testing": {"core", "store", "kernel", "batch", "dashboard", "cli"},
}
"""Floor → the floors it may import from, besides itself."""

ONLY_IMPORTER = {
    "duckdb": ("store/ledger", "store/table_differences"),
    "distributed": ("batch/sweeping/dask_rows",),
    "pyarrow": ("store/arrow_alone", "store/codecs/", "store/tables", "store/traces"),
    "papermill": ("batch/engine", "batch/run"),
    "IPython": ("kernel/",),
    "ipykernel": ("kernel/",),
    "anywidget": ("dashboard/widget",),
    "comm": ("dashboard/lab/",),
    "ipywidgets": ("dashboard/widget",),
    "traitlets": ("dashboard/widget",),
    "click": ("cli",),
    "rich": ("cli",),
    "opentelemetry": ("core/event_spans",),
    "pytest": ("testing/pytest_plugin",),
}
"""Heavy library → beginnings of the paths that may import it."""

DATA_LIBRARIES = {"dask", "numpy", "pandas", "polars", "scipy", "sklearn", "torch"}
"""The user's, not ours: types of these are known by name, and only when the user has loaded them."""

NOT_FOR_CORE = {"glob", "multiprocessing", "shutil", "socket", "subprocess", "tempfile", "threading", "time"}
"""Ways to the disk, the clock, the network and other processes."""


class Import(NamedTuple):
    path: str
    """Of the importing file, inside the package."""
    line: int
    module: str
    late: bool
    """Inside a function: when that is called, not when the file is imported."""

    @property
    def floor(self) -> str:
        return self.path.partition("/")[0].removesuffix(".py")

    @property
    def library(self) -> str:
        return self.module.partition(".")[0]

    @property
    def target(self) -> str:
        """Floor that is imported; empty for another library and for the package itself."""
        package, _, rest = self.module.partition(".")
        return rest.partition(".")[0] if package == "durable_nb" else ""

    def __str__(self) -> str:
        return f"durable_nb/{self.path}:{self.line} imports {self.module}"


def nodes_that_run(node: ast.AST, late: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """The node and all below it, except what stands under ``if TYPE_CHECKING``; and whether in a function."""
    yield node, late
    late = late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    children: Iterable[ast.AST] = ast.iter_child_nodes(node)
    if isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
        children = node.orelse
    for child in children:
        yield from nodes_that_run(child, late)


def modules_of(node: ast.AST) -> Iterator[str]:
    """The modules that one statement or call imports."""
    match node:
        case ast.Import(names=names):
            yield from (name.name for name in names)
        case ast.ImportFrom(module="durable_nb", names=names, level=0):
            yield from (f"durable_nb.{name.name}" for name in names)
        case ast.ImportFrom(module=module, level=level):
            yield "." * level + (module or "")
        case ast.Call(
            func=ast.Name("import_module" | "__import__") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(str(module)), *_],
        ):
            yield module


def imports_of(source: str, path: str = "") -> list[Import]:
    """Each import that can run, wherever it stands: in a function too."""
    return [
        Import(path, getattr(node, "lineno", 0), module, late)
        for node, late in nodes_that_run(ast.parse(source))
        for module in modules_of(node)
    ]


def all_imports() -> list[Import]:
    return [
        found
        for path in sorted(HOUSE.rglob("*.py"))
        for found in imports_of(path.read_text(encoding="utf-8"), path.relative_to(HOUSE).as_posix())
    ]


IMPORTS = all_imports()


def test_every_kind_of_import_is_seen() -> None:
    """An import counts wherever it stands and however it is written, unless it can never run."""
    source = """
import a.b
from durable_nb import store
if TYPE_CHECKING:
    import unseen
else:
    from c import d
def late():
    import e
    print(importlib.import_module("f.g"), __import__("h"))
from .near import i
"""

    found = [(found.module, found.late) for found in imports_of(source)]

    at_once = [("a.b", False), ("durable_nb.store", False), ("c", False)]
    late = [("e", True), ("f.g", True), ("h", True)]
    assert found == [*at_once, *late, (".near", False)]


def test_imports_point_one_way() -> None:
    """A floor imports from itself and from those below it: there are no circles."""
    wrong = [
        str(found)
        for found in IMPORTS
        if found.floor in BELOW and found.target and found.target not in BELOW[found.floor] | {found.floor}
    ]

    assert wrong == []


def test_every_file_has_a_floor() -> None:
    """Beside the floors there is only the package's own ``__init__``."""
    floors = {path.relative_to(HOUSE).parts[0].removesuffix(".py") for path in HOUSE.rglob("*.py")}

    assert floors - {"__init__"} <= set(BELOW)


def test_no_relative_imports() -> None:
    """Each import says where it leads."""
    assert [str(found) for found in IMPORTS if found.module.startswith(".")] == []


@pytest.mark.parametrize("library", sorted(ONLY_IMPORTER))
def test_heavy_library_has_one_importer(library: str) -> None:
    """A heavy library is met in one place, so that it can be replaced there, and loaded late."""
    rooms = ONLY_IMPORTER[library]

    assert [str(i) for i in IMPORTS if i.library == library and not i.path.startswith(rooms)] == []


def test_data_libraries_load_only_to_restore_their_values() -> None:
    """pandas and the like are optional. A codec alone needs them, when it makes one of their values again."""
    wrong = [
        str(found)
        for found in IMPORTS
        if found.library in DATA_LIBRARIES and not (found.late and found.path.startswith("store/codecs/"))
    ]

    assert wrong == []


def test_heavy_libraries_load_late() -> None:
    """Importing durable_nb and its floors loads neither DuckDB nor Arrow: start-up stays fast."""
    assert [
        str(found) for found in IMPORTS if found.library in {"duckdb", "pyarrow"} and not found.late
    ] == []


def test_core_is_pure() -> None:
    """Core has no disk, clock, network or process of its own."""
    assert [str(i) for i in IMPORTS if i.floor == "core" and i.library in NOT_FOR_CORE] == []
