"""Content that libraries keep outside of Python's objects: NumPy, pandas, polars, PyTorch.

None of them is imported here: they are met through the objects that they made.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from durable_nb.kernel.depending.sharing import copies_on_write, elements_of
from durable_nb.kernel.failing.contents.content import Content
from durable_nb.kernel.failing.contents.objects import contents_of_object

_LIBRARIES = frozenset({"numpy", "pandas", "polars", "torch"})


def contents_in_library(thing: object) -> tuple[Content, ...] | None:
    """What is known of a library's object; None where it is like any other."""
    cls: Any = type(thing)
    library = _library(cls)
    loaded = sys.modules.get(library) if library else None
    return None if loaded is None else _BY_LIBRARY[library](thing, loaded)


@lru_cache(maxsize=1024)
def _library(cls: type) -> str:
    """The library that makes a class, or a class it is made from; empty for none that needs care."""
    homes = (base.__module__.partition(".")[0] for base in cls.__mro__)
    return next((home for home in homes if home in _LIBRARIES), "")


def _of_numpy(thing: Any, numpy: Any) -> tuple[Content, ...]:
    if isinstance(thing, numpy.ndarray):
        # What nobody can write to needs no copy.
        array = (_ARRAY,) if thing.flags.writeable else ()
        return (*array, *contents_of_object(thing)) if type(thing).__dictoffset__ else array
    if isinstance(thing, numpy.random.RandomState):
        return (_RANDOM_STATE,)
    is_generator = isinstance(thing, (numpy.random.Generator, numpy.random.BitGenerator))
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
    return getattr(thing, "bit_generator", thing)


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


def _put_elements(thing: Any, state: Any) -> None:
    thing[:] = state


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
_RANDOM_STATE = Content(
    lambda thing: copy.deepcopy(thing.get_state(legacy=False)),
    lambda thing, state: thing.set_state(copy.deepcopy(state)),
)
_NUMPY_GENERATOR = Content(_take_generator, _put_generator)
_PANDAS = Content(
    _take_pandas, _put_pandas, lambda thing, state: [*elements_of(thing), *state[1].values()], _size_of_pandas
)
_EXTENSION_ARRAY = Content(lambda thing: thing.copy(), _put_elements, size=lambda thing: int(thing.nbytes))
_INDEX = Content(lambda thing: list(thing.names), _put_names)
_POLARS = Content(
    lambda thing: getattr(thing, _in_polars(thing)).clone(),
    lambda thing, state: setattr(thing, _in_polars(thing), state.clone()),
)
_TENSOR = Content(_take_tensor, _put_tensor, size=lambda thing: thing.element_size() * thing.nelement())
