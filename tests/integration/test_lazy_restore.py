"""Results of reused steps are read from disk when a cell first names them, by whatever way."""

from __future__ import annotations

import pytest

from durable_nb.store.store import open_store

# Names that are in memory, found without naming them: what a cell mentions is read.
IN_MEMORY = "sorted(n for n in get_ipython().ns_table['user_' + 'local'] if n[:2] == 'v_')"
STEPS = [
    "%%step first\nv_list = [1, 2]\nv_same = v_list\nv_number = 7\nv_list",
    "%%step second\nv_total = sum(v_list) + v_number\ndef total(): return v_total\nv_number",
]


def test_a_chain_of_reused_steps_reads_no_value(kernel) -> None:
    """What the next step used is known from the traces; nothing is read until a cell names it."""
    kernel.run_all(*STEPS)

    assert ["reused", "reused"] == [r.state for r in kernel.run_all(*STEPS)]
    assert kernel.run(IN_MEMORY).result == "[]"


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


def test_a_function_defined_earlier_finds_what_comes_back_later(kernel) -> None:
    """A function that exists may be called at any time, by a timer or a widget."""
    register = "calls = []\ncalls.append(lambda: v_total)\ndef shown(): return v_list\nkept = [shown]"
    kernel.run_all(register, *STEPS)
    kernel.run_all(register, *STEPS)

    assert kernel.run(IN_MEMORY).result == "['v_list', 'v_same', 'v_total']"


def test_names_bound_or_deleted_by_a_plain_cell_do_not_come_back(kernel) -> None:
    """A name that waits gives way to what the notebook does with it."""
    kernel.run_all(*STEPS)
    kernel.run_all(*STEPS)
    kernel.run("v_total = 1")
    kernel.run("del v_total")
    kernel.run("import json as v_number")

    assert "NameError" in kernel.run("v_total").error
    assert kernel.run("v_number.__name__").result == "'json'"
    assert kernel.run("def f():\n    global v_list\n    v_list = 0\n    del v_list\nf()").error == ""
    assert "NameError" in kernel.run("v_list").error


def test_a_failed_plain_cell_leaves_waiting_names_alone(kernel) -> None:
    """It did not get as far as binding them."""
    kernel.run_all(*STEPS)
    kernel.run_all(*STEPS)

    assert "ZeroDivisionError" in kernel.run("1 / 0\nv_total = 3").error
    assert kernel.run("v_total").result == "10"


def test_a_step_that_executes_finds_its_inputs(kernel) -> None:
    """Its own code decides what is read."""
    kernel.run_all(*STEPS)
    kernel.run_all(*STEPS)

    executed = kernel.run("%%step third\nv_more = v_total + 1\nv_more")
    assert (executed.state, executed.result) == ("completed", "11")
    assert kernel.run(IN_MEMORY).result == "['v_more', 'v_total']"
    assert kernel.run("%%step changes\nv_list.append(3)").state == "completed"
    assert kernel.run("v_same").result == "[1, 2, 3]"


def test_a_value_that_is_damaged_after_its_step_was_reused(kernel, tmp_path) -> None:
    """A file that is cut off is found before the step is reused; no wrong value, ever."""
    kernel.run_all(*STEPS)
    for path in tmp_path.glob(".durable/artifacts/*/*.parquet"):
        path.write_bytes(path.read_bytes()[:-9])

    assert ["completed", "completed"] == [r.state for r in kernel.run_all(*STEPS)]


def flip_bits(folder, step: str, name: str) -> None:
    """Alter the middle of the file that holds an output."""
    store = open_store(folder / ".durable")
    trace = next(store.traces.latest(step))
    path = store.artifacts.path(next(o.of or o.fingerprint for o in trace.outputs if o.name == name))
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0xFF
    content[8:16] = bytes(8)
    path.write_bytes(content)


def test_a_value_found_damaged_when_it_is_named_is_made_again(kernel) -> None:
    """Its step had been reused already: the step is executed once more for it, unseen."""
    kernel.run_all(*STEPS)
    kernel.run_all(*STEPS)
    flip_bits(kernel.folder, "second", "v_total")
    kernel.run("v_number = 100")

    named = kernel.run("v_total")
    assert named.result == "10"
    assert "a stored result of step second was damaged; the step was executed again for it" in named.text
    assert kernel.run("v_number").result == "100"
    assert ["reused", "reused"] == [r.state for r in kernel.run_all(*STEPS)]
    assert kernel.run("v_total").text == ""


def test_a_damaged_value_whose_inputs_are_gone_says_what_to_run(kernel) -> None:
    """No wrong value, no frames of ours: one sentence, and running the step mends it."""
    cells = ["seen = [1]", "%%step grow\nv_sum = sum(seen)"]
    kernel.run_all(*cells)
    kernel.run_all(*cells)
    flip_bits(kernel.folder, "grow", "v_sum")
    kernel.run("seen = [2]")

    failed = kernel.run("v_sum")
    assert "DamagedError: a stored result of step grow is damaged" in failed.error
    assert "run the cell of grow again" in failed.error
    assert kernel.run(cells[0]).error == ""
    assert kernel.run(cells[1]).state == "completed"
    assert kernel.run("v_sum").result == "1"


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
