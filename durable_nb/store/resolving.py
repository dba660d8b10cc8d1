"""What a person says of an operation that nobody knows the end of: it happened, or run it again."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from textwrap import fill
from typing import Any

from durable_nb.core.errors import UnknownStepError, UsageError
from durable_nb.core.intents import OPEN, Intent, IntentState
from durable_nb.core.model import EventKind, Json, Output, OutputKind, StepEvent, Trace
from durable_nb.core.suggesting import did_you_mean
from durable_nb.store import origin
from durable_nb.store.giving import stored_output, value_of_text
from durable_nb.store.step_locks import step_lock
from durable_nb.store.store import Store

_WIDTH = 78
"""Of a line in a list, so that it fits a terminal."""


def waiting(store: Store) -> list[Intent]:
    """The operations of which a person has to say what became of them, oldest first."""
    found = [told for told in _operations(store.intents.all()) if told[0].at_most_once]
    waits = [told for told in found if told[0].state in OPEN and not any(is_running(store, i) for i in told)]
    return sorted((told[0] for told in waits), key=lambda intent: intent.at)


def operations(store: Store, step: str) -> list[Intent]:
    """What is known of each operation of a step, also under names that it had before; newest first."""
    names = store.overrides.names(step).all
    found = _operations(intent for name in names for intent in store.intents.of(name))
    return sorted((told[0] for told in found), key=lambda intent: intent.at, reverse=True)


def _operations(intents: Iterable[Intent]) -> list[list[Intent]]:
    """What is known of each operation: one that went on under a new name of its step is told of twice.

    What was said last comes first.
    """
    told: dict[tuple[str, ...], list[Intent]] = {}
    for intent in intents:
        told.setdefault((intent.key,) if intent.key else (intent.step, intent.operation), []).append(intent)
    return [sorted(of_one, key=_is_last, reverse=True) for of_one in told.values()]


def _is_last(intent: Intent) -> tuple[float, bool]:
    # One that waits does so for what is known under another name, and is of the same moment.
    return intent.at, intent.state is IntentState.WAITING


def is_running(store: Store, intent: Intent) -> bool:
    """Whether a process is at it now."""
    lock = step_lock(store.path, intent.step, intent.operation)
    if not lock.path.exists() or not lock.try_acquire():
        return lock.path.exists()
    lock.discard()
    return False


def find(store: Store, step: str) -> Intent:
    """The newest operation of a step that waits for a person, or else the newest that one has resolved.

    Raises:
        UnknownStepError: The step has none.
    """
    known = [intent for intent in operations(store, step) if intent.at_most_once]
    wanted = [i for i in known if i.state in OPEN] or [i for i in known if i.state is IntentState.HAPPENED]
    if not wanted:
        others = list(dict.fromkeys(intent.step for intent in waiting(store)))
        hint = did_you_mean(step, others, f"steps that do: {', '.join(others) or 'none'}")
        raise UnknownStepError(f"step {step!r} does not wait for a decision; {hint}")
    return wanted[0]


def resolve(store: Store, step: str, *, happened: bool, values: Mapping[str, Any]) -> Intent:
    """Decide about the operation of a step that waits.

    Args:
        store: Where it waits.
        step: Name of the step.
        happened: Whether it happened; otherwise the step runs again.
        values: What the step would have bound, if it happened.

    Returns:
        What holds now.

    Raises:
        UnknownStepError: The step does not wait.
        UsageError: It runs right now, or a value is no value of that step.
        StoreError: It could not be written.
    """
    if values and not happened:
        raise UsageError("values are given of what happened: expected --happened with --value")
    intent = find(store, step)
    lock = step_lock(store.path, intent.step, intent.operation)
    if not lock.try_acquire():
        raise UsageError(f"step {step!r} is being run by {lock.holder()}: wait for its end, or end it first")
    try:
        decided = _happened(store, intent, values) if happened else replace(intent, state=IntentState.AGAIN)
        decided = replace(decided, at=time.time(), user=origin.user(), why="")
        store.intents.put(decided)
    finally:
        lock.discard()
    _tell(store, decided, values)
    return replace(decided, step=step)


def read_values(texts: Iterable[str]) -> dict[str, Any]:
    """Values as they are typed: ``NAME=VALUE``, JSON or else text.

    Raises:
        UsageError: One has no name.
    """
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise UsageError(f"found {text!r}, expected NAME=VALUE such as 'receipt=\"R-17\"'")
        values[name.strip()] = value_of_text(value)
    return values


def in_words(intent: Intent) -> str:
    """One line about an operation, for people."""
    if intent.state is IntentState.AGAIN:
        return f"{intent.step} will run again"
    if intent.state is IntentState.HAPPENED:
        open_names = f"; {', '.join(intent.missing)} not known" if intent.missing else ""
        return f"{intent.step} happened, and will not run again{open_names}"
    return f"{intent.step} waits: {what_is_known(intent)}"


def listed(intents: Iterable[Intent], command: str) -> str:
    """What waits for a person, with what to type.

    Args:
        intents: The operations.
        command: What decides about them: ``durable-nb resolve`` or ``%steps resolve``.
    """
    return "\n".join(_asked(intent, command) for intent in intents) or "no step waits for a decision"


def _asked(intent: Intent, command: str) -> str:
    known = fill(what_is_known(intent), _WIDTH, initial_indent="  ", subsequent_indent="  ")
    decide = f"{command} {intent.step}"
    return (
        f"{intent.step} waits. Say what became of it:\n{known}\n"
        f"  it was done:  {decide} --happened [--value NAME=VALUE]\n"
        f"  once more:    {decide} --run-again"
    )


def what_is_known(intent: Intent) -> str:
    """What became of an operation, as far as the store knows."""
    if intent.state is IntentState.BEGUN:
        where = f"process {intent.pid} on {intent.host}"
        return f"it was begun at {clock(intent.at)} by {where} (run {intent.run_id}), and did not end"
    if intent.state is IntentState.FAILED:
        return f"it failed at {clock(intent.at)} ({intent.why}), perhaps after it had done what it does"
    if intent.state is IntentState.WAITING and intent.why:
        return intent.why
    return "what was written about it cannot be read"


def clock(at: float) -> str:
    """A moment as the clock here shows it."""
    return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M:%S}"


def as_json(intent: Intent) -> dict[str, Json]:
    """What programs are told of an operation."""
    names = ("step", "operation", "key", "at", "run_id", "attempt", "host", "pid", "user", "trace_id", "why")
    facts: dict[str, Json] = {name: getattr(intent, name) for name in names}
    return facts | {"state": intent.state.value, "missing": list(intent.missing)}


def _happened(store: Store, intent: Intent, values: Mapping[str, Any]) -> Intent:
    facts = intent.facts
    if not facts.code:
        raise UsageError(
            f"what step {intent.step!r} reads and binds is not known: run the notebook, so that it waits, "
            "then say this again"
        )
    strange = [name for name in values if name not in facts.binds]
    if strange:
        binds = ", ".join(facts.binds) or "nothing"
        raise UsageError(f"step {intent.step!r} binds {binds}; found a value for {', '.join(strange)}")
    outputs = [Output(name, OutputKind.DEFINITION) for name in facts.definitions]
    outputs += [stored_output(store, name, value) for name, value in values.items()]
    note = f"{intent.step}: it happened, says {origin.user()}\n"
    trace = Trace(
        step=intent.step,
        code=facts.code,
        key=facts.key,
        source=facts.source,
        options=facts.options,
        dependencies=facts.dependencies,
        outputs=tuple(outputs),
        display=({"output_type": "stream", "name": "stdout", "text": note},),
        created_at=time.time(),
        seconds=0.0,
        run_id=intent.run_id,
        attempt=max(intent.attempt, 1),
        notebook=facts.notebook,
        cell_id=facts.cell_id,
    )
    missing = tuple(name for name in facts.binds if name not in values)
    trace_id = store.traces.add(trace).trace_id
    return replace(intent, state=IntentState.HAPPENED, trace_id=trace_id, missing=missing)


def _tell(store: Store, decided: Intent, values: Mapping[str, Any]) -> None:
    data: dict[str, Any] = {
        "override": decided.state.value,
        "user": decided.user,
        "host": origin.host(),
        "notebook": decided.facts.notebook,
        "operation": decided.operation,
        "values": sorted(values),
        "trace_id": decided.trace_id or None,
    }
    store.record(StepEvent(EventKind.OVERRIDDEN, decided.run_id, decided.at, decided.step, 0, data))
    store.recover()
