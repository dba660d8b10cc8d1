"""Steps that act on the world: written down before they begin, not run twice unless a person says so.

What is written tells one operation by the values that the step works on. It has a key that stays the same in
every attempt until the step completes: services that know such keys do a thing once however often one asks.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from durable_nb.core.errors import StoreError, WaitingError
from durable_nb.core.intents import OPEN, Intent, IntentState, StepFacts, operation_of
from durable_nb.core.model import Dependency, EventKind, State, Trace
from durable_nb.core.overrides import Names
from durable_nb.core.staleness import Cause, Present, reasons
from durable_nb.core.staleness import in_short as reasons_in_short
from durable_nb.kernel.depending.dependencies import unique
from durable_nb.kernel.depending.inputs import Inputs
from durable_nb.kernel.depending.watch import unwatched
from durable_nb.kernel.session import Session
from durable_nb.kernel.showing.telling import Telling, in_short
from durable_nb.kernel.step_code import StepCode
from durable_nb.store import origin
from durable_nb.store.resolving import clock, what_is_known

_ANOTHER_OPERATION = frozenset(
    {Cause.ALWAYS, Cause.INVALIDATED, Cause.FORCED, Cause.TTL, Cause.OPTION, Cause.FILE, Cause.ENV}
)
"""Reasons for which a step that has completed does what it does once more: somebody asked for it."""


class Operation:
    """What a step is about to do, and what is known of it.

    Args:
        session: The kernel's session.
        step: The step.
        inputs: What it reads.
        key: Fingerprint of its code and of what it reads.
    """

    def __init__(self, session: Session, step: StepCode, inputs: Inputs, key: str) -> None:
        self._session = session
        self._step = step
        self._inputs = inputs
        self._key = key
        self.id = operation_of(step.cell.name, inputs.read)
        self._intent: Intent | None = None
        """As it stands in the store because of this execution; None before it has written anything."""

    @property
    def at_most_once(self) -> bool:
        """Whether the step must not do it twice."""
        return self._step.cell.options.at_most_once

    # Before it begins.

    def is_done_in_this_run(self) -> bool:
        """Whether it completed in this batch run, in a kernel that is gone: ``--always`` means once a run."""
        if not (self.at_most_once and self._session.run.is_batch):
            return False
        known = self._known()
        return (
            known is not None
            and known.run_id == self._session.run.run_id
            and known.state in {IntentState.COMPLETED, IntentState.HAPPENED}
        )

    def admit(self, present: Present, telling: Telling) -> Trace | None:
        """Let the step execute, unless it may have done already what it would do.

        Args:
            present: The step as it stands.
            telling: Where it is told that it waits.

        Returns:
            What a person said that it left, to be taken as its result; None where it is to be executed.

        Raises:
            WaitingError: A person has to say first what became of it.
        """
        known = self._known() if self.at_most_once else None
        if known is None or known.state is IntentState.AGAIN:
            return None
        if known.state in OPEN:
            left = self._left(known)
            if left is None:
                raise self._refusal(known, what_is_known(known), telling)
            known = replace(known, state=IntentState.COMPLETED, trace_id=left.trace_id)
        trace = self._session.store.traces.find(self._step.cell.name, known.trace_id)
        why = list(reasons(present, trace)) if trace is not None else []
        if any(reason.cause in _ANOTHER_OPERATION for reason in why):
            return None
        if known.state is IntentState.HAPPENED and all(r.cause is Cause.NOT_DURABLE for r in why):
            return trace
        done = "a person said that it happened" if known.state is IntentState.HAPPENED else "it has completed"
        text = reasons_in_short(why) or "its result is gone"
        raise self._refusal(known, f"{done} at {clock(known.at)}, and would run again: {text}", telling)

    def settle(self, trace: Trace) -> None:
        """The step is reused: it does not wait any more, if it did because of an edit that is undone."""
        known = self._known() if self.at_most_once else None
        if known is not None and known.state is IntentState.WAITING and known.trace_id == trace.trace_id:
            self._session.store.intents.put(replace(known, state=IntentState.COMPLETED, why=""))

    def missing(self, trace: Trace) -> tuple[str, ...]:
        """Names that a result given by a person leaves open."""
        known = self._known() if self.at_most_once else None
        return known.missing if known is not None and known.trace_id == trace.trace_id else ()

    def _known(self) -> Intent | None:
        """What is known of the operation, under former names of the step too: what was said last counts."""
        names = self._session.store.overrides.names(self._step.cell.name)
        found = [self._session.store.intents.get(name, id_) for name, id_ in self._identities(names).items()]
        if names.doubtful_until:
            # Under a name that nobody can read any more it may have been begun.
            unread = Intent(names.step, self.id, "", IntentState.DAMAGED, names.doubtful_until)
            found.append(unread)
        known = max(filter(None, found), key=lambda intent: intent.at, default=None)
        return None if known is None else replace(known, step=names.step, operation=self.id)

    def identities(self) -> dict[str, str]:
        """Each name that the step has and had → what this operation is called under it."""
        return self._identities(self._session.store.overrides.names(self._step.cell.name))

    def _identities(self, names: Names) -> dict[str, str]:
        return {name: operation_of(name, self._inputs.read) for name in names.all}

    def _left(self, known: Intent) -> Trace | None:
        """What it left, if its process died only after it had completed."""
        if known.state is not IntentState.BEGUN:
            return None
        traces = self._session.store.traces.latest(self._step.cell.name)
        return next((t for t in traces if (t.run_id, t.attempt) == (known.run_id, known.attempt)), None)

    def _refusal(self, known: Intent, what: str, telling: Telling) -> WaitingError:
        """Take note that the step waits as it is now, so that a person's word is about this; say so."""
        name = self._step.cell.name
        first = known.why if known.state is IntentState.WAITING else what
        waits = replace(known, state=IntentState.WAITING, why=first, facts=self._facts(()))
        self._session.store.intents.put(waits)
        error = WaitingError(
            f"step {name} is to be executed at most once: {first}. Say what became of it:\n"
            f"  durable-nb resolve {name} --happened [--value NAME=VALUE]   go on, with these values\n"
            f"  durable-nb resolve {name} --run-again                       execute it once more\n"
            f"or here: %steps resolve {name} --happened, %steps resolve {name} --run-again"
        )
        facts: dict[str, Any] = {
            "state": State.WAITING.value,
            "reason": first,
            "error": {"type": "WaitingError", "message": str(error)},
            "operation": self.id,
        }
        telling.emit(EventKind.STEP_WAITING, 0, cell_id=self._step.cell_id, **facts)
        telling.report(State.WAITING, 0, reason=first)
        return error

    # While it runs.

    def begin(self, attempt: int, known: Iterable[Dependency]) -> None:
        """An attempt is about to run its first statement: once this returns, that is on disk.

        Args:
            attempt: Its number.
            known: What the step depends on besides its inputs, as known before it runs.

        Raises:
            StoreError: It could not be written; nothing has run.
        """
        if self.at_most_once or self._intent is not None:
            self._write(attempt, tuple(known))

    def key(self, attempt: int) -> str:
        """The idempotency key: the same in every attempt until the step completes.

        Raises:
            StoreError: It could not be written down.
        """
        if self._intent is None:
            with unwatched():
                self._write(attempt, ())
        assert self._intent is not None
        return self._intent.key

    def _write(self, attempt: int, known: tuple[Dependency, ...]) -> None:
        earlier = self._intent or self._known()
        # An operation that has ended is another one than that which begins.
        goes_on = earlier is not None and earlier.state in {*OPEN, IntentState.AGAIN} and earlier.key
        intent = Intent(
            step=self._step.cell.name,
            operation=self.id,
            key=earlier.key if earlier is not None and goes_on else secrets.token_hex(16),
            state=IntentState.BEGUN,
            at=time.time(),
            run_id=self._session.run.run_id,
            attempt=attempt,
            host=origin.host(),
            pid=os.getpid(),
            at_most_once=self.at_most_once,
            facts=self._facts(known),
        )
        self._session.store.intents.put(intent)
        self._intent = intent

    def failed(self, error: BaseException, *, may_run_again: bool) -> None:
        """The attempt ended with an error.

        Args:
            error: What was raised.
            may_run_again: Whether the step's author takes such an error for a proof that nothing was done.
        """
        if self._intent is None or not self.at_most_once:
            return
        state = IntentState.AGAIN if may_run_again else IntentState.FAILED
        with contextlib.suppress(
            StoreError
        ):  # then it stands there as begun, which is as good a reason to ask
            self._end(state, why=in_short(error))

    def completed(self, trace: Trace) -> None:
        """The attempt has completed, and what it left is committed."""
        if self._intent is not None:
            with contextlib.suppress(StoreError):  # the trace says it too
                self._end(IntentState.COMPLETED, trace_id=trace.trace_id)

    def _end(self, state: IntentState, **facts: Any) -> None:
        assert self._intent is not None
        self._intent = replace(self._intent, state=state, at=time.time(), **facts)
        self._session.store.intents.put(self._intent)

    def _facts(self, known: tuple[Dependency, ...]) -> StepFacts:
        step = self._step
        definitions = {name for _, names in step.definitions for name in names}
        return StepFacts(
            code=step.fingerprint,
            key=self._key,
            source=step.cell.source,
            options=step.cell.options.changed(),
            dependencies=unique([*self._inputs.read.values(), *known]),
            definitions=tuple(sorted(definitions)),
            binds=tuple(sorted(step.names.always_binds - definitions)),
            notebook=self._session.run.notebook,
            cell_id=step.cell_id,
        )
