"""The content of objects that can change: taken as it is, and put back into the same object.

Only what an object holds itself is taken; what it refers to is an object of its own, with a content of its
own. An object stays the same object, so everything that refers to it sees the old content again.
"""

from __future__ import annotations

import array
import collections
import contextlib
import copy
import io
import random
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from durable_nb.kernel.sharing import copies_on_write, elements_of

ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, types.ModuleType})
"""Nothing of these is put back. A module leads to all others, to IPython and the kernel's own queues; what
the user's own modules hold is remembered by ``module_state``."""
_WORD = 8
_MISSING = object()
_LIBRARIES = frozenset({"numpy", "pandas", "polars", "torch"})
_NO_STATE: Any = object.__getstate__
"""What a class has that does not say what of its objects is data."""
_PLAIN_REDUCE = (object, BaseException, types.SimpleNamespace, collections.OrderedDict, collections.deque)
"""Classes whose way of being pickled says nothing about being data or not."""


@dataclass(frozen=True, slots=True)
class Content:
    """How one kind of content is handled."""

    take: Callable[[Any], Any]
    put: Callable[[Any, Any], None]
    below: Callable[[Any, Any], Iterable[Any]] = lambda _, __: ()
    """The objects that it refers to, of the thing and what was taken of it."""
    size: Callable[[Any], int] = lambda _: 0
    """Bytes that taking it costs, about."""


def contents_of(thing: object) -> tuple[Content, ...]:
    """The kinds of content that an object has; none for what does not change or is no data."""
    cls: Any = type(thing)
    if cls in ATOMS or isinstance(thing, types.ModuleType):
        return ()
    if isinstance(thing, type):
        return (_CLASS,) if thing.__module__ == "__main__" else ()
    found = _of_library(thing, _library(cls))
    return _of_type(cls) if found is None else found


@lru_cache(maxsize=1024)
def _library(cls: type) -> str:
    """The library that makes a class, or a class it is made from; empty for none that needs care."""
    homes = (base.__module__.partition(".")[0] for base in cls.__mro__)
    return next((home for home in homes if home in _LIBRARIES), "")


@lru_cache(maxsize=1024)
def _of_type(cls: type) -> tuple[Content, ...]:
    found = [content for base, content in BUILTIN.items() if issubclass(cls, base)]
    if cls is types.FunctionType:
        return (_FUNCTION,)
    if found and cls.__module__ in {"builtins", "collections", "io", "_io", "array", "random"}:
        return tuple(found)
    if not _is_data(cls):
        return tuple(found)
    if cls.__dictoffset__ or _slots(cls):
        found.append(_ATTRIBUTES)
    elif not found and hasattr(cls, "__setstate__"):
        found.append(_PICKLED)
    return tuple(found)


def _is_data(cls: type) -> bool:
    """Whether an object is pickled by its attributes. A logger or a connection is not, and is left alone."""
    if hasattr(cls, "__setstate__") and not cls.__dictoffset__:
        return True
    plain = {(base.__reduce__, base.__reduce_ex__) for base in _PLAIN_REDUCE}
    builtin = {(base.__reduce__, base.__reduce_ex__) for base in BUILTIN}
    return (cls.__reduce__, cls.__reduce_ex__) in plain | builtin


# Plain Python.


def _not_atoms(things: Iterable[Any]) -> Iterable[Any]:
    return () if ATOMS.issuperset(map(type, things)) else things


def _in_dict(_: Any, state: dict[Any, Any]) -> Iterator[Any]:
    yield from _not_atoms(state.values())
    yield from _not_atoms(state.keys())


def _put_dict(thing: Any, state: dict[Any, Any]) -> None:
    kind = collections.OrderedDict if isinstance(thing, collections.OrderedDict) else dict
    kind.clear(thing)
    for key, value in state.items():
        kind.__setitem__(thing, key, value)


def _put_list(thing: Any, state: list[Any]) -> None:
    list.__setitem__(thing, slice(None), state)


def _put_set(thing: Any, state: set[Any]) -> None:
    set.clear(thing)
    set.update(thing, state)


def _put_deque(thing: Any, state: list[Any]) -> None:
    collections.deque.clear(thing)
    collections.deque.extend(thing, state)


def _put_sequence(thing: Any, state: Any) -> None:
    thing[:] = state


def _put_cell(thing: Any, state: Any) -> None:
    if state is not _MISSING:
        thing.cell_contents = state
    else:
        with contextlib.suppress(ValueError):
            del thing.cell_contents


def _take_cell(thing: Any) -> Any:
    try:
        return thing.cell_contents
    except ValueError:  # not bound yet
        return _MISSING


def _set_state(thing: Any, state: Any) -> None:
    thing.__setstate__(state)


BUILTIN: dict[type, Content] = {
    list: Content(
        list, _put_list, below=lambda _, state: _not_atoms(state), size=lambda thing: _WORD * len(thing)
    ),
    dict: Content(
        lambda thing: dict(dict.items(thing)), _put_dict, _in_dict, lambda thing: 3 * _WORD * len(thing)
    ),
    set: Content(set, _put_set, lambda _, state: _not_atoms(state), lambda thing: 3 * _WORD * len(thing)),
    collections.deque: Content(
        list, _put_deque, lambda _, state: _not_atoms(state), lambda thing: _WORD * len(thing)
    ),
    bytearray: Content(bytes, _put_sequence, size=len),
    array.array: Content(lambda thing: thing[:], _put_sequence, size=lambda x: len(x) * x.itemsize),
    random.Random: Content(random.Random.getstate, random.Random.setstate),
    io.BytesIO: Content(io.BytesIO.__getstate__, _set_state, size=lambda thing: thing.getbuffer().nbytes),
    io.StringIO: Content(io.StringIO.__getstate__, _set_state),
    types.CellType: Content(_take_cell, _put_cell, lambda _, state: (state,)),
    tuple: Content(lambda _: None, lambda *_: None, lambda thing, _: _not_atoms(thing)),
    frozenset: Content(lambda _: None, lambda *_: None, lambda thing, _: _not_atoms(thing)),
    types.BuiltinMethodType: Content(lambda _: None, lambda *_: None, lambda thing, _: (thing.__self__,)),
    types.MethodType: Content(
        lambda _: None, lambda *_: None, lambda thing, _: (thing.__self__, thing.__func__)
    ),
}


# Objects with attributes.


@lru_cache(maxsize=1024)
def _slots(cls: type) -> dict[str, Any]:
    """Name of a slot → its descriptor."""
    return {
        f"{base.__qualname__}.{name}": descriptor
        for base in cls.__mro__
        for name, descriptor in vars(base).items()
        if isinstance(descriptor, types.MemberDescriptorType) and base.__module__ != "builtins"
    }


def _take_attributes(thing: Any) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    cls: Any = type(thing)
    slots = {name: _slot(descriptor, thing) for name, descriptor in _slots(cls).items()}
    return dict(vars(thing)) if cls.__dictoffset__ else None, slots


def _slot(descriptor: Any, thing: Any) -> Any:
    try:
        return descriptor.__get__(thing)
    except AttributeError:  # not set
        return _MISSING


def _put_attributes(thing: Any, state: tuple[dict[str, Any] | None, dict[str, Any]]) -> None:
    attributes, slots = state
    if attributes is not None:
        own = vars(thing)
        own.clear()
        own.update(attributes)
    for name, descriptor in _slots(thing.__class__).items():
        value = slots[name]
        if value is _MISSING:
            with contextlib.suppress(AttributeError):
                descriptor.__delete__(thing)
        elif _slot(descriptor, thing) is not value:
            descriptor.__set__(thing, value)


def _in_attributes(thing: Any, state: tuple[dict[str, Any] | None, dict[str, Any]]) -> Iterable[Any]:
    attributes, slots = state
    if getattr(type(thing), "__getstate__", None) is not _NO_STATE:
        # It says itself what of it is data: what it leaves out may be a connection.
        return _not_atoms([thing.__getstate__()])
    return _not_atoms([*(attributes or {}).values(), *(v for v in slots.values() if v is not _MISSING)])


def _take_pickled(thing: Any) -> Any:
    reduced = thing.__reduce_ex__(4)
    return copy.deepcopy(reduced[2]) if isinstance(reduced, tuple) and len(reduced) > 2 else None


def _put_pickled(thing: Any, state: Any) -> None:
    if state is not None:
        thing.__setstate__(copy.deepcopy(state))


def _take_function(thing: Any) -> tuple[Any, ...]:
    return thing.__defaults__, dict(thing.__kwdefaults__ or {}), dict(vars(thing))


def _put_function(thing: Any, state: tuple[Any, ...]) -> None:
    thing.__defaults__, keyword_defaults, attributes = state
    thing.__kwdefaults__ = keyword_defaults or None
    vars(thing).clear()
    vars(thing).update(attributes)


def _in_function(thing: Any, state: tuple[Any, ...]) -> Iterable[Any]:
    defaults, keyword_defaults, attributes = state
    if thing.__module__ != "__main__":
        return ()
    return [
        *(defaults or ()), *keyword_defaults.values(), *attributes.values(), *(thing.__closure__ or ())
    ]  # fmt: skip


def _take_class(cls: Any) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(cls).items()
        if not (name.startswith("__") and name.endswith("__"))
        and not isinstance(value, types.MemberDescriptorType)
    }


def _put_class(cls: Any, state: dict[str, Any]) -> None:
    now = _take_class(cls)
    for name in now.keys() - state.keys():
        delattr(cls, name)
    for name, value in state.items():
        if now.get(name, _MISSING) is not value:
            setattr(cls, name, value)


_ATTRIBUTES = Content(_take_attributes, _put_attributes, _in_attributes)
_PICKLED = Content(_take_pickled, _put_pickled)
_FUNCTION = Content(_take_function, _put_function, _in_function)
_CLASS = Content(_take_class, _put_class, lambda _, state: _not_atoms(state.values()))


# What libraries keep outside of Python's objects.


def _of_library(thing: Any, library: str) -> tuple[Content, ...] | None:
    """What is known of a library's object; None where it is like any other."""
    loaded = sys.modules.get(library)
    return None if loaded is None else _BY_LIBRARY[library](thing, loaded)


def _of_numpy(thing: Any, numpy: Any) -> tuple[Content, ...]:
    if isinstance(thing, numpy.ndarray):
        # What nobody can write to needs no copy.
        array = (_ARRAY,) if thing.flags.writeable else ()
        return (*array, _ATTRIBUTES) if type(thing).__dictoffset__ else array
    is_generator = isinstance(thing, (numpy.random.RandomState, numpy.random.Generator))
    return (_NUMPY_GENERATOR,) if is_generator else ()


def _of_pandas(thing: Any, pandas: Any) -> tuple[Content, ...]:
    if isinstance(thing, (pandas.DataFrame, pandas.Series)):
        return (_PANDAS,)
    if isinstance(thing, pandas.Index):
        return (_INDEX,)
    return (_EXTENSION_ARRAY,) if isinstance(thing, pandas.api.extensions.ExtensionArray) else ()


def _of_polars(thing: Any, polars: Any) -> tuple[Content, ...]:
    return (_POLARS,) if isinstance(thing, (polars.DataFrame, polars.Series)) else ()


def _of_torch(thing: Any, torch: Any) -> tuple[Content, ...] | None:
    return (_TENSOR,) if isinstance(thing, torch.Tensor) else None


_BY_LIBRARY: dict[str, Callable[[Any, Any], tuple[Content, ...] | None]] = {
    "numpy": _of_numpy, "pandas": _of_pandas, "polars": _of_polars, "torch": _of_torch
}  # fmt: skip


def _take_array(thing: Any) -> tuple[Any, tuple[int, ...]]:
    return thing.copy(), thing.shape


def _put_array(thing: Any, state: tuple[Any, tuple[int, ...]]) -> None:
    was, shape = state
    if thing.size != was.size:
        thing.resize(shape)  # raises where others see its memory
    elif thing.shape != shape:
        thing.shape = shape
    if not thing.flags.writeable:
        thing.flags.writeable = True
    thing[...] = was


def _take_generator(thing: Any) -> Any:
    return copy.deepcopy(_bits(thing).state)


def _put_generator(thing: Any, state: Any) -> None:
    _bits(thing).state = copy.deepcopy(state)


def _bits(thing: Any) -> Any:
    return getattr(thing, "bit_generator", None) or thing._bit_generator


def _take_pandas(thing: Any) -> tuple[Any, dict[str, Any]]:
    rest = {name: copy.copy(value) for name, value in vars(thing).items() if name != "_mgr"}
    return thing.copy(deep=not copies_on_write()), rest


def _put_pandas(thing: Any, state: tuple[Any, dict[str, Any]]) -> None:
    was, rest = state
    vars(thing).clear()
    # A copy once more: what is kept must not change with the thing.
    again = {"_mgr": was.copy(deep=not copies_on_write())._mgr} | {n: copy.copy(v) for n, v in rest.items()}
    for name, value in again.items():
        object.__setattr__(thing, name, value)


def _size_of_pandas(thing: Any) -> int:
    if copies_on_write():
        return 0
    found = thing.memory_usage(deep=False)
    return int(found if isinstance(found, int) else found.sum())


def _put_names(thing: Any, names: list[Any]) -> None:
    if list(thing.names) != names:
        thing.names = names


def _in_polars(thing: Any) -> str:
    return "_df" if hasattr(thing, "_df") else "_s"


def _take_tensor(thing: Any) -> tuple[Any, ...]:
    grad = thing.grad if thing.is_leaf else None
    return thing.detach().clone(), thing.requires_grad, grad, None if grad is None else grad.clone()


def _put_tensor(thing: Any, state: tuple[Any, ...]) -> None:
    was, requires_grad, grad, grad_was = state
    if thing.shape == was.shape and thing.dtype == was.dtype:
        with sys.modules["torch"].no_grad():
            thing.copy_(was)
    else:
        thing.data = was.clone()
    if thing.is_leaf:
        thing.requires_grad_(requires_grad)
        if grad is not None:
            grad.copy_(grad_was)
        thing.grad = grad


_ARRAY = Content(
    _take_array,
    _put_array,
    lambda _, state: elements_of(state[0]),
    lambda thing: int(thing.nbytes),
)
_NUMPY_GENERATOR = Content(_take_generator, _put_generator)
_PANDAS = Content(
    _take_pandas, _put_pandas, lambda thing, state: [*elements_of(thing), *state[1].values()], _size_of_pandas
)
_EXTENSION_ARRAY = Content(lambda thing: thing.copy(), _put_sequence, size=lambda thing: int(thing.nbytes))
_INDEX = Content(lambda thing: list(thing.names), _put_names)
_POLARS = Content(
    lambda thing: getattr(thing, _in_polars(thing)).clone(),
    lambda thing, state: setattr(thing, _in_polars(thing), state.clone()),
)
_TENSOR = Content(_take_tensor, _put_tensor, size=lambda thing: thing.element_size() * thing.nelement())
