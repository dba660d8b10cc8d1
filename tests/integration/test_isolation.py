"""After a failure: what needs what the failed cell would have made is blocked; all else runs."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from oracle.kernels import ForkedKernels, Life, cell

from durable_nb.core.protocol import RUN_VARIABLE
from durable_nb.store.store import open_store


def run(forked: ForkedKernels, folder: Path, *sources: str, batch: bool = False, **options: Any) -> Life:
    """Run all cells, each whatever the others do; those of equal source are different cells."""
    script = [cell(source, f"cell-{number}") for number, source in enumerate(sources)]
    told = {"run_id": "r1", "store": str(folder / ".durable"), "notebook": "nb.ipynb", "engine": "durable"}
    environment = {RUN_VARIABLE: json.dumps(told)} if batch else {}
    return forked.run(folder, script, go_on=True, environment=environment, **options)


FAILS = "%%step clean\ndf = [1 / zero]"


@pytest.mark.parametrize(
    "needy",
    [
        "%%step count\nn = len(df)",
        "%%step total\nn = sum(df)\ndf = [n]",
        "n = df",
        "n = double()",
        "%%step shown\nn = [double()]",
        "n = wanted and eval(wanted)",
        "n = eval('df')",
        "n = f'{df}'",
        "del df",
        "df += [1]",
        "n = __import__('duckdb').sql('select 1 from df')",
        "%%time\nn = df",
        "%time n = df",
        "!echo {df}",
        "n = [name for name in globals()]",
        "n = globals()['df']",
        "n = 'df' in dir()",
        "n = globals().get('df', 0)",
    ],
)
def test_what_needs_the_missing_value_is_blocked(forked, tmp_path: Path, needy: str) -> None:
    """By its code, through functions, strings and magics: never on the value that was there before."""
    before = "zero, df = 0, ['stale']\nwanted = 'df[0] + df[0]'\ndef double():\n    return df * 2"

    life = run(forked, tmp_path, before, FAILS, needy, "'n' in dir() and n")

    assert life.errors[1].startswith("ZeroDivisionError")
    assert life.errors[2].startswith("BlockedError: needs ")
    assert "step clean, which failed (ZeroDivisionError: division by zero)" in life.errors[2]


@pytest.mark.parametrize(
    "independent",
    [
        "%%step other\nn = zero + 1",
        "n = 1",
        "def later(): return df",
        "n = 'the df of old'",
        "print('df is missing')",
        "n = {'df': 1}['df']",
        "df = [5]",
        "%%step renewed\ndf = [5]",
        "%whos",
        "%steps",
        "n = 1 if 'other' in globals() else globals().get('zero')",
        "globals()['n'] = 1",
    ],
)
def test_independent_cells_run(forked, tmp_path: Path, independent: str) -> None:
    """Words in texts for people, a function that is not called, a new value: no need."""
    life = run(forked, tmp_path, "zero, df = 0, ['stale']", FAILS, independent)

    assert life.errors[2] == ""


def test_a_blocked_step_blocks_in_turn_and_says_the_root(forked, tmp_path: Path) -> None:
    """The chain ends at the step that failed; ledger and status line have the state."""
    life = run(
        forked,
        tmp_path,
        "zero = 0",
        FAILS,
        "%%step count\nn = len(df)",
        "%%step report\ntext = str(n)",
        farewell=True,
    )

    assert [state for state in life.states if state] == ["failed", "blocked", "blocked"]
    assert "needs n of step count, which is blocked itself: it needs df of step clean" in life.errors[3]
    with closing(open_store(tmp_path / ".durable")) as store:
        rows = store.ledger.rows("select step, state, reason, error_type from steps order by step")
    assert [("clean", "failed"), ("count", "blocked"), ("report", "blocked")] == [
        (row["step"], row["state"]) for row in rows
    ]
    assert "BlockedError" == rows[1]["error_type"]
    assert "needs df of step clean" in rows[1]["reason"]


def test_a_stale_result_is_not_reused_either(forked, tmp_path: Path) -> None:
    """A later step has a trace for just the value that was there before; it is blocked, not reused."""
    old = "%%step clean\ndf = [1]"
    count = "%%step count\nn = len(df)"
    run(forked, tmp_path, "zero = 0", old, count)

    life = run(forked, tmp_path, "zero = 0\ndf = [1]", FAILS, count)

    assert life.states[1:] == ["failed", "blocked"]


def test_mended_and_run_again_frees_the_others(forked, tmp_path: Path) -> None:
    """The failed cell runs, then what needs it; a cell that stands before it was never blocked."""
    script = [
        cell("zero, df = 0, ['raw']", "a"),
        cell("first = len(df)", "b"),
        cell(FAILS, "c"),
        cell("n = df", "d"),
        cell("first = len(df)", "b"),
        cell("%%step clean\ndf = ['made']", "c"),
        cell("n = df", "d"),
    ]

    life = forked.run(tmp_path, script, go_on=True)

    assert [bool(error) for error in life.errors] == [False, False, True, True, False, False, False]


def test_a_value_made_anew_before_the_failed_step_frees_nothing_after_it(forked, tmp_path: Path) -> None:
    """The raw table is read again; the step that cleans it still has not run."""
    script = [
        cell("df = ['raw']", "a"),
        cell("%%step clean\ndf = df + [1 / 0]", "b"),
        cell("df = ['raw', 'again']", "a"),
        cell("n = df", "c"),
        cell("df = ['other']", "d"),
        cell("n = df", "c"),
    ]

    life = forked.run(tmp_path, script, go_on=True)

    assert ["", "Zero", "", "Bloc", "", ""] == [error[:4] for error in life.errors]


def test_what_it_changed_or_would_have_changed_is_missing_too(forked, tmp_path: Path) -> None:
    """In place: seen in the attempt, in its code, or in its latest trace; reading alone is no change."""
    setup = (
        "rows, table, seen = [1], {'a': 1}, [5]\ndef load(x, fail=False):\n    x.clear()\n    assert not fail"
    )
    failing = "%%step change\nok = sum(seen)\nrows.append(2)\nload(table, fail=True)"

    life = run(
        forked,
        tmp_path,
        setup,
        failing,
        "%%step one\na = len(rows)",
        "%%step two\nb = len(table)",
        "%%step three\nc = len(seen)",
    )

    assert ["", "failed", "blocked", "blocked", "completed"] == life.states


@pytest.mark.parametrize(
    ("failing", "free"),
    [
        ("import time\ntime.sleep(0)", "n = time.time()"),
        ("np.random.seed(1)", "n = np.zeros(2)"),
        ("import os as system", "n = system.sep"),
        ("import os", "n = os.sep"),
        ("os.environ['ORACLE_A'] = '1'", "n = os.sep"),
        ("class Box:\n    def __init__(self, v):\n        self.v = v", "self = 1\nn = self"),
        ("def grow(rows):\n    rows.append(1)", "n = rows"),
        ("grown = [row.append(1) for row in ()]", "n = rows"),
        ("y = sorted(rows)", "n = rows"),
        ("from dataclasses import dataclass\nBox()\n@dataclass\nclass D:\n    v: int = 5", "n = rows"),
    ],
)
def test_what_a_failed_step_only_uses_is_not_missing(forked, tmp_path: Path, failing: str, free: str) -> None:
    """A library whose functions it calls, an import that stands above already, names of its functions."""
    setup = "import os, time\nimport numpy as np\nimport os as system\nrows = [1]"
    setup += "\nfrom dataclasses import dataclass\n@dataclass\nclass Box:\n    v: int = 1"

    life = run(forked, tmp_path, setup, f"%%step fails\n{failing}\n1 / 0", f"%%step free\n{free}")

    assert ["", "failed", "completed"] == life.states


@pytest.mark.parametrize(
    ("setup", "failing", "needy"),
    [
        ("xs = [1]\nbox = {'xs': xs}", "xs.append(1 / 0)", "n = len(box['xs'])"),
        ("xs = [1]\nnested = [xs]", "nested[0].append(1 / 0)", "n = len(xs)"),
        ("xs = [1]\nsame = xs", "1 / 0\nxs += [1]", "n = len(same)"),
        ("rows = [1, 2]", "__import__('random').shuffle(rows)\n1 / 0", "n = rows"),
        ("import random\nrows = [1, 2]", "1 / 0\nrandom.shuffle(rows)", "n = rows"),
        ("import tools\nrows = [1]", "1 / 0\ntools.grow(rows)\nn = 1", "m = rows"),
        ("import tools", "1 / 0\ntools.limit = 2", "n = tools.limit"),
        ("import tools", "1 / 0\ntools.limit = 2", "from tools import limit"),
        ("import os", "1 / 0\nos.environ['ORACLE_A'] = 'x'", "n = os.environ.get('ORACLE_A')"),
        ("import os", "1 / 0\nos.environ.update(ORACLE_A='x')", "n = os.getenv('ORACLE_A')"),
        ("a = 0", "1 / 0\nglobals()['a'] = 1", "n = a"),
        ("a = 0\ndef bump():\n    global a\n    a = 1", "1 / 0\nbump()", "n = a"),
        ("rows = [1]\ndef bump():\n    rows.append(1)", "1 / 0\nbump()", "n = rows"),
    ],
)
def test_what_it_would_have_changed_through_something_else(
    forked, tmp_path: Path, setup: str, failing: str, needy: str
) -> None:
    """Another name of the object, a container that holds it, a module of the project, a function."""
    (tmp_path / "tools.py").write_text("limit = 1\ndef grow(rows): rows.append(1)\n")

    life = run(forked, tmp_path, setup, f"%%step fails\n{failing}", f"%%step needy\n{needy}")

    assert ["", "failed", "blocked"] == life.states


def test_what_it_made_when_it_last_completed_in_this_kernel(forked, tmp_path: Path) -> None:
    """Also where that could not be kept: what no code shows is known from then."""
    setup = "import os\ntable = {'rows': [1], 'lock': __import__('threading').Lock()}\nrows = table['rows']"
    step = (
        "%%step grow\nif os.environ.get('BROKEN'): 1 / 0\n[r.append(2) for r in table.values() if r is rows]"
    )
    script = [
        cell(setup, "a"),
        cell(step, "b"),
        cell("n = len(rows)", "c"),
        cell("os.environ['BROKEN'] = '1'", "d"),
        cell(setup, "a"),
        cell(step, "b"),
        cell("n = len(rows)", "c"),
    ]

    life = forked.run(tmp_path, script, go_on=True)

    assert ["", "", "", "", "", "ZeroDivisionError", "BlockedError"] == [
        error.partition(":")[0] for error in life.errors
    ]


def test_a_blocked_plain_cell_blocks_in_turn_also_at_a_keyboard(forked, tmp_path: Path) -> None:
    """It was not run: what stands in its names is of an earlier time."""
    life = run(
        forked, tmp_path, "zero, df, n = 0, ['stale'], 9", FAILS, "n = len(df)", "%%step use\nm = n", "m = n"
    )

    assert ["", "ZeroDiv", "Blocked", "Blocked", "Blocked"] == [error[:7] for error in life.errors]


def test_files_that_it_would_have_written(forked, tmp_path: Path) -> None:
    """An old file stands there; whoever reads it is blocked."""
    (tmp_path / "out.csv").write_text("stale")
    writes = "%%step write --writes 'out*.csv'\nnumber = 1 / 0\nopen('out.csv', 'w').write('new')"

    life = run(forked, tmp_path, writes, "%%step read\ntext = open('out.csv').read()", "%%step free\nx = 1")

    assert ["failed", "blocked", "completed"] == life.states


def test_a_plain_cell_that_fails_blocks_in_a_batch_run(forked, tmp_path: Path) -> None:
    """What it had bound before its error may be half done; modules and functions are whole."""
    plain = "import math\ndef half(x): return x / 2\ndf = [half(1)]\nextra = 1 / 0"
    cells = (plain, "%%step one\na = len(df)", "%%step two\nb = math.pi + half(2)", "c = extra", "d = 1")

    batch = run(forked, tmp_path, *cells, batch=True)
    by_hand = run(forked, tmp_path, *cells)

    assert ["ZeroDiv", "Blocked", "", "Blocked", ""] == [error[:7] for error in batch.errors]
    assert ["ZeroDiv", "", "", "NameErr", ""] == [error[:7] for error in by_hand.errors]


def test_a_cell_that_cannot_be_parsed(forked, tmp_path: Path) -> None:
    """Nothing of it has run: what its lines would bind is missing."""
    broken = "%%step clean\ndf = [1]\nif True print(1)"

    life = run(forked, tmp_path, "df = ['stale']", broken, "n = df", "m = 1")

    assert ["", "SyntaxE", "Blocked", ""] == [error[:7] for error in life.errors]


def test_a_person_goes_on_with_what_is_there(forked, tmp_path: Path) -> None:
    """``%steps unblock``; a step that blocks nothing is an error that names those which do."""
    life = run(
        forked,
        tmp_path,
        "zero, df = 0, ['old']",
        FAILS,
        "n = df",
        "%steps unblock claen",
        "%steps unblock clean",
        "n = df",
    )

    assert ["", "ZeroDiv", "Blocked", "Unknown", "", ""] == [error[:7] for error in life.errors]
    assert "clean" in life.errors[3]


def test_an_interrupted_step_has_made_nothing(forked, tmp_path: Path) -> None:
    """Cancelled is not completed: the old value is as stale."""
    life = run(forked, tmp_path, "df = 1", "%%step slow\ndf = 2\nraise KeyboardInterrupt", "n = df")

    assert life.states[1] == "cancelled"
    assert "step slow, which was interrupted" in life.errors[2]


def test_auto_mode_blocks_by_cell(forked, tmp_path: Path) -> None:
    """No step has a name there; the mended cell frees the others although its name is another."""
    script = [
        cell("%steps auto on", "a"),
        cell("df = [1, 2]\nprint(df)", "b"),
        cell("df = [len(df) / 0]", "c"),
        cell("n = [x for x in df]", "d"),
        cell("df = [len(df) / 1]", "c"),
        cell("n = [x for x in df]", "d"),
    ]

    life = forked.run(tmp_path, script, go_on=True)

    assert ["", "", "ZeroDiv", "Blocked", "", ""] == [error[:7] for error in life.errors]
    assert "the cell that begins with 'df = [len(df) / 0]'" in life.errors[3]
