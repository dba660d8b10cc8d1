"""What differs between two runs: parameters, the code of each step, what came out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from durable_nb.batch.inspecting.code import run_cells, step_sources
from durable_nb.batch.inspecting.reports import RunReport, StepReport, run_report
from durable_nb.core.checking import OutputChange, changed_outputs
from durable_nb.core.differences import of_code, of_mappings
from durable_nb.core.errors import DurableError
from durable_nb.core.model import Json, Output, OutputKind, Trace
from durable_nb.core.past import differences
from durable_nb.core.secrets import looks_secret
from durable_nb.core.staleness import Cause, StaleReason
from durable_nb.core.value_differences import differences as value_differences
from durable_nb.store.store import Store
from durable_nb.store.table_differences import TableDifference, compare_tables

_TABLES = frozenset({"pandas", "polars", "arrow", "array"})
"""Codecs whose artifacts are columns that DuckDB reads."""
_PLAIN = "json"


@dataclass(frozen=True, slots=True)
class OutputDifference:
    """An output of a step that came out otherwise in the second run."""

    name: str
    text: str
    """One line: ``df: 336,776 → 336,770 rows``."""
    lines: tuple[str, ...] = ()
    """The values that differ, as far as they can be told."""
    table: TableDifference | None = None

    def as_json(self) -> dict[str, Json]:
        """Names and JSON values."""
        table = None if self.table is None else self.table.as_json()
        return {"name": self.name, "text": self.text, "lines": list(self.lines), "table": table}


@dataclass(frozen=True, slots=True)
class StepDifference:
    """One step in both runs."""

    step: str
    first: StepReport | None
    """What became of it in the first run; None where the run has no such step."""
    second: StepReport | None
    causes: tuple[StaleReason, ...]
    """How its code and what it used differ."""
    outputs: tuple[OutputDifference, ...]
    compared: bool
    """Whether both runs have a result of it."""
    same_result: bool
    """Both runs have the very same result, as where one reused that of the other."""

    @property
    def is_same(self) -> bool:
        """Whether nothing differs but when and for how long it ran."""
        if self.first is None or self.second is None:
            return False
        if self.causes or self.outputs:
            return False
        return self.compared or self.first.state is self.second.state

    def as_json(self) -> dict[str, Json]:
        """Names and JSON values."""
        return {
            "step": self.step,
            "first": None if self.first is None else self.first.as_json(),
            "second": None if self.second is None else self.second.as_json(),
            "same": self.is_same,
            "compared": self.compared,
            "causes": [cause.as_json() for cause in self.causes],
            "outputs": [output.as_json() for output in self.outputs],
        }


@dataclass(frozen=True, slots=True)
class RunDifference:
    """Two runs side by side."""

    first: RunReport
    second: RunReport
    parameters: tuple[str, ...]
    """``alpha 1 → 2`` for each that differs."""
    steps: tuple[StepDifference, ...]
    """In the order of the second notebook; those that only the first has come last."""

    def as_json(self) -> dict[str, Json]:
        """Names and JSON values."""
        facts = ("run_id", "notebook", "state", "seconds")
        about = [{name: run.as_json()[name] for name in facts} for run in (self.first, self.second)]
        return {
            "first": about[0],
            "second": about[1],
            "parameters": list(self.parameters),
            "steps": [step.as_json() for step in self.steps],
        }


def run_difference(store: Store, first: str, second: str) -> RunDifference:
    """Compare two runs.

    Args:
        store: Where both are recorded.
        first: A run's id, the beginning of one that no other run shares, or ``last``.
        second: Another one.

    Raises:
        UnknownRunError: There is no such run, or more than one.
    """
    was, now = run_report(store, first), run_report(store, second)
    before, after = _by_name(was), _by_name(now)
    traces = traces_of(store, was.run_id), traces_of(store, now.run_id)
    sources = tuple(step_sources(run_cells(store, run.run_id)) for run in (was, now))
    steps = []
    for name in dict.fromkeys([*after, *before]):
        step = _step(store, name, before.get(name), after.get(name), traces)
        steps.append(step if step.compared else replace(step, causes=_by_source(name, *sources)))
    return RunDifference(was, now, tuple(of_mappings(was.parameters, now.parameters)), tuple(steps))


def _by_name(run: RunReport) -> dict[str, StepReport]:
    return {step.step: step for step in run.steps}


def traces_of(store: Store, run_id: str) -> dict[str, str]:
    """Step → the trace that the run left or reused last."""
    rows = store.ledger.rows(
        "select step, arg_max(trace_id, (started_at, attempt, reuse)) as trace_id from attempts "
        "where run_id = ? and trace_id is not null group by step",
        [run_id],
    )
    return {row["step"]: row["trace_id"] for row in rows}


def _by_source(step: str, was: Mapping[str, str], now: Mapping[str, str]) -> tuple[StaleReason, ...]:
    """How the code of a step differs of which one run has no result."""
    if step not in was or step not in now or was[step] == now[step]:
        return ()
    difference = of_code(was[step], now[step])
    return (StaleReason(Cause.CODE, difference.text, lines=difference.lines),)


def _step(
    store: Store,
    name: str,
    first: StepReport | None,
    second: StepReport | None,
    traces: tuple[Mapping[str, str], Mapping[str, str]],
) -> StepDifference:
    ids = traces[0].get(name), traces[1].get(name)
    if ids[0] is not None and ids[0] == ids[1]:
        return StepDifference(name, first, second, (), (), compared=True, same_result=True)
    was, now = (store.traces.find(name, trace_id) if trace_id else None for trace_id in ids)
    if was is None or now is None:
        return StepDifference(name, first, second, (), (), compared=False, same_result=False)
    causes, outputs = tuple(differences(now, was)), tuple(_outputs(store, was, now))
    return StepDifference(name, first, second, causes, outputs, compared=True, same_result=False)


def _outputs(store: Store, was: Trace, now: Trace) -> Iterator[OutputDifference]:
    for change in changed_outputs(was, now):
        table, lines = _values(store, change)
        yield OutputDifference(change.name, change.text, tuple(lines), table)


def _values(store: Store, change: OutputChange) -> tuple[TableDifference | None, list[str]]:
    """How the stored values of an output differ; nothing where only the user's libraries can tell."""
    was, now = change.was, change.now
    if was is None or now is None or not (_is_value(was) and _is_value(now)) or looks_secret(change.name):
        return None, []
    if was.codec in _TABLES and now.codec in _TABLES:
        found = compare_tables(store.artifacts.path(was.fingerprint), store.artifacts.path(now.fingerprint))
        return found, list(found.lines())
    if was.codec == now.codec == _PLAIN:
        try:
            return None, value_differences(_read(store, was), _read(store, now))
        except DurableError as error:
            return None, [f"their values cannot be compared: {error}"]
    return None, []


def _is_value(output: Output) -> bool:
    return output.kind is OutputKind.VALUE


def _read(store: Store, output: Output) -> Any:
    return store.artifacts.get(output.fingerprint, store.context())
