"""``%steps why``, ``plan`` and ``history`` in a real kernel, and what traces keep for them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from durable_nb.core.details import LARGEST_DETAIL, decode
from durable_nb.core.model import DependencyKind
from durable_nb.store.store import open_store

EVIL = "<script>alert('x')</script>"


def save(folder: Path, cells: list[str]) -> None:
    nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells]), folder / "nb.ipynb")


def shown(kernel, line: str) -> dict[str, str]:
    """The MIME bundle that a %steps line displays."""
    result = kernel.run(line)
    assert result.error == ""
    return result.outputs[-1]["data"]


@pytest.fixture
def notebook(kernel):
    """A notebook with a file, known to its kernel, as in JupyterLab."""
    kernel.environment["JPY_SESSION_NAME"] = str(kernel.folder / "nb.ipynb")
    return kernel


def run_cells(kernel, cells: list[str]) -> list[str]:
    """Run cells in a new kernel; the reasons of the steps that executed."""
    results = kernel.run_all(*cells)
    assert [r.error for r in results] == [""] * len(cells)
    return [r.status["reason"] for r in results if r.status and r.status["state"] == "completed"]


def json_of(kernel, words: str):
    result = kernel.run(
        f"print(__import__('json').dumps(get_ipython().run_line_magic('steps', '{words} --json')))"
    )
    assert result.error == ""
    return json.loads(result.text)


def test_all_reasons_with_their_differences(notebook) -> None:
    """The line is short, ``why`` shows what changed, ``history`` keeps it, and nothing of it is markup."""
    kernel = notebook
    (kernel.folder / "helpers.py").write_text("def fit(xs):\n    return len(xs)\n")
    (kernel.folder / "in.csv").write_text("a,b\n1,2\n3,4\n")
    cells = [
        f"""import pandas as pd, helpers
threshold = 0.4
label = {EVIL!r}
config = {{'alpha': 1, 'password': 'hunter2'}}

def scale(x, by=2):
    return x * by
class Limit:
    top = 9""",
        "%%step load\ndf = pd.read_csv('in.csv')",
        "%%step use\nn = helpers.fit(df) + scale(threshold) + config['alpha'] + Limit.top\nshown = label",
    ]
    save(kernel.folder, cells)
    assert run_cells(kernel, cells) == ["first execution", "first execution"]
    assert {s["decision"] for s in json_of(kernel, "plan")["steps"]} == {"reuse"}

    (kernel.folder / "helpers.py").write_text("def fit(xs):\n    return len(xs) + 1\n")
    (kernel.folder / "in.csv").write_text("a,b\n1,2.5\n")
    changed = [
        cells[0]
        .replace("0.4", "0.5")
        .replace("by=2", "by=3")
        .replace("'alpha': 1", "'alpha': 2")
        .replace("hunter2", "hunter3")
        .replace("top = 9", "top = 8")
        .replace("alert", "alarm"),
        cells[1],
        cells[2].replace("shown = ", "shown = '' + "),
    ]
    save(kernel.folder, changed)
    reasons = run_cells(kernel, changed)
    assert reasons[0] == "in.csv modified"
    assert reasons[1].startswith(
        "code changed, config: alpha 1 → 2, df: 2 → 1 rows, column b int64 → float64, "
    )
    assert len(reasons[1]) < 130

    why = json_of(kernel, "why use")
    texts = {r["text"]: r["lines"] for r in why["last"]["reasons"]}
    assert list(texts) == [
        "code changed",
        "config: alpha 1 → 2",
        "df: 2 → 1 rows, column b int64 → float64",
        f"label {EVIL!r} → {EVIL.replace('alert', 'alarm')!r}",
        "threshold 0.4 → 0.5",
        "scale: default by 2 → 3, line 1 changed",
        "Limit: Limit.top 9 → 8",
        "helpers.py line 2 changed",
    ]
    assert "+shown = '' + label" in texts["code changed"]
    assert "-    return len(xs)" in texts["helpers.py line 2 changed"]
    assert why["now"]["decision"] == "reuse"
    history = json_of(kernel, "history use")["executions"]
    assert [d["text"] for d in history[0]["differences"]] == list(texts)
    assert history[1]["differences"] == []

    for line in ("", "plan", "why use", "history use"):
        bundle = shown(kernel, f"%steps {line}")
        assert "<script" not in bundle["text/html"]
        assert not re.search(r"<(?!/?(div|span|table|thead|tbody|tr|th|td|b)\b)", bundle["text/html"])
        assert "use" in bundle["text/plain"]
    assert "hunter" not in "".join(path.read_bytes().decode("latin1") for path in _traces(kernel.folder))


def _traces(folder: Path) -> list[Path]:
    return list((folder / ".durable" / "traces").rglob("*.parquet"))


def test_what_is_compared_with_is_the_last_of_the_same_code(notebook) -> None:
    """Another notebook has a step of this name: of a parameter that changed one hears what that was."""
    step = "%%step clean\nkept = [limit]"
    cells = ["limit = 1", step]
    save(notebook.folder, ["limit = 3", step])
    run_cells(notebook, cells)
    run_cells(notebook, ["limit = 1\nother = 1", "%%step clean\nkept = [limit, other]"])

    said = run_cells(notebook, ["limit = 2", f"{step}  # the same"])

    assert said == ["limit 1 → 2"]
    (planned,) = json_of(notebook, "plan")["steps"]
    assert [reason["text"] for reason in planned["reasons"]] == ["limit 2 → 3"]


def test_a_plan_knows_the_live_variables(notebook) -> None:
    """Also what no analysis tells; what hangs on something that must run first is said to depend on it."""
    kernel = notebook
    cells = [
        "import random\nbase = sum(range(5))\nlock = __import__('threading').Lock()",
        "%%step first\nx = base + 1",
        "y = x * 2 if callable(print) else 0",
        "%%step second\nz = y + 1",
        "%%step third\nlock.acquire(); lock.release(); t = 1",
        "%%step drawn\nr = random.random()",
    ]
    save(kernel.folder, cells)
    run_cells(kernel, cells)

    def plan() -> dict[str, tuple[str, list[str]]]:
        return {s["step"]: (s["decision"], s["depends_on"]) for s in json_of(kernel, "plan")["steps"]}

    unchanged = plan()
    kernel.run("base = 11")
    changed_live = plan()
    save(kernel.folder, [cells[0], cells[1].replace("+ 1", "+ 2"), *cells[2:]])
    edited = plan()

    assert unchanged["first"] == unchanged["second"] == ("reuse", [])
    assert unchanged["third"] == ("execute", [])
    assert unchanged["drawn"] == ("depends", ["third"])
    assert changed_live["first"] == ("execute", [])
    assert changed_live["second"] == ("depends", ["first"])
    assert edited["first"] == ("execute", [])
    assert "lock is not durable" in shown(kernel, "%steps plan")["text/plain"]


def test_what_is_typed_wrong_is_one_clear_message(kernel) -> None:
    """With the nearest word there is."""
    kernel.start()
    kernel.run("%%step clean\nx = 1")

    assert "UsageError: %steps: found 'plann', did you mean %steps plan?" in kernel.run("%steps plann").error
    assert "found nothing, expected %steps why NAME" in kernel.run("%steps why").error
    assert "there is no step 'cleen'; did you mean 'clean'?" in kernel.run("%steps why cleen").error
    assert "there is no step 'cleen'; did you mean 'clean'?" in kernel.run("%steps history cleen").error
    assert "first execution" in shown(kernel, "%steps why clean")["text/plain"]
    assert "it knows of no notebook file" in shown(kernel, "%steps plan")["text/plain"]


def test_details_in_traces_are_bounded_and_taken_before_the_cell_runs(kernel) -> None:
    """A step that changes its input is compared by what it got, and huge inputs make no huge trace."""
    kernel.start()
    kernel.run(
        """import pandas as pd
wide = pd.DataFrame({f'c{i}': [1] for i in range(5000)})
df = pd.DataFrame({'a': [1, 2, 3]})
names = {i: 'v' * 30 for i in range(100_000)}"""
    )
    done = kernel.run("%%step use\ndf['b'] = 1.5\nk = len(names) + wide.shape[1]")

    trace = next(iter(open_store(kernel.folder / ".durable").traces.latest("use")))
    found = {d.name: d for d in trace.dependencies if d.kind is DependencyKind.VALUE}

    assert done.error == ""
    assert decode(found["df"].detail).columns == {"a": "int64"}
    assert decode(found["df"].detail).rows == 3
    assert all(len(d.detail) <= LARGEST_DETAIL for d in trace.dependencies)
    assert sum(len(d.detail) for d in trace.dependencies) < 100_000
