"""Traces on disk: what was added is found again, what is damaged is a miss with one warning."""

from __future__ import annotations

import dataclasses
import json
import warnings
from pathlib import Path

import pytest

from durable_nb.core.errors import DamagedError, DurableWarning, NotStorableError, StoreVersionError
from durable_nb.core.model import Dependency, DependencyKind, Output, OutputKind, Trace
from durable_nb.store import trace_record
from durable_nb.store.traces import Traces

KEY = "0123456789abcdef" * 2


def make_trace(
    step: str = "clean", key: str = KEY, created_at: float = 1_700_000_000.0, **more: object
) -> Trace:
    trace = Trace(
        step=step,
        code="c" * 32,
        key=key,
        source="df = 1\n",
        options={"retries": 3, "reads": ["*.csv"]},
        dependencies=(Dependency(DependencyKind.FILE, "/data/naïve.csv", "d" * 32, "3 kB"),),
        outputs=(Output("df", OutputKind.VALUE, "f" * 32, "json", "int", "1", 10),),
        display=({"output_type": "display_data", "data": {"text/plain": "π"}, "metadata": {}},),
        created_at=created_at,
        seconds=0.1,
        run_id="r1",
        attempt=1,
        notebook="/n.ipynb",
        cell_id="c1",
        not_durable={"conn": "a connection"},
    )
    return dataclasses.replace(trace, **more)  # type: ignore[arg-type]


@pytest.fixture
def traces(tmp_path: Path) -> Traces:
    return Traces(tmp_path / "traces")


def test_round_trip(traces: Traces) -> None:
    """A trace comes back equal by id, by key, by step, and among all."""
    added = traces.add(make_trace(created_at=1_700_000_000.123456789))

    assert added.trace_id
    assert traces.get(added.trace_id) == added
    assert list(traces.candidates("clean", KEY)) == [added]
    assert list(traces.latest("clean")) == [added]
    assert list(traces.all()) == [added]


def test_nothing_is_made_by_looking(traces: Traces) -> None:
    """Looking for a trace in a store that is not there finds nothing and makes nothing."""
    assert list(traces.candidates("clean", KEY)) == []
    assert list(traces.all()) == []
    assert not traces.folder.exists()


def test_newest_first(traces: Traces) -> None:
    """Candidates and latest come newest first by their own time, in whichever order they were added."""
    for at in (3.0, 1.0, 2.0):
        traces.add(make_trace(created_at=at))
    traces.add(make_trace(key="f" * 32, created_at=4.0))

    assert [t.created_at for t in traces.candidates("clean", KEY)] == [3.0, 2.0, 1.0]
    assert [t.created_at for t in traces.latest("clean", limit=2)] == [4.0, 3.0]


def test_what_is_remembered_is_as_the_files_are(traces: Traces) -> None:
    """Who comes again gets the same object; what was added, altered or removed since is not overlooked."""
    first = traces.add(make_trace(created_at=1_700_000_000.0))

    (read,) = traces.latest("clean", remember=True)
    (again,) = traces.latest("clean", remember=True)
    second = traces.add(make_trace(key="f" * 32, created_at=1_700_000_001.0))
    both = list(traces.latest("clean", remember=True))
    traces.path(first).write_bytes(traces.path(first).read_bytes()[:-9])
    with pytest.warns(DurableWarning, match="counts as missing"):
        whole = list(traces.latest("clean", remember=True))
    traces.path(second).unlink()

    assert read is again
    assert ([second, first], [second]) == (both, whole)
    assert [] == list(traces.latest("clean", remember=True))


def test_adding_again_changes_nothing(traces: Traces) -> None:
    """The same trace has the same id and the same file."""
    assert traces.add(make_trace()) == traces.add(make_trace())
    assert len(traces.files()) == 1


def test_keys_that_begin_alike(traces: Traces) -> None:
    """The whole key counts, not only the part in the file name."""
    traces.add(make_trace(key=KEY[:16] + "0" * 16))

    assert list(traces.candidates("clean", KEY)) == []


@pytest.mark.parametrize(
    "step", ["größe", "x" * 300, "../../etc", "a/b", ".hidden", "", "名" * 150, "\udcff"]
)
def test_any_step_name(traces: Traces, step: str) -> None:
    """Whatever the step is called, its trace is found again and stays inside the store."""
    added = traces.add(make_trace(step=step))

    assert list(traces.candidates(step, KEY)) == [added]
    assert traces.path(added).resolve().parent.parent == traces.folder.resolve()


def test_display_that_is_not_json(traces: Traces) -> None:
    """The step and the part are named, and nothing is written."""
    with pytest.raises(NotStorableError, match=r"clean.*display"):
        traces.add(make_trace(display=({"data": object()},)))

    assert traces.files() == {}


def test_readable_without_us(traces: Traces) -> None:
    """A trace is a plain Parquet file: DuckDB reads its columns."""
    import duckdb

    added = traces.add(make_trace())

    found = duckdb.sql(
        f"SELECT step, trace_id, attempt, year(created_at), outputs FROM '{traces.path(added)}'"
    )
    step, trace_id, attempt, year, outputs = found.fetchall()[0]
    assert (step, trace_id, attempt, year) == ("clean", added.trace_id, 1, 2023)
    assert json.loads(outputs)[0]["name"] == "df"


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "empty":
        content = bytearray()
    elif how == "truncated":
        content = content[: len(content) // 2]
    elif how == "zeros":
        content[100:200] = bytes(100)
    elif how == "text":
        content = bytearray(b"not a trace")
    path.write_bytes(content)


@pytest.mark.parametrize("how", ["empty", "truncated", "zeros", "text"])
def test_damaged_is_a_miss_with_one_warning(traces: Traces, how: str) -> None:
    """A damaged trace is passed over with one warning that names it; the good ones are found."""
    good, bad = traces.add(make_trace(created_at=1.0)), traces.add(make_trace(created_at=2.0))
    damage(traces.path(bad), how)

    with pytest.warns(DurableWarning, match=bad.trace_id):
        assert list(traces.candidates("clean", KEY)) == [good]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(traces.candidates("clean", KEY)) == [good]
        assert list(traces.latest("clean")) == [good]
    with pytest.raises(DamagedError, match=bad.trace_id):
        traces.get(bad.trace_id)


def test_every_flipped_bit_is_noticed(traces: Traces) -> None:
    """One flipped bit anywhere gives a miss or the very same trace, never another one."""
    added = traces.add(make_trace())
    path = traces.path(added)
    content = path.read_bytes()
    noticed = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DurableWarning)
        for place in range(0, len(content), 3):
            flipped = bytearray(content)
            flipped[place] ^= 1 << (place % 8)
            path.write_bytes(flipped)
            found = list(traces.candidates("clean", KEY))
            assert found in ([], [added])
            noticed += not found

    assert noticed > 0


def test_a_trace_under_another_name(traces: Traces) -> None:
    """A file renamed to another trace's name is not believed."""
    added = traces.add(make_trace())
    path = traces.path(added)
    path.rename(path.with_name(path.name.replace(added.trace_id, "0" * 32)))

    with pytest.raises(DamagedError, match="another trace"):
        traces.get("0" * 32)


def test_a_newer_format(traces: Traces, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trace of a newer durable_nb is a miss, and asked for by id an error that says to upgrade."""
    with monkeypatch.context() as newer:
        newer.setattr(trace_record, "FORMAT", 3)
        added = traces.add(dataclasses.replace(make_trace(), metrics={"auc": 0.9}))

    with pytest.raises(StoreVersionError, match="pip install"):
        traces.get(added.trace_id)
    with pytest.warns(DurableWarning, match="format 3"):
        assert list(traces.candidates("clean", KEY)) == []


def test_metrics_cost_old_readers_nothing(traces: Traces) -> None:
    """A trace with metrics comes back with them; one without is written as it always was."""
    plain, measured = make_trace(), dataclasses.replace(make_trace(), metrics={"auc": 0.5, "rows": 3})

    rows = [trace_record.to_row(plain), trace_record.to_row(measured)]

    assert [(1, False), (2, True)] == [(row["format"], "metrics" in row) for row in rows]
    assert [{}, {"auc": 0.5, "rows": 3}] == [
        traces.get(traces.add(trace).trace_id).metrics for trace in (plain, measured)
    ]


def test_foreign_files_do_not_matter(traces: Traces) -> None:
    """Stages of a killed process and other people's files are not taken for traces."""
    added = traces.add(make_trace())
    folder = traces.path(added).parent
    (folder / f".{KEY[:16]}-{'0' * 32}.parquet.stage-1-ab").write_bytes(b"half")
    (folder / "notes.txt").write_text("mine")
    (traces.folder / "stray").write_text("mine")

    assert list(traces.all()) == [added]
