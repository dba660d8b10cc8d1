"""Describe a notebook's namespace and what is around it as plain data, without any of durable_nb's own code.

Two kernels whose descriptions are equal hold equal values of equal types, shared in the same places.
"""

from __future__ import annotations

import enum
import functools
import importlib
import json
import os
import random
import sys
import types
from pathlib import Path
from typing import Any

_TOOLS = frozenset({"In", "Out", "exit", "quit", "open", "get_ipython"})
_NO_CONTENT = frozenset(
    {"__dict__", "__weakref__", "__module__", "__annotations__", "__slotnames__", "__firstlineno__"}
)
_OPAQUE = frozenset(
    {
        "concurrent",
        "matplotlib",
        "threading",
        "torch",
        "_thread",
        "multiprocessing",
        "pyarrow",
        "polars",
        "duckdb",
    }
)
_PLAIN = (type(None), bool, int, float, complex, str, bytes)

found: dict[str, Any] = {}
"""What ``save`` described last."""


def save(values: dict[str, Any], folder: str = "") -> None:
    """Called in a cell of the notebook, with its ``globals()``."""
    found.clear()
    found.update(describe(values, folder))


def write(path: str, values: dict[str, Any], folder: str) -> None:
    """The same into a file, for kernels that answer in no other way."""
    content = json.dumps(describe(values, folder))
    Path(path).write_text(content)


def write_variables(values: dict[str, Any], path: str) -> None:
    """Describe the variables alone, in a line of a file, and unbind them."""
    content = json.dumps({name: _Teller(values).tell(values[name]) for name in _names(values)})
    with Path(path).open("a") as file:
        file.write(content + "\n")
    for name in _names(values):
        del values[name]


def save_each(values: dict[str, Any], folder: str) -> None:
    """As ``save``, but each variable by itself: what one of them holds changes nothing in another's text."""
    save(values, folder)
    found["variables"] = {name: _Teller(values).tell(values[name]) for name in _names(values)}


def tell(value: Any, notebook: dict[str, Any] | None = None) -> Any:
    """One value by itself."""
    return _Teller(notebook or {}).tell(value)


def _names(values: dict[str, Any]) -> list[str]:
    return [name for name in sorted(values) if not name.startswith("_") and name not in _TOOLS]


def describe(values: dict[str, Any], folder: str) -> dict[str, Any]:
    """Variables, results, and the state of the process that a notebook may change."""
    teller = _Teller(values)
    return {
        "variables": {name: teller.tell(values[name]) for name in _names(values)},
        "Out": {str(n): _Teller(values).tell(v) for n, v in sorted(values.get("Out", {}).items())},
        "modules": {
            name: _module_state(module, values)
            for name, module in sorted(sys.modules.items())
            if _is_within(module, folder)
        },
        "folder": os.path.relpath(Path.cwd(), folder or "."),
        "sys.path": [entry and os.path.relpath(entry, folder or ".") for entry in sys.path],
        "environment": {k: v for k, v in sorted(os.environ.items()) if k.startswith("ORACLE_")},
        "random": repr(random.getstate()),
        "numpy.random": _numpy_random(),
    }


def _numpy_random() -> str:
    numpy = sys.modules.get("numpy")
    return (
        ""
        if numpy is None
        else repr([getattr(p, "tolist", lambda p=p: p)() for p in numpy.random.get_state()])
    )


def _is_within(module: Any, folder: str) -> bool:
    path = getattr(module, "__file__", None)
    return bool(folder and path and Path(path).absolute().is_relative_to(folder))


def _module_state(module: Any, values: dict[str, Any]) -> Any:
    teller = _Teller(values)
    return {n: teller.tell(v) for n, v in sorted(vars(module).items()) if not n.startswith("__")}


class _Teller:
    """One walk over values; an object met again is told by its number."""

    def __init__(self, notebook: dict[str, Any]) -> None:
        self._notebook = notebook
        self._met: dict[int, int] = {}
        self._kept: list[Any] = []

    def tell(self, value: Any) -> Any:
        if isinstance(value, _PLAIN) and type(value) in _PLAIN:
            return [type(value).__name__, repr(value)]
        if type(value) is tuple:  # immutable: whether two equal ones are one object is nobody's business
            return ["tuple", [self.tell(item) for item in value]]
        if id(value) in self._met:
            return ["again", self._met[id(value)]]
        self._met[id(value)] = len(self._met)
        self._kept.append(value)
        return [self._type(type(value)), self._content(value)]

    def _type(self, cls: type) -> str:
        home = getattr(cls, "__module__", "")
        current = (
            "" if home != "__main__" or self._notebook.get(cls.__name__) is cls else " (not the notebook's)"
        )
        return f"{home}.{cls.__qualname__}{current}"

    def _content(self, value: Any) -> Any:
        for kinds, tell in self._tellers():
            if isinstance(value, kinds):
                return tell(value)
        home = type(value).__module__.partition(".")[0]
        if home in {"pandas", "numpy"}:
            return self._table(value)
        if isinstance(getattr(value, "__dict__", None), dict) and home not in _OPAQUE:
            return {"attributes": {n: self.tell(v) for n, v in sorted(vars(value).items())}}
        text = repr(value)
        return text if " at 0x" not in text else "opaque"

    def _tellers(self) -> list[tuple[Any, Any]]:
        return [
            (types.ModuleType, lambda m: m.__name__),
            (types.FunctionType, self._function),
            (types.MethodType, lambda m: [self.tell(m.__func__), self.tell(m.__self__)]),
            (type, self._class),
            (enum.Enum, lambda e: e.name),
            (functools.partial, lambda p: [self.tell(x) for x in (p.func, list(p.args), p.keywords)]),
            (dict, self._dictionary),
            (list | tuple, lambda items: [[self.tell(i) for i in items], self._attributes(items)]),
            (
                set | frozenset,
                lambda items: sorted(json.dumps(_Teller(self._notebook).tell(i)) for i in items),
            ),
            (random.Random, lambda r: repr(r.getstate())),
            (staticmethod | classmethod, lambda m: self.tell(m.__func__)),
            (property, lambda p: [self.tell(p.fget), self.tell(p.fset)]),
        ]

    def _dictionary(self, items: dict[Any, Any]) -> Any:
        return [[[self.tell(k), self.tell(v)] for k, v in items.items()], self._attributes(items)]

    def _attributes(self, value: Any) -> Any:
        return {n: self.tell(v) for n, v in sorted(getattr(value, "__dict__", {}).items())}

    def _function(self, function: types.FunctionType) -> Any:
        return {
            "name": function.__qualname__,
            "code": self._code(function.__code__),
            "defaults": self.tell(function.__defaults__),
            "kwdefaults": self.tell(function.__kwdefaults__),
            "closure": [self._cell(cell) for cell in function.__closure__ or ()],
            "attributes": {n: self.tell(v) for n, v in sorted(vars(function).items())},
            "in the notebook": function.__globals__ is self._notebook,
            "doc": function.__doc__,
        }

    def _cell(self, cell: types.CellType) -> Any:
        try:
            return self.tell(cell.cell_contents)
        except ValueError:
            return "empty"

    def _code(self, code: types.CodeType) -> Any:
        constants = [self._code(c) if isinstance(c, types.CodeType) else repr(c) for c in code.co_consts]
        return [code.co_code.hex(), code.co_names, code.co_varnames, constants]

    def _class(self, cls: type) -> Any:
        if cls.__module__ != "__main__":
            return "imported"
        members = {n: self.tell(v) for n, v in sorted(vars(cls).items()) if n not in _NO_CONTENT}
        return {"bases": [self.tell(base) for base in cls.__bases__], "members": members}

    def _table(self, value: Any) -> Any:
        pandas, numpy = sys.modules.get("pandas"), importlib.import_module("numpy")
        if pandas is not None and isinstance(value, pandas.DataFrame):
            columns = [self._table(value.iloc[:, n]) for n in range(value.shape[1])]
            return [
                self._table(value.columns),
                self._table(value.index),
                columns,
                self.tell(dict(value.attrs)),
            ]
        if pandas is not None and isinstance(value, pandas.Series):
            return [str(value.dtype), repr(value.name), self._table(value.index), self._items(value.tolist())]
        if pandas is not None and isinstance(value, pandas.Index):
            return [type(value).__name__, str(value.dtype), repr(value.names), self._items(value.tolist())]
        if isinstance(value, numpy.ndarray):
            return [value.dtype.str, list(value.shape), self._items(value.ravel().tolist())]
        if isinstance(value, numpy.random.Generator):
            return repr(value.bit_generator.state)
        return repr(value)

    def _items(self, items: list[Any]) -> Any:
        return [self.tell(item) for item in items]
