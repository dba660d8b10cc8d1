"""How the values of two stored tables differ, told from their artifacts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from durable_nb.core.fingerprint import fingerprint
from durable_nb.store.store import open_store
from durable_nb.store.table_differences import TableDifference, compare_tables


def compared(was: Any, now: Any, folder: Path) -> TableDifference:
    store = open_store(folder)
    paths = []
    for value in (was, now):
        identity = fingerprint(value)
        store.artifacts.put(value, identity, store.context())
        paths.append(store.artifacts.path(identity))
    return compare_tables(*paths)


FRAME = pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"], "c": [0.5, float("nan"), 1.5]})


@pytest.mark.parametrize(
    ("now", "lines"),
    [
        (FRAME.assign(a=[1, 5, 3]), ["values that differ: a in 1 row", "row 1: a 2 → 5"]),
        (
            FRAME.assign(b=["x", "y", None]),
            ["values that differ: b in 2 rows", "row 1: b null → y", "row 2: b z → null"],
        ),
        (FRAME.iloc[[2, 1, 0]].reset_index(drop=True), ["the same rows in another order"]),
        (FRAME.head(2), ["1 row only in the first, 0 only in the second"]),
        (FRAME.assign(a=FRAME.a.astype("int8") + 1).rename(columns={"c": "d"}), None),
        (FRAME.rename(columns={"c": "password"}).assign(password=[9.5, 8.5, 7.5]), None),
        (FRAME.rename(columns={"b": 'odd "name'}), None),
    ],
)
def test_frames(now: pd.DataFrame, lines: list[str] | None, tmp_path: Path) -> None:
    """Rows, columns and the first values that differ are told; nothing of columns that seem secret."""
    found = compared(FRAME, now, tmp_path)

    assert found.rows == (3, len(now))
    assert set(found.columns_gone) == set(FRAME.columns) - set(now.columns)
    assert set(found.columns_new) == set(now.columns) - set(FRAME.columns)
    if lines is not None:
        assert list(found.lines()) == lines


def test_a_frame_equals_itself(tmp_path: Path) -> None:
    """NaN, None and all are the same in an equal frame."""
    assert list(compared(FRAME, FRAME.copy(), tmp_path).lines()) == [
        "the same values in the columns that both have"
    ]


def test_values_of_secret_columns_are_not_told(tmp_path: Path) -> None:
    """That they differ is told, not what they are."""
    was = pd.DataFrame({"api_key": ["hunter2", "b"]})

    found = compared(was, pd.DataFrame({"api_key": ["hunter3", "b"]}), tmp_path)

    assert (found.changed, found.examples) == ({"api_key": 1}, ())


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (np.arange(5), np.array([0, 1, 9, 3, 4])),
        (pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [1, 3]})),
        (pd.Series([1, 2], name="s"), pd.Series([1, 3], name="s")),
        (pd.DataFrame({"a": pd.Categorical(["x", "y"])}), pd.DataFrame({"a": pd.Categorical(["x", "x"])})),
        (pd.DataFrame({"a": [[1], [2]]}), pd.DataFrame({"a": [[1], [3]]})),
        (
            pd.DataFrame({"t": pd.to_datetime(["2026-01-01"], utc=True)}),
            pd.DataFrame({"t": pd.to_datetime(["2026-01-02"], utc=True)}),
        ),
    ],
    ids=["array", "polars", "series", "categories", "lists", "times"],
)
def test_other_tables(was: Any, now: Any, tmp_path: Path) -> None:
    """Arrays, series and frames of other libraries and types are compared too."""
    found = compared(was, now, tmp_path)

    assert (list(found.changed.values()), found.note) == ([1], "")


def test_damaged_artifact_is_told(tmp_path: Path) -> None:
    """A file that cannot be read is a note, not an error."""
    whole = tmp_path / "whole.parquet"
    FRAME.to_parquet(whole)
    (tmp_path / "half.parquet").write_bytes(whole.read_bytes()[:100])

    for other in ("half.parquet", "missing.parquet"):
        assert "cannot be compared" in compare_tables(whole, tmp_path / other).note
