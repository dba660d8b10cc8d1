"""Change a step for this run: what it made, or how often and how long it is tried."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from durable_nb.core.errors import UsageError
from durable_nb.core.model import Output, OutputKind
from durable_nb.core.options import parse_options
from durable_nb.core.overrides import OPTION, Change, OverrideKind
from durable_nb.dashboard.actions.action import Arguments, Done, Foretold, undo_of
from durable_nb.dashboard.actions.deciding import texts
from durable_nb.dashboard.actions.desk import Desk
from durable_nb.dashboard.actions.running import run_again
from durable_nb.dashboard.steps.rows import StepSight
from durable_nb.store import decisions, giving

EDITABLE = ("retries", "backoff", "backoff_factor", "backoff_max", "timeout")
"""Options that can be changed without changing the result."""


# Values.


def why_not_set(desk: Desk, sight: StepSight) -> str:
    """What keeps an output from being set by hand."""
    if not desk.place.own_run and not sight.row.get("run_id"):
        return "no run has come to it yet"
    return "" if desk.board.source(sight.step) else "its cell is not known; save the notebook"


def foretell_set(desk: Desk, step: str, arguments: Arguments) -> Foretold:
    """What giving a value would do."""
    name, output = _name(arguments), _given(desk, arguments, store_it=False)
    was = _was(desk, step, name)
    old = f" instead of {was.summary}" if was is not None and was.summary else ""
    return Foretold(f"{step}.{name} is {output.summary}{old}, {_while(desk, step)}", undo=True)


def set_output(desk: Desk, step: str, arguments: Arguments) -> Done:
    """Give an output a value that was typed."""
    return _give(desk, step, _given(desk, arguments, store_it=True))


def foretell_restore(desk: Desk, step: str, arguments: Arguments) -> Foretold:
    """What bringing an older value back would do."""
    output = _older(desk, step, arguments)
    return Foretold(f"{step}.{output.name} is {output.summary} again, {_while(desk, step)}", undo=True)


def restore(desk: Desk, step: str, arguments: Arguments) -> Done:
    """Give an output the value that it had in an older execution."""
    output = _older(desk, step, arguments)
    desk.place.store.artifacts.check(output.fingerprint)
    return _give(desk, step, output)


def _give(desk: Desk, step: str, output: Output) -> Done:
    was = _was(desk, step, output.name)
    made = giving.give_output(
        desk.place.store, desk.board.run_of(step), step, output, was=was, notebook=desk.place.notebook
    )
    bound = run_again(desk, step)
    text = f"{step}.{output.name} is {output.summary}"
    holds = f"; {step} runs to bind it" if bound else "; it holds when the run is resumed"
    return Done(text + holds, undo_of(made.override_id, step))


def _while(desk: Desk, step: str) -> str:
    run_id = desk.board.run_of(step)
    return f"in this run ({run_id}) and no other, until it is taken back"


def _name(arguments: Arguments) -> str:
    name = arguments.get("name") or arguments.get("output")
    if not isinstance(name, str) or not name.isidentifier():
        raise UsageError(f"found {name!r}, expected the name of an output")
    return name


def _given(desk: Desk, arguments: Arguments, *, store_it: bool) -> Output:
    """The value that was typed: JSON, or else text."""
    text = arguments.get("value")
    if not isinstance(text, str):
        raise UsageError(f"found {text!r}, expected the value as it is typed: JSON, or else text")
    value = giving.value_of_text(text)
    if store_it:
        return giving.stored_output(desk.place.store, _name(arguments), value)
    return giving.output_of(_name(arguments), value)


def _was(desk: Desk, step: str, name: str) -> Output | None:
    given = desk.board.standing(step).given(desk.board.run_of(step))
    if name in given:
        return given[name][0]
    trace = desk.board.trace(step)
    return next((o for o in trace.outputs if o.name == name), None) if trace is not None else None


def _older(desk: Desk, step: str, arguments: Arguments) -> Output:
    name, trace_id = _name(arguments), str(arguments.get("trace_id") or "")
    trace = desk.board.trace(step, trace_id) if trace_id else None
    outputs = trace.outputs if trace is not None else ()
    output = next((o for o in outputs if o.name == name and o.kind is OutputKind.VALUE), None)
    if output is None:
        raise UsageError(f"step {step!r} has no stored value of {name} in its result {trace_id!r}")
    return output


# Options.


def foretell_options(desk: Desk, step: str, arguments: Arguments) -> Foretold:
    """What other options would do."""
    changes = _changes(desk, step, arguments)
    words = ", ".join(change.text for change in changes)
    return Foretold(f"{step}: {words}, {_while(desk, step)}; its result is none the less reused", undo=True)


def edit_options(desk: Desk, step: str, arguments: Arguments) -> Done:
    """Try a step more often, or let it take more time, in this run."""
    changes = _changes(desk, step, arguments)
    made = decisions.decide(
        desk.place.store,
        OverrideKind.OPTIONS,
        step,
        changes=changes,
        run_id=desk.board.run_of(step),
        notebook=desk.place.notebook,
    )
    words = ", ".join(change.text for change in changes)
    return Done(f"{step}: {words}, from its next attempt on", undo_of(made.override_id, step))


def _changes(desk: Desk, step: str, arguments: Arguments) -> tuple[Change, ...]:
    """What differs from the options that hold now.

    Raises:
        UsageError: An option that cannot be changed, a value that does not fit, or nothing that differs.
    """
    wanted = texts(arguments.get("options", arguments))
    strange = sorted(wanted.keys() - set(EDITABLE))
    if strange:
        raise UsageError(f"{', '.join(strange)} cannot be changed here, but {', '.join(EDITABLE)}")
    found = tuple(_changed(desk, step, wanted))
    if not found:
        raise UsageError(f"the options of {step} are like that already")
    return found


def _changed(desk: Desk, step: str, wanted: Mapping[str, str]) -> Iterator[Change]:
    edited = desk.board.standing(step).options(desk.board.run_of(step))
    declared = desk.board.declared(step)
    for name, text in wanted.items():
        now = text.strip()
        was = edited[name] if name in edited else _typed(getattr(declared, name))
        if now == was:
            continue
        if now:
            parse_options([f"--{name.replace('_', '-')}", now])
        yield Change(OPTION, name, was, now, f"{name} {was or 'none'} → {now or 'none'}")


def _typed(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else json.dumps(value)
