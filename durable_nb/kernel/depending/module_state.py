"""Variables in the user's own modules: ``helpers.limit = 5`` is an input like any other, and an output too.

Only data counts: functions, classes and modules are covered by the source. What has no content, such as a
lock or a logger, is left out.
"""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from durable_nb.core.errors import NotFingerprintableError
from durable_nb.core.fingerprint import digest, fingerprint
from durable_nb.kernel.depending import modules

State = dict[str, dict[str, str]]
"""Module → variable → fingerprint."""

_CODE = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType, type)
_MISSING = object()

_pristine: dict[str, str] = {}
"""Module → fingerprint of its variables right after its import, where that was seen."""
_past: list[State] = []
"""The state that counts instead of the present one; empty outside ``as_of``."""
_kinds: dict[str, bool] = {}
"""Module → whether it is the user's own."""


_known: set[str] = set()
"""Modules that were loaded when somebody last looked."""


def know_loaded() -> None:
    """From here on, modules that ``note_imports`` finds were imported just before."""
    _known.update(sys.modules)


def note_imports() -> None:
    """Remember how the modules look that were imported just now."""
    for name in sys.modules.keys() - _known:
        if is_own(name):
            _pristine[name] = _digest(_variables(name))
    _known.update(sys.modules)


def own_modules() -> set[str]:
    """The project's modules that are loaded."""
    return {name for name in list(sys.modules) if is_own(name)}


def unload(names: Iterable[str]) -> None:
    """Forget modules, as if they had never been imported: the next import runs their code."""
    for name in names:
        module = sys.modules.pop(name, None)
        package, _, last = name.rpartition(".")
        parent = sys.modules.get(package)
        if parent is not None and getattr(parent, last, None) is module:
            delattr(parent, last)
        _known.discard(name)


def read_modules() -> State:
    """The variables of the project's modules that are loaded, as they are now."""
    return {name: _variables(name) for name in list(sys.modules) if is_own(name)}


def changes(before: State) -> dict[str, dict[str, Any]]:
    """The variables that differ from before, with their values.

    Modules that were loaded since are compared with what they were right after their import.
    """
    found: dict[str, dict[str, Any]] = {}
    for module, now in read_modules().items():
        if module not in before and _pristine.get(module) == _digest(now):
            continue
        was = before.get(module, {})
        differing = [name for name in now if was.get(name) != now[name]]
        if differing:
            found[module] = {name: vars(sys.modules[module])[name] for name in differing}
    return found


def set_variables(module: str, values: Mapping[str, Any]) -> None:
    """Give a module's variables values; containers are changed in place, since others may hold them."""
    target = vars(importlib.import_module(module))
    for name, value in values.items():
        if not _refilled(target.get(name, _MISSING), value):
            target[name] = value


def module_fingerprint(module: str) -> str:
    """Fingerprint of a module as it stands now: its code, and the variables in it and in what it imports.

    Raises:
        NotFingerprintableError: The source cannot be read, or was edited after the module was loaded.
    """
    code = modules.module_fingerprint(module)
    states = [(name, _state(name)) for name in modules.project_modules(module)]
    return digest(code, *(text for name, state in states if state for text in (name, state)))


@contextmanager
def as_of(before: State) -> Iterator[None]:
    """Inside the block modules count as they were before; those loaded since as they were after their import.

    Args:
        before: What ``read_modules`` gave.
    """
    _past.append(before)
    try:
        yield
    finally:
        _past.pop()


def _state(module: str) -> str | None:
    """How a module's variables stand now; empty while it is as its source makes it."""
    if module not in sys.modules or not is_own(module):
        return ""
    if _past:
        now = _digest(_past[-1][module]) if module in _past[-1] else _pristine.get(module)
    else:
        now = _digest(_variables(module))
    return "" if _pristine.get(module) == now else now


def _refilled(there: Any, value: Any) -> bool:
    if type(there) is not type(value):
        return False
    if isinstance(there, list):
        there[:] = value
    elif type(there) in {dict, set}:
        there.clear()
        there.update(value)
    else:
        return False
    return True


def is_own(name: str) -> bool:
    """Whether a module is the user's own."""
    known = _kinds.get(name)
    if known is None:
        known = _kinds[name] = modules.source_of(name) is not None
    return known


def _variables(module: str) -> dict[str, str]:
    return dict(_fingerprints(sys.modules[module]))


def _fingerprints(module: types.ModuleType) -> Iterator[tuple[str, str]]:
    for name, value in list(vars(module).items()):
        if name.startswith("__") or isinstance(value, _CODE) or hasattr(value, "__wrapped__"):
            continue
        try:
            yield name, fingerprint(value)
        except NotFingerprintableError:
            continue


def _digest(variables: Mapping[str, str]) -> str:
    return digest(*(text for name in sorted(variables) for text in (name, variables[name])))
