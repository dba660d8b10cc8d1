"""How a contest is held: each contender in processes of its own, in interleaved rounds, medians compared."""

from __future__ import annotations

import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

OURS = "durable_nb"

Sizes = Mapping[str, int]
Figures = dict[str, float]
Phase = Callable[[Path, Sizes], Figures]
"""Works in an empty folder that the phases of one round share; returns what it measured."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to do the work."""

    phases: Sequence[Phase]
    """Run one after the other, each in a new process."""
    needs: tuple[str, ...] = ()
    """Modules without which it cannot take part."""

    @property
    def missing(self) -> list[str]:
        return [module for module in self.needs if importlib.util.find_spec(module) is None]


@dataclass(frozen=True, slots=True)
class Target:
    """A figure we want to reach: at most so much, or at most so many times another contender's."""

    measure: str
    at_most: float
    times: str = ""
    """The contender to compare with; empty for a plain limit in the measure's own unit."""
    where: str = "full"
    """The setting whose sizes it speaks of: ``quick`` counts for both."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that is measured."""

    name: str
    title: str
    measures: Mapping[str, str]
    """Key of a figure → heading with its unit. Smaller is better, always."""
    contenders: Mapping[str, Contender]
    quick: Sizes
    full: Sizes
    targets: Sequence[Target] = ()
    notes: str = ""


@dataclass(slots=True)
class Result:
    """What the rounds of one subject came to."""

    subject: Subject
    sizes: Sizes
    rounds: dict[str, list[Figures]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    """Contender → why it did not take part or dropped out."""

    def median(self, contender: str, measure: str) -> float | None:
        figures = [figures[measure] for figures in self.rounds.get(contender, []) if measure in figures]
        return statistics.median(figures) if figures else None

    def ratio(self, contender: str, measure: str) -> float | None:
        """Our figure divided by theirs: below 1 we are better."""
        ours, theirs = self.median(OURS, measure), self.median(contender, measure)
        return ours / theirs if ours is not None and theirs else None


class DroppedOutError(Exception):
    """A contender's process failed."""


def hold(subject: Subject, setting: str, rounds: int) -> Iterator[Result]:
    """Run all rounds; yields after each process so that progress can be shown."""
    sizes = subject.full if setting == "full" else subject.quick
    result = Result(subject, sizes)
    result.absent = {
        name: f"needs {', '.join(contender.missing)}"
        for name, contender in subject.contenders.items()
        if contender.missing
    }
    for number in range(rounds):
        for name in in_turn(list(subject.contenders), number):
            if name in result.absent:
                continue
            try:
                result.rounds.setdefault(name, []).append(run_round(subject, name, sizes))
            except DroppedOutError as error:
                result.absent[name] = str(error)
            yield result


def in_turn(names: list[str], number: int) -> list[str]:
    """Each round begins with another contender, so that none always runs on a warm or a tired machine."""
    start = number % len(names)
    return names[start:] + names[:start]


def run_round(subject: Subject, name: str, sizes: Sizes) -> Figures:
    figures: Figures = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        folder = Path(scratch) / "work"
        folder.mkdir()
        for phase in range(len(subject.contenders[name].phases)):
            figures |= run_process(subject.name, name, phase, folder, sizes)
    return figures


def run_process(subject: str, name: str, phase: int, folder: Path, sizes: Sizes) -> Figures:
    here = str(Path(__file__).parent)
    command = [sys.executable, here, "--one", subject, name, str(phase), str(folder), json.dumps(sizes)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise DroppedOutError(f"phase {phase + 1} ended with status {done.returncode}: {last}")
    figures: Figures = json.loads(done.stdout.strip().splitlines()[-1])
    return figures
