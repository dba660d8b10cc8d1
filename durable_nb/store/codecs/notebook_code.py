"""Pickling what was defined in a notebook: functions by their code, classes by their name.

A function made again gets the notebook's globals of that moment, so that it sees what later cells bind.
"""

from __future__ import annotations

import functools
import importlib
import io
import marshal
import pickle
import sys
import types
from collections.abc import Callable
from functools import partial
from typing import Any

from durable_nb.core.fingerprint.definitions import importable
from durable_nb.store.codecs import closed_files
from durable_nb.store.codecs.contract import CodecContext

Namespace = dict[str, Any]


class Pickler(pickle.Pickler):
    """Pickles functions and classes that an import would not find."""

    def __init__(self, sink: io.BytesIO, context: CodecContext, buffers: Callable[[Any], Any]) -> None:
        super().__init__(sink, protocol=5, buffer_callback=buffers)
        self._namespace = context.namespace

    def reducer_override(self, value: Any) -> Any:
        """How the parts of a notebook are taken apart."""
        if isinstance(value, types.FunctionType):
            return self._function(value)
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, types.CellType):
            return _cell(value)
        if isinstance(value, functools._lru_cache_wrapper) and not importable(value):
            parameters = value.cache_parameters()
            return make_cached, (value.__wrapped__, *parameters.values())
        if type(value).__module__ == "matplotlib.figure":
            return _figure(value)
        return closed_files.reduced(value) or NotImplemented

    def _function(self, function: types.FunctionType) -> Any:
        if function.__module__ != "__main__" and importable(function):
            return NotImplemented
        home = self._home(function)
        arguments = (marshal.dumps(function.__code__), function.__name__, function.__closure__, home)
        state = {name: getattr(function, name) for name in FUNCTION_STATE}
        state["__dict__"] = function.__dict__
        return make_function, arguments, state, None, None, set_function_state

    def _home(self, function: types.FunctionType) -> str:
        """Whose globals a function uses: the notebook's (an empty name) or a module's."""
        if function.__globals__ is self._namespace:
            return ""
        module = sys.modules.get(function.__globals__.get("__name__", ""))
        if module is not None and vars(module) is function.__globals__ and module.__name__ != "__main__":
            return module.__name__
        raise pickle.PicklingError(f"function {function.__qualname__} has globals of its own")

    def _class(self, kind: type) -> Any:
        if kind.__module__ != "__main__" or kind is type(None):
            return NotImplemented
        if resolve(self._namespace, kind.__qualname__) is not kind:
            raise pickle.PicklingError(f"class {kind.__qualname__} is not bound to its name in the notebook")
        return notebook_class, (kind.__qualname__,)


class Unpickler(pickle.Unpickler):
    """Loads what ``Pickler`` wrote, into a namespace."""

    def __init__(self, source: io.BytesIO, context: CodecContext, buffers: Any, *, python: str) -> None:
        super().__init__(source, buffers=buffers)
        self._namespace = context.namespace
        self._resolve = context.resolve
        self._python = python

    def persistent_load(self, reference: Any) -> Any:
        """The object of the notebook that was kept by reference."""
        if self._resolve is None:
            raise pickle.UnpicklingError(
                f"it refers to the variable {reference[0]} of its notebook; read it there, after its step"
            )
        return self._resolve(reference)

    def find_class(self, module: str, name: str) -> Any:
        """Finds imports; the notebook's own names in its namespace."""
        if module == __name__ and name == "make_function":
            return partial(make_function, namespace=self._namespace, python=self._python)
        if module == __name__ and name == "notebook_class":
            return partial(resolve, self._namespace)
        if module == "__main__":
            return resolve(self._namespace, name)
        return super().find_class(module, name)


FUNCTION_STATE = (
    "__defaults__",
    "__kwdefaults__",
    "__annotations__",
    "__doc__",
    "__module__",
    "__qualname__",
)


def resolve(namespace: Namespace, qualname: str) -> Any:
    """What a dotted name stands for in a namespace."""
    first, *others = qualname.split(".")
    if first not in namespace:
        raise pickle.PicklingError(f"{qualname} is not defined in the notebook")
    found = namespace[first]
    for name in others:
        found = getattr(found, name)
    return found


def notebook_class(qualname: str) -> Any:
    """Stands in a pickle for a class of the notebook; ``Unpickler`` puts a look-up in its place."""
    raise pickle.UnpicklingError(f"class {qualname} can only be found from a notebook")


def make_function(
    code: bytes,
    name: str,
    closure: tuple[types.CellType, ...] | None,
    home: str,
    namespace: Namespace | None = None,
    python: str = "",
) -> types.FunctionType:
    """A function from its code, with the globals of the notebook or of the module it came from."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if python != here or namespace is None:
        raise pickle.UnpicklingError(f"the code of {name} was kept by Python {python}, this is {here}")
    scope = vars(importlib.import_module(home)) if home else namespace
    compiled = marshal.loads(code)  # noqa: S302 - part of a pickle whose signature has been checked
    return types.FunctionType(compiled, scope, name, None, closure)


def set_function_state(function: types.FunctionType, state: dict[str, Any]) -> None:
    """Give a function made again its defaults, annotations and attributes."""
    function.__dict__.update(state.pop("__dict__"))
    for name, value in state.items():
        setattr(function, name, value)


def _figure(figure: Any) -> Any:
    """A figure that pyplot does not take for a new one to be shown."""
    reduced = figure.__reduce_ex__(5)
    if isinstance(reduced[2], dict):
        reduced[2].pop("_restore_to_pylab", None)
    return reduced


def make_cached(function: Callable[..., Any], maxsize: int | None, typed: bool) -> Any:
    """A caching function, with nothing in its cache yet."""
    return functools.lru_cache(maxsize, typed)(function)


def _cell(cell: types.CellType) -> Any:
    content: tuple[Any, ...]
    try:
        content = (cell.cell_contents,)
    except ValueError:
        content = ()
    return make_cell, (), content, None, None, fill_cell


def make_cell() -> types.CellType:
    """An empty cell; filled later, because a function may be its own content."""
    return types.CellType()


def fill_cell(cell: types.CellType, content: tuple[Any, ...]) -> None:
    """Put back what a closure's cell held."""
    if content:
        cell.cell_contents = content[0]
