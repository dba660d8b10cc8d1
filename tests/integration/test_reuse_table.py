"""What must be reused and what must be executed after a change: every row in new kernels.

All rows share a few kernels, one after the other in a namespace that is emptied between them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import Kernel
from oracle.kernels import SURROUNDINGS, ForkedKernels, Seen, cell, seen_by_front_end
from oracle.table import ROWS, Row

DESCRIBE = '__import__("oracle.describe", fromlist=["x"]).write_variables(globals(), {path!r})'
SOME_ROWS = ROWS if os.environ.get("ORACLE_ALL") else ROWS[::9]
"""What is tried in real kernels too: some of each family, for a cell there takes many times as long."""
PHASES = {"first": False, "unchanged": False, "changed": True, "undone": False}
"""Phase → whether the change is made."""


@dataclass
class Pass:
    """What one kernel did with all rows."""

    steps: dict[str, Seen]
    variables: dict[str, Any]
    """Row → description of its variables."""


Run = Callable[[Path, list[str], dict[str, str]], list[Seen]]
"""Runs cells in a new kernel, with variables of the environment; what each cell showed."""


def write_files(folder: Path, row: Row, *, after: bool) -> None:
    gone = [path for path in row.files_after if path not in row.files]
    wanted = {**dict.fromkeys(gone), **row.files, **(row.files_after if after else {})}
    for path, text in wanted.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            target.unlink(missing_ok=True)
        elif not target.exists() or target.read_text() != text or path in row.files_after:
            target.write_text(text)
            os.utime(target, (1_000_000 + after, 1_000_000 + after))


def run_all(folder: Path, rows: list[Row], phase: str, run: Run, *, durable: bool) -> Pass:
    after = PHASES[phase]
    environment = {"DURABLE_NB_STORE": str(folder.parent / "store")}
    sources, ends, told = [], {}, folder.parent / f"{phase}-{durable}.jsonl"
    for row in rows:
        write_files(folder, row, after=after)
        environment |= row.environment | (row.environment_after if after else {})
        sources += [*row.cells(after=after), DESCRIBE.format(path=str(told))]
        ends[row.name] = len(sources) - 2
    seen = run(folder, sources, environment)
    descriptions = [json.loads(line) for line in told.read_text().splitlines()]
    return Pass(
        {name: seen[at] for name, at in ends.items()},
        dict(zip(ends, descriptions, strict=True)),
    )


class Table:
    """All phases of all rows."""

    def __init__(self, scratch: Path, rows: list[Row], durable: Run, plain: Run) -> None:
        folder = scratch / "project"
        folder.mkdir()
        self.durable = {phase: run_all(folder, rows, phase, durable, durable=True) for phase in PHASES}
        self.plain = {
            PHASES[phase]: run_all(folder, rows, phase, plain, durable=False)
            for phase in ("first", "changed")
        }

    def check(self, row: Row) -> None:
        """The step of a row did what the table says, and its variables are those of a plain kernel."""
        steps = {phase: seen.steps[row.name] for phase, seen in self.durable.items()}
        story = {phase: f"{s.state} {s.reason} {s.warning}".strip() for phase, s in steps.items()}

        assert not any(s.error for s in steps.values()), [s.error for s in steps.values()]
        for phase, after in PHASES.items():
            assert self.plain[after].variables[row.name] == self.durable[phase].variables[row.name], phase
        expected = dict(zip(PHASES, row.states, strict=True))
        assert expected == {phase: s.state for phase, s in steps.items()}, story


@pytest.fixture(scope="module")
def forked_table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    with ForkedKernels(tmp_path_factory.mktemp("kernels")) as kernels:

        def run(
            folder: Path, sources: list[str], environment: dict[str, str], *, durable: bool = True
        ) -> list[Seen]:
            script = [cell(source) for source in sources]
            return kernels.run(folder, script, durable=durable, environment=environment, go_on=True).cells

        return Table(tmp_path_factory.mktemp("forked"), ROWS, run, lambda *given: run(*given, durable=False))


@pytest.fixture(scope="module")
def real_table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    def run(
        folder: Path, sources: list[str], environment: dict[str, str], *, durable: bool = True
    ) -> list[Seen]:
        kernel = Kernel(folder)
        kernel.environment = {**environment, **SURROUNDINGS}
        kernel.start(extension=durable)
        seen = [seen_by_front_end(kernel.run(source)) for source in sources]
        kernel.stop(now=True)
        return seen

    return Table(tmp_path_factory.mktemp("real"), SOME_ROWS, run, lambda *given: run(*given, durable=False))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_change_executes_or_reuses(forked_table: Table, row: Row) -> None:
    """Unchanged: reused. Changed: as the table says. Undone: reused again. Always as in a plain kernel."""
    forked_table.check(row)


@pytest.mark.parametrize("row", SOME_ROWS, ids=lambda row: row.name)
def test_the_same_in_real_kernels(real_table: Table, row: Row) -> None:
    """As above, each pass in a kernel as a front end starts it."""
    real_table.check(row)
