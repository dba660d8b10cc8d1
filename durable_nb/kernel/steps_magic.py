"""The ``%steps`` line magic: a table of subcommands, each a function of its own."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable

from durable_nb.core.errors import UnknownStepError, UsageError
from durable_nb.kernel import accepting, auto, renaming, resolving_magic
from durable_nb.kernel.further import FURTHER
from durable_nb.kernel.session import Session
from durable_nb.kernel.showing import explaining
from durable_nb.kernel.showing.status import StepsTable

Subcommand = Callable[[Session, list[str]], object]
"""Gets the words after its own name; what it returns is displayed."""


def show_table(session: Session, words: list[str]) -> StepsTable:
    """Every step of the notebook and how it stands.

    Raises:
        UsageError: There are words.
    """
    expect(words, "%steps")
    return StepsTable(session.all_reports())


def expect(words: list[str], usage: str) -> list[str]:
    """The words, if there are as many as the usage line has after the subcommand's name.

    Args:
        words: As typed.
        usage: Such as ``%steps why NAME``.

    Raises:
        UsageError: There are more or fewer.
    """
    if len(words) != sum(word.isupper() for word in usage.split()):
        raise UsageError(f"%steps: found {' '.join(words) or 'nothing'}, expected {usage}")
    return words


def show_why(session: Session, words: list[str]) -> object:
    """Why a step executes, with the differences."""
    (step,), as_json = _options(words, "%steps why NAME")
    view = explaining.why(session, step)
    return view.as_json() if as_json else view


def show_plan(session: Session, words: list[str]) -> object:
    """What would be reused and what executed."""
    _, as_json = _options(words, "%steps plan")
    view = explaining.plan(session)
    return view.as_json() if as_json else view


def show_history(session: Session, words: list[str]) -> object:
    """What a step has left so far, and what differed each time."""
    (step,), as_json = _options(words, "%steps history NAME")
    view = explaining.history(session, step)
    return view.as_json() if as_json else view


def unblock(session: Session, words: list[str]) -> str:
    """Go on with what there is in place of what a step that failed would have made.

    Raises:
        UnknownStepError: It blocks nothing.
    """
    (step,) = expect(words, "%steps unblock NAME")
    if not session.blocks.lift(step):
        blocking = [failure.cell.step for failure in session.blocks.failures() if failure.cell.step]
        raise UnknownStepError(
            f"no cell is blocked by step {step!r}; steps that block others: {', '.join(blocking) or 'none'}"
        )
    return f"cells that need what {step} would have made run with what is there"


def _options(words: list[str], usage: str) -> tuple[list[str], bool]:
    return expect([word for word in words if word != "--json"], usage), "--json" in words


SUBCOMMANDS: dict[str, Subcommand] = {
    "": show_table,
    "why": show_why,
    "plan": show_plan,
    "history": show_history,
    **accepting.SUBCOMMANDS,
    "rename": renaming.rename,
    "unblock": unblock,
    "resolve": resolving_magic.resolve,
    "auto": lambda session, words: auto.switch(session.auto, words),
}


def steps(session: Session, line: str) -> object:
    """Do what a line such as ``why clean`` asks for.

    Raises:
        UsageError: There is no such subcommand.
    """
    try:
        name, *words = shlex.split(line) or [""]
    except ValueError as error:
        raise UsageError(f"%steps: cannot read {line.strip()!r}: {error}") from error
    known = {**SUBCOMMANDS, **FURTHER}
    if name not in known:
        raise UsageError(f"%steps: found {name!r}, {_expected(name, [word for word in known if word])}")
    return known[name](session, words)


def _expected(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean %steps {near[0]}?" if near else f"expected nothing or one of: {', '.join(known)}"
