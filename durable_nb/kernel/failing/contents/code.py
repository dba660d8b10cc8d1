"""Functions, classes and what is wrapped around them: defaults, closures, attributes, remembered results."""

from __future__ import annotations

import contextlib
import functools
import gc
import sys
import types
from collections.abc import Iterable
from typing import Any

from durable_nb.kernel.depending.module_state import is_own
from durable_nb.kernel.failing.contents.content import MISSING, Content, not_atoms, only_below

_NAMED = ("__name__", "__qualname__", "__doc__", "__module__")


def is_of_the_project(code: Any) -> bool:
    """Whether a function or class is the notebook's or its modules': others are shared with everybody."""
    home = code.__module__
    return home == "__main__" or (isinstance(home, str) and is_own(home))


def _put_cell(thing: Any, state: Any) -> None:
    if state is not MISSING:
        thing.cell_contents = state
    else:
        with contextlib.suppress(ValueError):
            del thing.cell_contents


def _take_cell(thing: Any) -> Any:
    try:
        return thing.cell_contents
    except ValueError:  # not bound yet
        return MISSING


def _take_function(thing: Any) -> tuple[Any, ...]:
    texts = {name: getattr(thing, name) for name in _NAMED}
    if sys.version_info < (3, 14):  # there they are worked out when somebody asks, and may not be
        texts["__annotations__"] = dict(thing.__annotations__)
    return thing.__defaults__, dict(thing.__kwdefaults__ or {}), dict(vars(thing)), thing.__code__, texts


def _put_function(thing: Any, state: tuple[Any, ...]) -> None:
    thing.__defaults__, keyword_defaults, attributes, thing.__code__, texts = state
    thing.__kwdefaults__ = dict(keyword_defaults) or None
    for name, value in texts.items():
        setattr(thing, name, dict(value) if type(value) is dict else value)
    vars(thing).clear()
    vars(thing).update(attributes)


def _in_function(thing: Any, state: tuple[Any, ...]) -> Iterable[Any]:
    defaults, keyword_defaults, attributes = state[:3]
    if not is_of_the_project(thing):
        return ()
    return [
        *(defaults or ()), *keyword_defaults.values(), *attributes.values(), *(thing.__closure__ or ())
    ]  # fmt: skip


def _take_class(cls: Any) -> tuple[dict[str, Any], tuple[type, ...]]:
    members = {
        name: value
        for name, value in vars(cls).items()
        if not (name.startswith("__") and name.endswith("__"))
        and not isinstance(value, types.MemberDescriptorType)
    }
    return members, cls.__bases__


def _put_class(cls: Any, state: tuple[dict[str, Any], tuple[type, ...]]) -> None:
    members, bases = state
    if cls.__bases__ != bases:
        cls.__bases__ = bases
    now = _take_class(cls)[0]
    for name in now.keys() - members.keys():
        delattr(cls, name)
    for name, value in members.items():
        if now.get(name, MISSING) is not value:
            setattr(cls, name, value)


def _put_partial(thing: Any, state: Any) -> None:
    thing.__setstate__((*state[:2], dict(state[2]), state[3] and dict(state[3])))


def _take_partial(thing: Any) -> Any:
    return thing.func, thing.args, dict(thing.keywords), dict(vars(thing)) or None


def is_cache(thing: object) -> bool:
    """Whether it is a function that remembers its results."""
    return type(thing) is functools._lru_cache_wrapper


def _remembered(thing: Any) -> dict[Any, Any]:
    """What ``functools.lru_cache`` keeps: arguments → result, or its own link to that."""
    return next(
        (part for part in gc.get_referents(thing) if type(part) is dict and part is not vars(thing)), {}
    )


def _take_cache(thing: Any) -> tuple[dict[Any, Any], dict[str, Any]]:
    return dict(_remembered(thing)), dict(vars(thing))


def _put_cache(thing: Any, state: tuple[dict[Any, Any], dict[str, Any]]) -> None:
    """Forget the results that came since: they may be of variables that have their old value again."""
    was, attributes = state
    now = _remembered(thing)
    if not was:
        thing.cache_clear()
    for key in [key for key in now if key not in was]:
        del now[key]
    vars(thing).clear()
    vars(thing).update(attributes)


FUNCTION = Content(_take_function, _put_function, _in_function)
CLASS = Content(_take_class, _put_class, lambda _, state: not_atoms(state[0].values()))
CODE: dict[type, Content] = {
    types.FunctionType: FUNCTION,
    types.CellType: Content(_take_cell, _put_cell, lambda _, state: (state,)),
    types.BuiltinMethodType: only_below(lambda thing: (thing.__self__,)),
    types.MethodType: only_below(lambda thing: (thing.__self__, thing.__func__)),
    staticmethod: only_below(lambda thing: (thing.__func__,)),
    classmethod: only_below(lambda thing: (thing.__func__,)),
    property: only_below(lambda thing: (thing.fget, thing.fset, thing.fdel)),
    functools.cached_property: only_below(lambda thing: (thing.func,)),
    functools.partial: Content(
        _take_partial, _put_partial, lambda _, state: [state[0], *state[1], *state[2].values()]
    ),
    functools._lru_cache_wrapper: Content(_take_cache, _put_cache, lambda thing, _: (thing.__wrapped__,)),
}
"""For objects of exactly these classes."""
