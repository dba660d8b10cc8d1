"""The panel without its widget: what it shows as JSON, and what it answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future
from importlib import metadata
from pathlib import Path
from typing import Any

from durable_nb.batch import runs as run_records
from durable_nb.batch.inspecting.differences import run_difference
from durable_nb.core.errors import DurableError, UsageError
from durable_nb.core.model import Json, State
from durable_nb.dashboard.actions import offers
from durable_nb.dashboard.actions.desk import Desk
from durable_nb.dashboard.actions.renaming import rename
from durable_nb.dashboard.live import Live, state_of_file, state_of_files
from durable_nb.dashboard.parameters.form import ParametersForm
from durable_nb.dashboard.problems import own_problem_of, problem, problem_of
from durable_nb.dashboard.runs.query import NOTHING_ASKED, read_query
from durable_nb.dashboard.runs.resume import ResumeJobs
from durable_nb.dashboard.runs.table import run_view, runs_view
from durable_nb.dashboard.steps import recorded
from durable_nb.dashboard.steps.board import StepsBoard
from durable_nb.dashboard.workplace import Workplace
from durable_nb.kernel.depending.observing.current import unobserved
from durable_nb.kernel.turns import CellRunsError, start_in_turn
from durable_nb.store import origin

VIEWS = ("panel", "steps", "parameters", "runs", "jobs")
"""What a front end gets without asking."""
Show = Callable[[str, Any], None]
"""Sends a view, by its name, to whoever looks."""
_BEAT = 10
"""Seconds between two looks whether processes that run something are still there."""
_SHARE = 5
"""A plan is made by itself at most for one part in so many of the time."""
_TYPED_SHARE = 2
"""The same while a person types, and waits to see what that does."""
_AT_ONCE = 0
"""The same where a person has done something: the plan is made however much time the last one took."""

_QUIET = 0.2
"""Seconds after a cell in which the next one may begin: a plan between them would hold it up."""


class Panel:
    """What a person sees and does.

    Args:
        place: What it looks at.
    """

    def __init__(self, place: Workplace) -> None:
        self.place = place
        self._live = Live(self._update, self._state, self._failed)
        self.board = StepsBoard(place, self._live.stir)
        self.form = ParametersForm(self.board)
        self.board.edits = self.form.in_force
        self.jobs = ResumeJobs(place.store)
        self.desk = Desk(self.board, self.form, self._plan_is_old)
        self._query = NOTHING_ASKED
        self._problems: dict[str, dict[str, Json]] = {}
        self._shown: dict[str, Any] = {}
        self._show: Show = lambda _, __: None
        self._turn = threading.RLock()
        self._old_plan = True
        self._planning = False
        self._share = _SHARE
        """For which part of the time the next plan may be made."""
        self._ended = 0.0
        """When the last cell ended, by the monotonic clock."""
        self._notebook_state: Hashable = None
        self._is_missing = False
        """Whether the notebook's file was not there when that was last told."""
        self._methods: dict[str, Callable[[Mapping[str, Any]], Any]] = self._table()

    def _table(self) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
        """Method → what answers it."""
        return {
            "detail": lambda a: self.board.detail(_text(a, "step")),
            "preview": lambda a: self.board.preview(
                _text(a, "step"), _text(a, "output"), str(a.get("trace_id") or "")
            ),
            "foretell": self._foretell,
            "act": self._act,
            "check_parameters": lambda a: self.form.check(_mapping(a, "values")),
            "apply_parameters": self._apply_parameters,
            "runs": self._runs,
            "run": lambda a: run_view(self.place.store, _text(a, "run_id")),
            "compare": lambda a: run_difference(
                self.place.store, _text(a, "left"), _text(a, "right")
            ).as_json(),
            "foretell_resume": self.jobs.foretell,
            "resume": self._resume,
            "rename": self._rename,
            "notebook": self._choose,
            "refresh": self._refresh,
            "watching": lambda _: {},
        }

    # Life.

    def open(self, show: Show) -> None:
        """Begin to show.

        Args:
            show: Sends a view.
        """
        self._show = show
        session = self.place.session
        if session is not None:
            session.observers.append(self.board.happening)
            session.shell.events.register("pre_run_cell", self._cell_begins)
            session.shell.events.register("post_run_cell", self._cell_ended)
        with self._turn:
            self._look_at_file()  # before it is read: it may go away meanwhile
            self._guarded("store", self._settle)
            self._read()
            self._look_ahead()
            self._send()
        self._live.start()

    def close(self) -> None:
        """Show no more, and let go of the kernel."""
        self._live.close()
        session = self.place.session
        if session is not None and self.board.happening in session.observers:
            session.observers.remove(self.board.happening)
            session.shell.events.unregister("pre_run_cell", self._cell_begins)
            session.shell.events.unregister("post_run_cell", self._cell_ended)
        self.place.store.ledger.close()

    def _settle(self) -> None:
        """Record what died without a word, and what the ledger has lost."""
        if self.place.store.path.exists():
            run_records.settle_dead_runs(self.place.store)
            self.place.store.recover()

    def _cell_begins(self, _: object) -> None:
        self._live.hold()
        self._live.stir()

    def _cell_ended(self, _: object) -> None:
        self._ended = time.monotonic()
        self._old_plan = True
        self._live.release()

    def _plan_is_old(self) -> None:
        """What a person asked for has ended, after which a plan may be another one."""
        self._old_plan, self._share = True, _AT_ONCE
        self._live.stir()

    def cells_changed(self) -> None:
        """A person edits the notebook on the screen: what that does is to be seen soon."""
        self._old_plan, self._share = True, min(self._share, _TYPED_SHARE)
        self._live.stir()

    # Views.

    def _state(self) -> Hashable:
        """What is another one when another process has done something."""
        notebook = self._look_at_file()
        beat = int(time.time() / _BEAT) if self._is_at_work() else 0
        is_due = self._old_plan and not self.place.is_busy and self._may_plan()
        files = state_of_files(self.place.store.path)
        return files, self.jobs.state(), notebook, self._is_missing, beat, is_due

    def _look_at_file(self) -> Hashable:
        """What is another one when the notebook's file has changed, after which a plan is old."""
        is_file = self.place.notebook and not self.place.is_shown
        notebook = state_of_file(Path(self.place.notebook)) if is_file else None
        if notebook != self._notebook_state:
            self._notebook_state, self._old_plan = notebook, True
        return notebook

    def _is_at_work(self) -> bool:
        """Whether another process seems to run something: it may die, and then changes no file."""
        states = self._shown.get("runs", {}).get("states", {})
        return State.RUNNING.value in states or self.board.has_elsewhere()

    def _update(self, files_changed: bool) -> None:
        """Look again; called by the thread that watches."""
        with self._turn:
            if (files_changed or "store" in self._problems) and not self.place.is_busy:
                self._read()
            if self._old_plan and self._may_plan():
                self._look_ahead()
            self._problems.pop("panel", None)
            self._send()

    def _may_plan(self) -> bool:
        ahead = self.board.ahead
        if ahead is None or self._share == _AT_ONCE:
            return True
        is_quiet = time.monotonic() - self._ended >= _QUIET
        return is_quiet and time.time() - ahead.at >= self._share * ahead.seconds

    def _read(self) -> None:
        """Bring everything that comes from the ledger up to date; what cannot be read stays as it was."""

        def read() -> None:
            if self._is_at_work():
                run_records.settle_dead_runs(self.place.store)
            if self.board.read_ledger():
                self._old_plan = True
            self.form.read_ledger()
            self._shown["runs"] = runs_view(self.place.store, self._query)
            self.jobs.look()

        self._guarded("store", read)
        self._guarded("parameters", self.form.read)

    def _plan(self) -> None:
        self._guarded("plan", self.board.look_ahead)
        self._guarded("parameters", self.form.read)

    def _look_ahead(self) -> None:
        """Make the plan anew: at once where this thread may, else in the kernel's, without waiting for it."""
        session = self.place.session
        if session is None or threading.current_thread() is session.thread:
            self._old_plan, self._share = False, _SHARE
            self._plan()
        elif not self._planning and not self.place.is_busy:
            self._old_plan, self._planning, self._share = False, True, _SHARE
            start_in_turn(session, self._plan).add_done_callback(self._planned)

    def _planned(self, done: Future[None]) -> None:
        self._planning = False
        if done.exception() is None:
            self._live.stir()
        else:  # a cell came between, the end of which stirs again
            self._old_plan = True

    def _guarded(self, what: str, work: Callable[[], None]) -> None:
        """Do something, and keep what is the matter with it for the panel."""
        try:
            work()
        except CellRunsError:
            raise
        except DurableError as error:
            self._problems[what] = problem_of(error)
        except Exception as error:  # noqa: BLE001 - said aloud; the panel goes on with what it has
            self._problems[what] = own_problem_of(error)
        else:
            self._problems.pop(what, None)

    def _failed(self, error: Exception) -> None:
        """An error of our own: said aloud, and the panel goes on with what it has."""
        self._problems["panel"] = own_problem_of(error)
        self._show("panel", self._about())

    def _send(self) -> None:
        views = {
            "panel": self._about(),
            "steps": self.board.view(offers.offers(self.desk)),
            "parameters": self.form.view(),
            "runs": self._shown.get("runs", {}),
            "jobs": self.jobs.view(),
        }
        for view, unmasked in views.items():
            content = self.place.store.secrets.masked(unmasked)
            if _same(content, self._shown.get(f"sent {view}")):
                continue
            self._shown[f"sent {view}"] = content
            self._show(view, content)

    def show_again(self) -> None:
        """Send all views to those who look since a moment ago."""
        with self._turn:
            for view in VIEWS:
                self._show(view, self._shown[f"sent {view}"])

    def _about(self) -> dict[str, Json]:
        place = self.place
        views: list[Json] = ["steps", "parameters", "runs"] if place.here else ["runs", "steps", "parameters"]
        return {
            "notebook": place.notebook,
            "title": Path(place.notebook).name if place.notebook else place.store.path.parent.name,
            "store": str(place.store.path),
            "user": origin.user(),
            "here": place.here,
            "views": views,
            "busy": place.is_busy,
            "notebooks": list(self._notebooks()),
            "problem": self._problem(),
            "version": metadata.version("durable_nb"),
        }

    def _notebooks(self) -> list[str]:
        """Those that a panel outside of any notebook can be turned to."""
        if self.place.here or "store" in self._problems:
            return list(self._shown.get("notebooks", []))
        self._shown["notebooks"] = recorded.notebooks(self.place.store)
        return list(self._shown["notebooks"])

    def _problem(self) -> dict[str, Json] | None:
        if self._problems:
            return next(iter(self._problems.values()))
        path = self.place.store.path
        if not path.exists():
            text = f"There is no store at {path} yet."
            return problem("info", text, "The first step or run makes one: durable-nb run NOTEBOOK")
        notebook = self.place.notebook
        self._is_missing = bool(notebook) and not Path(notebook).is_file()
        if self._is_missing:
            text = f"The notebook {notebook} is not there: its steps are shown as the store knows them."
            return problem("info", text, "Put it back; or resume its runs with another, in the view of runs.")
        return None

    # Answers.

    def ask(self, method: str, arguments: Mapping[str, Any]) -> dict[str, Json]:
        """What a front end asks for: ``{"ok": …}``, or ``{"problem": …}`` where that is not possible."""
        return self.answer(lambda: self._methods.get(method, _unknown(method))(arguments))

    def answer(self, work: Callable[[], Any]) -> dict[str, Json]:
        """What comes of something that a front end asks for, in the same form."""
        self._live.attend()
        with unobserved():  # a step may run meanwhile
            return self.place.store.secrets.masked(self._answer(work))

    def _answer(self, work: Callable[[], Any]) -> dict[str, Json]:
        try:
            return {"ok": work()}
        except DurableError as error:
            return {"problem": problem_of(error)}
        except Exception as error:  # noqa: BLE001 - whoever asked waits for an answer
            return {"problem": own_problem_of(error)}

    def _foretell(self, arguments: Mapping[str, Any]) -> Json:
        return self.desk.foretell(
            _text(arguments, "do"), _text(arguments, "step"), _mapping(arguments, "args")
        )

    def _act(self, arguments: Mapping[str, Any]) -> Json:
        done = self.desk.act(_text(arguments, "do"), _text(arguments, "step"), _mapping(arguments, "args"))
        self._changed()
        return done

    def _rename(self, arguments: Mapping[str, Any]) -> Json:
        done = rename(self.desk, _text(arguments, "step"), _text(arguments, "name")).as_json()
        self._changed()
        return done

    def _apply_parameters(self, arguments: Mapping[str, Any]) -> Json:
        done = self.desk.applied.apply(
            self.desk, _mapping(arguments, "values"), run=bool(arguments.get("run"))
        )
        self._changed()
        return done

    def _changed(self) -> None:
        """A person changed something: show it at once."""
        with self._turn:
            self._old_plan = True
            if not self.place.is_busy:
                self._read()
                self._look_ahead()
            self._send()

    def _runs(self, arguments: Mapping[str, Any]) -> Json:
        query = read_query(_mapping(arguments, "query"))
        view = runs_view(self.place.store, query)
        with self._turn:
            self._query = query
            self._shown["runs"] = view
            self._send()
        return view

    def _resume(self, arguments: Mapping[str, Any]) -> Json:
        job = self.jobs.start(arguments)
        self._changed()
        return job

    def _choose(self, arguments: Mapping[str, Any]) -> Json:
        """Turn to another notebook of the store."""
        if self.place.here:
            raise UsageError("the panel of a notebook's kernel shows that notebook")
        with self._turn:
            self.place.notebook = _text(arguments, "path")
            self.board.ahead = None
            self._changed()
        return {"notebook": self.place.notebook}

    def _refresh(self, _: Mapping[str, Any]) -> Json:
        """Look at everything again."""
        with self._turn:
            self._guarded("store", self._settle)
            self._changed()
        return {"problem": self._problem()}


def _same(content: Any, sent: Any) -> bool:
    """Whether nothing differs but when it was looked at."""
    if isinstance(content, dict) and isinstance(sent, dict):
        return {**content, "at": 0} == {**sent, "at": 0}
    return bool(content == sent)


def _unknown(method: str) -> Callable[[Mapping[str, Any]], Any]:
    def refuse(_: Mapping[str, Any]) -> Any:
        raise UsageError(f"the panel was asked for {method!r}, which this version does not know")

    return refuse


def _text(arguments: Mapping[str, Any], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str):
        raise UsageError(f"the panel was asked without {name}")
    return value


def _mapping(arguments: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = arguments.get(name)
    return value if isinstance(value, Mapping) else {}
