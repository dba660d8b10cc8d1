"""Results of reused steps are read from disk when a cell first names them, by whatever way."""

from __future__ import annotations

from pathlib import Path

import pytest
from oracle.kernels import ForkedKernels, Life, cell, damage

from durable_nb.store.store import open_store

# Names that are in memory, found without naming them: what a cell mentions is read.
IN_MEMORY = "sorted(n for n in get_ipython().ns_table['user_' + 'local'] if n[:2] == 'v_')"
SHOW_IN_MEMORY = f"print({IN_MEMORY})"
STEPS = [
    "%%step first\nv_list = [1, 2]\nv_same = v_list\nv_number = 7\nv_list",
    "%%step second\nv_total = sum(v_list) + v_number\ndef total(): return v_total\nv_number",
]


@pytest.fixture
def kept(forked: ForkedKernels, tmp_path: Path) -> Path:
    """A folder whose store has the steps."""
    forked.run_cells(tmp_path, *STEPS)
    return tmp_path


def run(forked: ForkedKernels, folder: Path, *script: str | dict) -> Life:
    """Cells, and what happens between them, in a new kernel; also after a cell failed."""
    return forked.run(folder, [cell(a) if isinstance(a, str) else a for a in script], go_on=True)


def test_a_chain_of_reused_steps_reads_no_value(forked, kept: Path) -> None:
    """What the next step used is known from the traces; nothing is read until a cell names it."""
    life = run(forked, kept, *STEPS, SHOW_IN_MEMORY)

    assert ["reused", "reused", ""] == life.states
    assert "[]\n" == life.cells[2].shown


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("v_total", "10"),
        ("total()", "10"),
        ("f'{v_number}'", "'7'"),
        ("eval('v_' + 'total')", "10"),
        ("globals()['v_' + 'total']", "10"),
        ("(lambda: v_total)()", "10"),
        ("v_list is v_same", "True"),
        ("__ is v_list", "True"),
        ("Out[max(Out)]", "7"),
        ("_", "7"),
        ("import __main__; getattr(__main__, 'v_' + 'total')", "10"),
        ("import builtins; builtins.eval('v_total')", "10"),
        ("class A:\n    def f(self): return v_total\nA().f()", "10"),
        ("def f(): return v_total\nf()", "10"),
        ("del v_number\n'v_number' in globals()", "False"),
        ("v_number += 1\nv_number", "8"),
        ("[n for n in dir() if n[:2] == 'v_']", "['v_list', 'v_number', 'v_same', 'v_total']"),
        ("get_ipython().run_line_magic('who_ls', 'int')", "['v_number', 'v_total']"),
    ],
)
def test_a_value_is_there_when_a_cell_reaches_for_it(warm_kernel, cell: str, shown: str) -> None:
    """By name, through functions, strings, magics, IPython's history or the namespace itself."""
    for step in STEPS:
        warm_kernel.run(step)

    assert warm_kernel.run(cell).result == shown


def test_a_function_defined_earlier_finds_what_comes_back_later(forked, tmp_path: Path) -> None:
    """A function that exists may be called at any time, by a timer or a widget."""
    register = "calls = []\ncalls.append(lambda: v_total)\ndef shown(): return v_list\nkept = [shown]"
    forked.run_cells(tmp_path, register, *STEPS)

    life = run(forked, tmp_path, register, *STEPS, SHOW_IN_MEMORY)
    assert "['v_list', 'v_same', 'v_total']\n" == life.cells[3].shown


def test_names_bound_or_deleted_by_a_plain_cell_do_not_come_back(forked, kept: Path) -> None:
    """A name that waits gives way to what the notebook does with it."""
    own = ["v_total = 1", "del v_total", "import json as v_number"]
    by_function = "def f():\n    global v_list\n    v_list = 0\n    del v_list\nf()"

    life = run(forked, kept, *STEPS, *own, "v_total", "print(v_number.__name__)", by_function, "v_list")
    assert [*[""] * 5, "NameError", "", "", "NameError"] == [error.partition(":")[0] for error in life.errors]
    assert "json\n" == life.cells[6].shown


def test_a_failed_plain_cell_leaves_waiting_names_alone(kernel) -> None:
    """It did not get as far as binding them."""
    kernel.run_all(*STEPS)
    kernel.run_all(*STEPS)

    assert "ZeroDivisionError" in kernel.run("1 / 0\nv_total = 3").error
    assert kernel.run("v_total").result == "10"


def test_a_step_that_executes_finds_its_inputs(forked, kept: Path) -> None:
    """Its own code decides what is read."""
    third = "%%step third\nv_more = v_total + 1\nv_more"
    changes = "%%step changes\nv_list.append(3)"

    life = run(forked, kept, *STEPS, third, SHOW_IN_MEMORY, changes, "print(v_same)")
    assert ["reused", "reused", "completed", "", "completed", ""] == life.states
    assert "11" in life.cells[2].shown
    assert "['v_more', 'v_total']\n" == life.cells[3].shown
    assert "[1, 2, 3]\n" == life.cells[5].shown


def test_a_value_that_is_damaged_after_its_step_was_reused(forked, kept: Path) -> None:
    """A file that is cut off is found before the step is reused; no wrong value, ever."""
    for path in kept.glob(".durable/artifacts/*/*.parquet"):
        path.write_bytes(path.read_bytes()[:-9])

    assert ["completed", "completed"] == run(forked, kept, *STEPS).states


def file_of(folder: Path, step: str, name: str) -> Path:
    """The file that holds an output."""
    store = open_store(folder / ".durable")
    trace = next(store.traces.latest(step))
    return store.artifacts.path(next(o.of or o.fingerprint for o in trace.outputs if o.name == name))


def test_a_value_found_damaged_when_it_is_named_is_made_again(forked, kept: Path) -> None:
    """Its step had been reused already: the step is executed once more for it, unseen."""
    damaged = damage(file_of(kept, "second", "v_total"))

    found = run(forked, kept, *STEPS, damaged, "v_number = 100", "print(v_total)", "print(v_number)")
    said = "a stored result of step second was damaged; the step was executed again for it"
    assert said in found.cells[3].shown
    assert found.cells[3].shown.endswith("10\n")
    assert "100\n" == found.cells[4].shown
    again = run(forked, kept, *STEPS, "print(v_total)")
    assert ["reused", "reused", ""] == again.states
    assert "10\n" == again.cells[2].shown


def test_a_damaged_value_whose_inputs_are_gone_says_what_to_run(forked, tmp_path: Path) -> None:
    """No wrong value, no frames of ours: one sentence, and running the step mends it."""
    cells = ["seen = [1]", "%%step grow\nv_sum = sum(seen)"]
    forked.run_cells(tmp_path, *cells)
    damaged = damage(file_of(tmp_path, "grow", "v_sum"))

    life = run(forked, tmp_path, *cells, damaged, "seen = [2]", "v_sum", *cells, "print(v_sum)")
    assert "DamagedError: a stored result of step grow is damaged" in life.cells[3].traceback
    assert "run the cell of grow again" in life.cells[3].traceback
    assert ["", "completed", ""] == life.states[4:]
    assert "1\n" == life.cells[6].shown


def test_completion_and_tooltips_know_values_that_wait(warm_kernel) -> None:
    """A front end that asks about a name gets an answer, by name, attribute and tooltip."""
    for step in STEPS:
        warm_kernel.run(step)

    assert "v_total" in warm_kernel.complete("print(v_to")
    assert any(match.endswith("append") for match in warm_kernel.complete("v_list.app"))
    assert "Type:" in warm_kernel.inspect("v_number")
    assert warm_kernel.evaluate("v_total * 2") == "20"


def test_unloading_the_extension_reads_everything(warm_kernel) -> None:
    """After it nothing would."""
    for step in STEPS:
        warm_kernel.run(step)
    warm_kernel.run("%unload_ext durable_nb")

    assert warm_kernel.run(IN_MEMORY).result == "['v_list', 'v_number', 'v_same', 'v_total']"
    assert warm_kernel.run("%load_ext durable_nb").error == ""


@pytest.fixture
def warm_kernel(module_kernel):
    """A kernel whose store has the steps, and whose namespace is empty."""
    if not (module_kernel.folder / ".durable").exists():
        module_kernel.run_all(*STEPS)
    module_kernel.run("%reset -f")
    return module_kernel
