"""``os.stat`` and its like: the interpreter has no event for them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from durable_nb.core.places import Aspect
from durable_nb.kernel.depending.observing.current import observed_now, unobserved
from durable_nb.kernel.depending.observing.observed import Observed
from durable_nb.kernel.depending.observing.origins import is_program, is_source_reader

_REPLACED = ("stat", "lstat", "access")
_BETWEEN = frozenset({"genericpath", "os", "posixpath", "pathlib", "pathlib._local", "pathlib._abc"})
"""Modules that ask on behalf of their caller."""
_ASKED_BY = {
    **dict.fromkeys(
        (
            *("_exists", "exists", "is_dir", "is_file", "is_mount", "is_symlink"),
            *("isdir", "isfile", "islink", "ismount", "lexists"),
        ),
        Aspect.EXISTS,
    ),
    "getsize": Aspect.SIZE,
    **dict.fromkeys(("getmtime", "getctime", "getatime"), Aspect.TIME),
}
_MAKE_SURE = frozenset({"_joinrealpath", "makedirs", "mkdir", "resolve"})
"""What was there before does not show: links are followed, folders are there afterwards in any case."""
_TIMES = ("st_mtime", "st_ctime", "st_atime", "st_birthtime")


class Noticing:
    """Stands for a function of ``os`` while a step runs, and is equal to it."""

    def __init__(self, original: Callable[..., Any]) -> None:
        self.original = original

    def __call__(self, path: Any, *args: Any, **kwargs: Any) -> Any:
        """Take note of the path, and ask the system."""
        __tracebackhide__ = True
        observed = observed_now()
        if observed is not None:
            frame = sys._getframe(1)
            question = (path, frame.f_code, frame.f_back and frame.f_back.f_code)
            if type(path) is not str or question not in observed.questions:
                _note(observed, path, self.original is not _STAT, frame)
                if type(path) is str:
                    observed.questions.add(question)
        return self.original(path, *args, **kwargs)

    def __eq__(self, other: object) -> bool:
        # os.supports_follow_symlinks is a set of functions, in which shutil looks for this one.
        return other is self or other == self.original

    def __hash__(self) -> int:
        return hash(self.original)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)

    def __repr__(self) -> str:
        return repr(self.original)


_STAT = os.stat


@contextmanager
def noticing_statuses() -> Iterator[None]:
    """Replace the functions inside the block."""
    originals = {name: getattr(os, name) for name in _REPLACED}
    for name, original in originals.items():
        setattr(os, name, Noticing(original))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(os, name, original)


def _note(observed: Observed, path: object, presence_only: bool, frame: FrameType) -> None:
    if not isinstance(path, str | bytes | os.PathLike) or is_source_reader(frame):
        return
    with unobserved():
        text = os.path.abspath(os.fsdecode(path))
        aspect = None if is_program(text) else _aspect(frame, presence_only)
        if aspect is not None:
            observed.asked(aspect, text)


def _aspect(frame: FrameType, presence_only: bool) -> Aspect | None:
    """How much of the answer its caller can have used; None for nothing."""
    asked: Aspect | None = Aspect.EXISTS if presence_only else None
    asking: FrameType | None = frame
    while asking is not None and asking.f_globals.get("__name__") in _BETWEEN:
        name = asking.f_code.co_name
        if name in _MAKE_SURE:
            return None
        asked = asked or _ASKED_BY.get(name)
        asking = asking.f_back
    if asked is not None or asking is None:
        return asked
    used = asking.f_code.co_names
    return Aspect.TIME if any(name.startswith(_TIMES) for name in used) else Aspect.SIZE
