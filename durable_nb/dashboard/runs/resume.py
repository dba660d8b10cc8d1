"""Resume runs from the panel: foretold, started in a process of its own, watched through the ledger."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_nb.batch.asked import OF_ONE_RUN
from durable_nb.batch.changes import Changes, read_output_name
from durable_nb.batch.processes import is_gone
from durable_nb.core import plan_words
from durable_nb.core.errors import DurableError, UsageError
from durable_nb.core.model import Json
from durable_nb.core.parameters import Typed
from durable_nb.core.planning import plan_cells, with_parameters
from durable_nb.core.protocol import RUN_VARIABLE
from durable_nb.core.secrets import SECRET_VARIABLE, looks_secret
from durable_nb.dashboard.live import state_of_file
from durable_nb.dashboard.runs.table import run_rows
from durable_nb.kernel.saved_notebook import saved_cells
from durable_nb.kernel.showing.outlook import Outlook
from durable_nb.store import job_files, origin
from durable_nb.store.giving import value_of_text
from durable_nb.store.job_files import JobRecord
from durable_nb.store.store import Store

if TYPE_CHECKING:
    from durable_nb.batch.resuming import Resumption

_MOST_RUNS = 200
"""Runs that one job goes on with."""
_SHOWN = 8
"""Jobs that are shown, the newest."""
_LINES = 40
_FORETOLD = 5
"""Runs of which it is told in full what resuming them would do."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs, and what is to be different."""

    run_ids: tuple[str, ...]
    parameters: Mapping[str, str]
    """Name → value as typed."""
    notebook: str
    """The fixed notebook; empty for the runs' own."""
    given: Mapping[str, str]
    """``step.name`` → value as typed."""

    def changes(self) -> Changes:
        """The same for the code that resumes.

        Raises:
            UsageError: Something in it cannot be understood.
        """
        return Changes(
            parameters={name: Typed(text) for name, text in self.parameters.items()},
            notebook=Path(self.notebook).expanduser() if self.notebook else None,
            given={read_output_name(name): value_of_text(text) for name, text in self.given.items()},
        )


def read_wanted(arguments: Mapping[str, Any]) -> Wanted:
    """What a front end asks for.

    Raises:
        UsageError: It is something else.
    """
    run_ids = arguments.get("run_ids")
    if not isinstance(run_ids, Sequence) or isinstance(run_ids, str) or not run_ids:
        raise UsageError("choose the runs that are to be resumed")
    if len(run_ids) > _MOST_RUNS:
        raise UsageError(
            f"{len(run_ids)} runs are too many for one job, which takes {_MOST_RUNS}; "
            "for all of them: durable-nb resume --all-failed -j 4"
        )
    texts = [arguments.get(name) or {} for name in ("parameters", "set")]
    if not all(isinstance(v, Mapping) and all(isinstance(t, str) for t in v.values()) for v in texts):
        raise UsageError("found parameters or values that are no texts, expected them as they are typed")
    notebook = str(arguments.get("notebook") or "").strip()
    return Wanted(tuple(map(str, run_ids)), dict(texts[0]), notebook, dict(texts[1]))


class ResumeJobs:
    """The jobs of one store.

    Args:
        store: Where the runs are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = store.path / "jobs"
        self._states: dict[str, dict[str, Json]] = {}

    # Foretelling.

    def foretell(self, arguments: Mapping[str, Any]) -> dict[str, Json]:
        """What resuming would do.

        Raises:
            DurableError: It cannot be done, for any of the runs.
        """
        wanted = read_wanted(arguments)
        lines: list[str] = []
        done = 0
        for run_id in wanted.run_ids:
            planned = _plan(self._store, run_id, wanted)
            done += planned.is_done
            if len(lines) < _FORETOLD and not planned.is_done:
                lines.append(self._told(planned, alone=len(wanted.run_ids) == 1))
        more = len(wanted.run_ids) - done - len(lines)
        lines += [f"and {more} more"] if more > 0 else []
        lines += [f"{done} completed already: nothing to go on with"] if done else []
        changed = self._changed(wanted)
        return {"text": "\n".join([*changed, *lines]), "runs": len(wanted.run_ids) - done}

    def _told(self, planned: Resumption, *, alone: bool) -> str:
        """What would become of the steps of one run."""
        values = {name: value for name, value in planned.shown.items() if name not in ("", None)}
        cells = with_parameters(list(plan_cells(saved_cells(str(planned.notebook)))), values)
        folder = Path(planned.options.get("cwd") or planned.notebook.parent)
        plan = Outlook(self._store, folder).plan(str(planned.notebook), cells)
        words = plan_words.foretold(plan.steps)
        return words if alone else f"{planned.record.run_id}: {words}"

    def _changed(self, wanted: Wanted) -> list[str]:
        """What is changed, of the first run as its old values say it."""
        planned = _plan(self._store, wanted.run_ids[0], wanted)
        return planned.lines()

    # Doing.

    def start(self, arguments: Mapping[str, Any]) -> dict[str, Json]:
        """Begin to resume, in a process of its own.

        Raises:
            DurableError: It cannot be done for any of the runs; nothing was begun.
        """
        wanted = read_wanted(arguments)
        planned = [_plan(self._store, run_id, wanted) for run_id in wanted.run_ids]
        going = [one for one in planned if not one.is_done]
        if not going:
            raise UsageError("these runs have completed, and nothing is changed: nothing to go on with")
        record = JobRecord(
            job=origin.new_run_id(),
            run_ids=tuple(one.record.run_id for one in going),
            started_at=time.time(),
            user=origin.user(),
            host=origin.host(),
            words=", ".join(going[0].lines()),
        )
        path = job_files.add(self._folder, record)
        _start_process(path, _commands(self._store, going, wanted), _environment(going[0], wanted))
        self.look()
        return self._view(record)

    # Watching.

    def state(self) -> Hashable:
        """What is another one when a job has said something."""
        if not self._folder.is_dir():
            return None
        files = sorted(self._folder.iterdir(), reverse=True)[: 2 * _SHOWN]
        return tuple((file.name, state_of_file(file)) for file in files)

    def look(self) -> None:
        """See how the runs of the jobs stand.

        Raises:
            StoreError: The ledger cannot be read.
        """
        wanted = {run_id for record in self._records() for run_id in record.run_ids}
        if wanted:
            rows = run_rows(self._store, sorted(wanted))
            self._states = {str(row["run_id"]): row for row in rows}

    def view(self) -> list[Json]:
        """The jobs, newest first."""
        return [self._view(record) for record in self._records()]

    def _records(self) -> list[JobRecord]:
        return [record for record, _ in zip(job_files.read_all(self._folder), range(_SHOWN), strict=False)]

    def _view(self, record: JobRecord) -> dict[str, Json]:
        known = {run_id: self._states[run_id] for run_id in record.run_ids if run_id in self._states}
        return {
            "job": record.job,
            "run_ids": list(record.run_ids),
            "started_at": record.started_at,
            "ended_at": record.ended_at,
            "user": record.user,
            "words": record.words,
            "lines": list(job_files.last_lines(self._folder, record.job, _LINES)),
            "done": _is_done(record),
            "failed": any(record.exits),
            "states": {run_id: row["state"] for run_id, row in known.items()},
            "counts": {run_id: row["counts"] for run_id, row in known.items()},
        }


def _plan(store: Store, run_id: str, wanted: Wanted) -> Resumption:
    from durable_nb.batch.resuming import plan_resume  # with nbformat, which takes seconds to import

    return plan_resume(store, run_id, wanted.changes())


def _is_done(record: JobRecord) -> bool:
    if record.ended_at is not None:
        return True
    return bool(record.pid) and is_gone(record.host, record.pid, record.pid_at)


def _commands(store: Store, going: Sequence[Resumption], wanted: Wanted) -> list[list[str]]:
    """What a person would type for each run; secrets go another way."""
    words: list[str] = []
    for name in wanted.parameters:
        if name not in _secret_names(going[0], wanted):
            words += ["-p", name, wanted.parameters[name]]
    if wanted.notebook:
        words += ["--notebook", str(Path(wanted.notebook).expanduser().absolute())]
    for name, text in wanted.given.items():
        words += ["--set", f"{name}={text}"]
    head = [sys.executable, "-m", "durable_nb.cli", "resume"]
    return [[*head, one.record.run_id, *words, "--store", str(store.path)] for one in going]


def _environment(planned: Resumption, wanted: Wanted) -> dict[str, str]:
    secret = _secret_names(planned, wanted)
    return {SECRET_VARIABLE + name.upper(): wanted.parameters[name] for name in secret}


def _secret_names(planned: Resumption, wanted: Wanted) -> list[str]:
    """Those of the changed parameters that nobody may see in a list of processes."""
    from durable_nb.batch.parameters import declared_parameters
    from durable_nb.batch.reading import read_notebook

    try:
        declared = {p.name: p.secret for p in declared_parameters(read_notebook(planned.notebook))}
    except DurableError:
        declared = {}
    told = planned.options.get("secrets") or ()
    return [n for n in wanted.parameters if n in told or declared.get(n, looks_secret(n))]


def _start_process(path: Path, commands: list[list[str]], environment: Mapping[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "durable_nb.dashboard.runs.one_by_one", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # it lives on when the kernel of the panel dies
        cwd=path.parent,
        env=_own_environment(),
    )
    assert process.stdin is not None
    threading.Thread(target=process.wait, name="durable_nb-job", daemon=True).start()  # or it stays a zombie
    with process.stdin:
        process.stdin.write(json.dumps({"commands": commands, "environment": dict(environment)}).encode())


def _own_environment() -> dict[str, str]:
    """The variables of this process without those that are about its own kernel and run."""
    gone = {*OF_ONE_RUN, RUN_VARIABLE, "JPY_SESSION_NAME", "JPY_PARENT_PID", "DURABLE_NB_STORE"}
    return {name: value for name, value in os.environ.items() if name not in gone}
