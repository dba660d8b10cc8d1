"""What the end of one cell means for the cells after it: who is blocked, and how that is said."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult

from durable_nb.core.analysis import analyse
from durable_nb.core.cells import find_marker
from durable_nb.core.errors import BlockedError, DurableError, StoreError, WaitingError
from durable_nb.core.model import EventKind, State, Trace
from durable_nb.core.products import environment_made, names_made_in_text
from durable_nb.kernel.isolating.blocking import Cell, Failure, Lack
from durable_nb.kernel.isolating.unmade import files_made, made_by, modules_changed, still_good, unmade
from durable_nb.kernel.results.given import find_given, hold_given
from durable_nb.kernel.session import Session, cell_id_of
from durable_nb.kernel.showing.telling import Telling, in_short
from durable_nb.kernel.step_code import StepCode
from durable_nb.kernel.told import told_of

_MAY_FAIL = "raises-exception"
"""Tag of a cell whose author expects its error."""
_LONGEST_LABEL = 40


def cell_of(step: StepCode) -> Cell:
    """A step's cell."""
    name = "" if step.cell.auto else step.cell.name
    return Cell(step.cell_id or step.cell.name, name, _label(step.cell.source))


class Isolation:
    """Decides for one kernel which cells may run after others have failed.

    Args:
        session: The kernel's session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._blocks = session.blocks
        self._plain: tuple[Cell, ast.Module, ExecutionInfo, dict[str, Any]] | None = None
        """The plain cell that runs now, and what the names that it makes were bound to before."""

    # Steps.

    def admit(self, step: StepCode, given_up: DurableError | None) -> None:
        """Let a step begin.

        Args:
            step: The step.
            given_up: The error with which it is to fail because it has ended kernels before.

        Raises:
            BlockedError: It needs what a cell that failed would have made.
            DurableError: It was given up.
        """
        cell = cell_of(step)
        self._blocks.met(cell)
        self._session.changed.clear()
        self._session.missing.clear()
        found = self._blocks.reason_for(cell, step.tree) or self._not_completed(step)
        if found is not None and not self._is_given(step):
            error = BlockedError(f"{found.text}. {found.advice}")
            self._not_run(step, EventKind.STEP_BLOCKED, State.BLOCKED, found.text, error)
            raise error
        if given_up is not None:
            raise given_up

    def _is_given(self, step: StepCode) -> bool:
        """Whether the step is not to be executed, because a person has given all that it would make."""
        return self._session.forced_since(step.cell.name) is None and find_given(self._session, step).is_all

    def _not_completed(self, step: StepCode) -> Lack | None:
        """What keeps a step from running because of its option ``--after``."""
        for name in step.cell.options.after:
            if how := self._blocks.unfinished.get(name):
                advice = (
                    f"Mend step {name} and run it, then run this again. To go on without it: "
                    f"%steps unblock {name}"
                )
                return Lack(f"runs after step {name}, which {how}", advice)
        return None

    def _not_run(
        self, step: StepCode, kind: EventKind, state: State, reason: str, error: DurableError
    ) -> None:
        telling = Telling(self._session, step)
        about = {"type": type(error).__name__, "message": reason}
        telling.emit(kind, 0, state=state.value, reason=reason, error=about, cell_id=step.cell_id)
        telling.report(state, 0, reason=reason)

    def completed(self, step: StepCode) -> None:
        """A step has completed or was reused."""
        self._blocks.unfinished.pop(step.cell.name, None)
        cell, missing = cell_of(step), self._session.missing
        self._blocks.completed(cell, step.tree)
        if missing:
            value = f"--value {min(missing)}=VALUE"
            advice = f"Say what it made: durable-nb resolve {cell.step} --happened {value}"
            self._blocks.add(
                Failure(cell, "happened, but nobody said what it made", set(missing), advice=advice)
            )

    def failed(self, step: StepCode, error: BaseException) -> None:
        """A step ended with an error, or was not run: what it would have made is missing."""
        session, cell = self._session, cell_of(step)
        self._blocks.unfinished[step.cell.name] = _how(error)
        latest = self._latest(step.cell.name)
        last = session.made.get(step.cell.name)
        if last is None and latest is not None:
            last = made_by(latest)
        variables = session.namespace.own()
        names = unmade(step.tree, variables, changed=session.changed, code=step.fingerprint, last=last)
        names -= set(step.cell.options.ignore) | hold_given(session, step)
        files = files_made(step.tree, latest, step.cell.options.writes)
        self._add(cell, step.tree, error, names, files)
        for name, why in session.lost.items():
            self._blocks.lose(name, f"{cell.words} changed when it failed: it {why}")
        session.lost.clear()

    def _add(
        self, cell: Cell, tree: ast.Module, error: BaseException, names: set[str], files: frozenset[str]
    ) -> None:
        modules = modules_changed(names, self._session.namespace.values)
        environment = environment_made(tree)
        self._blocks.add(Failure(cell, _how(error), names, files, environment, modules, _advice(error)))

    def _latest(self, step: str) -> Trace | None:
        try:
            return next(iter(self._session.store.traces.latest(step, limit=1)), None)
        except StoreError:
            return None  # its code must do

    # Plain cells.

    def refusal(self, tree: ast.Module, info: ExecutionInfo | None) -> BlockedError | None:
        """The error with which a plain cell is not run; None where it may run."""
        self._plain = None
        if info is None or not info.store_history:
            return None  # front ends look at variables by cells that leave no history
        cell = _plain_cell(info)
        self._blocks.met(cell)
        values = self._session.namespace.values
        names = analyse(tree).writes if self._counts(info) else ()
        self._plain = cell, tree, info, {name: values[name] for name in names if name in values}
        return self._blocks.error_for(cell, tree)

    def ended(self, result: ExecutionResult) -> None:
        """A cell has ended: if it is a plain one, take note of how."""
        plain, self._plain = self._plain, None
        if plain is None:
            return
        cell, tree, info, before = plain
        if result.success:
            self._blocks.completed(cell, tree)
            return
        error = result.error_in_exec or result.error_before_exec
        if error is None or not (isinstance(error, BlockedError) or self._counts(info)):
            return
        names = unmade(tree, self._session.namespace.own())
        if not isinstance(error, DurableError):  # else nothing of it has run
            names -= set(still_good(names, before, self._session.namespace.values))
        self._add(cell, tree, error, names, files_made(tree, None, ()))

    def unparsed(self, info: ExecutionInfo, error: BaseException) -> None:
        """A cell could not be parsed, or not even be understood as a step: nothing of it has run."""
        source = str(info.raw_cell)
        marked = find_marker(source) is not None
        if not info.store_history or not (marked or self._counts(info)):
            return
        cell = _plain_cell(info)
        self._blocks.met(cell)
        self._blocks.add(Failure(cell, _how(error), set(names_made_in_text(source))))

    def _counts(self, info: ExecutionInfo) -> bool:
        """Whether the failure of a plain cell keeps others from running.

        In a batch run it does. At a keyboard it is an attempt among others, and who made it sees it; there
        Jupyter's own way holds.
        """
        about: Mapping[str, Any] = told_of(info)
        return self._session.run.is_batch and _MAY_FAIL not in (about.get("tags") or ())


def _plain_cell(info: ExecutionInfo) -> Cell:
    source = str(info.raw_cell)
    return Cell(cell_id_of(info) or source, "", _label(source))


def _label(source: str) -> str:
    lines = (line.strip() for line in source.splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), source.strip())
    short = first if len(first) <= _LONGEST_LABEL else first[: _LONGEST_LABEL - 1] + "…"
    return f"the cell that begins with {short!r}"


def _how(error: BaseException) -> str:
    """How a cell ended, as part of a sentence."""
    if isinstance(error, BlockedError):
        return f"is blocked itself: it {str(error).partition('. ')[0]}"
    if isinstance(error, WaitingError):
        return "waits for a person's decision"
    if isinstance(error, KeyboardInterrupt):
        return "was interrupted"
    return f"failed ({in_short(error)})"


def _advice(error: BaseException) -> str:
    return f"Decide first: {error}" if isinstance(error, WaitingError) else ""
