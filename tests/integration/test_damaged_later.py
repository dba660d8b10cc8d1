"""Stored values that turn out to be damaged after their step was reused are made again."""

from __future__ import annotations

from pathlib import Path

import pytest
from oracle.kernels import ForkedKernels, cell, damage

from durable_nb.core.model import OutputKind
from durable_nb.store.store import open_store

LOAD = "%%step load\nimport random\nrandom.seed(3)\nvalues = [1, 2]\ntwin = values"


def file_of(folder: Path, step: str, name: str) -> Path:
    """The file that holds an output."""
    store = open_store(folder / ".durable")
    trace = next(store.traces.latest(step))
    output = next(output for output in trace.outputs if output.name == name)
    return store.artifacts.path(output.of if output.kind is OutputKind.PART else output.fingerprint)


@pytest.mark.parametrize(
    ("step", "name", "shown"),
    [
        ("values.append(3)\ntotal = sum(values)", "values", "[1, 2, 3]"),
        ("values.append(3)\ntotal = sum(values)", "total", "6"),
        ("drawn = [random.random() for _ in range(2)]", "drawn", "[0.23796462709189137, 0.5442292252959519]"),
        ("twin.append(5)", "values", "[1, 2, 5]"),
        ("values.append(6)\nlong = len(twin)", "long", "3"),
        ("values.append(6)\nlen(twin) + 1", "_", "4"),
        ("other = values\nvalues.append(4)\nseen = len(other)", "seen", "3"),
    ],
)
def test_a_step_that_changed_what_it_used(
    forked: ForkedKernels, tmp_path: Path, step: str, name: str, shown: str
) -> None:
    """An input that it changed in place, and random numbers that it drew, are as they were before it."""
    cells = [LOAD, f"%%step second\n{step}"]
    clean = tmp_path.with_name(f"{tmp_path.name}-clean")
    clean.mkdir()
    forked.run_cells(tmp_path, *cells)
    damaged = damage(file_of(tmp_path, "second", name))

    script = [*map(cell, cells), damaged, cell(f"print({name})"), cell("print(random.random())")]
    life = forked.run(tmp_path, script, go_on=True)
    expected = forked.run_cells(clean, *cells, "print(random.random())")

    assert ["reused", "reused"] == life.states[:2]
    assert f"{shown}\n" == life.cells[2].shown.splitlines(keepends=True)[-1]
    assert expected.cells[-1].shown == life.cells[-1].shown
