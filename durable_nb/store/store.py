"""The store: one folder with everything durable about some notebooks."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_nb.core.errors import (
    StoreAccessError,
    UnknownRunError,
    UnknownStepError,
    UsageError,
)
from durable_nb.core.model import Output, OutputKind, StepEvent, Trace
from durable_nb.core.overrides import Override
from durable_nb.core.secrets import Secrets
from durable_nb.store.artifacts import Artifacts
from durable_nb.store.intents import Intents
from durable_nb.store.ledger import Ledger
from durable_nb.store.location import find_store
from durable_nb.store.notebooks import Notebooks
from durable_nb.store.overrides import Overrides, event_of
from durable_nb.store.run_files import RunFiles, known_moments
from durable_nb.store.signing import user_key
from durable_nb.store.spool import Spool
from durable_nb.store.traces import Traces
from durable_nb.store.writer import Writer

if TYPE_CHECKING:
    from durable_nb.store.codecs import CodecContext


@dataclass(frozen=True, slots=True)
class Recovered:
    """What the ledger learnt again from the files, which are the truth."""

    traces_added: int = 0
    """Completed steps whose events were lost."""
    overrides_added: int = 0
    """Decisions of people that were lost."""
    runs_added: int = 0
    """Beginnings and ends of runs, and calls of hooks, that were lost."""


class Store:
    """Artifacts and traces, which are the truth, and the ledger, which is how you ask.

    Nothing is made on disk before the first write.

    Args:
        path: The folder.
        lock_timeout: Seconds to wait for other processes before LedgerLockedError is raised.
    """

    def __init__(self, path: Path, *, lock_timeout: float = 30.0) -> None:
        self.path = path
        self.artifacts = Artifacts(path / "artifacts")
        self.overrides = Overrides(path / "overrides")
        self.traces = Traces(path / "traces", lambda step: self.overrides.names(step).all)
        self.intents = Intents(path / "intents")
        self.notebooks = Notebooks(path / "notebooks")
        self.runs = RunFiles(path / "runs")
        spool = Spool(path / "spool", self.traces.find)
        self.ledger = Ledger(path, self.traces.all, self.runs.events, spool=spool, lock_timeout=lock_timeout)
        self._writer = Writer(self._commit, spool)
        self.observers: list[Callable[[StepEvent], None]] = []
        """Told of every event that is recorded."""
        self.secrets = Secrets()
        """What nothing that is written here may hold."""

    def conceal(self, secrets: Secrets) -> None:
        """Mask these secrets, and those added to them later, in everything that is written from now on."""
        self.secrets = secrets
        for files in (self.traces, self.intents, self.overrides, self.notebooks, self.runs):
            files.secrets = secrets

    def decide(self, override: Override) -> Override:
        """Make a person's decision about a step hold from now on, and log it.

        Raises:
            StoreError: It could not be written.
        """
        made = self.overrides.add(override)
        self.record(event_of(made))
        return made

    def record(self, event: StepEvent) -> None:
        """Take note of an event; it is in the ledger a few milliseconds later. Never blocks."""
        event = self.secrets.masked(event)
        self._writer.put(event)
        for observer in self.observers:
            observer(event)

    def _commit(self, events: Sequence[StepEvent], *, wait: bool = True) -> None:
        self.ledger.record(events, wait=wait)

    def stir(self) -> None:
        """Have what other processes have recorded brought into the ledger soon."""
        self._writer.stir()

    def step_aside(self) -> None:
        """Take no lock in the background from now on: code begins that may halt this process's threads."""
        self._writer.step_aside()

    def come_back(self) -> None:
        """That code has ended."""
        self._writer.come_back()

    def put_down(self) -> None:
        """Make everything recorded known to other processes, without waiting for any."""
        self._writer.put_down()

    def flush(self) -> None:
        """Wait until everything recorded is durable.

        Raises:
            StoreError: The ledger cannot be written; nothing recorded is forgotten, flush may be tried again.
        """
        self._writer.flush()

    def close(self) -> None:
        """Flush, and free what the ledger holds in memory. A closed store opens again when used.

        Raises:
            StoreError: The ledger cannot be written.
        """
        try:
            self.flush()
        finally:
            self.ledger.close()

    def recover(self) -> Recovered:
        """Tell the ledger about completed steps, decisions and runs that it does not know, as a process died.

        Cheap when there are none.

        Raises:
            StoreError: The ledger cannot be read or written.
        """
        self.flush()
        rebuilt = not self.ledger.path.exists()  # then the first look at it fills it from the files
        traces, runs = self._recover_traces(rebuilt=rebuilt), self._recover_runs(rebuilt=rebuilt)
        return Recovered(traces, self._recover_overrides(), runs)

    def _recover_traces(self, *, rebuilt: bool) -> int:
        files = self.traces.files()
        if not files:
            return 0
        known = {row["trace_id"] for row in self.ledger.rows("SELECT trace_id FROM traces")}
        if rebuilt:
            return len(known)
        missing = {trace_id: path for trace_id, path in files.items() if trace_id not in known}
        if not missing:
            return 0
        found = list(self.traces.readable(missing))
        if found:
            self.ledger.adopt(found)
        return len(found)

    def _recover_runs(self, *, rebuilt: bool) -> int:
        files = self.runs.files()
        if not files:
            return 0
        known = known_moments(self.ledger.rows(_RUN_MOMENTS))
        if rebuilt:
            return len(known)
        missing = [path for moment, path in files.items() if moment not in known]
        found = self.runs.events(missing) if missing else []
        if found:
            self.ledger.learn(found)
        return len(found) and len(missing)

    def _recover_overrides(self) -> int:
        made = {override.override_id: override for override in self.overrides.all()}
        if not made:
            return 0
        rows = self.ledger.rows(
            "SELECT data->>'override_id' AS override_id FROM events WHERE kind = 'overridden'"
        )
        for row in rows:
            made.pop(row["override_id"], None)
        if made:
            self.ledger.record([event_of(override) for override in made.values()])
        return len(made)

    def context(
        self, namespace: dict[str, Any] | None = None, of_code: Callable[[object], str] | None = None
    ) -> CodecContext:
        """Return what codecs need: this user's key, and the namespace in which functions live.

        Raises:
            StoreError: The user's key cannot be read or made.
        """
        from durable_nb.store.codecs import CodecContext  # with pyarrow, so only when a value is stored

        return CodecContext(key=user_key(), namespace={} if namespace is None else namespace, of_code=of_code)

    def load(self, step: str, name: str, run: str | None = None, context: CodecContext | None = None) -> Any:
        """Return a stored value: of the last time the step completed or was reused, or of one run.

        A value that a person gave by hand in that run stands for what the step made.

        Raises:
            UnknownStepError: No trace of that step, in that run, is there.
            UnknownRunError: The ledger has no such run.
            UsageError: The step has no such output, or it is not stored as a value.
            DamagedError: The value is there no more, or damaged.
        """
        given = self._given(step, name, run)
        if given is not None:
            return self.artifacts.get(given.fingerprint, context or self.context())
        trace = self._trace(step, run)
        output = _stored_output(trace, name)
        if output.kind is OutputKind.PART:
            return self.artifacts.get(output.of, context or self.context())[output.name]
        return self.artifacts.get(output.fingerprint, context or self.context())

    def _given(self, step: str, name: str, run: str | None) -> Output | None:
        """The value that a person gave by hand in that run, or in the last one that came to the step."""
        standing = self.overrides.standing(step)
        if not standing.set_by_hand:
            return None
        if run is None:
            names = list(self.overrides.names(step).all)
            rows = self.ledger.rows(_LAST_RUN, [names])
            run = rows[0]["run_id"] if rows else ""
        output, _ = standing.given(run).get(name, (None, ""))
        return output

    def _trace(self, step: str, run: str | None) -> Trace:
        self.recover()
        names = list(self.overrides.names(step).all)
        chosen = "" if run is None else " AND run_id = ?"
        rows = self.ledger.rows(
            "SELECT trace_id FROM attempts WHERE list_contains(?::VARCHAR[], step) AND trace_id IS NOT NULL "  # noqa: S608  # both parts are our own
            f"{chosen} ORDER BY started_at DESC, attempt DESC LIMIT 1",
            [names] if run is None else [names, run],
        )
        if rows:
            return self.traces.get(rows[0]["trace_id"])
        if run is not None and not self.ledger.rows("SELECT 1 FROM runs WHERE run_id = ?", [run]):
            raise UnknownRunError(f"There is no run {run!r} in {self.path}. To list them: durable-nb runs")
        raise UnknownStepError(self._no_such_step(step, run))

    def _no_such_step(self, step: str, run: str | None) -> str:
        rows = self.ledger.rows("SELECT DISTINCT step FROM traces ORDER BY step")
        known = ", ".join(row["step"] for row in rows) or "none"
        where = f"run {run!r}" if run is not None else str(self.path)
        return f"No completed step {step!r} in {where}. Completed steps are: {known}. Execute the step first."


_LAST_RUN = """
    SELECT run_id FROM attempts WHERE list_contains(?::VARCHAR[], step)
    ORDER BY started_at DESC, attempt DESC LIMIT 1
"""
_RUN_MOMENTS = """
    SELECT run_id, epoch_us(happened_at) AS at, kind FROM events
    WHERE kind IN ('run_started', 'run_finished', 'hook_called')
"""


def open_store(path: str | os.PathLike[str] | None = None) -> Store:
    """Return the store at a folder, or the one that belongs to the working directory.

    Raises:
        StoreAccessError: A file stands where the folder should be.
    """
    folder = find_store() if path is None else Path(path).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise StoreAccessError(
            f"The store {folder} is a file; a folder was expected. "
            "Move it away, or name another: export DURABLE_NB_STORE=FOLDER"
        )
    return Store(folder)


def _stored_output(trace: Trace, name: str) -> Output:
    outputs = {output.name: output for output in trace.outputs}
    output = outputs.get(name)
    if output is None:
        raise UsageError(
            f"Step {trace.step!r} has no output {name!r}. Its outputs are: {', '.join(outputs) or 'none'}"
        )
    if output.kind is OutputKind.ALIAS and output.of in outputs:
        return _stored_output(trace, output.of)
    if output.kind not in (OutputKind.VALUE, OutputKind.PART):
        raise UsageError(
            f"Output {name!r} of step {trace.step!r} is a {output.kind.value}, not a stored value. "
            "It comes back when the notebook runs."
        )
    return output
