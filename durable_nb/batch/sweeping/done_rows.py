"""Rows that are done already: the run that completed them would come out the same if it were made again."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from durable_nb.batch.inspecting.metrics import metrics_of_runs
from durable_nb.batch.inspecting.reports import RunReport, all_records
from durable_nb.batch.runs import as_recorded
from durable_nb.batch.steps import declared_steps, is_executable
from durable_nb.batch.sweeping.row_result import RowResult
from durable_nb.batch.sweeping.rows import SweepRow
from durable_nb.core.errors import DamagedError
from durable_nb.core.independence import imported_names
from durable_nb.core.looking import only_looks
from durable_nb.core.model import State
from durable_nb.core.parameter_cells import DECLARING_TAG, comment_out_parameters
from durable_nb.core.planning import Decision, Plan
from durable_nb.store.store import Store

PlanOf = Callable[[Mapping[str, Any]], Plan]
"""What running the notebook with these parameters would do."""
_EXECUTES_ANYWAY = ("new_run", "resume", "from_step", "force", "auto", "verify_reused")
_OUR_PYTHON = {"python", f"python{sys.version_info[0]}", f"python3.{sys.version_info[1]}"}


class DoneRows:
    """Finds the rows of a sweep that need no run.

    That is proven where the last run of the row completed, with this code and these parameters; each step
    would be reused, and from what that run has used or left; and no cell besides does more than show.

    Args:
        store: Where the runs are.
        notebook: The notebook's file.
        nb: What is in it.
        options: Of each run.
        plan: Tells what becomes of each step.
    """

    def __init__(
        self, store: Store, notebook: Path, nb: NotebookNode, options: Mapping[str, Any], plan: PlanOf
    ) -> None:
        self._store = store
        self._notebook = notebook.absolute()
        self._nb = nb
        self._options = options
        self._plan = plan
        self._code = _code(nb.cells)
        self._same_code: dict[str, bool] = {}

    def find(self, rows: Iterable[SweepRow]) -> dict[int, RowResult]:
        """Number of a row that is done → what became of it then."""
        if not self._store.path.exists() or not self._could_be_left_out():
            return {}
        latest: dict[tuple[str, str], RunReport] = {}
        for record in all_records(self._store, self._notebook):  # the newest first
            latest.setdefault((record.output, _text(record.parameters)), record)
        found = ((row, latest.get((str(row.output), _text(row.shown)))) for row in rows)
        alike = [(row, record.run_id) for row, record in found if record and self._is_like(row, record)]
        used = self._traces_used([run_id for _, run_id in alike])
        proven = [
            (row.number, run_id, plan)
            for row, run_id in alike
            if (plan := self._proven(row, run_id, used.get(run_id, {})))
        ]
        metrics = metrics_of_runs(self._store, [run_id for _, run_id, _ in proven])
        return {
            number: RowResult(
                number,
                State.COMPLETED,
                run_id,
                reused=len(plan.steps),
                saved_seconds=plan.seconds(Decision.REUSE),
                metrics=metrics.get(run_id, {}),
                earlier=True,
            )
            for number, run_id, plan in proven
        }

    def _could_be_left_out(self) -> bool:
        if any(self._options.get(name) for name in _EXECUTES_ANYWAY):
            return False
        cells = {index: cell.source for index, cell in enumerate(self._nb.cells) if is_executable(cell)}
        imported = {name for source in cells.values() for name in imported_names(source)}
        plain = (source for index, source in cells.items() if index not in declared_steps(self._nb))
        return (
            all(only_looks(comment_out_parameters(source), imported) for source in plain)
            and self._runs_in_this_python()
        )

    def _runs_in_this_python(self) -> bool:
        """Whether the kernel has the packages that are seen from here."""
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

        named = self._options.get("kernel_name") or self._nb.metadata.get("kernelspec", {}).get("name")
        try:
            spec = KernelSpecManager().get_kernel_spec(str(named or "python3"))
        except NoSuchKernel:
            return False
        started = spec.argv[0] if spec.argv else ""
        return not spec.env and (started in _OUR_PYTHON or started == sys.executable)

    def _is_like(self, row: SweepRow, record: RunReport) -> bool:
        """Whether a run did what the row's would do, as far as code, parameters and place go."""
        return (
            record.state is State.COMPLETED
            and _text(row.parameters) == _text(row.shown)  # of a secret nobody knows what it was
            and row.output.exists()
            and self._has_same_code(record.notebook_file)
            and record.options.get("kernel_name") == self._options.get("kernel_name")
            and record.options.get("cwd") == str(self._folder)
        )

    @property
    def _folder(self) -> Path:
        return Path(self._options.get("cwd") or self._notebook.parent).resolve()

    def _has_same_code(self, digest: str) -> bool:
        if digest not in self._same_code:
            try:
                self._same_code[digest] = bool(digest) and self._code == _code(
                    self._store.notebooks.get(digest)["cells"]
                )
            except DamagedError:
                self._same_code[digest] = False
        return self._same_code[digest]

    def _traces_used(self, run_ids: Sequence[str]) -> dict[str, dict[str, str]]:
        """Run → step → the trace that it left in this run, or was reused from."""
        found: dict[str, dict[str, str]] = {}
        for line in self._store.ledger.rows(_TRACES_USED, [list(run_ids)]):
            found.setdefault(line["run_id"], {})[line["step"]] = line["trace_id"] or ""
        return found

    def _proven(self, row: SweepRow, run_id: str, used: Mapping[str, str]) -> Plan | None:
        """The plan of a row, if it would bring back just what its run has used."""
        plan = self._plan(row.parameters)
        for step in plan.steps:
            is_same = step.trace_id and step.trace_id == used.get(step.step)
            by_hand = self._store.overrides.standing(step.step).given(run_id)
            if step.decision is not Decision.REUSE or not is_same or by_hand:
                return None
        return plan


_TRACES_USED = "select run_id, step, trace_id from run_steps where list_contains(?::varchar[], run_id)"


def _text(parameters: Mapping[str, Any]) -> str:
    return json.dumps(as_recorded(parameters), sort_keys=True)


def _code(cells: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """What is run of a notebook: each code cell, and its tags, one of which a run adds itself."""
    return [
        (cell["source"], [tag for tag in cell["metadata"].get("tags", []) if tag != DECLARING_TAG])
        for cell in cells
        if cell["cell_type"] == "code"
    ]
