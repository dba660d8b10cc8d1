"""Steps in a real kernel: what comes back in a second kernel, and what a step keeps of a plain cell."""

from __future__ import annotations

import pytest


def test_a_second_run_brings_everything_back(kernel) -> None:
    """Variables, imports, definitions, the last value, prints and plots in their order."""
    load = """%%step load
import sys
import numpy as np
from pathlib import Path as P
limit = 3
def double(x):
    return 2 * x + limit
class Point:
    def __init__(self, x): self.x = x
print('one')
print('to stderr', file=sys.stderr)
display({'text/plain': 'shown'}, raw=True)
print('two')
point = Point(np.arange(3))
point.x"""
    plot = "%%step plot\n%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1])\nprint('plotted')"
    cells = [load, plot]
    check = "double(np.int64(2)), P('a').name, point.x.tolist(), type(point).__name__, _.tolist()"
    kernel.start()
    executed = [kernel.run(cell) for cell in cells]
    assert ["completed", "completed"] == [r.state for r in executed]
    assert ["stream", "stream", "display_data", "stream", "execute_result"] == [
        o["output_type"] for o in executed[0].outputs
    ]
    reused = kernel.run_all(*cells)
    assert ["reused", "reused"] == [r.state for r in reused]
    assert [r.outputs for r in executed] == [r.outputs for r in reused]
    assert "image/png" in next(o for o in reused[1].outputs if o["output_type"] == "display_data")["data"]
    kernel.run(cells[0])
    assert kernel.run(check).result == "(np.int64(7), 'a', [0, 1, 2], 'Point', [0, 1, 2])"


def test_restored_functions_see_later_changes_of_globals(kernel) -> None:
    """A restored function lives in the notebook, not in a copy of it."""
    cell = "%%step define\nk = 1\ndef f(): return k\ng = lambda: k + 10\nfs = [lambda: k + 100]"
    kernel.start()
    kernel.run(cell)
    assert kernel.run_all(cell)[0].state == "reused"
    kernel.run("k = 5")
    assert kernel.run("f(), g(), fs[0]()").result == "(5, 15, 105)"
    assert kernel.run("import inspect; inspect.getsource(f)").result == "'def f(): return k\\n'"


def test_the_comment_form_is_the_same_step(kernel) -> None:
    """For editors and linters that know no cell magics."""
    kernel.start()
    assert kernel.run("%%step load --version 1\nx = 1").state == "completed"
    assert kernel.run_all("# about\n\n# step: load --version 1\nx = 1")[0].state == "reused"


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ("%%step use\ny = x + 1  # why", "reused"),
        ("%%step use\n\ny = (x +\n     1)", "reused"),
        ("%%step use\ny = x + 2", "completed"),
        ("%%step use --version 2\ny = x + 1", "completed"),
        ("%%step use --always\ny = x + 1", "completed"),
        ("%%step use --ttl 1ms\ny = x + 1", "completed"),
        ("%%step use --ttl 1h\ny = x + 1", "reused"),
        ("%%step other\ny = x + 1", "completed"),
    ],
)
def test_a_changed_cell(kernel, change: str, state: str) -> None:
    """Formatting reuses, code and options that matter execute."""
    kernel.start()
    kernel.run("x = 1")
    kernel.run("%%step use\ny = x + 1")
    assert kernel.run_all("x = 1", change)[1].state == state


@pytest.mark.parametrize("now", ["x = 2", "x = 1.0", "x = '1'", "x = True", "x = [1]"])
def test_a_changed_input_executes_and_says_what_changed(kernel, now: str) -> None:
    """Typed: 1, 1.0, '1' and True differ. Undoing the change reuses."""
    kernel.start()
    kernel.run("x = 1")
    kernel.run("%%step use\ny = x")
    executed = kernel.run_all(now, "%%step use\ny = x")[1]
    assert executed.state == "completed"
    assert executed.status["reason"].startswith("x ")
    kernel.run("x = 1")
    assert kernel.run("%%step use\ny = x").state == "reused"


def test_an_edit_with_the_same_result_upstream_reuses_downstream(kernel) -> None:
    """Early cut-off: dependencies are compared by content."""
    kernel.start()
    kernel.run("%%step up\nx = 2")
    kernel.run("%%step down\ny = x + 1")
    up, down = kernel.run_all("%%step up\nx = 1 + 1", "%%step down\ny = x + 1")
    assert (up.state, down.state) == ("completed", "reused")


def test_inputs_changed_in_place_come_back_changed(kernel) -> None:
    """An input that the step mutates is an output, and so is another name of the same object."""
    cells = ["xs = [1]\nalso = xs", "%%step grow\nxs.append(2)", "%%step shrink\ndel xs[0]"]
    kernel.start()
    for cell in cells:
        kernel.run(cell)
    assert ["", "reused", "reused"] == [r.state for r in kernel.run_all(*cells)]
    assert kernel.run("xs, also, xs is also").result == "([2], [2], True)"


def test_deleted_names_and_aliases_come_back(kernel) -> None:
    """What the step unbound is unbound; two names of one object stay one object."""
    cells = ["old = 1", "%%step make\na = [old]\nb = a\nc = old\ndel old"]
    kernel.start()
    for cell in cells:
        kernel.run(cell)
    assert kernel.run_all(*cells)[1].state == "reused"
    assert kernel.run("a is b, c, 'old' in globals()").result == "(True, 1, False)"


def test_await_magics_and_shell_commands_work(kernel) -> None:
    """As in a plain cell, and all of it comes back."""
    cell = (
        "%%step all\nimport asyncio\nawait asyncio.sleep(0)\n%env DURABLE_TEST=1\n"
        "!echo from the shell\nfiles = !echo a b\nx = await asyncio.sleep(0, 'slept')\nx"
    )
    kernel.start()
    executed = kernel.run(cell)
    assert executed.error == ""
    assert "from the shell" in executed.text
    reused = kernel.run_all(cell)[0]
    assert reused.state == "reused"
    assert executed.text.split() == reused.text.split()
    assert kernel.run("files[0], x, Out[2]").result == "('a b', 'slept', 'slept')"


def test_output_is_live_while_a_step_runs(kernel) -> None:
    """Text shows before the step ends."""
    kernel.start()
    kernel.send("%%step slow\nimport time\nprint('started', flush=True)\nwhile True: time.sleep(0.01)")
    kernel.wait_for_text("started")
    kernel.interrupt()
    assert "KeyboardInterrupt" in kernel.finish().error
    assert kernel.run("%steps").result.splitlines()[2].split()[:2] == ["slow", "cancelled"]


def test_a_failed_step_fails_its_cell_with_one_traceback(kernel) -> None:
    """The user's own frames with the user's own line numbers, none of ours; and nothing is reused."""
    cell = "# about this cell\n%%step fails\ndef inner():\n    raise ValueError('no')\n\ninner()"
    kernel.start()
    failed = kernel.run(cell)
    assert failed.state == "failed"
    assert failed.error.count("Traceback (most recent call last)") == 1
    assert "----> 6 inner()" in failed.error
    assert "----> 4     raise ValueError('no')" in failed.error
    assert "durable_nb" not in failed.error
    assert "hidden" not in failed.error
    assert kernel.run_all(cell)[0].state == "failed"


def test_another_cell_magic_may_stand_below_the_marker(kernel) -> None:
    """The step keeps what it makes."""
    cell = "%%step timed\n%%time\nx = 1\nprint(x)"
    kernel.start()
    assert kernel.run(cell).error == ""
    assert kernel.run_all(cell)[0].state == "reused"
    assert kernel.run("x").result == "1"


def test_a_syntax_error_is_an_ordinary_one(kernel) -> None:
    """Python's own message; the kernel goes on."""
    kernel.start()
    assert "SyntaxError" in kernel.run("%%step broken\nx = = 1").error
    assert kernel.run("%%step fine\nx = 1").state == "completed"


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (
            "%%step clean --retrys 3\nx = 1",
            "OptionError: in '%%step clean --retrys 3': unknown option --retrys",
        ),
        (
            "%%step clean --ttl soon\nx = 1",
            "OptionError: in '%%step clean --ttl soon': option --ttl: found 'soon'",
        ),
        ("%%step 1clean\nx = 1", "StepNameError: in '%%step 1clean': found the step name '1clean'"),
        ("%%step\nprint(1)", "StepNameError: in '%%step': found no step name"),
        ("%%time\n%%step clean\nx = 1", "%%step must stand above %%time"),
    ],
)
def test_a_wrong_marker_is_one_clear_message(kernel, cell: str, message: str) -> None:
    """Nothing runs, and no traceback of ours hides the message."""
    kernel.start()
    failed = kernel.run(cell)
    assert message in failed.error + failed.text
    assert "durable_nb/" not in failed.error
    assert "NameError" in kernel.run("x").error


def test_two_cells_with_one_step_name_are_refused(kernel) -> None:
    """The error names both; the same cell may be edited and run again."""
    kernel.start()
    kernel.run("%%step clean\nx = 1", cell_id="one")
    assert kernel.run("%%step clean\nx = 2", cell_id="one").state == "completed"
    failed = kernel.run("%%step clean\ny = 1", cell_id="two")
    assert "two cells claim the step name 'clean'" in failed.error
    assert "'%%step clean'" in failed.error


def test_a_value_that_cannot_be_kept_is_named(kernel) -> None:
    """The step works, executes again next time, and says which name to ignore."""
    cell = "%%step open\nlock = __import__('threading').Lock()\nx = 1"
    kernel.start()
    first = kernel.run(cell)
    assert first.state == "completed"
    assert first.status["warning"].startswith("not durable, executes next time: lock: ")
    assert first.status["warning"].endswith("write --ignore lock")
    again = kernel.run_all(cell)[0]
    assert again.state == "completed"
    assert again.status["reason"].startswith("lock is not durable")
    ignored = cell.replace("open", "open --ignore lock")
    kernel.run(ignored)
    assert kernel.run_all(ignored)[0].state == "reused"


def test_files_read_are_dependencies(kernel) -> None:
    """Seen by ``open``, by their literal path, and declared by --reads."""
    folder = kernel.folder
    cells = {
        "opened": "%%step opened\nn = 'opened'\ntext = open(f'{n}.txt').read()",
        "literal": "%%step literal\nimport os\nsize = os.stat('literal.txt').st_size",
        "declared": "%%step declared --reads *d.txt\nimport subprocess\n"
        "out = subprocess.check_output(['cat', 'decla' + 'red.txt'])",
    }
    for name in cells:
        (folder / f"{name}.txt").write_text("one")
    kernel.start()
    assert all(kernel.run(cell).state == "completed" for cell in cells.values())
    assert all(r.state == "reused" for r in kernel.run_all(*cells.values()))
    for name in cells:
        (folder / f"{name}.txt").write_text("other")
    changed = kernel.run_all(*cells.values())
    assert all(r.state == "completed" for r in changed)
    assert changed[0].status["reason"] == "opened.txt modified"
    for name in cells:
        (folder / f"{name}.txt").write_text("one")
    assert all(r.state == "reused" for r in kernel.run_all(*cells.values()))


def test_an_edited_project_module_executes(kernel) -> None:
    """Also one that the imported module imports."""
    (kernel.folder / "helpers.py").write_text("from deeper import k\ndef f(x): return x + k\n")
    (kernel.folder / "deeper.py").write_text("k = 1\n")
    cells = [
        "import helpers",
        "%%step use\ny = helpers.f(1)",
        "%%step inside\nfrom helpers import f\nz = f(1)",
    ]
    kernel.start()
    for cell in cells:
        kernel.run(cell)
    assert ["", "reused", "reused"] == [r.state for r in kernel.run_all(*cells)]
    (kernel.folder / "deeper.py").write_text("k = 20\n")
    assert ["", "completed", "completed"] == [r.state for r in kernel.run_all(*cells)]
    assert kernel.run("y, z").result == "(21, 21)"


def test_a_changed_helper_function_executes(kernel) -> None:
    """Also one that is only called by the function that the step calls; a comment in it does not."""
    step = "%%step use\ny = outer(1)"
    outer = "def outer(x): return inner(x)"
    kernel.start()
    for cell in ["k = 1", "def inner(x): return x + k", outer, step]:
        kernel.run(cell)
    same = kernel.run_all("k = 1", "def inner(x):\n    'doc'\n    return x + k  # comment", outer, step)
    assert same[3].state == "reused"
    assert kernel.run_all("k = 1", "def inner(x): return x - k", outer, step)[3].state == "completed"
    assert kernel.run_all("k = 2", "def inner(x): return x + k", outer, step)[3].state == "completed"


def test_load_query_and_steps(kernel) -> None:
    """Stored values, SQL over the ledger, and the table of steps."""
    kernel.start()
    kernel.run("%%step make\nimport pandas as pd\ndf = pd.DataFrame({'a': [1, 2]})")
    kernel.run("%%step bad\n1 / 0")
    kernel.restart()
    kernel.run("import durable_nb")
    assert kernel.run("durable_nb.load('make', 'df').a.sum()").result == "np.int64(3)"
    states = kernel.run(
        "durable_nb.query('select step, state from attempts order by started_at').values.tolist()"
    ).result
    assert states == "[['make', 'completed'], ['bad', 'failed']]"
    assert "UnknownStepError" in kernel.run("durable_nb.load('mke', 'df')").error
    kernel.run("%%step make\nimport pandas as pd\ndf = pd.DataFrame({'a': [1, 2]})")
    shown = kernel.run("%steps")
    assert shown.result.splitlines()[2].split()[:2] == ["make", "reused"]
    assert "<table" in shown.outputs[0]["data"]["text/html"]


def test_html_is_escaped(kernel) -> None:
    """A step's error type comes from the notebook."""
    kernel.start()
    kernel.run("X = type('<script>', (Exception,), {})\n")
    kernel.run("%%step bad\nraise X('<img>')")
    assert "<script>" not in kernel.run("%steps").outputs[0]["data"]["text/html"]


def test_a_plain_notebook_is_left_alone(kernel) -> None:
    """Loading the extension makes no store and changes no cell."""
    kernel.start()
    assert kernel.run("x = 1\nx").result == "1"
    assert kernel.run("%load_ext durable_nb").error == ""
    assert not (kernel.folder / ".durable").exists()
    assert kernel.run("%unload_ext durable_nb\nx").result == "1"
    assert "%%step" in kernel.run("%%step a\nx = 2").text


def test_random_state_goes_on_where_it_would_be(kernel) -> None:
    """A seed in a reused step still counts; a step that draws depends on the state before it."""
    cells = [
        "import random, numpy as np",
        "%%step seed\nnp.random.seed(1)\nrandom.seed(2)",
        "%%step draw\na = np.random.rand(3).tolist(), random.random()",
        "b = np.random.rand(), random.random()\nb, a",
    ]
    kernel.start()
    first = [kernel.run(cell) for cell in cells]
    again = kernel.run_all(*cells)
    assert ["", "reused", "reused", ""] == [r.state for r in again]
    assert first[3].result == again[3].result
    other = kernel.run_all(cells[0], cells[1].replace("seed(1)", "seed(7)"), *cells[2:])
    assert ["", "completed", "completed", ""] == [r.state for r in other]
    assert first[3].result != other[3].result


def test_a_step_that_draws_without_a_seed_executes(kernel) -> None:
    """Its result is random, so it is never proven; the reason says which generator."""
    cells = ["import numpy as np", "%%step draw\nx = np.random.rand()", "%%step other\ny = 1"]
    kernel.start()
    for cell in cells:
        kernel.run(cell)
    again = kernel.run_all(*cells)
    assert ["", "completed", "reused"] == [r.state for r in again]
    assert again[1].status["reason"].startswith("random.numpy")


def test_folder_environment_and_path_are_set_again(kernel) -> None:
    """What a step did to the process is there after it is reused; a secret is not written to disk."""
    (kernel.folder / "inner").mkdir()
    cell = (
        "%%step go\nimport os, sys\nos.chdir('inner')\n"
        "os.environ['DURABLE_X'] = 'set'\nsys.path.insert(0, '/nowhere')"
    )
    kernel.start()
    kernel.run(cell)
    assert kernel.run_all(cell)[0].state == "reused"
    check = "os.path.basename(os.getcwd()), os.environ['DURABLE_X'], sys.path[0]"
    assert kernel.run(check).result == "('inner', 'set', '/nowhere')"
    kernel.restart()
    secret = kernel.run("%%step login\nimport os\nos.environ['MY_TOKEN'] = 'abc-123'")
    assert "$MY_TOKEN" in secret.status["warning"]
    kernel.stop()
    artifacts = [p.read_bytes() for p in (kernel.folder / ".durable" / "artifacts").rglob("*.parquet")]
    assert artifacts
    assert not any(b"abc-123" in content for content in artifacts)


def test_the_folder_of_the_notebook_is_no_dependency(kernel) -> None:
    """The store is made in it while the first step runs; other files come and go."""
    cell = "%%step first\nimport time\ntime.sleep(0.3)\nx = 1"
    kernel.start()
    kernel.run(cell)
    (kernel.folder / "new.txt").write_text("new")
    assert kernel.run_all(cell)[0].state == "reused"


def test_a_package_that_draws_while_it_is_imported_is_no_random_step(kernel) -> None:
    """rich draws on import; the state of Python's generator differs in every process."""
    cells = [
        "%%step imports\nimport sys\nassert 'rich.style' not in sys.modules\nimport rich.style\nx = 1",
        "import random\nassert random.Random(3).getstate() is not None",
    ]
    kernel.start()
    assert [r.error for r in map(kernel.run, cells)] == ["", ""]
    assert kernel.run_all(*cells)[0].state == "reused"


def test_a_project_module_may_seed_while_it_is_imported(kernel) -> None:
    """What the user's own code does to the generators counts."""
    (kernel.folder / "seeding.py").write_text("import random\nrandom.seed(7)\n")
    cells = ["%%step begin\nimport seeding", "import random\nrandom.random()"]
    kernel.start()
    first = [kernel.run(cell) for cell in cells]
    again = kernel.run_all(*cells)
    assert first[1].result == again[1].result == "0.32383276483316237"


def test_a_part_that_another_variable_holds_is_never_torn_off(kernel) -> None:
    """A list inside a dictionary changes with the list: restoring only one of them would be wrong."""
    cells = ["xs = [1]\nbox = {'xs': xs}", "%%step grow\nxs.append(2)", "box['xs'] is xs, box"]
    kernel.start()
    for cell in cells:
        kernel.run(cell)
    again = kernel.run_all(*cells)
    assert again[1].state == "completed"
    assert again[1].status["reason"].startswith("xs is not durable: it was changed in place, and box holds")
    assert again[2].result == "(True, {'xs': [1, 2]})"
    views = ["import numpy as np\na = np.zeros(4)\nb = a[:2]", "%%step fill\na[:] = 1", "b.tolist()"]
    for cell in views:
        kernel.run(cell)
    assert kernel.run_all(*views)[2].result == "[1.0, 1.0]"


def test_tables_that_share_memory_are_not_torn_by_a_change_in_place(kernel) -> None:
    """pandas copies on write, and element types are everybody's: a new column is an output like any other."""
    cells = [
        "import pandas as pd\ndf = pd.DataFrame({'a': [1, 2]})\nhead = df.head(1)\nother = df[['a']] * 2",
        "%%step widen\ndf['b'] = 1",
        "df.columns.tolist(), head.columns.tolist()",
    ]
    kernel.start()
    for cell in cells:
        kernel.run(cell)
    again = kernel.run_all(*cells)
    assert again[1].state == "reused"
    assert again[2].result == "(['a', 'b'], ['a'])"


def test_environment_variables_read_by_name_are_dependencies(kernel) -> None:
    """In the cell and in the functions it calls; --env names those that the code does not show."""
    cells = [
        "import os\ndef region(): return os.getenv('DURABLE_REGION', 'none')",
        "%%step cell\nuser = os.environ.get('DURABLE_USER')",
        "%%step function\nwhere = region()",
        "%%step declared --env DURABLE_OTHER\nother = dict(os.environ).get('DURABLE' + '_OTHER')",
        "%%step none\nx = 1",
    ]
    kernel.environment = {"DURABLE_USER": "ann", "DURABLE_REGION": "eu", "DURABLE_OTHER": "1"}
    kernel.start()
    for cell in cells:
        kernel.run(cell)
    assert ["reused"] * 4 == [r.state for r in kernel.run_all(*cells)][1:]
    for name, changed in (("USER", "cell"), ("REGION", "function"), ("OTHER", "declared")):
        before = kernel.environment[f"DURABLE_{name}"]
        kernel.environment[f"DURABLE_{name}"] = "changed"
        states = {r.status["step"]: r.state for r in kernel.run_all(*cells)[1:]}
        assert [changed] == [step for step, state in states.items() if state == "completed"]
        kernel.environment[f"DURABLE_{name}"] = before


def test_files_that_stand_in_sql_and_shell_commands_are_dependencies(kernel) -> None:
    """DuckDB, Arrow and other programs open files themselves; a new file that a glob matches counts too."""
    folder = kernel.folder / "data"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.csv").write_text("x\n1\n")
    kernel.run_all("import pandas as pd\npd.DataFrame({'x': [1]}).to_parquet('p.parquet')")
    cells = {
        "sql": "%%step sql\nimport duckdb\nn = duckdb.sql(\"select sum(x) from 'data/a.csv'\").fetchall()",
        "glob": "%%step glob\nimport duckdb\nn = duckdb.sql(\"select sum(x) from 'data/*.csv'\").fetchall()",
        "shell": "%%step shell\ntext = !cat data/b.csv",
        "arrow": "%%step arrow\nimport pandas as pd\ndf = pd.read_parquet('p.parquet')",
        "regex": "%%step regex\nimport re\ny = re.sub('.*', 'a', 'b')",
    }

    def executed() -> list[str]:
        results = kernel.run_all(*cells.values())
        assert not any(r.error for r in results)
        return [r.status["step"] for r in results if r.state == "completed"]

    assert executed() == list(cells)
    assert executed() == []
    (folder / "a.csv").write_text("x\n2\n")
    assert executed() == ["sql", "glob"]
    (folder / "b.csv").write_text("x\n3\n")
    assert executed() == ["glob", "shell"]
    (folder / "c.csv").write_text("x\n4\n")
    assert executed() == ["glob"]
    kernel.run("import pandas as pd\npd.DataFrame({'x': [2]}).to_parquet('p.parquet')")
    assert executed() == ["arrow"]


def test_a_step_that_reads_the_store_is_not_proven(kernel) -> None:
    """What is stored changes; a plain cell may load it, and its value is an input like any other."""
    kernel.start()
    kernel.run("%%step make\nx = 1")
    inside = "%%step inside\nimport durable_nb\ny = durable_nb.load('make', 'x')"
    outside = ["import durable_nb\nz = durable_nb.load('make', 'x')", "%%step outside\ny = z"]
    assert kernel.run(inside).status["warning"].startswith("not durable, executes next time: the store: ")
    for cell in outside:
        kernel.run(cell)
    assert ["completed", "", "reused"] == [r.state for r in kernel.run_all(inside, *outside)]


def test_results_that_share_objects_come_back_sharing_them(kernel) -> None:
    """A list and what holds it, a figure and its axes: a later change shows in both."""
    cell = (
        "%%step make\nimport matplotlib\nmatplotlib.use('agg')\n"
        "import matplotlib.pyplot as plt, pandas as pd\n"
        "xs = [1]\nbox = {'xs': xs}\nalone = [2]\nfig, ax = plt.subplots()\ndf = pd.DataFrame({'a': [1]})\n"
        "frames = [df]"
    )
    kernel.start()
    assert kernel.run(cell).status["warning"] == ""
    assert kernel.run_all(cell)[0].state == "reused"
    kernel.run("xs.append(3)")
    check = "box, box['xs'] is xs, fig.axes[0] is ax, frames[0] is df, alone"
    assert kernel.run(check).result == "({'xs': [1, 3]}, True, True, True, [2])"
    kernel.run("import durable_nb")
    assert kernel.run("durable_nb.load('make', 'box')").result == "{'xs': [1]}"


def test_seeding_one_generator_says_nothing_about_another(kernel) -> None:
    """A step that seeds NumPy and draws from Python's generator depends on Python's."""
    cells = [
        "import random, numpy as np\nrandom.seed(1)",
        "%%step draw\nnp.random.seed(0)\nx = random.random(), np.random.rand()",
    ]
    kernel.start()
    for cell in cells:
        kernel.run(cell)
    assert kernel.run_all(*cells)[1].state == "reused"
    changed = kernel.run_all(cells[0].replace("seed(1)", "seed(2)"), cells[1])[1]
    assert changed.state == "completed"
    assert changed.status["reason"].startswith("random.python")


def test_an_error_while_a_result_is_shown_is_shown_each_time(kernel) -> None:
    """IPython goes on after a ``__repr__`` that raises; a record cannot show that, so the step executes."""
    cells = [
        "class Shy:\n    def __repr__(self): return 1 / 0",
        "%%step make\nx = 1\nShy()",
    ]
    kernel.start()
    shown = [kernel.run(cell).error for cell in cells]
    assert "ZeroDivisionError" in shown[1]

    again = kernel.run_all(*cells)[1]
    assert "ZeroDivisionError" in again.error
    assert again.state == "completed"
    assert "what it shows" in again.status["warning"]
