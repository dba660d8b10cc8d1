"""Functions, classes and methods as values, and the class of an instance."""

from __future__ import annotations

import functools
import sys
import sysconfig
import types
from typing import Any, Final

from durable_nb.core.fingerprint.walker import BASES, EXACT, Obstacle, Walker, type_name

LIBRARY_FOLDERS: Final = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)

HEAP_TYPE: Final = 1 << 9
"""Set in the flags of a class that was made while running."""


def importable(value: Any) -> bool:
    """Whether a function or class is found again by its module and qualified name."""
    found: Any = sys.modules.get(getattr(value, "__module__", None) or "")
    if found is None:
        return False
    for name in value.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is value


def is_static(value: Any) -> bool:
    """Whether it is a class compiled into Python, such as ``NoneType``, importable or not."""
    return isinstance(value, type) and not value.__flags__ & HEAP_TYPE


@functools.cache
def is_installed(module: str) -> bool:
    """Whether a module belongs to Python or to an installed library, not to the user's own project."""
    if module == "__main__":
        return False
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return module.partition(".")[0] in sys.stdlib_module_names
    return file.startswith(LIBRARY_FOLDERS) or "/site-packages/" in file or "/dist-packages/" in file


def class_of(walker: Walker, kind: type) -> None:
    """Add the class of an instance: by name, and with its code when it is the user's own."""
    known = walker.classes.get(kind)
    if known is None:
        known = walker.classes[kind] = _class(walker, kind)
    walker.sized(known)


def _class(walker: Walker, kind: type) -> bytes:
    name = f"{kind.__module__}.{kind.__qualname__}".encode()
    if (is_installed(kind.__module__) and importable(kind)) or is_static(kind):
        return name
    if walker.of_code is not None:
        return name + b"\0" + walker.of_code(kind).encode()
    if kind.__module__ == "__main__" or not importable(kind):
        raise Obstacle(f"an instance of {type_name(kind)}, a class that cannot be imported")
    return name


def definition(walker: Walker, value: Any) -> None:
    """Add a function or class that is itself the value."""
    module = getattr(value, "__module__", None)
    walker.out += b"D"
    if module == "builtins" and (importable(value) or is_static(value)):
        walker.walk(value.__qualname__)
    elif walker.of_code is not None:
        walker.walk(("code", walker.of_code(value)))
    elif module != "__main__" and importable(value):
        walker.walk((module, value.__qualname__))
    else:
        raise Obstacle(f"{getattr(value, '__qualname__', '?')}, which cannot be imported")


def constructor(walker: Walker, value: Any) -> None:
    """Add the function or class that makes a copy of some object, by name where it is a library's."""
    module = getattr(value, "__module__", None)
    qualname = getattr(value, "__qualname__", None)
    if isinstance(module, str) and qualname and is_installed(module) and importable(value):
        walker.walk((module, qualname))
    else:
        walker.walk(value)


def _method(walker: Walker, value: types.MethodType) -> None:
    walker.tag("method")
    walker.part(".__func__", value.__func__)
    walker.part(".__self__", value.__self__)


def _builtin(walker: Walker, value: types.BuiltinFunctionType) -> None:
    owner = value.__self__
    if owner is None or isinstance(owner, types.ModuleType):
        _by_name(walker, value)
        return
    walker.tag("bound method")
    walker.walk(value.__name__)
    walker.part(".__self__", owner)


def _by_name(walker: Walker, value: Any) -> None:
    module = getattr(value, "__module__", None) or getattr(getattr(value, "__self__", None), "__name__", None)
    walker.tag("builtin function")
    walker.walk((module, value.__qualname__))


def _slot(walker: Walker, value: Any) -> None:
    walker.tag("method of a class")
    walker.walk(value.__name__)
    walker.part(".__objclass__", value.__objclass__)


def _method_wrapper(walker: Walker, value: Any) -> None:
    walker.tag("method wrapper")
    walker.walk(value.__name__)
    walker.part(".__self__", value.__self__)


def _cached(walker: Walker, value: Any) -> None:
    walker.tag("lru_cache")
    walker.walk(sorted(value.cache_parameters().items()))
    walker.part(".__wrapped__", value.__wrapped__)


def _unfit(_: Walker, value: Any) -> None:
    raise Obstacle(type_name(type(value)))


EXACT.update(
    {
        type: definition,
        types.FunctionType: definition,
        types.MethodType: _method,
        types.BuiltinFunctionType: _builtin,
        types.MethodDescriptorType: _slot,
        types.WrapperDescriptorType: _slot,
        types.ClassMethodDescriptorType: _slot,
        types.MethodWrapperType: _method_wrapper,
        functools._lru_cache_wrapper: _cached,
        types.ModuleType: _unfit,
        types.GeneratorType: _unfit,
        types.CoroutineType: _unfit,
        types.AsyncGeneratorType: _unfit,
        types.FrameType: _unfit,
        types.TracebackType: _unfit,
        types.CodeType: _unfit,
    }
)
BASES["builtins.type"] = definition
BASES["builtins.module"] = _unfit
