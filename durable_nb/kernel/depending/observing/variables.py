"""Reads of ``os.environ`` by the notebook and its project's modules, whatever the names are made of."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from durable_nb.kernel.depending.observing.current import observed_now
from durable_nb.kernel.depending.observing.origins import is_users_code

_BETWEEN = frozenset({"os", "collections.abc", "_collections_abc", "posixpath", "IPython.core.magics.osm"})
"""Modules that look up variables on behalf of their caller."""
_FOR_THEMSELVES = frozenset({"get_exec_path", "_execvpe"})
_MAGIC = "IPython.core.magics.osm"
"""Holds ``%env``, which only the user types."""
ALL_VARIABLES = "*"
"""Stands for the name of a variable where a step looks at all of them."""
_OF_A_SESSION = re.compile(
    r"_|COLORTERM|COLUMNS|DBUS_.*|DURABLE_NB_.*|GIT_PAGER|GPG_.*|INVOCATION_ID|JOURNAL_STREAM|JPY_.*|JUPYTER.*"
    r"|KERNEL_.*|LINES|LOGNAME|LS_COLORS|OLDPWD|PAGER|PAPERMILL.*|PWD|PYDEVD_.*|PYTEST_.*|SHLVL|SSH_.*|STY|TERM.*"
    r"|TMUX.*|VSCODE_.*|WINDOWID|XDG_.*"
)
"""Variables that differ from one terminal or kernel to the next, whatever the notebook."""
_Environ: Any = type(os.environ)
_REPLACED = ("__getitem__", "__iter__", "__setitem__", "__delitem__", "__repr__")


@contextmanager
def noticing_variables() -> Iterator[None]:
    """Replace the methods of ``os.environ`` inside the block."""
    originals = {name: vars(_Environ)[name] for name in _REPLACED}
    replaced = {
        "__getitem__": _getting(originals["__getitem__"]),
        "__iter__": _listing(originals["__iter__"]),
        "__repr__": _showing(originals["__repr__"]),
        "__setitem__": _setting(originals["__setitem__"]),
        "__delitem__": _setting(originals["__delitem__"]),
    }
    for name, method in replaced.items():
        setattr(_Environ, name, method)
    try:
        yield
    finally:
        for name, method in originals.items():
            setattr(_Environ, name, method)


def whole_environment() -> list[str]:
    """Every variable and its value, but for those of the session."""
    variables = sorted(item for item in os.environ.items() if not _OF_A_SESSION.fullmatch(item[0]))
    return [text for item in variables for text in item]


def _getting(original: Callable[..., Any]) -> Callable[..., Any]:
    def get_item(self: Any, key: Any) -> Any:
        __tracebackhide__ = True
        observed = observed_now()
        if observed is not None and id(key) not in observed.listed_variables and _is_users(sys._getframe(1)):
            name = os.fsdecode(key) if isinstance(key, str | bytes) else ""
            observed.read_variable(name, _value(name))
        return original(self, key)

    return get_item


def _value(name: str) -> str | None:
    value = os.environ._data.get(os.environ.encodekey(name))  # type: ignore[attr-defined]
    return None if value is None else os.fsdecode(value)


def _listing(original: Callable[..., Any]) -> Callable[..., Any]:
    def walk(self: Any) -> Iterator[str]:
        observed = observed_now()
        if observed is None or not _is_users(sys._getframe(1)):
            yield from original(self)
            return
        observed.reads_all_environment = True
        for name in original(self):
            observed.listed_variables[id(name)] = name
            yield name

    return walk


def _showing(original: Callable[..., Any]) -> Callable[..., Any]:
    def show(self: Any) -> str:
        observed = observed_now()
        if observed is not None and _is_users(sys._getframe(1)):
            observed.reads_all_environment = True
        return str(original(self))

    return show


def _setting(original: Callable[..., Any]) -> Callable[..., Any]:
    def change(self: Any, key: Any, *value: Any) -> None:
        __tracebackhide__ = True
        observed = observed_now()
        if observed is not None and isinstance(key, str | bytes):
            name = os.fsdecode(key)
            observed.set_variable(name, _value(name), by_user=_is_users(sys._getframe(1)))
        original(self, key, *value)

    return change


def _is_users(frame: FrameType | None) -> bool:
    """Whether the notebook or the project asks, through functions that only pass the question on or not."""
    while frame is not None and (module := frame.f_globals.get("__name__")) in _BETWEEN:
        if module == _MAGIC:
            return True
        if frame.f_code.co_name in _FOR_THEMSELVES:
            return False
        frame = frame.f_back
    return frame is not None and is_users_code(frame.f_code.co_filename)
