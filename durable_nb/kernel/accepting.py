"""``%steps accept`` and ``%steps invalidate``: what a person decides about a step's results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from durable_nb.core.errors import UnknownStepError, UsageError
from durable_nb.core.model import Dependency, DependencyKind, Trace
from durable_nb.core.overrides import CODE, Change, Override, OverrideKind
from durable_nb.core.staleness import Cause, Present, StaleReason, reasons
from durable_nb.core.wording import duration
from durable_nb.kernel.current_cell import current_step
from durable_nb.kernel.depending.deciding import present_state
from durable_nb.kernel.depending.dependencies import Surroundings, unique
from durable_nb.kernel.depending.inputs import Inputs, find_inputs
from durable_nb.kernel.depending.watch import unwatched
from durable_nb.kernel.history import is_history
from durable_nb.kernel.session import Session
from durable_nb.kernel.step_code import StepCode
from durable_nb.store import decisions

_EDITS = frozenset({Cause.CODE, Cause.OPTION, Cause.FUNCTION, Cause.CLASS, Cause.MODULE})
"""Causes that an edit of code brings about."""
_LIVE = frozenset({Cause.VALUE, Cause.FUNCTION, Cause.CLASS})
"""Causes that may also mean that a cell above has not run yet."""
_LOOKED_AT = 50
"""Traces among which one is sought that only an edit keeps from being reused."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, for people."""

    headline: str
    details: tuple[StaleReason, ...] = ()
    ending: str = ""

    def __repr__(self) -> str:
        lines = [self.headline]
        for reason in self.details:
            lines += [f"  {reason.text}", *(f"    {line}" for line in reason.lines)]
        return "\n".join([*lines, *([self.ending] if self.ending else [])])

    def _repr_html_(self) -> str:
        parts = [f"<div>{escape(self.headline)}</div>"]
        for reason in self.details:
            parts.append(f'<div style="padding-left:1.2em">{escape(reason.text)}</div>')
            if reason.lines:
                code = escape("\n".join(reason.lines))
                parts.append(f'<pre style="padding-left:2.4em;margin:0;font-size:12px">{code}</pre>')
        return "".join([*parts, f"<div>{escape(self.ending)}</div>" if self.ending else ""])


@dataclass(frozen=True, slots=True)
class _Edit:
    """What keeps one trace from being reused, if that is nothing but an edit."""

    trace: Trace
    changes: tuple[Change, ...]
    differences: tuple[StaleReason, ...]


def accept(session: Session, words: list[str]) -> object:
    """``%steps accept NAME``: the edit does not change the result, the next run reuses the latest one.

    Raises:
        UsageError: Nothing differs, or not only code does.
        UnknownStepError: There is no such step, or it has no results.
    """
    name, undoing = _read(words, "accept")
    if undoing:
        return _undo(session, OverrideKind.ACCEPT, name)
    return accept_edit(session, name).view


@dataclass(frozen=True, slots=True)
class Accepted:
    """An edit that was accepted."""

    view: Decision
    override: Override


def accept_edit(session: Session, name: str) -> Accepted:
    """Decide that the edit of a step does not change its result.

    Raises:
        UsageError: Nothing differs, or not only code does.
        UnknownStepError: There is no such step, or it has no results.
    """
    with unwatched():
        step = current_step(session, name)
        edit = _edit(session, step)
        definitions = tuple(name for _, names in step.definitions for name in names)
        made = decisions.decide(
            session.store,
            OverrideKind.ACCEPT,
            name,
            traces=(edit.trace.trace_id,),
            changes=edit.changes,
            definitions=definitions,
            run_id=session.run.run_id,
            notebook=session.run.notebook,
        )
    view = Decision(
        f"accepted for {name}: its next run reuses what took {duration(edit.trace.seconds)}, although",
        edit.differences,
        f"Nothing else may differ. To take it back: %steps accept {name} --undo",
    )
    return Accepted(view, made)


def invalidate(session: Session, words: list[str]) -> object:
    """``%steps invalidate NAME``: what the step has left so far is not reused any more.

    Raises:
        UsageError: A word that was not expected, or nothing to take back.
        UnknownStepError: The step has no results.
    """
    name, undoing = _read(words, "invalidate")
    if undoing:
        return _undo(session, OverrideKind.INVALIDATE, name)
    with unwatched():
        made = decisions.invalidate(
            session.store, name, run_id=session.run.run_id, notebook=session.run.notebook
        )
    results = "1 result" if len(made.traces) == 1 else f"{len(made.traces):,} results"
    return Decision(
        f"invalidated {results} of {name}: its next run executes",
        ending=f"Nothing is deleted. To take it back: %steps invalidate {name} --undo",
    )


SUBCOMMANDS = {"accept": accept, "invalidate": invalidate}
"""For ``%steps``."""


def _read(words: list[str], subcommand: str) -> tuple[str, bool]:
    names = [word for word in words if word != "--undo"]
    if len(names) != 1 or names[0].startswith("-"):
        found = " ".join(words) or "nothing"
        raise UsageError(f"%steps {subcommand}: found {found}, expected %steps {subcommand} NAME [--undo]")
    return names[0], len(names) < len(words)


def _undo(session: Session, kind: OverrideKind, name: str) -> Decision:
    with unwatched():
        decisions.undo(session.store, kind, name, run_id=session.run.run_id, notebook=session.run.notebook)
    accepted = kind is OverrideKind.ACCEPT
    what = "an edited step executes" if accepted else "its results are reused where they are up to date"
    return Decision(f"taken back for {name}: {what}")


# What differs.


def _edit(session: Session, step: StepCode) -> _Edit:
    """The edit between the newest result that nothing else makes stale, and now.

    Raises:
        UsageError: There is no such result.
        UnknownStepError: The step has no results.
    """
    name = step.cell.name
    surroundings = Surroundings(Path.cwd())
    session.namespace.lazy.load_history(step.names)
    inputs = find_inputs(step.names, step.cell.options, session.namespace)
    present = present_state(session, step, inputs, surroundings, session.store.overrides.standing(name))
    why_not = ""
    for trace in session.store.traces.latest(name, limit=_LOOKED_AT):
        differing = list(reasons(present, trace))
        if not differing:
            raise UsageError(f"{_found(session, step)} differs in nothing: its next run reuses what it left")
        problem = next(_problems(session, step, trace, differing), "")
        if not problem:
            changes = [_change(present, trace, reason) for reason in differing]
            named = _newly_named(surroundings, step, inputs, trace)
            return _Edit(trace, (*changes, *named), tuple(differing))
        why_not = why_not or problem
    if not why_not:
        raise UnknownStepError(f"step {name!r} has no results yet that an edit could leave as they are")
    raise UsageError(f"{_found(session, step)} differs not only by an edit of code: {why_not}")


def _found(session: Session, step: StepCode) -> str:
    """What was looked at, so that nobody wonders about an edit that is not saved."""
    seen = session.last_seen(step.cell.name)
    as_run = seen is not None and seen[1] == step.cell.source
    return f"step {step.cell.name}, {'as it was last run' if as_run else 'as the notebook is saved'},"


def _problems(
    session: Session, step: StepCode, trace: Trace, differing: Sequence[StaleReason]
) -> Iterator[str]:
    """What keeps the differences to a trace from being an edit that leaves its result as it is."""
    for reason in differing:
        if reason.cause in _EDITS:
            continue
        newly_read = reason.cause is Cause.VALUE and not _recorded(trace, reason)
        not_read_any_more = reason.cause is Cause.VALUE and _is_unread(session, step, reason.name)
        if not newly_read and not not_read_any_more:
            yield reason.text
    for reason in differing:
        is_gone = reason.cause in _LIVE and not session.namespace.has(reason.name)
        if is_gone and reason.name in step.names.reads:
            yield f"{reason.name} is not there; run the cells above first"
    made = {output.name for output in trace.outputs} | set(step.cell.options.ignore)
    made |= {name for _, names in step.definitions for name in names}
    for name in sorted(step.names.always_binds - made):
        if session.namespace.has(name) or not is_history(name):
            yield f"it binds {name} now, of which there is no result"


def _is_unread(session: Session, step: StepCode, name: str) -> bool:
    """Whether the step does not read a variable any more, though it is there."""
    inputs = find_inputs(step.names, step.cell.options, session.namespace)
    return session.namespace.has(name) and name not in inputs.variables()


def _recorded(trace: Trace, reason: StaleReason) -> Dependency | None:
    kind = DependencyKind(reason.cause.value)
    return next((d for d in trace.dependencies if d.kind is kind and d.name == reason.name), None)


def _change(present: Present, trace: Trace, reason: StaleReason) -> Change:
    if reason.cause in {Cause.CODE, Cause.OPTION}:
        return Change(CODE, "", trace.code, present.code, reason.text)
    kind = DependencyKind(reason.cause.value)
    was, now = _recorded(trace, reason), present.read.get((kind, reason.name))
    if now is None and kind is DependencyKind.MODULE:
        now = present.find(kind, reason.name)
    return Change(
        kind.value, reason.name, was.fingerprint if was else "", now.fingerprint if now else "", reason.text
    )


def _newly_named(
    surroundings: Surroundings, step: StepCode, inputs: Inputs, trace: Trace
) -> Iterator[Change]:
    """Files and environment variables that only the edited code names: they must stay as they are now."""
    recorded = {(d.kind, d.name) for d in trace.dependencies}
    texts = (step.names.texts | inputs.texts) - step.names.written_texts
    found = [
        *surroundings.declared(step.cell.options),
        *surroundings.variables(sorted(inputs.environment)),
        *surroundings.named_files(sorted(texts)),
    ]
    for new in unique(found):
        if (new.kind, new.name) not in recorded:
            yield Change(new.kind.value, new.name, "", new.fingerprint, f"{new.name} is named now")
