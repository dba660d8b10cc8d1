"""The content of objects that can change: taken as it is, and put back into the same object.

Only what an object holds itself is taken; what it refers to is an object of its own, with a content of its
own. An object stays the same object, so everything that refers to it sees the old content again.
"""

from __future__ import annotations

import copyreg
import types
from functools import lru_cache
from typing import Any

from durable_nb.core.fingerprint.walker import STAND_INS, full_name
from durable_nb.kernel.failing.contents.builtin import BUILTIN, HOMES
from durable_nb.kernel.failing.contents.code import CLASS, CODE, is_of_the_project
from durable_nb.kernel.failing.contents.content import ATOMS, Content
from durable_nb.kernel.failing.contents.libraries import contents_in_library
from durable_nb.kernel.failing.contents.objects import contents_of_object

__all__ = ["ATOMS", "BUILTIN", "Content", "contents_of"]


def contents_of(thing: object) -> tuple[Content, ...]:
    """The kinds of content that an object has; none for what does not change or is no data."""
    cls: Any = type(thing)
    if cls in ATOMS or _is_copied_by_others(cls) or isinstance(thing, types.ModuleType):
        return ()
    if isinstance(thing, type):
        return (CLASS,) if is_of_the_project(thing) else ()
    if cls in CODE:
        return (CODE[cls],)
    if STAND_INS and full_name(cls) in STAND_INS:
        return ()
    found = contents_in_library(thing)
    if found is None:
        found = _as_container(cls)
        if not found or cls.__module__ not in HOMES or isinstance(thing, BaseException):
            found += contents_of_object(thing)
    return found


def _is_copied_by_others(cls: type) -> bool:
    # An error stays data: what libraries register for errors (tblib, which Dask loads) adds their tracebacks.
    return cls in copyreg.dispatch_table and not issubclass(cls, BaseException)


@lru_cache(maxsize=1024)
def _as_container(cls: type) -> tuple[Content, ...]:
    return tuple(content for base, content in BUILTIN.items() if issubclass(cls, base))
