"""Let a library's functions be noticed when they are called; to its callers they stay what they are."""

from __future__ import annotations

import ctypes
import functools
import gc
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, FrameType, ModuleType
from typing import Any

from durable_nb.kernel.depending.observing.arguments import Note
from durable_nb.kernel.depending.observing.current import observed_now, unobserved

_OURS = f"{__name__.partition('.')[0]}."
_CALL: CodeType = compile("(__call__())", "<durable_nb>", "eval")


def noticed(original: Callable[..., Any], note: Note) -> Callable[..., Any]:
    """The function, taking note of its arguments before it runs.

    It is called from a frame that looks like its caller's: DuckDB finds tables among the variables of the
    frame that calls it, and warnings are told of that frame's line.
    """

    @functools.wraps(original)
    def calling(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        observed = observed_now()
        caller = sys._getframe(1)
        if observed is not None:
            with unobserved():
                note(observed, args, kwargs)
        elif caller.f_globals.get("__name__", "").startswith(_OURS):
            return original(*args, **kwargs)
        return _call_from(caller, functools.partial(original, *args, **kwargs))

    return calling


def _call_from(frame: FrameType, call: Callable[[], Any]) -> Any:
    __tracebackhide__ = True
    code = _CALL.replace(
        co_filename=frame.f_code.co_filename, co_firstlineno=frame.f_lineno, co_name=frame.f_code.co_name
    )
    variables: dict[str, Any] = {} if frame.f_locals is frame.f_globals else dict(frame.f_locals)
    variables.update(__call__=call, __tracebackhide__=True)
    return eval(code, frame.f_globals, variables)


def noticed_class(original: type, note: Note) -> type:
    """A class in whose place another stands, taking note of the arguments of its constructor."""

    class Noticed(type(original)):  # type: ignore[misc]
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, original)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, original)

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            observed = observed_now()
            if observed is not None:
                with unobserved():
                    note(observed, args, kwargs)
            return original(*args, **kwargs)

    names = {
        "__module__": original.__module__,
        "__qualname__": original.__qualname__,
        "__doc__": original.__doc__,
    }
    return Noticed(original.__name__, (original,), names)


@dataclass(frozen=True, slots=True)
class Replacement:
    """One attribute that was replaced."""

    owner: Any
    name: str
    original: Any
    replaced: Any

    def undo(self) -> None:
        """Put the original back, unless somebody else has replaced it since."""
        if vars(self.owner).get(self.name) is self.replaced:
            set_attribute(self.owner, self.name, self.original)


def set_attribute(owner: Any, name: str, value: Any) -> None:
    """Set an attribute of a module or a class, also of a class that Cython made."""
    try:
        setattr(owner, name, value)
    except TypeError:
        # The dictionary behind the read-only view is an ordinary one; lookups are cached by type.
        gc.get_referents(vars(owner))[0][name] = value
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(owner))


def replace_everywhere(
    swapped: Mapping[int, tuple[Any, Any]], modules: Iterable[ModuleType]
) -> Iterator[Replacement]:
    """Replace objects, given by id, in modules that import each other's names."""
    for module in modules:
        names = vars(module).copy()  # other threads may import meanwhile
        if swapped.keys().isdisjoint(map(id, names.values())):
            continue
        for name in [name for name, value in names.items() if id(value) in swapped]:
            original, replaced = swapped[id(names[name])]
            set_attribute(module, name, replaced)
            yield Replacement(module, name, original, replaced)
