"""Keep cells from running on what another cell, which failed, was to make.

A cell is blocked if it comes after one that failed and needs something which that one would have made: what
its code binds, deletes or changes, the outputs of its latest trace, the files it writes. Later means: later
in the order in which this kernel met the cells. A name is free again once a cell that comes after the failed
one has bound it anew, or once the failed cell has run.
"""

from __future__ import annotations

import ast
import fnmatch
import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from durable_nb.core.analysis import analyse
from durable_nb.core.code import names_read_by
from durable_nb.core.errors import BlockedError
from durable_nb.core.needs import LONGEST_CODE, Needs, names_in, needs_of
from durable_nb.kernel.namespace import Namespace

_NAMES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as this kernel knows it."""

    key: str
    """The front end's id of the cell; where it gives none, the step's name, or the source of a plain cell."""
    step: str = ""
    """Empty for a plain cell."""
    label: str = ""
    """What it is called where there is no step, as part of a sentence."""

    @property
    def words(self) -> str:
        """What the cell is called, as part of a sentence."""
        return f"step {self.step}" if self.step else self.label

    def is_same(self, other: Cell) -> bool:
        """Whether both are the same cell, at two times."""
        return self.key == other.key or bool(self.step and self.step == other.step)


@dataclass(slots=True)
class Failure:
    """A cell that failed, or was not run, and what others lack for it."""

    cell: Cell
    how: str
    """``failed (ValueError: no rows)``, ``is blocked by step clean``, as part of a sentence."""
    names: set[str]
    """Names that have not the value that it would have given them."""
    files: frozenset[str] = frozenset()
    """Files that it would have written: paths, or globs."""
    environment: frozenset[str] = frozenset()
    """Environment variables that it would have set."""
    modules: frozenset[str] = frozenset()
    """Modules of the project in which it would have set something."""
    advice: str = ""
    """What to do, where that is not to mend the cell and to run it."""

    @property
    def is_missed(self) -> bool:
        """Whether there is anything left that others may lack."""
        return bool(self.names or self.files or self.environment or self.modules)


@dataclass(frozen=True, slots=True)
class Lack:
    """Why a cell cannot run."""

    text: str
    """``needs df of step clean, which failed (ValueError: no rows)``."""
    advice: str
    """What to do, in whole sentences."""


@dataclass(slots=True)
class Blocks:
    """What cells of one kernel lack because others failed.

    Args:
        namespace: The notebook's variables.
    """

    namespace: Namespace
    unfinished: dict[str, str] = field(default_factory=dict)
    """Step that failed, or was not run, the last time → how it ended."""
    _failures: list[Failure] = field(default_factory=list)
    _order: dict[str, int] = field(default_factory=dict)
    _lost: dict[str, str] = field(default_factory=dict)
    """Names whose objects a failed step changed for good → how that came about."""

    def __bool__(self) -> bool:
        return bool(self._failures or self._lost)

    def failures(self) -> list[Failure]:
        """The cells that failed and that have not run since."""
        return list(self._failures)

    def met(self, cell: Cell) -> None:
        """Remember the order in which cells begin to run for the first time."""
        for name in filter(None, (cell.key, cell.step and f"step {cell.step}")):
            self._order.setdefault(name, len(self._order))

    def add(self, failure: Failure) -> None:
        """A cell failed: it has made nothing of what others expect of it."""
        self._forget(failure.cell)
        if failure.is_missed:
            self._failures.append(failure)

    def lose(self, name: str, why: str) -> None:
        """The object of a name is not what it was, and no cell may use it before the name is bound anew."""
        self._lost[name] = why

    def completed(self, cell: Cell, tree: ast.Module | None) -> None:
        """A cell has run: it lacks nothing any more, and what it bound anew is good for those after it.

        Args:
            cell: The cell.
            tree: Its code; None where it could not be parsed.
        """
        self._forget(cell)
        if self and tree is not None:
            self.bound(cell, analyse(tree).always_binds)

    def bound(self, cell: Cell, names: Iterable[str]) -> None:
        """Names have new values that come from a cell."""
        names = set(names)
        for name in names:
            self._lost.pop(name, None)
        for failure in self._failures:
            if self._is_later(cell, failure.cell):
                failure.names.difference_update(names)
        self._failures = [failure for failure in self._failures if failure.is_missed]

    def lift(self, step: str) -> bool:
        """A person says that what a failed step has left is good enough; whether there was such a step."""
        was_unfinished = self.unfinished.pop(step, None) is not None
        before = len(self._failures)
        self._failures = [failure for failure in self._failures if failure.cell.step != step]
        return was_unfinished or len(self._failures) < before

    def error_for(self, cell: Cell, tree: ast.Module) -> BlockedError | None:
        """The error with which a cell is not run; None where it lacks nothing."""
        found = self.reason_for(cell, tree)
        return None if found is None else BlockedError(f"{found.text}. {found.advice}")

    def reason_for(self, cell: Cell, tree: ast.Module) -> Lack | None:
        """What keeps a cell from running; None where nothing does."""
        before = [failure for failure in self._failures if self._is_later(cell, failure.cell)]
        if not before and not self._lost:
            return None
        needs = reached(needs_of(tree), self.namespace)
        for name in sorted(set(self._lost) if needs.everything else needs.names & self._lost.keys()):
            return Lack(f"needs {name}, which {self._lost[name]}", f"Run the cell again that makes {name}.")
        for failure in before:
            lacking = set(failure.names) if needs.everything else failure.names & needs.names
            lacking |= failure.modules & needs.modules
            lacking |= failure.environment & needs.texts
            lacking |= {path for path in failure.files for text in needs.texts if _is_file(text, path)}
            if lacking:
                return _lack(failure, sorted(lacking))
        return None

    def _is_later(self, cell: Cell, failed: Cell) -> bool:
        if cell.is_same(failed):
            return False
        own, other = self._place(cell), self._place(failed)
        return own is None or other is None or own > other

    def _place(self, cell: Cell) -> int | None:
        found = self._order.get(cell.key)
        return self._order.get(f"step {cell.step}") if found is None else found

    def _forget(self, cell: Cell) -> None:
        self._failures = [failure for failure in self._failures if not failure.cell.is_same(cell)]


def _lack(failure: Failure, lacking: list[str]) -> Lack:
    """What is missing, who would have made it, and what to do."""
    step = failure.cell.step
    advice = failure.advice or f"Mend {failure.cell.words} and run it, then run this again."
    if step and not failure.advice:
        advice += f" To go on with what is there: %steps unblock {step}"
    shown = ", ".join(lacking[:_NAMES_SHOWN])
    more = f" and {len(lacking) - _NAMES_SHOWN} more" if len(lacking) > _NAMES_SHOWN else ""
    return Lack(f"needs {shown}{more} of {failure.cell.words}, which {failure.how}", advice)


def reached(needs: Needs, namespace: Namespace) -> Needs:
    """What code needs, with what the functions and strings among the variables that it names need in turn."""
    found = Needs(set(), set(needs.texts), set(needs.modules), needs.everything)
    queue = list(needs.names)
    while queue:
        name = queue.pop()
        if name in found.names:
            continue
        found.names.add(name)
        value = namespace.values.get(name)
        if isinstance(value, str) and len(value) <= LONGEST_CODE:
            found.texts.add(value)
            queue += names_in(value)
        reads = names_read_by(value, namespace.values, names_in)
        if reads is None:
            found.everything = True
            return found
        queue += reads
    return found


def _is_file(text: str, wanted: str) -> bool:
    """Whether a string names a file that is wanted; either may be a glob."""
    if not text or "\n" in text or len(text) > 1024:
        return False
    one, other = os.path.normpath(text), os.path.normpath(wanted)
    same = one == other or os.path.abspath(one) == os.path.abspath(other)
    return same or fnmatch.fnmatchcase(one, other) or ("*" in one and fnmatch.fnmatchcase(other, one))
