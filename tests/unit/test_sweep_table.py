"""The table of a sweep: what its cells mean, what does not fit, and which run each row is."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from durable_nb.batch.sweeping.row_result import RowResult
from durable_nb.batch.sweeping.rows import SweepRow, plan_rows
from durable_nb.batch.sweeping.summary import metrics_in, summarise
from durable_nb.batch.sweeping.table import read_table
from durable_nb.core.errors import UsageError
from durable_nb.core.model import State
from durable_nb.core.parameters import Typed
from durable_nb.store.tables import write_columns


def notebook(declaration: str = 'alpha = 0.5\nname = "a"\nn: int = 3\napi_key = ""') -> NotebookNode:
    cells = [new_code_cell(f"# params:\n{declaration}")]
    return new_notebook(cells=cells)


def plan(rows: list[dict[str, Any]], **more: Any) -> list[SweepRow]:
    return plan_rows(notebook(), Path("m.ipynb"), rows, Path("/out"), **more)


def write(path: Path, content: str | list[dict[str, Any]]) -> Path:
    if isinstance(content, str):
        path.write_text(content)
    else:
        pq.write_table(pa.Table.from_pylist(content), path)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "alpha,name,n\n0.1,007,\n0.2,,4\n"),
        ("t.csv", "\ufeffalpha, name ,n\r\n0.1,007,\r\n0.2,,4\r\n"),
        ("t.yaml", "- {alpha: 0.1, name: '007'}\n- {alpha: 0.2, n: 4}\n"),
        ("t.json", json.dumps([{"alpha": 0.1, "name": "007"}, {"alpha": 0.2, "n": 4, "name": None}])),
        ("t.parquet", [{"alpha": 0.1, "name": "007", "n": None}, {"alpha": 0.2, "name": None, "n": 4}]),
    ],
)
def test_all_formats_say_the_same(tmp_path: Path, name: str, content: Any) -> None:
    """A value has the type of its parameter; an empty cell leaves the notebook's default."""
    rows = plan(read_table(write(tmp_path / name, content)))

    assert [{"alpha": 0.1, "name": "007"}, {"alpha": 0.2, "n": 4}] == [dict(row.parameters) for row in rows]


def test_times_and_decimals(tmp_path: Path) -> None:
    """What Parquet has types for and JSON has not arrives as the text or number that a person would type."""
    import decimal

    moment = dt.datetime(2026, 11, 1, 8, tzinfo=dt.UTC)
    row = {"day": dt.date(2026, 11, 1), "at": moment, "rate": decimal.Decimal("1.50"), "tags": ["a", "b"]}

    found = read_table(write(tmp_path / "t.parquet", [row]))

    wanted = {"day": "2026-11-01", "at": "2026-11-01T08:00:00+00:00", "rate": 1.5, "tags": ["a", "b"]}
    assert [wanted] == found


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("t.txt", "alpha\n1\n", "expected one of .csv"),
        ("t.csv", "alpha\n", "has no rows"),
        ("t.csv", "", "has no rows"),
        ("t.csv", "alpha,n\n1\n", "fewer cells"),
        ("t.csv", "alpha\n1,2\n", "more cells"),
        ("t.csv", "alpha,alpha\n1,2\n", "two columns named 'alpha'"),
        ("t.csv", "my alpha\n1\n", "'my alpha', expected a Python name"),
        ("t.csv", "alpha;n\n1;2\n", "'alpha;n'.*separated by commas"),
        ("t.yaml", "alpha: [1, 2]\n", "holds a dict, expected a list"),
        ("t.yaml", "- {alpha: 1}\n- 3\n", "item 2 of .* is of type int, expected a list"),
        ("t.yaml", "- [\n", "neither YAML nor JSON"),
        ("t.parquet", "no parquet", "no Parquet file"),
    ],
)
def test_a_table_that_is_none(tmp_path: Path, name: str, content: str, wanted: str) -> None:
    """What is wrong with the file is said, and what was expected."""
    with pytest.raises(UsageError, match=wanted):
        read_table(write(tmp_path / name, content))


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    """A missing file is the user's mistake, told in one line."""
    with pytest.raises(UsageError, match="No such file"):
        read_table(tmp_path / "none.csv")


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    """Parquet allows what a table of parameters cannot mean."""
    columns = [pa.array([1]), pa.array([2])]
    pq.write_table(pa.Table.from_arrays(columns, names=["n", "n"]), tmp_path / "t.parquet")

    with pytest.raises(UsageError, match="two columns named 'n'"):
        read_table(tmp_path / "t.parquet")


@pytest.mark.parametrize("cell", [Typed("nan"), float("nan")])
def test_a_cell_that_is_not_a_number(cell: Any) -> None:
    """What other programs write for "nothing" is refused: it is neither the default nor a value."""
    with pytest.raises(UsageError, match=r"row 2 of the table: alpha: found NaN.*an empty cell"):
        plan([{"alpha": 1}, {"alpha": cell}])


def test_a_column_that_is_no_parameter() -> None:
    """A misspelt column is refused with the nearest parameter, and the row that has it."""
    with pytest.raises(UsageError, match=r"row 2 .*'alpah' \(did you mean 'alpha'\?\).*Nothing was run"):
        plan([{"alpha": 1}, {"alpah": 1}])


def test_a_value_that_does_not_fit() -> None:
    """Every row is checked before any is run."""
    with pytest.raises(UsageError, match="row 2 of the table: alpha: expected float, got 'high'"):
        plan([{"alpha": 1}, {"alpha": "high"}])


def test_rows_that_are_the_same_run() -> None:
    """Two rows with the same values would write one output; a number is not the text of it."""
    with pytest.raises(UsageError, match="rows 1 and 3"):
        plan([{"alpha": 1}, {"alpha": 2}, {"alpha": 1.0}])


def test_a_notebook_without_parameters() -> None:
    """A sweep of a notebook that declares none is refused with what to do."""
    bare = new_notebook(cells=[new_code_cell("x = 1")])

    with pytest.raises(UsageError, match=r"declares no parameters.*%%params"):
        plan_rows(bare, Path("m.ipynb"), [{"alpha": 1}], Path("/out"))


def test_names_of_outputs_outlive_an_edit_of_the_table() -> None:
    """An output is named by its row's values: adding or moving rows changes no name."""
    two = plan([{"alpha": 0.1}, {"alpha": 0.2}])
    three = plan([{"alpha": 0.3}, {"alpha": 0.2}, {"alpha": 0.1}])

    assert ["m-alpha=0.1.ipynb", "m-alpha=0.2.ipynb"] == [row.output.name for row in two]
    assert {row.output for row in two} < {row.output for row in three}


def test_names_of_outputs_are_fit_for_files() -> None:
    """A value with a slash, or a very long one, names one file in the folder; no two rows share a name."""
    texts = ["../x/y", "..:x:y", "z" * 500, "ä" * 90, "b", "B", "B-2", "b-2"]
    rows = plan([{"name": text} for text in texts])

    names = [row.output.name for row in rows]
    assert len(texts) == len({name.lower() for name in names})
    assert all("/" not in name and len(name.encode()) < 200 for name in names)
    assert {Path("/out")} == {row.output.parent for row in rows}


def test_secrets_are_not_shown() -> None:
    """A secret column is in no name and in nothing that is shown, but reaches the run."""
    rows = plan([{"api_key": "hunter22", "alpha": 1}, {"api_key": "hunter33", "alpha": 1}])

    assert ["hunter22", "hunter33"] == [row.parameters["api_key"] for row in rows]
    assert "hunter" not in str([(row.shown, row.words, row.output) for row in rows])
    assert 2 == len({row.output for row in rows})


def test_values_for_all_rows() -> None:
    """What is given for all rows holds where a row does not say otherwise."""
    rows = plan([{"alpha": 1}, {"n": 7}], same={"n": 4})

    assert [{"n": 4, "alpha": 1.0}, {"n": 7}] == [dict(row.parameters) for row in rows]


def test_the_summary(tmp_path: Path) -> None:
    """Parameters and metrics of all rows in one table; one that has a parameter's name gets an underscore."""
    rows = plan([{"alpha": 1}, {"alpha": 2, "name": "b"}])
    results = {
        1: RowResult(1, State.COMPLETED, "r1", metrics={"auc": 0.5, "alpha": 9.0}),
        2: RowResult(2, State.FAILED, "r2", error="step fit: ValueError: bad"),
    }

    summary = summarise(rows, results)
    write_columns(tmp_path / "s.parquet", summary.columns, summary.types)

    table = pq.read_table(tmp_path / "s.parquet").to_pylist()
    assert [1.0, 2.0] == [row["alpha"] for row in table]
    assert [9.0, None] == [row["alpha_"] for row in table]
    assert [0.5, None] == [row["auc"] for row in table]
    assert [None, "b"] == [row["name"] for row in table]
    assert ["completed", "failed"] == [row["state"] for row in table]


def test_the_summary_has_one_schema(tmp_path: Path) -> None:
    """Columns and types are the same when all went well, when nothing did, and when nothing was measured."""
    rows = plan([{"alpha": 1}, {"alpha": 2}])
    code = "%%step fit\ndurable_nb.metric('auc', 1)\nif best:\n    metric(f'x', 2)\n    metric('best', 2)"
    known = metrics_in(new_notebook(cells=[new_code_cell(code)]))
    well = [RowResult(n, State.COMPLETED, "r", metrics={"auc": n, "best": 1}) for n in (1, 2)]
    badly = [RowResult(n, State.FAILED, error="bad") for n in (1, 2)]
    schemas = []
    for results in (well, badly, [well[0], badly[1]]):
        summary = summarise(rows, {one.number: one for one in results}, known)
        write_columns(tmp_path / "s.parquet", summary.columns, summary.types)
        schemas.append(pq.read_schema(tmp_path / "s.parquet"))

    assert ["auc", "best"] == known
    assert schemas[0] == schemas[1] == schemas[2]
    assert ("double", "string") == (str(schemas[1].field("auc").type), str(schemas[0].field("error").type))


def test_a_summary_of_mixed_types(tmp_path: Path) -> None:
    """Values of several types in one column are kept as JSON."""
    write_columns(tmp_path / "s.parquet", {"x": [1, "a", None, [2]]})

    assert ["1", '"a"', None, "[2]"] == pq.read_table(tmp_path / "s.parquet")["x"].to_pylist()


def test_results_travel_as_json() -> None:
    """What became of a row is the same after its way through a pipe."""
    result = RowResult(3, State.FAILED, "r", "e", 1.5, 2, 1, 0.5, {"auc": float("nan")})

    again = RowResult.from_json(json.loads(json.dumps(result.as_json())))

    assert str(result) == str(again)
