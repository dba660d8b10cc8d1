"""The promise of the project as one assertion."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from durable_nb.core.errors import UsageError
from durable_nb.core.model import Json
from durable_nb.store.resolving import resolve, waiting
from durable_nb.store.store import open_store
from durable_nb.testing.faults import BOUNDARIES, Fault, kill_at, kill_at_write
from durable_nb.testing.laboratory import Laboratory, Outcome

_NO_RESTARTS = ("--kernel-restarts", "0")
_WAITING = 3


@dataclass(frozen=True, slots=True)
class Survived:
    """What a notebook has been through."""

    kills: int
    """Kernels that were killed, each followed by a run that went on."""
    steps: int
    """Steps of the notebook."""
    variables: int
    """Variables that were compared after each."""


def assert_durable(
    notebook: str | Path,
    *,
    parameters: Mapping[str, Json] | None = None,
    steps: Iterable[str] | None = None,
    boundaries: Iterable[str] = BOUNDARIES,
    writes: int | None = 10,
    ignore: Iterable[str] = (),
) -> Survived:
    """Kill a notebook wherever it could hurt, go on with the same command, and compare with a clean run.

    The kernel is killed at each boundary of each step, and at writes to the store. After each kill the same
    command must end well, with the variables and outputs of a run to which nothing happened, and without
    executing a step again that had completed. A step that is executed at most once is never executed again by
    itself: there a person is played who says "run it again". Each kill costs two runs of the notebook and two
    starts of a kernel, some seconds in all::

        from durable_nb.testing import assert_durable

        def test_report_survives():
            assert_durable("report.ipynb", parameters={"day": "2026-11-01"})

    Args:
        notebook: The notebook's file; it is executed where it is, and not changed. It must be deterministic,
            or say so with ``ignore``.
        parameters: For its parameters cell.
        steps: The steps at whose boundaries it is killed; all by default.
        boundaries: At which of a step's boundaries: started, executing, storing, committing, finished.
        writes: At how many writes to the store, spread over the run; None for all.
        ignore: Variables that may differ from a clean run's: times, temporary paths.

    Returns:
        How much it has been through.

    Raises:
        AssertionError: It did not survive; the message says which kill, what differed, and what to do.
        UsageError: There is no such notebook, no such step in it, or no such boundary.
    """
    with tempfile.TemporaryDirectory(prefix="durable_nb-testing-") as made:
        trial = _Trial(Path(notebook), Path(made), parameters, frozenset(ignore))
        when = list(boundaries)
        faults = [kill_at(step, boundary) for step in trial.chosen(steps) for boundary in when]
        faults += [kill_at_write(point) for point in _spread(len(trial.clean.points), writes)]
        kills = sum(trial.survives(fault) for fault in faults)
        return Survived(kills, len(trial.clean.steps), len(trial.clean.values))


class _Trial:
    """A notebook, what a clean run of it gives, and which steps run each time anyway."""

    def __init__(
        self, notebook: Path, folder: Path, parameters: Mapping[str, Json] | None, ignore: frozenset[str]
    ) -> None:
        self._notebook = notebook
        self._folder = folder
        self._parameters = parameters
        self._ignore = ignore
        self._opened = 0
        laboratory = self._laboratory()
        self.clean = laboratory.run()
        _assert_ended_well(self.clean, "without any fault")
        again = laboratory.run()
        self._assert_same(again, "run again, without any fault")
        self._always = set(again.executed)

    def chosen(self, steps: Iterable[str] | None) -> list[str]:
        """The steps at whose boundaries it is killed."""
        if not self.clean.steps:
            raise UsageError(
                f"{self._notebook} has no steps, so that nothing of it is kept; put %%step NAME above each "
                "cell whose results are to survive"
            )
        return list(self.clean.steps if steps is None else steps)

    def survives(self, fault: Fault) -> bool:
        """Kill, go on, compare; returns whether the kernel came to where it was to be killed."""
        laboratory = self._laboratory()
        killed = laboratory.run(fault, options=_NO_RESTARTS)
        if not killed.faults[fault]:
            self._assert_same(killed, f"with {fault}, to which it did not come")
            return False
        about = f"{fault}, then run again"
        completed = {trace.step for trace in laboratory.traces() if trace.durable}
        after = _go_on(laboratory)
        self._assert_same(after, about)
        twice = sorted((completed & set(after.executed)) - self._always)
        assert not twice, f"{about}: completed steps were executed again: {', '.join(twice)}"
        return True

    def _laboratory(self) -> Laboratory:
        self._opened += 1
        return Laboratory(self._notebook, self._folder / f"laboratory-{self._opened}", self._parameters)

    def _assert_same(self, found: Outcome, about: str) -> None:
        _assert_ended_well(found, about)
        try:
            assert_same(found, self.clean, about, ignore=self._ignore)
        except AssertionError as error:
            error.add_note(self._why(self._laboratory().run()))
            raise

    def _why(self, other: Outcome) -> str:
        """Whether the notebook is to blame, which gives something else in each clean run."""
        try:
            assert_same(other, self.clean, "a second clean run", ignore=self._ignore)
        except AssertionError as error:
            return (
                f"The notebook is not deterministic: {error}.\n"
                "Seed what it draws and take times as parameters, or name variables that may differ: "
                "assert_durable(…, ignore=[NAME])."
            )
        return (
            "Two clean runs agree, so that this comes from what happened: durable_nb did not see something "
            "that a step reads or changes. `durable-nb why STEP` shows what it saw; --reads, --env and "
            "--inputs name what else a step depends on."
        )


def _go_on(laboratory: Laboratory) -> Outcome:
    """Run again, and where an operation waits for a person, say that it shall be run again."""
    after = laboratory.run()
    if after.status != _WAITING:
        return after
    with closing(open_store(laboratory.store)) as store:
        for intent in waiting(store):
            resolve(store, intent.step, happened=False, values={})
    return laboratory.run()


def _assert_ended_well(found: Outcome, about: str) -> None:
    assert found.status == 0, f"{about}: the run failed with exit status {found.status}\n{found.failure}"
    assert found.values, f"{about}: the kernel did not run the last cell to its end\n{found.failure}"


def assert_same(found: Outcome, clean: Outcome, about: str, *, ignore: Iterable[str] = ()) -> None:
    """Assert that a run ended like a clean one.

    Args:
        found: What came of the run.
        clean: What comes of a run to which nothing happened.
        about: What happened to it, for the message.
        ignore: Variables that may differ.

    Raises:
        AssertionError: Variables or outputs differ.
    """
    names = {*found.values, *clean.values} - set(ignore)
    wrong = sorted(name for name in names if found.values.get(name) != clean.values.get(name))
    assert not wrong, f"{about}: variables differ from a clean run's: {', '.join(wrong)}"
    cells = enumerate(zip(found.shown, clean.shown, strict=True), start=1)
    shown = [
        f"code cell {number} shows {one}, expected {other}" for number, (one, other) in cells if one != other
    ]
    assert not shown, f"{about}: outputs differ from a clean run's: {'; '.join(shown)}"


def _spread(points: int, wanted: int | None) -> list[int]:
    """Numbers of points, from 1, evenly spread."""
    if wanted is None or wanted >= points:
        return list(range(1, points + 1))
    return sorted({1 + round(i * (points - 1) / max(1, wanted - 1)) for i in range(wanted)})
