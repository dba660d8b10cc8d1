"""The papermill engine on notebooks without steps: outputs, ends of cells, metadata, runs."""

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from papermill.exceptions import PapermillExecutionError

from durable_nb.batch.inspecting.reports import RunReport, list_runs
from durable_nb.core.errors import DuplicateStepError, KernelDiedError, OptionError, UsageError
from durable_nb.store.store import open_store

Execute = Callable[..., nbformat.NotebookNode]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DURABLE_NB_STORE", raising=False)


@pytest.fixture
def execute(tmp_path: Path) -> Execute:
    """Writes the cells to in.ipynb, runs papermill with the engine, returns what is in out.ipynb."""

    def call(*cells: Any, error: type[Exception] | None = None, **options: Any) -> nbformat.NotebookNode:
        write(tmp_path / "in.ipynb", *cells)
        options = {"output_path": "out.ipynb", "progress_bar": False, **options}
        if error is None:
            papermill.execute_notebook("in.ipynb", engine_name="durable", **options)
        else:
            with pytest.raises(error):
                papermill.execute_notebook("in.ipynb", engine_name="durable", **options)
        nb = nbformat.read(tmp_path / "out.ipynb", as_version=4)
        nb.cells = [
            cell for cell in nb.cells if "papermill" in cell.metadata
        ]  # papermill adds an error message
        return nb

    return call


def write(path: Path, *cells: Any) -> None:
    made = [new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=made, metadata={"kernelspec": kernel}), path)


def runs_of(folder: Path) -> list[RunReport]:
    with closing(open_store(folder / ".durable")) as store:
        return list_runs(store)


def statuses(nb: nbformat.NotebookNode) -> list[str]:
    return [cell.metadata.papermill.status for cell in nb.cells]


def printed(cell: nbformat.NotebookNode) -> str:
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def test_outputs_and_metadata(execute: Execute, tmp_path: Path) -> None:
    """A notebook that succeeds has its outputs, papermill's metadata, and a completed run."""
    nb = execute(new_markdown_cell("# hi"), "print('a')\n1 + 1", "")

    assert printed(nb.cells[1]) == "a\n"
    assert nb.cells[1].outputs[1].data["text/plain"] == "2"
    assert statuses(nb) == ["completed", "completed", "pending"]
    assert nb.metadata.papermill.duration > 0
    assert nb.metadata.language_info.name == "python"
    assert [run.state for run in runs_of(tmp_path)] == ["completed"]


def test_parameters_reach_notebook_and_ledger(execute: Execute, tmp_path: Path) -> None:
    """Parameters are injected as papermill does, and recorded with the run."""
    cell = new_code_cell("alpha = 1", metadata={"tags": ["parameters"]})

    nb = execute(cell, "alpha", parameters={"alpha": 0.5})

    assert nb.cells[-1].outputs[0].data["text/plain"] == "0.5"
    assert runs_of(tmp_path)[0].parameters == {"alpha": 0.5}


def test_failing_cell_ends_the_notebook(execute: Execute, tmp_path: Path) -> None:
    """Cells after a failed one stay pending; the run is failed, with its error."""
    nb = execute("1", "1 / 0", "2", error=PapermillExecutionError)

    assert statuses(nb) == ["completed", "failed", "pending"]
    assert nb.metadata.papermill.exception is True
    run = runs_of(tmp_path)[0]
    assert (run.state, run.error) == ("failed", "ZeroDivisionError: division by zero")


def test_same_command_resumes_the_run(execute: Execute, tmp_path: Path) -> None:
    """An unfinished run goes on under its own id; a finished one is followed by another."""
    cell = "import pathlib\nassert pathlib.Path('ok').exists()"
    execute(cell, error=PapermillExecutionError)
    (tmp_path / "ok").touch()

    execute(cell)
    execute(cell)

    newest, resumed = runs_of(tmp_path)
    assert resumed.resumed_at is not None
    assert newest.run_id != resumed.run_id
    assert [newest.state, resumed.state] == ["completed", "completed"]


def test_other_parameters_are_another_run(execute: Execute, tmp_path: Path) -> None:
    """A failed run is only continued with the parameters it had."""
    execute("1 / 0", parameters={"a": 1}, error=PapermillExecutionError)
    execute("1 / 0", parameters={"a": 2}, error=PapermillExecutionError)
    execute("1 / 0", parameters={"a": 1}, error=PapermillExecutionError)

    assert [run.parameters for run in runs_of(tmp_path)] == [{"a": 2}, {"a": 1}]


def test_raises_exception_tag(execute: Execute) -> None:
    """A cell that is tagged to raise does not end the notebook, nor fail it."""
    nb = execute(new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]}), "print('on')")

    assert nb.cells[0].outputs[0].output_type == "error"
    assert statuses(nb) == ["completed", "completed"]
    assert printed(nb.cells[1]) == "on\n"


def test_skip_execution_tag(execute: Execute) -> None:
    """A cell that is tagged to be skipped is not run, and not said to have been."""
    nb = execute(new_code_cell("1 / 0", metadata={"tags": ["skip-execution"]}), "print('on')")

    assert statuses(nb) == ["pending", "completed"]


def test_leaving_early_on_purpose(execute: Execute, tmp_path: Path) -> None:
    """sys.exit(0) ends the notebook without failing it; what did not run is pending."""
    nb = execute("import sys\nsys.exit(0)", "1")

    assert statuses(nb) == ["completed", "pending"]
    assert runs_of(tmp_path)[0].state == "completed"


def test_exception_group_as_first_error(execute: Execute) -> None:
    """An ExceptionGroup fails its cell with an error output, and nothing waits for ever."""
    nb = execute("raise ExceptionGroup('g', [ValueError(1)])", error=PapermillExecutionError)

    errors = [output.ename for output in nb.cells[0].outputs if output.output_type == "error"]
    assert errors == ["ExceptionGroup"]


def test_kernel_that_owes_a_reply(execute: Execute) -> None:
    """A kernel that becomes idle without a reply fails the cell instead of hanging."""
    nb = execute("get_ipython().kernel.do_execute = None", "1", "2", error=PapermillExecutionError)

    assert statuses(nb) == ["completed", "failed", "pending"]


def test_time_limit(execute: Execute, tmp_path: Path) -> None:
    """A cell over its limit is interrupted and failed, and says so."""
    nb = execute("import time", "time.sleep(60)", "1", execution_timeout=1, error=PapermillExecutionError)

    assert statuses(nb) == ["completed", "failed", "pending"]
    assert "limit of 1 s" in nb.cells[1].outputs[-1].evalue
    assert runs_of(tmp_path)[0].state == "failed"


def test_kernel_knows_its_run_and_cell(execute: Execute, tmp_path: Path) -> None:
    """The kernel is told run, store, notebook and parameters; each request its cell and tags."""
    code = (
        "import os, json\nabout = get_ipython().kernel.get_parent()['metadata']\n"
        "print(json.dumps([json.loads(os.environ['DURABLE_NB_RUN']), about]))"
    )
    nb = execute(new_code_cell(code, metadata={"tags": ["x"]}))

    told, about = json.loads(printed(nb.cells[0]))
    run = runs_of(tmp_path)[0]
    expected = {
        "run_id": run.run_id,
        "store": str(tmp_path / ".durable"),
        "notebook": str(tmp_path / "in.ipynb"),
        "engine": "durable",
        "parameters": {},
        "attempts": {},
        "auto": False,
        "verify_reused": 0.0,
        "output": str(tmp_path / "out.ipynb"),
        "spans": False,
        "forced": {},
    }
    assert expected == told
    assert nb.cells[0].id == about["cellId"]
    assert about["durable_nb"] == {"tags": ["x"], "index": 0}


def test_display_updates(execute: Execute) -> None:
    """A display that a later cell updates is updated where it stands, also in the file."""
    nb = execute("h = display('old', display_id=True)", "h.update('new')", "1")

    assert nb.cells[0].outputs[0].data["text/plain"] == "'new'"


def test_output_is_saved_as_it_goes(execute: Execute) -> None:
    """While a cell runs, the file has all finished cells and says which one is running."""
    look = (
        "import json\ncells = json.load(open('out.ipynb'))['cells']\n"
        "print([cell['metadata']['papermill']['status'] for cell in cells])"
    )
    nb = execute("1", look, "2")

    assert printed(nb.cells[1]) == "['completed', 'running', 'pending']\n"


@pytest.mark.filterwarnings("ignore:the file is not specified with any extension")
def test_output_that_is_no_file(execute: Execute, tmp_path: Path) -> None:
    """A device is written to, not replaced."""
    write(tmp_path / "in.ipynb", "1")

    papermill.execute_notebook("in.ipynb", "/dev/null", engine_name="durable", progress_bar=False)

    assert not Path("/dev/null").is_file()


def test_output_through_a_link(execute: Execute, tmp_path: Path) -> None:
    """A link to the output stays a link."""
    (tmp_path / "real.ipynb").touch()
    (tmp_path / "out.ipynb").symlink_to("real.ipynb")

    nb = execute("1")

    assert (tmp_path / "out.ipynb").is_symlink()
    assert statuses(nb) == ["completed"]


def test_no_output(tmp_path: Path) -> None:
    """Without an output papermill's caller still gets the executed notebook."""
    write(tmp_path / "in.ipynb", "1 + 1")

    nb = papermill.execute_notebook("in.ipynb", None, engine_name="durable", progress_bar=False)

    assert nb.cells[0].outputs[0].data["text/plain"] == "2"


def test_notebook_loads_the_extension_itself(execute: Execute) -> None:
    """A notebook with its own %load_ext sees nothing of ours."""
    nb = execute("%load_ext durable_nb", "1")

    assert printed(nb.cells[0]) == ""


@pytest.mark.parametrize(
    ("cells", "error", "message"),
    [
        (("%%step a\nx = 1", "%%step a\ny = 1"), DuplicateStepError, "cells 1 and 2"),
        (("%%step a --nonsense\nx = 1",), OptionError, "cell 1: .*nonsense"),
    ],
)
def test_wrong_steps_stop_it_before_anything_runs(
    tmp_path: Path, cells: tuple[str, ...], error: type[Exception], message: str
) -> None:
    """A notebook with steps that cannot be understood is not started."""
    write(tmp_path / "in.ipynb", "open('ran', 'w')", *cells)

    with pytest.raises(error, match=message.replace("1 and 2", "2 and 3").replace("cell 1", "cell 2")):
        papermill.execute_notebook("in.ipynb", "out.ipynb", engine_name="durable", progress_bar=False)

    assert not (tmp_path / "ran").exists()


def test_kernel_that_is_not_installed(tmp_path: Path) -> None:
    """The message names the kernel and where to look."""
    write(tmp_path / "in.ipynb", "1")

    with pytest.raises(UsageError, match=r"'no-such-kernel'.*jupyter kernelspec list"):
        papermill.execute_notebook(
            "in.ipynb", "out.ipynb", engine_name="durable", kernel_name="no-such-kernel", progress_bar=False
        )


@pytest.fixture
def kernel_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Installs a kernel named ``mine``: Python, with some code that runs first."""

    def install(code: str) -> None:
        folder = tmp_path / "jupyter" / "kernels" / "mine"
        folder.mkdir(parents=True)
        code += "\nfrom ipykernel.kernelapp import launch_new_instance as start\nstart()"
        spec = {"argv": [sys.executable, "-c", code, "-f", "{connection_file}"], "language": "python"}
        (folder / "kernel.json").write_text(json.dumps({**spec, "display_name": "mine"}))
        monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))

    return install


NOT_INSTALLED = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "durable_nb":
            raise ModuleNotFoundError(f"No module named {name!r}")
sys.meta_path.insert(0, Missing())
"""


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        (NOT_INSTALLED, UsageError, "the Python of the kernel 'mine' has no durable_nb. Install it there"),
        ("raise SystemExit(3)", KernelDiedError, "the kernel 'mine' did not start"),
    ],
)
def test_kernels_that_cannot_be_used(
    kernel_spec: Callable[[str], None], tmp_path: Path, code: str, error: type[Exception], message: str
) -> None:
    """A kernel without durable_nb, and one that does not start, are named; no cell is run."""
    kernel_spec(code)
    write(tmp_path / "in.ipynb", "open('ran', 'w')")

    with pytest.raises(error, match=message):
        papermill.execute_notebook(
            "in.ipynb", "out.ipynb", engine_name="durable", kernel_name="mine", progress_bar=False
        )

    assert not (tmp_path / "ran").exists()
    assert runs_of(tmp_path)[0].state == "failed"


def test_inside_a_running_loop(execute: Execute) -> None:
    """The engine also works where an event loop is running, as in a notebook."""

    async def inside() -> nbformat.NotebookNode:
        return execute("1")

    assert statuses(asyncio.run(inside())) == ["completed"]


def test_outputs_are_copied_to_files(execute: Execute, tmp_path: Path) -> None:
    """papermill's --stdout-file and --stderr-file get what is printed."""
    with (tmp_path / "o").open("w") as out, (tmp_path / "e").open("w") as err:
        execute(
            "import sys\nprint('to out')\nprint('to err', file=sys.stderr)", stdout_file=out, stderr_file=err
        )

    assert ((tmp_path / "o").read_text(), (tmp_path / "e").read_text()) == ("to out\n", "to err\n")


def test_ctrl_c(execute: Execute, tmp_path: Path) -> None:
    """Ctrl-C interrupts the cell, saves the output, and leaves a run that can be resumed."""
    stops = "import os, signal, time; os.kill(os.getppid(), signal.SIGINT); time.sleep(60)"
    nb = execute("print('done')", stops, "1", error=KeyboardInterrupt)

    assert statuses(nb) == ["completed", "failed", "pending"]
    assert printed(nb.cells[0]) == "done\n"
    assert runs_of(tmp_path)[0].state == "cancelled"
