"""The identity of imported modules: source for the user's own, version for installed ones."""

from __future__ import annotations

import ast
import platform
import sys
import sysconfig
from collections.abc import Callable
from functools import cache
from importlib.machinery import BuiltinImporter, ModuleSpec, PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_nb.core.errors import NotFingerprintableError
from durable_nb.core.fingerprint import digest
from durable_nb.kernel.depending.files import file_fingerprint
from durable_nb.kernel.depending.observing.current import unobserved

if TYPE_CHECKING:
    from importlib.metadata import Distribution

_NEVER_THE_USERS = sys.stdlib_module_names | {__name__.partition(".")[0]}


@cache
def _installed_roots() -> tuple[Path, ...]:
    paths = sysconfig.get_paths()
    roots = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    roots |= {entry for entry in sys.path if Path(entry).name in {"site-packages", "dist-packages"}}
    return tuple(Path(root).resolve() for root in roots)


@cache
def _is_installed(path: Path) -> bool:
    resolved = path.resolve()
    return any(resolved.is_relative_to(root) for root in _installed_roots())


@cache
def _version(top_level: str) -> str:
    if top_level in sys.stdlib_module_names or top_level == "__main__":
        return f"python {platform.python_version()}"
    found = [f"{name} {version}" for name, version in sorted(versions_of(top_level).items())]
    return ", ".join(found) or f"{top_level} without a version"


@cache
def versions_of(top_level: str) -> dict[str, str]:
    """Distribution → version, of those that an installed package comes from."""
    from importlib import metadata  # with all of email

    try:
        return {top_level: metadata.version(top_level)}
    except metadata.PackageNotFoundError:
        found = (one for one in metadata.distributions() if _holds(one, top_level))
        return {one.metadata["Name"]: one.version for one in found}


def _holds(distribution: Distribution, top_level: str) -> bool:
    """Whether a distribution has installed a module or package of that name.

    metadata.packages_distributions() says so of all names, and takes a second for that.
    """
    declared = distribution.read_text("top_level.txt")
    if declared:
        return top_level in declared.split()
    files = "\n" + (distribution.read_text("RECORD") or "")
    return any(f"\n{top_level}{rest}" in files for rest in ("/", ".py,", ".so,", ".cpython-", ".abi3."))


def source_of(module: str) -> Path | None:
    """The source file of a module of the user's own project; None for any other module."""
    if _top_level(module) in _NEVER_THE_USERS or module == "__main__":
        return None
    origin = _origin(module)
    if origin is None or not origin.endswith(".py"):
        return None
    path = Path(origin)
    return None if _is_installed(path) else path


def exists(module: str) -> bool:
    """Whether a dotted name is that of a module that is loaded or could be imported."""
    return module in sys.modules or _spec(module) is not None


def python_file(module: str) -> Path | None:
    """The source file of any module, installed or not; None where it has none."""
    origin = _origin(module)
    return Path(origin) if origin is not None and origin.endswith(".py") else None


def resolved(statement: ast.ImportFrom, module: str) -> str:
    """The module that an import statement in another module's source names, relative or not."""
    file = python_file(module)
    is_package = file is not None and file.name == "__init__.py"
    return _resolve(statement, module if is_package else module.rpartition(".")[0])


def canonical(name: str) -> str | None:
    """The module that a dotted name of an import statement stands for.

    An installed package is one module, whichever part of it is named; a name that is no module (a function
    that is imported from one) gives None.
    """
    if name == "__main__":
        return None
    top_level = _top_level(name)
    if not is_projects(top_level):
        return top_level if top_level in sys.modules or _origin(top_level) is not None else None
    return name if source_of(name) is not None else None


def is_projects(top_level: str) -> bool:
    """Whether a module or package is the user's own."""
    return source_of(top_level) is not None or _is_namespace_package(top_level)


def _top_level(module: str) -> str:
    return module.partition(".")[0]


def _is_namespace_package(top_level: str) -> bool:
    spec = _spec(top_level)
    return (
        spec is not None
        and spec.origin is None
        and not _is_installed(Path(next(iter(_locations(spec)), "/")))
    )


def _origin(module: str) -> str | None:
    loaded = sys.modules.get(module)
    if loaded is not None and getattr(loaded, "__file__", None) is not None:
        return str(loaded.__file__)
    spec = _spec(module)
    return spec.origin if spec is not None else None


def _spec(module: str) -> ModuleSpec | None:
    """Where a module would be imported from; nothing is imported, not even its package."""
    names = module.split(".")
    path: list[str] | None = None
    spec: ModuleSpec | None = None
    for count in range(1, len(names) + 1):
        name = ".".join(names[:count])
        spec = BuiltinImporter.find_spec(name) or PathFinder.find_spec(name, path)
        if spec is None:
            return None
        path = _locations(spec)
    return spec


def _locations(spec: ModuleSpec) -> list[str]:
    return list(spec.submodule_search_locations or [])


def describe(module: str) -> str:
    """For people: ``pandas 3.1.1`` or ``helpers.py``."""
    source = source_of(module)
    return source.name if source is not None else _version(_top_level(module))


def module_fingerprint(module: str) -> str:
    """Fingerprint of a module: its source and that of the project modules it imports, or its version.

    Raises:
        NotFingerprintableError: The source cannot be read.
    """
    if source_of(module) is None:
        return digest("installed", _version(_top_level(module)))
    parts: list[str] = []
    for name in project_modules(module):
        path = source_of(name)
        if path is not None:
            parts += [name, _as_loaded(name, path)]
    return digest("project", *parts)


def project_files(module: str) -> list[Path]:
    """The files of a project module and of every project module that it imports; none for other modules.

    Raises:
        NotFingerprintableError: A source cannot be read.
    """
    paths = (source_of(name) for name in project_modules(module))
    return [path for path in paths if path is not None]


def project_modules(module: str) -> list[str]:
    """The module, its packages, and every project module that they import, sorted.

    Raises:
        NotFingerprintableError: A source cannot be read.
    """
    found: set[str] = set()
    queue = [module]
    while queue:
        name = queue.pop()
        if name in found:
            continue
        path = source_of(name)
        if path is None:
            continue
        found.add(name)
        parent = name.rpartition(".")[0]
        queue += [parent] if parent else []
        queue += _imported_by(path, name)
    return sorted(found)


_watching: list[Callable[..., None]] = []
"""The audit hook, once it is there: Python offers no way to take one out again."""
_loaded: dict[str, str] = {}
"""Source file → its fingerprint when its module was executed in this process."""


def watch_loading() -> None:
    """From now on, remember the source that modules of the project are made from."""
    if _watching:
        return
    _watching.append(_notice)
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and source_of(module.__name__) is not None:
            _note_loaded(file)
    sys.addaudithook(_notice)


def _notice(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "exec" and arguments[0].co_name == "<module>" and arguments[0].co_filename.endswith(".py"):
        with unobserved():
            _note_loaded(arguments[0].co_filename)


def _note_loaded(file: str) -> None:
    path = Path(file)
    if path.is_file() and not _is_installed(path):
        _loaded[file] = file_fingerprint(path)


def _as_loaded(module: str, path: Path) -> str:
    """Fingerprint of a source file, which must be what runs in this process."""
    now = file_fingerprint(path)
    if module in sys.modules and _loaded.get(str(path), now) != now:
        raise NotFingerprintableError(
            f"{path.name} was edited after this kernel had imported it; restart the kernel, "
            "or use %load_ext autoreload"
        )
    return now


def _imported_by(path: Path, module: str) -> list[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError) as error:
        raise NotFingerprintableError(f"module {module}: cannot read {path}: {error}") from error
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _resolve(node, package)
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)] if base else []
    return names


def _resolve(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    kept = parts[: len(parts) - node.level + 1]
    return ".".join([*kept, *([node.module] if node.module else [])])
