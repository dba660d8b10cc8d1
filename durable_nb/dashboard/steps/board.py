"""The view of steps: brought up to date from the ledger, from this kernel's events and from the plan."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from durable_nb.core.errors import UnknownStepError
from durable_nb.core.model import Json, Output, State, Trace
from durable_nb.core.options import Options
from durable_nb.core.overrides import Standing
from durable_nb.core.planning import Plan, PlanCell, with_parameters
from durable_nb.dashboard.steps import detail
from durable_nb.dashboard.steps.ahead import Ahead, look_ahead
from durable_nb.dashboard.steps.happening import Happening
from durable_nb.dashboard.steps.on_screen import OnScreen, ScreenReader
from durable_nb.dashboard.steps.previews import check_found, preview
from durable_nb.dashboard.steps.recorded import RecordedSteps, read_steps
from durable_nb.dashboard.steps.renamed import FormerNames, former_names, under_present_names
from durable_nb.dashboard.steps.rows import Offer, StepsFacts, StepSight, beat_rows, sight_of, steps_view
from durable_nb.dashboard.workplace import Workplace
from durable_nb.store.ledger_rows import Row


class StepsBoard:
    """The steps of one notebook.

    Args:
        place: Where they are.
        on_change: Called when something happened in this kernel.
    """

    def __init__(self, place: Workplace, on_change: Callable[[], None]) -> None:
        self.place = place
        self.happening = Happening(on_change)
        self.ahead: Ahead | None = None
        self._asked: dict[str, float] = {}
        """Step that is to run → when somebody asked for that in the panel."""
        self.edits: Callable[[], Mapping[str, Any]] = dict
        """The parameters that have other values than the notebook says, as a person has put them in."""
        self._recorded = RecordedSteps()
        self._former: FormerNames = {}
        self._screen = ScreenReader(place.session.shown) if place.session is not None else None
        self._mutex = threading.Lock()

    def read_ledger(self) -> bool:
        """Bring what other processes did up to date.

        Returns:
            Whether they did something after which a plan may be another one.

        Raises:
            StoreError: The ledger cannot be read; what was known stays.
        """
        recorded = read_steps(self.place.store, self.place.notebook)
        with self._mutex:
            was, self._recorded = self._recorded, recorded
        return self._elsewhere(was) != self._elsewhere(recorded)

    def _elsewhere(self, recorded: RecordedSteps) -> object:
        """What is another thing when another process, or a person, has decided or done something."""
        own = self.place.own_run
        done = {s: (r["state"], r["trace_id"]) for s, r in recorded.steps.items() if r["run_id"] != own}
        return recorded.decided_at, done

    def look_ahead(self) -> None:
        """Make the plan anew.

        Raises:
            DurableError: That is not possible now; the last plan stays.
        """
        ahead = look_ahead(self.place, self.edits())
        planned = [step.step for step in ahead.plan.steps] if ahead is not None else []
        former = former_names(self.place.store, planned)
        with self._mutex:
            self.ahead, self._former = ahead, former

    def has_elsewhere(self) -> bool:
        """Whether another process runs a step, as far as is known."""
        rows = self._recorded.steps.values()
        own = self.place.own_run
        return any(row["state"] == State.RUNNING and row["run_id"] != own for row in rows)

    def plan_with(self, values: Mapping[str, Any]) -> Plan:
        """What running the notebook would do if parameters had these values.

        Raises:
            CellRunsError: A cell runs in this kernel.
        """
        ahead = look_ahead(self.place, values)
        return ahead.plan if ahead is not None else Plan(self.place.notebook, ())

    def facts(self) -> StepsFacts:
        """All that is known now."""
        facts = self._facts()
        return replace(facts, given=self._given(facts.rows))

    def _facts(self) -> StepsFacts:
        """What is known without a look at the disk."""
        with self._mutex:
            recorded, ahead, former = self._recorded, self.ahead, self._former
        rows = under_present_names(self.happening.steps_over(recorded.steps), former)
        screen = self._on_screen()
        return StepsFacts(
            recorded=replace(
                recorded,
                usual=under_present_names(recorded.usual, former),
                sizes=under_present_names(recorded.sizes, former),
            ),
            rows=rows,
            attempts=under_present_names(self.happening.attempts_over(recorded.attempts), former),
            plan=ahead.plan if ahead is not None else None,
            note=ahead.note if ahead is not None else "",
            plan_at=ahead.at if ahead is not None else None,
            own_run=self.place.own_run,
            graph=ahead.graph if ahead is not None else {},
            queued=self._queued(rows),
            cells=self._cell_ids(screen, ahead),
            marks=screen.marks if screen is not None else (),
            is_whole=screen is not None and not self.place.has_unmarked_steps,
        )

    def _on_screen(self) -> OnScreen | None:
        return self._screen.read() if self._screen is not None else None

    def _cell_ids(self, screen: OnScreen | None, ahead: Ahead | None) -> dict[str, str]:
        if screen is not None:
            return {step: cell.cell_id for step, cell in screen.steps.items()}
        return ahead.cell_ids() if ahead is not None else {}

    def cells(self) -> Sequence[PlanCell]:
        """The cells that running the notebook would run: those on the screen, else those of the plan."""
        screen = self._on_screen()
        if screen is not None:
            return with_parameters(screen.planned, self.edits())
        return self.ahead.cells if self.ahead is not None else ()

    def cell_of(self, step: str) -> PlanCell | None:
        """The cell of a step, of the same; None where there is none."""
        screen = self._on_screen()
        if screen is not None:
            return screen.steps.get(step)
        return self.ahead.cell_of(step) if self.ahead is not None else None

    def queue(self, steps: Iterable[str]) -> None:
        """Somebody asked for these steps to be run."""
        self._asked |= dict.fromkeys(steps, time.time())

    def unqueue(self, steps: Iterable[str]) -> None:
        """They have run, or will not."""
        for step in steps:
            self._asked.pop(step, None)

    def _queued(self, rows: Mapping[str, Any]) -> frozenset[str]:
        touched = {step: (rows.get(step) or {}).get("updated_at") or 0 for step in list(self._asked)}
        return frozenset(step for step, at in touched.items() if at < self._asked.get(step, 0.0) * 1e6)

    def _given(self, rows: Mapping[str, Any]) -> dict[str, list[str]]:
        folder = self.place.store.overrides.folder
        if not folder.exists():
            return {}
        found = {step: list(self.standing(step).given(self.run_of(step, rows))) for step in rows}
        return {step: names for step, names in found.items() if names}

    def run_of(self, step: str, rows: Mapping[str, Any] | None = None) -> str:
        """The run in which something decided about a step now is to hold."""
        row = self._row(step) if rows is None else rows.get(step) or {}
        return self.place.own_run or str(row.get("run_id") or "")

    def view(self, offer: Offer) -> dict[str, Json]:
        """The table as JSON."""
        return steps_view(self.facts(), offer)

    def beat(self) -> list[dict[str, Json]]:
        """How the steps stand, in short and as JSON; from memory."""
        return beat_rows(self._facts())

    def sight(self, step: str) -> StepSight:
        """One step as it is seen now.

        Raises:
            UnknownStepError: There is none of this name.
        """
        found = sight_of(self.facts(), step)
        if found is None:
            raise UnknownStepError(f"there is no step {step!r} here any more")
        return found

    def standing(self, step: str) -> Standing:
        """What people decided about a step."""
        return self.place.store.overrides.standing(step)

    def declared(self, step: str) -> Options:
        """The options of a step as its cell has them."""
        cell = self.cell_of(step)
        return cell.step.options if cell is not None and cell.step is not None else Options()

    def source(self, step: str) -> str:
        """The cell of a step; of one that is in the notebook no more as it was when it ran."""
        cell = self.cell_of(step)
        if cell is not None:
            return cell.source
        row = self._row(step)
        trace = None if row.get("source") else self.trace(step)
        return str(row.get("source") or (trace.source if trace is not None else ""))

    def _row(self, step: str) -> Row:
        return self.happening.steps_over(self._recorded.steps).get(step) or {}

    def trace(self, step: str, trace_id: str = "") -> Trace | None:
        """A trace of a step; without an id the one that its row names, else the newest."""
        store = self.place.store
        wanted = trace_id or str(self._row(step).get("trace_id") or "")
        found = store.traces.find(step, wanted) if wanted else None
        return found if found is not None or trace_id else next(store.traces.latest(step, limit=1), None)

    def detail(self, step: str) -> dict[str, Json]:
        """All about one step.

        Raises:
            UnknownStepError: There is none of this name.
            StoreError: The ledger cannot be read.
        """
        sight = self.sight(step)
        store, standing = self.place.store, self.standing(step)
        now = self.trace(step)
        traces = detail.traces_of(store, step, now)
        rows = self.happening.attempts_over({step: detail.attempt_rows(store, self.place.notebook, step)})
        attempts, run_id = rows.get(step, []), self.run_of(step)
        edges = self.ahead.graph.get("edges", ()) if self.ahead is not None else ()
        session = self.place.session
        report = session.reports.get(step) if session is not None else None
        edited = standing.options(run_id)
        return {
            "step": step,
            "source": self.source(step),
            "options": detail.options(self.declared(step), edited),
            "edited": dict(edited),
            "outputs": detail.outputs(traces, standing, run_id),
            "shown": detail.shown_pieces(now),
            "inputs": detail.inputs(traces[0] if traces else None, edges, step),
            "error": detail.error(attempts),
            "attempts": detail.attempts(store, step, attempts),
            "why": detail.why(traces, standing, sight, report.reasons if report is not None else ()),
            "history": detail.history(store, step),
        }

    def preview(self, step: str, output: str, trace_id: str = "") -> dict[str, Json]:
        """What an output looks like.

        Raises:
            DurableError: It is not there, or damaged.
        """
        given = {} if trace_id else self.standing(step).given(self.run_of(step))
        if output in given:
            return preview(self.place.store, None, step, given[output][0])
        trace = check_found(self.trace(step, trace_id), step, trace_id)
        return preview(self.place.store, trace, step, _named(trace, output))


def _named(trace: Trace, name: str) -> Output | None:
    return next((output for output in trace.outputs if output.name == name), None)
