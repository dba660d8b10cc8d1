"""The promise of the project as one assertion."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from durable_nb.core.model import Json
from durable_nb.testing.faults import BOUNDARIES, Fault, kill_at, kill_at_write
from durable_nb.testing.laboratory import Laboratory, Outcome

_NO_RESTARTS = ("--kernel-restarts", "0")


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
    writes: int | None = 10,
) -> Survived:
    """Kill a notebook wherever it could hurt, go on with the same command, and compare with a clean run.

    The kernel is killed at each boundary of each step, and at writes to the store. After each kill the same
    command must end well, with the variables and outputs of a run to which nothing happened, and without
    executing a step again that had completed. Each kill costs two short runs, some seconds in all.

    Args:
        notebook: The notebook's file; it is executed where it is, and not changed. It must be deterministic.
        parameters: For its parameters cell.
        steps: The steps at whose boundaries it is killed; all by default.
        writes: At how many writes to the store, spread over the run; None for all.

    Returns:
        How much it has been through.

    Raises:
        AssertionError: It did not survive; the message says which kill, and what differed.
    """
    with tempfile.TemporaryDirectory(prefix="durable_nb-testing-") as made:
        folder = Path(made)
        clean = Laboratory(notebook, folder / "clean", parameters).run()
        assert clean.status == 0, f"the notebook fails without any fault:\n{clean.errors}"
        assert clean.values, f"the kernel of the clean run did not end by itself:\n{clean.errors}"
        wanted = list(clean.steps if steps is None else steps)
        faults = [kill_at(step, when) for step in wanted for when in BOUNDARIES]
        faults += [kill_at_write(point) for point in _spread(len(clean.points), writes)]
        kills = 0
        for number, fault in enumerate(faults):
            laboratory = Laboratory(notebook, folder / f"kill-{number}", parameters)
            kills += _assert_survives(laboratory, fault, clean)
        return Survived(kills, len(clean.steps), len(clean.values))


def _assert_survives(laboratory: Laboratory, fault: Fault, clean: Outcome) -> bool:
    """Kill, go on, compare; returns whether the kernel came to where it was to be killed."""
    about = f"killed at {fault.when.value} {fault.step}" if fault.when else f"killed at write {fault.point}"
    killed = laboratory.run(fault, options=_NO_RESTARTS)
    happened = killed.faults[fault] > 0
    assert (killed.status != 0) == happened, f"{about}: exit status {killed.status}\n{killed.errors}"
    completed = {trace.step for trace in laboratory.traces() if trace.durable}
    after = laboratory.run() if happened else killed
    assert after.status == 0, f"{about}: the run that went on failed\n{after.errors}"
    assert_same(after, clean, about)
    if happened:
        twice = completed & set(after.executed)
        assert not twice, f"{about}: completed steps were executed again: {', '.join(sorted(twice))}"
    return happened


def assert_same(found: Outcome, clean: Outcome, about: str) -> None:
    """Assert that a run ended like a clean one.

    Raises:
        AssertionError: Variables or outputs differ.
    """
    names = {*found.values, *clean.values}
    wrong = sorted(name for name in names if found.values.get(name) != clean.values.get(name))
    assert not wrong, f"{about}: variables differ from a clean run's: {', '.join(wrong)}"
    cells = enumerate(zip(found.shown, clean.shown, strict=True), start=1)
    shown = [number for number, (one, other) in cells if one != other]
    assert not shown, f"{about}: outputs of code cells {shown} differ from a clean run's"


def _spread(points: int, wanted: int | None) -> list[int]:
    """Numbers of points, from 1, evenly spread."""
    if wanted is None or wanted >= points:
        return list(range(1, points + 1))
    return sorted({1 + round(i * (points - 1) / max(1, wanted - 1)) for i in range(wanted)})
