"""Auto mode in real kernels: plain cells come back, and what cannot be proven behaves as it always did."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

SLOW = "import time\ntime.sleep(1.5)\nx = [n]\nprint('slow')\nx"


def run_cells(kernel: Any, *cells: str) -> list[Any]:
    """Run the cells of a notebook in a new kernel in auto mode, each with its own id, as JupyterLab does."""
    kernel.restart()
    assert kernel.run("%steps auto on").error == ""
    return [kernel.run(cell, cell_id=f"cell-{number}") for number, cell in enumerate(cells)]


def states(kernel: Any) -> dict[str, str]:
    """Step → state, as %steps has it; the content's digest is left out of names."""
    shown = kernel.run("%steps").result.splitlines()[2:]
    return {name.rpartition("_")[0] or name: state for name, state, *_ in map(str.split, shown)}


def test_cells_come_back_in_a_new_kernel(kernel) -> None:
    """Variables, mutations, prints and results; a line says only that time was saved."""
    cells = ["n = 1", SLOW, "x.append(2)\nlen(x)", "def f(y): return y + n", "z = f(x[1])", "x, z"]
    first = run_cells(kernel, *cells)
    assert [None] * len(cells) == [result.status for result in first]

    second = run_cells(kernel, *cells)
    assert [r.outputs for r in first] == [r.outputs for r in second]
    assert ["", "reused", "", "", "", ""] == [r.state for r in second]
    assert {"x": "reused", "z": "reused", "cell": "reused"} == states(kernel)
    assert "([1, 2], 3)" == kernel.run("x, z").result
    edited = run_cells(kernel, "n = 5", *cells[1:])
    assert "([5, 2], 7)" == edited[-1].result
    assert {"x": "completed", "z": "completed", "cell": "completed"} == states(kernel)


def test_what_cannot_be_proven_runs_quietly(kernel, tmp_path: Path) -> None:
    """Magics, shell, generators, clocks, programs, appended files, settings: as in a plain notebook."""
    (tmp_path / "log.txt").write_text("")
    cells = [
        "%matplotlib inline\nimport matplotlib.pyplot as plt",
        "%%time\nt = 1 + 1\nprint('timed')",
        "!echo shell",
        "%%capture out\nprint('caught')",
        "names = !ls *.txt",
        "g = (i for i in range(3))",
        "next(g)",
        "import datetime\ndef stamp(): return datetime.datetime.now().microsecond",
        "a = stamp()",
        "with open('log.txt', 'a') as log:\n    log.write('line\\n')",
        "import subprocess\ndone = subprocess.run(['touch', 'touched'], check=True)",
        "plt.rcParams['lines.linewidth'] = 7",
        "import numpy as np\nnp.set_printoptions(precision=2)\nv = np.array([1 / 3])",
        "v",
    ]
    first = run_cells(kernel, *cells)
    assert [""] * len(cells) == [r.error for r in first]
    assert ["timed", "shell"] == [first[1].text.splitlines()[0], first[2].text.strip()]
    (tmp_path / "touched").unlink()

    second = run_cells(kernel, *cells)
    assert [None] * len(cells) == [r.status for r in second]
    assert "0" == second[6].result
    assert "array([0.33])" == second[13].result
    assert "line\nline\n" == (tmp_path / "log.txt").read_text()
    assert (tmp_path / "touched").exists()
    assert (
        "(7.0, ['log.txt'], 'caught\\n', 2)"
        == kernel.run("plt.rcParams['lines.linewidth'], list(names), out.stdout, t").result
    )


def test_a_file_that_a_cell_wrote_is_there_or_is_written_again(kernel, tmp_path: Path) -> None:
    """Reused while the file is as the cell left it; written again where it is gone or changed."""
    cells = ["rows = list(range(3))", "with open('out.txt', 'w') as f:\n    f.write(str(rows))\ny = 1"]
    run_cells(kernel, *cells)
    run_cells(kernel, *cells)
    assert "reused" == states(kernel)["f"]

    for spoil in (Path.unlink, lambda path: path.write_text("other")):
        spoil(tmp_path / "out.txt")
        run_cells(kernel, *cells)
        assert "completed" == states(kernel)["f"]
        assert "[0, 1, 2]" == (tmp_path / "out.txt").read_text()


def test_equal_cells_are_two_steps_and_an_edited_one_is_another(kernel) -> None:
    """Names follow the content, wherever the cell stands; two equal cells both do what they do."""
    cells = ["x = list('a')", "x.append(len(x))", "x.append(len(x))", "x"]
    first = run_cells(kernel, *cells)
    assert "['a', 1, 2]" == first[3].result
    names = [line.split()[0] for line in kernel.run("%steps").result.splitlines()[2:]]
    assert len(set(names)) == 4
    assert f"{names[1]}_2" == names[2]

    second = run_cells(kernel, *cells)
    assert "['a', 1, 2]" == second[3].result
    moved = run_cells(kernel, "z = sum([1, 1])", *cells)
    assert "['a', 1, 2]" == moved[4].result
    assert names == [line.split()[0] for line in kernel.run("%steps").result.splitlines()[2:]][1:]
    kernel.run("z = sum([1, 2])", cell_id="cell-0")
    shown = kernel.run("%steps").result
    assert 1 == sum(line.startswith("z_") for line in shown.splitlines())


def test_errors_marked_steps_and_switching(kernel) -> None:
    """A failing cell looks as in a plain notebook, a marked step is one still, and off means off."""
    failing = "y = 1\n\ndef f():\n    return 1 / 0\nf()"
    kernel.start(extension=False)
    plain = kernel.run(failing).error
    kernel.run("%load_ext durable_nb")
    assert "auto is off" in kernel.run("%steps auto").result
    kernel.run("%steps auto on")

    assert plain.replace("Cell In[1]", "") == kernel.run(failing).error.replace("Cell In[5]", "")
    assert "completed" == kernel.run("%%step marked\nz = sum([1])").state
    kernel.run("%steps auto off")
    assert None is kernel.run("w = sum([1])").status
    assert "marked" in states(kernel)
    assert "w" not in states(kernel)
    assert "expected %steps auto on" in kernel.run("%steps auto maybe").error


def test_widgets_and_open_figures_are_made_anew(kernel) -> None:
    """A widget lives in its kernel; a figure that stays open may be drawn into by the next cell."""
    cells = [
        "import matplotlib\nmatplotlib.use('agg')\nimport matplotlib.pyplot as plt",
        "line = plt.plot([1, 2])[0].get_xdata().tolist()",
        "plt.title('later')\ntitle = plt.gca().get_title(), len(plt.gca().lines)",
    ]
    run_cells(kernel, *cells)
    run_cells(kernel, *cells)

    assert "('later', 1)" == kernel.run("title").result


def run(folder: Path, *words: str) -> dict[str, Any]:
    line = [sys.executable, "-m", "durable_nb.cli", *words, "--json"]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_a_run_in_auto_mode(tmp_path: Path) -> None:
    """``durable-nb run --auto``: the report has the steps, the second output notebook is as the first."""
    cells = [new_markdown_cell("# About"), *map(new_code_cell, ["n = 2", SLOW, "x.append(3)", "sum(x)"])]
    cells[1].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), tmp_path / "nb.ipynb")

    assert {"completed": 3} == run(tmp_path, "run", "nb.ipynb", "first.ipynb", "--auto")["counts"]
    assert {"reused": 3} == run(tmp_path, "run", "nb.ipynb", "second.ipynb", "--auto")["counts"]
    assert shown(tmp_path / "first.ipynb") == shown(tmp_path / "second.ipynb")
    assert {"completed": 3} == run(tmp_path, "run", "nb.ipynb", "--auto", "-p", "n", "5")["counts"]
    assert {} == run(tmp_path, "run", "nb.ipynb", "-p", "n", "6")["counts"]


def shown(path: Path) -> list[Any]:
    """The outputs of the cells, the lines about steps left out."""
    cells = nbformat.read(path, as_version=4).cells
    return [
        [o for o in cell.get("outputs", []) if "durable_nb" not in json.dumps(o.get("data", {}))]
        for cell in cells
    ]
