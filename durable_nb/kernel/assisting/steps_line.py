"""What may be typed behind ``%steps``."""

from __future__ import annotations

import re
from typing import NamedTuple

from durable_nb.kernel.assisting.candidates import Candidate
from durable_nb.kernel.assisting.steps_here import known_steps
from durable_nb.kernel.further import FURTHER
from durable_nb.kernel.session import Session
from durable_nb.kernel.steps_magic import SUBCOMMANDS

_LINE = re.compile(r"[^\S\n]*%steps[^\S\n]+(?P<words>[^\n]*)\Z")
_FLAGS = {
    "why": ("--json",),
    "plan": ("--json",),
    "history": ("--json",),
    "accept": ("--undo",),
    "invalidate": ("--undo",),
    "resolve": ("--happened", "--run-again"),
}
_WITHOUT_STEP = frozenset({"plan", "auto", "dashboard"})


class Typed(NamedTuple):
    """What is typed of a ``%steps`` line, up to the cursor."""

    before: list[str]
    """The words before the one that the cursor is in."""
    word: str
    start: int
    """Index in the cell at which that begins."""


def typed_behind_steps(source: str, position: int) -> Typed | None:
    """The words behind ``%steps``; None where the cursor is in no such line, or not behind it."""
    line_start = source.rfind("\n", 0, position) + 1
    found = _LINE.match(source, line_start, position)
    if found is None:
        return None
    *before, word = re.split(r"\s+", found["words"])
    return Typed(before, word, position - len(word))


def candidates_behind_steps(session: Session, typed: Typed) -> list[Candidate]:
    """Subcommands, then names of steps and flags."""
    if not typed.before:
        known = {**SUBCOMMANDS, **FURTHER}
        found = [Candidate(name, "subcommand", _about(known[name])) for name in known if name]
    else:
        found = _arguments(session, typed)
    return [one for one in found if one.text.startswith(typed.word)]


def _arguments(session: Session, typed: Typed) -> list[Candidate]:
    subcommand, *given = typed.before
    if subcommand == "auto":
        return [Candidate("on", "switch"), Candidate("off", "switch")] if not given else []
    flags = [Candidate(flag, "option") for flag in _FLAGS.get(subcommand, ()) if flag not in given]
    takes_step = subcommand not in _WITHOUT_STEP and all(word.startswith("-") for word in given)
    return [*([Candidate(name, "step") for name in known_steps(session)] if takes_step else []), *flags]


def _about(subcommand: object) -> str:
    return (subcommand.__doc__ or "").strip().partition("\n")[0]
