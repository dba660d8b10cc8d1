"""Values that a person gives by hand: they hold in one run, and can be taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from oracle.kernels import ForkedKernels, Life, cell

from durable_nb.core.errors import UsageError
from durable_nb.core.protocol import RUN_VARIABLE
from durable_nb.store import giving
from durable_nb.store.store import Store, open_store

BAD = "%%step clean\nimport math\ndef half(x): return x / 2\n1 / 0\nrows = 5"
USE = "%%step total\nsum = rows + 1\nprint(sum)"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(tmp_path / ".durable")) as opened:
        yield opened


@pytest.fixture
def run(forked: ForkedKernels, tmp_path: Path) -> Any:
    """Runs cells as an engine does, in a new kernel of a run."""

    def call(*sources: str, run_id: str = "r1", **told: Any) -> Life:
        about = {
            "run_id": run_id,
            "store": str(tmp_path / ".durable"),
            "notebook": "",
            "engine": "durable",
            **told,
        }
        script = [cell(source, f"cell-{number}") for number, source in enumerate(sources)]
        environment = {RUN_VARIABLE: json.dumps(about)}
        return forked.run(tmp_path, script, go_on=True, environment=environment, farewell=True)

    return call


def test_all_that_a_step_makes(run: Any, store: Store) -> None:
    """The step is not executed, its definitions are there, what comes after it goes on; another run fails."""
    assert ["failed", "blocked"] == run(BAD, USE).states
    made = giving.give(store, "r1", "clean", "rows", 41)

    given = run(BAD, USE, "assert half(4) == 2 and math.pi > 3 and rows == 41")

    assert ["reused", "completed", ""] == given.states, given.errors
    assert f"rows = 41 given by {made.user}" == given.cells[0].reason
    assert "42" in given.cells[1].shown
    assert ["failed", "blocked"] == run(BAD, USE, run_id="r2").states
    giving.take_back(store, "r1", "clean", "rows")
    assert ["failed", "blocked"] == run(BAD, USE).states


def test_a_part_of_what_a_step_makes(run: Any, store: Store) -> None:
    """The step runs, or is reused; then the value takes the place of its own, for those after it too."""
    make = "%%step clean\nrows = 5\nname = 'n'"
    giving.give(store, "r1", "clean", "rows", 7)

    executed, reused = (run(make, USE, "shown = (rows, name)\nprint(shown)") for _ in range(2))

    assert ["completed", "completed", ""] == executed.states
    assert ["reused", "reused", ""] == reused.states
    for life in (executed, reused):
        assert "rows = 7 given by" in life.cells[0].reason
        assert "(7, 'n')" in life.cells[2].shown
    assert ["reused", "completed", ""] == run(make, USE, "print(rows)", run_id="r2").states


def test_what_needs_only_a_given_value_runs_though_its_step_failed(run: Any, store: Store) -> None:
    """The failure of a step that makes more than what is given blocks only those that need the rest."""
    bad = "%%step clean\n1 / 0\nrows = 5\nname = 'n'"
    giving.give(store, "r1", "clean", "rows", 7)

    life = run(bad, USE, "%%step named\nprint(name)", "print(rows)")

    assert ["failed", "completed", "blocked", ""] == life.states
    assert "8" in life.cells[1].shown
    assert "7" in life.cells[3].shown
    giving.take_back(store, "r1", "clean", "rows")
    assert ["failed", "blocked"] == run(bad, USE).states


def test_a_blocked_step_whose_values_are_all_given_is_passed_over(run: Any, store: Store) -> None:
    """It needs nothing any more of the step that failed, nor do those after it."""
    giving.give(store, "r1", "total", "sum", 7)

    life = run(BAD, USE, "%%step twice\nprint(sum * 2)")

    assert ["failed", "reused", "completed"] == life.states, life.errors
    assert "14" in life.cells[2].shown


def test_a_blocked_step_with_a_given_value_blocks_only_for_the_rest(run: Any, store: Store) -> None:
    """What a blocked step was given is there for those after it."""
    giving.give(store, "r1", "total", "sum", 7)

    life = run(BAD, "%%step total\nsum = rows + 1\nrest = rows", "print(sum)", "print(rest)")

    assert ["failed", "blocked"] == life.states[:2]
    assert "7" in life.cells[2].shown
    assert "BlockedError" in life.cells[3].error


def test_changes_in_place_are_among_what_it_makes(run: Any, store: Store) -> None:
    """A step that also changes an input is not passed over because what it binds is given."""
    giving.give(store, "r1", "fill", "n", 3)

    life = run("items = []", "%%step fill\nitems.append(1)\nn = len(items)", "print(items, n)")

    assert "completed" == life.states[1]
    assert life.cells[1].reason.startswith("n = 3 given by")
    assert "but not items" in life.cells[1].reason
    assert "[1] 3" in life.cells[2].shown


def test_equal_content_is_reused_downstream(run: Any, store: Store) -> None:
    """What comes after a given value is judged by its content, as ever."""
    make = "%%step clean\nrows = 5"
    run(make, USE)
    giving.give(store, "r1", "clean", "rows", 5)

    assert ["reused", "reused"] == run(make, USE).states


def test_the_newest_value_holds(run: Any, store: Store) -> None:
    """Given twice, the later one counts; taken back, none of them."""
    for value in (1, 2):
        giving.give(store, "r1", "clean", "rows", value)

    assert "3" in run("%%step clean\nrows = 5", USE).cells[1].shown
    giving.take_back(store, "r1", "clean", "rows")
    assert "6" in run("%%step clean\nrows = 5", USE).cells[1].shown
    with pytest.raises(UsageError, match=r"no value of clean\.rows was given"):
        giving.take_back(store, "r1", "clean", "rows")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_table(run: Any, store: Store, tmp_path: Path, library: str) -> None:
    """A Parquet file becomes a frame of the library that the step's own value is of."""
    frame: Any = pd.DataFrame({"a": [1, 2]}) if library == "pandas" else pl.DataFrame({"a": [1, 2]})
    path = tmp_path / "mended.parquet"
    frame.to_parquet(path) if library == "pandas" else frame.write_parquet(path)
    value = giving.value_of_file(path, f"{library}.DataFrame")
    giving.give(store, "r1", "clean", "df", value)

    life = run("%%step clean\n1/0\ndf = None", "print(type(df).__module__.split('.')[0], df['a'].sum())")

    assert ["reused", ""] == life.states, life.errors
    assert f"{library} 3" in life.cells[1].shown


def test_a_damaged_value_is_asked_for_again(run: Any, store: Store) -> None:
    """Neither executed nor bound to something else: what was given cannot be guessed."""
    made = giving.give(store, "r1", "clean", "rows", 41)
    store.artifacts.path(made.values[0].fingerprint).unlink()

    life = run(BAD, USE)

    assert "durable-nb resume r1 --set clean.rows=VALUE" in life.errors[0]
    assert "DamagedError" in life.errors[0]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.csv", "a\n1", r"expected one of \.json"),
        ("x.json", "{", "is no json file"),
        ("x.parquet", "PAR1", "is no parquet file"),
        ("missing.json", None, "No such file"),
    ],
)
def test_files_that_hold_no_value(tmp_path: Path, name: str, content: str | None, words: str) -> None:
    """Said before anything is recorded."""
    path = tmp_path / name
    if content is not None:
        path.write_text(content)

    with pytest.raises(UsageError, match=words):
        giving.value_of_file(path)


def test_forced(run: Any) -> None:
    """A step that is to be executed is, once: the kernel that follows one that died reuses what that left."""
    make = "%%step clean\nrows = 5"
    run(make, USE)
    started = 4e9  # later than every trace there is
    assert ["completed", "reused"] == run(make, USE, forced={"clean": started}).states
    assert "forced" == run(make, forced={"clean": started}).cells[0].reason
    assert ["reused", "reused"] == run(make, USE, forced={"clean": 1.0}).states
