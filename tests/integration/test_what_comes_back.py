"""A reused step is indistinguishable from an executed one: every case in new kernels, beside a plain one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import Kernel
from oracle.comes_back import CASES, Case
from oracle.kernels import SURROUNDINGS, ForkedKernels, Seen, cell, seen_by_front_end

DESCRIBE = '__import__("oracle.describe", fromlist=["x"]).write_variables(globals(), {path!r})'
SOME_CASES = CASES if os.environ.get("ORACLE_ALL") else CASES[::6]
"""What is tried in real kernels too: some of each family."""
Run = Callable[[Path, list[str]], list[Seen]]


@dataclass
class Pass:
    """What one kernel did with all cases."""

    cells: dict[str, list[Seen]]
    variables: dict[str, Any]


def run_all(folder: Path, cases: list[Case], name: str, run: Run) -> Pass:
    told = folder.parent / f"{name}.jsonl"
    sources = [source for case in cases for source in (*case.cells, DESCRIBE.format(path=str(told)))]
    seen = run(folder, sources)
    descriptions = [json.loads(line) for line in told.read_text().splitlines()]
    size = len(sources) // len(cases)
    cells = {case.name: seen[at * size : at * size + size - 1] for at, case in enumerate(cases)}
    return Pass(cells, {case.name: found for case, found in zip(cases, descriptions, strict=True)})


class Comparison:
    """A plain kernel, one that executes, and one that reuses."""

    def __init__(self, scratch: Path, cases: list[Case], durable: Run, plain: Run) -> None:
        folder = scratch / "project"
        folder.mkdir()
        self.plain = run_all(folder, cases, "plain", plain)
        self.executed = run_all(folder, cases, "executed", durable)
        self.reused = run_all(folder, cases, "reused", durable)

    def check(self, case: Case) -> None:
        wanted, *others = (each.cells[case.name] for each in (self.plain, self.executed, self.reused))
        states = [seen[1].state for seen in others]
        step = others[1][1]

        assert not any(seen.error for cells in (wanted, *others) for seen in cells), [
            seen.error for cells in (wanted, *others) for seen in cells
        ]
        assert self.plain.variables[case.name] == self.executed.variables[case.name]
        assert self.plain.variables[case.name] == self.reused.variables[case.name]
        for cells in others:
            assert [seen.shown for seen in wanted] == [seen.shown for seen in cells]
        if case.state != "any":
            assert ["completed", case.state] == states, f"{step.reason} {step.warning}"


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    scratch = tmp_path_factory.mktemp("forked")
    environment = {"DURABLE_NB_STORE": str(scratch / "store")}
    with ForkedKernels(tmp_path_factory.mktemp("kernels")) as kernels:

        def run(folder: Path, sources: list[str], *, durable: bool = True) -> list[Seen]:
            script = [cell(source) for source in sources]
            return kernels.run(folder, script, durable=durable, environment=environment, go_on=True).cells

        return Comparison(scratch, CASES, run, lambda *given: run(*given, durable=False))


@pytest.fixture(scope="module")
def comparison_of_real_kernels(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    def run(folder: Path, sources: list[str], *, durable: bool = True) -> list[Seen]:
        kernel = Kernel(folder)
        kernel.environment = dict(SURROUNDINGS)
        kernel.start(extension=False)
        if durable:
            kernel.run("%load_ext durable_nb")
        else:
            kernel.run("pass")  # so that cells have the same numbers
        seen = [seen_by_front_end(kernel.run(source)) for source in sources]
        kernel.stop(now=True)
        return seen

    return Comparison(
        tmp_path_factory.mktemp("real"), SOME_CASES, run, lambda *given: run(*given, durable=False)
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_comes_back(comparison: Comparison, case: Case) -> None:
    """Variables, sharing, what is shown, and what a later cell does with it."""
    comparison.check(case)


@pytest.mark.parametrize("case", SOME_CASES, ids=lambda case: case.name)
def test_it_comes_back_in_real_kernels(comparison_of_real_kernels: Comparison, case: Case) -> None:
    """As above, each pass in a kernel as a front end starts it."""
    comparison_of_real_kernels.check(case)
