"""Imports while a step runs: which modules it uses, and that packages leave the random generators alone.

Some packages draw while they are imported (rich does). Only the first import in a process runs their code,
so a step would depend on which cell imported the package first; and Python's own generator starts with
another state in every process. While a step runs or is restored, such draws are put back. The user's own
modules may seed and draw.
"""

from __future__ import annotations

import builtins
import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from durable_nb.kernel.depending import ambient, module_state, modules
from durable_nb.kernel.depending.observing.current import observed_now
from durable_nb.kernel.depending.observing.observed import Observed
from durable_nb.kernel.depending.observing.origins import is_users_code


@contextmanager
def noticing_imports(observed: Observed, loaded: Callable[[str], None]) -> Iterator[None]:
    """Take note of the modules that are imported inside the block, also of those that were loaded before.

    Args:
        observed: Where they are noted.
        loaded: Called after each import with the name that was asked for.
    """
    by_statement = builtins.__import__
    machine: Any = importlib._bootstrap
    by_call = machine._gcd_import

    def importing(name: str, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        module = by_statement(name, *args, **kwargs)
        if observed_now() is observed:
            _note(observed, name, args, kwargs, _is_users(sys._getframe(1)))
            loaded(name)
        return module

    def calling(name: str, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        module = by_call(name, *args, **kwargs)
        module_state.note_imports()
        if observed_now() is observed:
            observed.imported(module.__name__, by_user=_is_users(sys._getframe(1).f_back))
            loaded(module.__name__)
        return module

    builtins.__import__ = importing
    machine._gcd_import = calling
    try:
        yield
    finally:
        builtins.__import__ = by_statement
        machine._gcd_import = by_call


def _note(
    observed: Observed, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], by_user: bool
) -> None:
    """Take note of an import statement, as ``__import__`` gets it."""
    level = kwargs.get("level", args[3] if len(args) > 3 else 0)
    names = kwargs.get("fromlist", args[2] if len(args) > 2 else ())
    if level:
        importer: Any = kwargs.get("globals", args[0] if args else None) or {}
        package = str(importer.get("__package__") or "").split(".")
        name = ".".join([*package[: len(package) - level + 1], *([name] if name else [])])
    observed.imported(name, by_user=by_user)
    for part in names or ():
        if f"{name}.{part}" in sys.modules:
            observed.imported(f"{name}.{part}", by_user=by_user)


def _is_users(frame: FrameType | None) -> bool:
    """Whether the notebook or the project asks for the import."""
    while frame is not None and frame.f_globals is globals():
        frame = frame.f_back
    return frame is not None and is_users_code(frame.f_code.co_filename)


@contextmanager
def without_draws() -> Iterator[None]:
    """Put back what imports of installed packages draw inside the block, in the thread that runs it.

    Imports of other threads, such as the ledger's, go on at the same time: what is between their beginning
    and their end may be the step's own draws.
    """
    original = builtins.__import__
    thread = threading.get_ident()
    inside = False
    module_state.know_loaded()

    def importing(name: str, *args: Any, **kwargs: Any) -> Any:
        nonlocal inside
        ours = threading.get_ident() == thread and not inside
        if name in sys.modules or not ours:
            return original(name, *args, **kwargs)
        if not _is_installed(name, args):
            found = original(name, *args, **kwargs)
            module_state.note_imports()
            return found
        inside = True  # also for the look at the generators: numpy.random loads when it is looked at
        try:
            before = ambient.read_random()
            try:
                return original(name, *args, **kwargs)
            finally:
                ambient.restore_random(before)
        finally:
            inside = False

    builtins.__import__ = importing
    try:
        yield
    finally:
        builtins.__import__ = original


def _is_installed(name: str, args: tuple[Any, ...]) -> bool:
    level = args[3] if len(args) > 3 else 0
    return not level and modules.source_of(name) is None
