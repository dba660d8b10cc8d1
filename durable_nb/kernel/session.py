"""One kernel's durable session: its store, its run, the steps it has seen."""

from __future__ import annotations

import os
import platform
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from IPython.core.interactiveshell import ExecutionInfo, InteractiveShell

from durable_nb.core.cells import StepCell
from durable_nb.core.code import CodeReader
from durable_nb.core.conflicts import first_line, same_name
from durable_nb.core.event_log import log_event
from durable_nb.core.model import EventKind, Json, State, StepEvent, Trace
from durable_nb.core.notebook_cells import NotebookCell
from durable_nb.kernel.auto import AutoSteps
from durable_nb.kernel.context import RunContext, find_run, is_auto_run
from durable_nb.kernel.depending.inputs import new_reader
from durable_nb.kernel.depending.watch import Watch
from durable_nb.kernel.failing.timing_out import TimeLimit
from durable_nb.kernel.forwarding import beyond_the_kernel
from durable_nb.kernel.isolating.blocking import Blocks
from durable_nb.kernel.isolating.unmade import Made
from durable_nb.kernel.namespace import Namespace
from durable_nb.kernel.results.recording import show_line
from durable_nb.kernel.results.references import Reference, resolve
from durable_nb.kernel.secret_values import SECRETS
from durable_nb.kernel.showing.status import StepReport
from durable_nb.kernel.shown_notebook import ShownNotebook, declared_in
from durable_nb.kernel.told import DoneAhead
from durable_nb.store import origin
from durable_nb.store.codecs import CodecContext
from durable_nb.store.store import Store, open_store

if TYPE_CHECKING:
    from durable_nb.kernel.at_most_once import Operation

Observer = Callable[[StepEvent], None]
Found = TypeVar("Found")


class Session:
    """Everything that outlives a cell; there is one for each IPython shell."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.namespace = Namespace(shell)
        self.watch = Watch(shell)
        self.auto = AutoSteps(self.namespace, on=is_auto_run())
        self.observers: list[Observer] = [self._record, log_event, self._pass_on]
        self.reports: dict[str, StepReport] = {}
        """Step → how it stands in this kernel."""
        self.running = ""
        """Name of the step whose cell is being executed; empty between steps."""
        self.spent_attempts = 0
        """Attempts of the running step that failed in this pass in kernels that are gone."""
        self.attempt = 0
        """Number of the attempt whose code runs now; 0 while none does."""
        self.limit: TimeLimit | None = None
        """Its time limit."""
        self.lost: dict[str, str] = {}
        """Variables that a failed attempt changed and that could not be put back → why."""
        self.changed: set[str] = set()
        """Variables whose objects the running step's failed attempts have changed, put back or not."""
        self.made: dict[str, Made] = {}
        """Step → what it made when it last completed here, durable or not."""
        self.missing: set[str] = set()
        """Names that the running step leaves open: a person said that it happened, but not what it made."""
        self.metrics: dict[str, float] = {}
        """What the running cell has given to ``durable_nb.metric``."""
        self.restoring = False
        """Whether the running step is only to be brought back."""
        self.done_ahead: DoneAhead | None = None
        """What another kernel of the run has done of the running step."""
        self.operation: Operation | None = None
        """What the running step is about to do."""
        self.blocks = Blocks(self.namespace)
        """What cells lack because others failed."""
        self.unprovable: dict[str, str] = {}
        """What the running step did that no fingerprint covers → why that matters."""
        self.thread = threading.current_thread()
        """The thread that runs cells."""
        self.open_cells = 0
        """Cells that have begun and not ended: more than one where a cell runs another."""
        self.shown = ShownNotebook()
        """The notebook as it is on the screen, and who runs its cells from there."""
        self._claims: dict[str, tuple[str, str]] = {}
        """Step → (cell id, source) of the cell that claimed the name."""
        self._claimed_at: dict[str, float] = {}
        self._attempts: dict[str, int] = {}
        self._forced: dict[str, float] = {}
        self._cells_running = 0
        self._run_begun = False
        self._finding = threading.RLock()

    @cached_property
    def run(self) -> RunContext:
        """The run that steps belong to; found when the first step needs it."""
        return self._found_once("run", lambda: find_run(self.namespace.values))

    @cached_property
    def store(self) -> Store:
        """The store beside the notebook; opened when the first step needs it."""
        return self._found_once("store", self._open_store)

    def _open_store(self) -> Store:
        store = open_store(self.run.store)
        store.conceal(SECRETS)
        if self._cells_running:
            store.step_aside()
        return store

    def _found_once(self, name: str, find: Callable[[], Found]) -> Found:
        """The same for all threads: a front end may ask in its own while the first step begins."""
        with self._finding:
            found: Found = vars(self)[name] if name in vars(self) else find()
            vars(self)[name] = found
            return found

    def cell_begins(self) -> None:
        """The user's code may take the interpreter for long from now on."""
        self._cells_running += 1
        if "store" in vars(self):
            self.store.step_aside()

    def cell_ends(self) -> None:
        """Nothing of the user's is running any more, unless one cell has run another."""
        self._record_metrics()
        self._cells_running = max(0, self._cells_running - 1)
        if not self._cells_running and "store" in vars(self):
            self.store.come_back()

    def _record_metrics(self) -> None:
        """A plain cell has ended; those of a step were recorded, or dropped, when the step ended."""
        metrics, self.metrics = self.metrics, {}
        for name, value in metrics.items():
            self.emit(EventKind.METRIC, name=name, value=value, notebook=self.run.notebook)

    def _record(self, event: StepEvent) -> None:
        self.store.record(event)
        if event.kind is EventKind.EXECUTING:
            self.store.put_down()

    @cached_property
    def _beyond(self) -> list[Observer]:
        return beyond_the_kernel(self.run, self.shell)

    def _pass_on(self, event: StepEvent) -> None:
        for observer in self._beyond:
            observer(event)

    def emit(
        self, kind: EventKind, step: str = "", attempt: int = 0, *, trace: Trace | None = None, **data: Json
    ) -> None:
        """Tell every observer what happened; beginning an interactive run first, where none has begun."""
        if not self._run_begun:
            self._run_begun = True
            if not self.run.is_batch:
                self._tell(
                    StepEvent(EventKind.RUN_STARTED, self.run.run_id, time.time(), data=self._about_run())
                )
        self._tell(StepEvent(kind, self.run.run_id, time.time(), step, attempt, data, trace))

    def _tell(self, event: StepEvent) -> None:
        event = SECRETS.masked(event)
        for observer in self.observers:
            observer(event)

    def _about_run(self) -> dict[str, Json]:
        return {
            "notebook": self.run.notebook,
            "parameters": dict(self.run.parameters),
            "engine": self.run.engine,
            "host": origin.host(),
            "pid": os.getpid(),
            "user": origin.user(),
            "python": platform.python_version(),
        }

    def read(self, artifact: str) -> Any:
        """A stored value. What its functions read of the notebook must be there from now on.

        Raises:
            DamagedError: It is missing, altered, or not what was stored.
        """
        reader = new_reader(self.namespace)
        context = self._context(reader)
        value = self.store.artifacts.get(artifact, context)
        reached = self.namespace.names() if reader.reads_namespace else reader.globals | reader.mentioned
        self.namespace.lazy.reach(reached)
        return value

    def codec_context(self) -> CodecContext:
        """What codecs need of this kernel: the key, the namespace, and how code is fingerprinted now."""
        return self._context(new_reader(self.namespace))

    def _context(self, reader: CodeReader) -> CodecContext:
        context = self.store.context(self.namespace.values, reader.of_code)
        return replace(context, resolve=self._resolve)

    def _resolve(self, reference: Reference) -> Any:
        self.namespace.lazy.load([reference[0]])
        return resolve(reference, self.namespace.values)

    def next_attempt(self, step: str) -> int:
        """Number of the coming attempt of a step in this run; the first is 1."""
        self._attempts[step] = self._attempts.get(step, self.run.attempts.get(step, 0)) + 1
        return self._attempts[step]

    def count_attempts(self, step: str, number: int) -> None:
        """Attempts of a step up to this number have been made in this run, here or elsewhere."""
        self._attempts[step] = max(number, self._attempts.get(step, 0))

    def force(self, step: str) -> None:
        """Have a step executed when it runs next, whatever is proven."""
        self._forced[step] = time.time()

    def force_no_more(self, step: str) -> None:
        """Let a step be reused again where that is proven right."""
        self._forced.pop(step, None)

    def forced_since(self, step: str) -> float | None:
        """Since when a step is to be executed whatever is proven, in seconds since the epoch, or None."""
        return self._forced.get(step, self.run.forced.get(step))

    def claim(self, cell: StepCell, cell_id: str) -> None:
        """Give a step's name to a cell.

        Raises:
            DuplicateStepError: Another cell of the notebook, which is still there, has this name.
        """
        other_id, other_source = self._claims.get(cell.name, (cell_id, ""))
        if other_id != cell_id and self._is_still_there(other_id, cell.name):
            raise same_name(cell.name, f"the cell that begins with {first_line(other_source)!r}")
        self._claims[cell.name] = (cell_id, cell.source)
        self._claimed_at[cell.name] = time.time()

    def claimed(self) -> list[str]:
        """The steps whose cells have begun to run in this kernel, in the order of the first time."""
        return list(self._claims)

    def last_seen(self, step: str) -> tuple[str, str, float] | None:
        """The cell id, the source and the time at which a step's cell last began to run here, if it did."""
        claim = self._claims.get(step)
        return None if claim is None else (*claim, self._claimed_at[step])

    def _is_still_there(self, cell_id: str, step: str) -> bool:
        """Whether the notebook still has that step there; yes, where there is none to look at."""
        shown = self.shown.cells()
        if shown is not None:
            return any(cell.cell_id == cell_id and declared_in(cell) == step for cell in shown)
        if not cell_id or not self.run.notebook or not os.path.exists(self.run.notebook):
            return bool(cell_id)
        import nbformat  # slow to import, and only needed where two cells seem to have one name

        cells = nbformat.read(self.run.notebook, as_version=4).cells
        # VS Code's ids are longer than, and contain, those in the file.
        sources = (c.source for c in cells if c.cell_type == "code" and c.get("id", cell_id) in cell_id)
        source = next(sources, None)
        return source is not None and declared_in(NotebookCell("code", source)) == step

    def report(self, report: StepReport) -> None:
        """Keep how a step stands, and show its line under the cell."""
        self.reports[report.step] = report
        if not report.quiet:
            show_line(self.shell, report.bundle())

    def all_reports(self) -> list[StepReport]:
        """How every known step of this notebook stands: of this kernel first, then of the ledger."""
        found = [*self.reports.values(), *(r for r in self._recorded() if r.step not in self.reports)]
        if not self.store.path.exists():
            return found
        present = self.store.overrides.present([report.step for report in found])
        return [report for report in found if report.step in present]

    def _recorded(self) -> list[StepReport]:
        if not self.run.notebook or not self.store.path.exists():
            return []
        self.store.recover()
        sql = "select step, state, seconds, reason from steps where notebook = ? order by position, step"
        return [
            StepReport(row["step"], State(row["state"]), row["reason"] or "", row["seconds"] or 0.0)
            for row in self.store.ledger.rows(sql, [self.run.notebook])
        ]

    def close(self) -> None:
        """End the session's own run and write what is still in memory."""
        if self._run_begun:
            if not self.run.is_batch:
                self.emit(EventKind.RUN_FINISHED, state=self._own_state().value)
            self.store.close()

    def _own_state(self) -> State:
        failed = any(r.state is State.FAILED for r in self.reports.values())
        return State.FAILED if failed else State.COMPLETED


def cell_id_of(info: ExecutionInfo) -> str:
    """The id that the front end gave the cell; empty where it gives none."""
    meta: dict[str, Any] = info.cell_meta or {}
    return str(info.cell_id or meta.get("cellId") or "")
