"""The oracle in short; ``make oracle`` is the long one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from oracle.kernels import ForkedKernels
from oracle.machine import machine_for
from oracle.notebooks import Notebook, counts
from oracle.real_kernels import RealKernels


def run(kernels: ForkedKernels | RealKernels, *, notebooks: int, steps: int) -> None:
    counts.clear()
    chosen = settings(
        max_examples=notebooks,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # what fails is minimised by hand, or by make oracle
    )
    run_state_machine_as_test(machine_for(kernels), settings=chosen)


def test_edits_kills_and_runs_end_as_a_clean_run_does(tmp_path: Path) -> None:
    """Same variables, outputs, random state, environment and files, whatever came before."""
    with ForkedKernels(tmp_path) as kernels:
        run(kernels, notebooks=20, steps=12)

    assert counts["kernels compared"] >= 20
    assert counts["kernels killed"] > 0
    assert counts["steps reused"] > counts["steps completed"] / 5  # else the test would prove nothing


def test_the_same_in_real_kernels_killed_from_outside(tmp_path: Path) -> None:
    """A process with ipykernel each time, SIGKILL at any moment of its life."""
    run(RealKernels(tmp_path), notebooks=3, steps=4)

    assert counts["kernels compared"] >= 3


def test_the_oracle_sees_a_step_that_loses_a_change(tmp_path: Path) -> None:
    """An oracle that cannot fail proves nothing: a step that hides what it reads is found out."""
    with ForkedKernels(tmp_path) as kernels:
        notebook = Notebook(kernels, tmp_path / "notebook")
        notebook.append(("r = a",), step=True, options="--ignore a")
        notebook.check()
        notebook.cells[1] = replace(notebook.cells[1], pieces=("a, b, c = 5, 5, 5\nlimit = 1\ntext = 'a'",))

        with pytest.raises(AssertionError, match="variables: r"):
            notebook.check()
