"""Odd frames: what Parquet by itself refuses or changes in silence."""

from __future__ import annotations

import datetime
import pathlib
import zoneinfo
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from durable_nb.core.fingerprint import fingerprint
from durable_nb.store.codecs import CodecContext, decode, encode

CONTEXT = CodecContext(b"k" * 32, {})
DAYS = pd.date_range("2020", periods=3)


@pytest.fixture
def there_and_back(tmp_path):
    """Stores a value and loads it again; gives the name of its codec as well."""

    def go(value):
        path = tmp_path / "value.parquet"
        encoded = encode(value, fingerprint(value), CONTEXT)
        with path.open("wb") as file:
            encoded.write(file)
        again = decode(path, CONTEXT)
        assert fingerprint(again) == fingerprint(value)
        return encoded.codec, again

    return go


class MyFrame(pd.DataFrame):
    _metadata = ["unit"]  # noqa: RUF012 - pandas adds to it as a list

    @property
    def _constructor(self):
        return MyFrame


def objects(*values):
    column = np.empty(len(values), object)
    column[:] = values
    return pd.DataFrame({"a": pd.Series(column, dtype=object)})


def with_attrs(**attrs):
    frame = pd.DataFrame({"a": [1, 2]})
    frame.attrs.update(attrs)
    return frame


def columns(labels):
    return pd.DataFrame(np.arange(2 * len(labels)).reshape(2, -1), columns=labels)


def indexed(index):
    return pd.DataFrame({"a": range(len(index))}, index=index)


NATIVE = {
    "empty": pd.DataFrame(),
    "no rows": pd.DataFrame({"a": pd.Series([], dtype="M8[ns]"), "b": pd.Series([], dtype="str")}),
    "no columns": pd.DataFrame(index=["x", "y"]),
    "no columns, range": pd.DataFrame(index=range(5)),
    "duplicate columns": columns(["a", "a", "b"]),
    "mixed column labels": columns(["a", 1, None]),
    "1 and '1'": columns([1, "1"]),
    "integer columns": columns([3, 1]),
    "range columns": columns(pd.RangeIndex(2)),
    "tuple columns": columns([("a", 1), ("a", 2)]),
    "multiindex columns": columns(pd.MultiIndex.from_product([["a"], [1, 2]], names=["x", None])),
    "datetime columns": columns(DAYS),
    "named columns": columns(pd.Index(["a", "b"], name="c")),
    "category columns": columns(pd.CategoricalIndex(["a", "b"])),
    "object columns": columns(pd.Index(["a", "b"], dtype=object)),
    "empty label": columns(["", " "]),
    "odd labels": columns(["a.b", "a/b", "é", "\u2028", "x" * 1000]),
    "labels like ours": columns(["index_0", "column_1", "value"]),
    "index called as a column": indexed(pd.Index([1, 2], name="a")),
    "duplicate index": indexed([1, 1, 2]),
    "float index with NaN": indexed([1.0, np.nan]),
    "mixed index": indexed(pd.Index([1, "a", None], dtype=object)),
    "text index": indexed(["x", None, "z"]),
    "datetime index with freq": indexed(DAYS),
    "datetime index without": indexed(pd.DatetimeIndex(list(DAYS))),
    "business days": indexed(pd.bdate_range("2020", periods=4)),
    "month ends, zoned": indexed(pd.date_range("2020", periods=4, freq="ME", tz="Europe/Berlin")),
    "hours over a clock change": indexed(
        pd.date_range("2020-10-24 23:00", periods=8, freq="h", tz="Europe/Berlin")
    ),
    "timedelta index": indexed(pd.timedelta_range("1D", periods=3, freq="6h")),
    "category index": indexed(pd.CategoricalIndex(["a", None], categories=["b", "a"], ordered=True)),
    "interval index": indexed(pd.interval_range(0, 3, closed="left")),
    "multiindex": indexed(pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["n", "s"])),
    "multiindex with gaps": indexed(pd.MultiIndex.from_tuples([(1, None), (np.nan, "b")])),
    "multiindex, unused levels": indexed(
        pd.MultiIndex([[3, 1], ["x", "y", "z"], DAYS], [[0, 1], [2, 2], [0, 0]], names=["a", "a", None])
    ),
    "multiindex of categories": indexed(
        pd.MultiIndex.from_arrays([pd.Categorical(["a", "b"]), [1.5, np.nan]])
    ),
    "small range": indexed(pd.RangeIndex(4, 0, -2, name="r")),
    "int8 index": indexed(pd.Index([1, 2], dtype="int8")),
    "bool index": indexed([True, False]),
    "nullable index": indexed(pd.Index([1, None], dtype="Int64")),
    "object of ints and None": objects(1, None, 3),
    "object of huge ints": objects(2**70, 1),
    "object of bools": objects(True, None),
    "object of texts and NaN": objects("a", np.nan),
    "object of texts and None": objects("a", None),
    "object of texts, None and NaN": objects("a", None, np.nan),
    "object of NaN": objects(np.nan, np.nan),
    "object of None": objects(None, None),
    "object of bytes": objects(b"a", None),
    "object of bytes and texts": objects(b"a", "a"),
    "object of 1 and True": objects(1, True, 1.0, "1"),
    "object of lists": objects([1], [], None),
    "object of tuples": objects((1, 2), ()),
    "object of sets": objects({1}, set()),
    "object of dicts": objects({"a": 1}, {"b": 2}, {}),
    "object of dates": objects(datetime.date(2020, 1, 1), None),
    "object of datetimes": objects(datetime.datetime(2020, 1, 1, tzinfo=zoneinfo.ZoneInfo("UTC"))),
    "object of times": objects(datetime.time(1), datetime.timedelta(1)),
    "object of decimals": objects(Decimal("1.10"), Decimal("1.1")),
    "object of paths": objects(pathlib.Path("a"), None),
    "object of half a surrogate": objects("\ud800", "a"),
    "object of old dates": objects(datetime.date(1, 1, 1), datetime.date.max),
    "float nan and inf": pd.DataFrame({"a": [np.nan, np.inf, -0.0]}),
    "all small types": pd.DataFrame(
        {
            code: np.arange(2).astype(code)
            for code in ("i1", "i2", "i4", "u1", "u2", "u4", "u8", "f2", "f4", "?")
        }
    ),
    "integer categories": pd.DataFrame({"a": pd.Categorical([3, 1, 3], categories=[1, 2, 3])}),
    "text categories": pd.DataFrame(
        {"a": pd.Categorical(["c", "a", None], categories=["b", "a", "c"], ordered=True)}
    ),
    "object text categories": pd.DataFrame({"a": pd.Categorical(["a"], pd.Index(["b", "a"], dtype=object))}),
    "no categories": pd.DataFrame({"a": pd.Categorical([None, None])}),
    "time categories": pd.DataFrame({"a": pd.Categorical(DAYS)}),
    "mixed categories": pd.DataFrame({"a": pd.Categorical([1, "a"], pd.Index([1, "a"], dtype=object))}),
    "many categories": pd.DataFrame({"a": pd.Categorical([f"c{i}" for i in range(300)])}),
    "cut": pd.DataFrame({"a": pd.cut([1, 2, 30], [0, 2, 3])}),
    "interval column": pd.DataFrame({"a": pd.arrays.IntervalArray.from_breaks(DAYS, closed="both")}),
    "nullable": pd.DataFrame(
        {
            "i": pd.array([1, None, 2**62 + 1], "Int64"),
            "b": pd.array([True, None, False], "boolean"),
            "f": pd.array([1.5, None, 0], "Float32"),
            "s": pd.array(["a", None, ""], "string"),
            "u": pd.array([1, None, 2], "UInt8"),
        }
    ),
    "python strings": pd.DataFrame({"a": pd.array(["a", None], "string[python]")}),
    "arrow types": pd.DataFrame(
        {
            "i": pd.array([1, None], "int32[pyarrow]"),
            "s": pd.array(["a", None], pd.ArrowDtype(pa.string())),
            "l": pd.array([[1], None], pd.ArrowDtype(pa.list_(pa.int64()))),
            "d": pd.array([Decimal("1.10"), None], pd.ArrowDtype(pa.decimal128(9, 2))),
            "t": pd.array([datetime.datetime(2020, 1, 1), None], pd.ArrowDtype(pa.timestamp("us", "UTC"))),
        }
    ),
    "times": pd.DataFrame(
        {unit: pd.Series(["2020-01-01", None]).astype(f"M8[{unit}]") for unit in ("s", "ms", "us", "ns")}
    ),
    "spans": pd.DataFrame(
        {unit: pd.Series([1, None]).astype(f"m8[{unit}]") for unit in ("s", "ms", "us", "ns")}
    ),
    "far times": pd.DataFrame({"a": np.array(["-5000-01-01", "9000-01-01"], "M8[s]")}),
    "zones": pd.DataFrame(
        {
            "utc": pd.Series(DAYS).dt.tz_localize("UTC"),
            "zone": pd.Series(DAYS).dt.tz_localize("America/New_York"),
            "key": pd.Series(DAYS).dt.tz_localize(zoneinfo.ZoneInfo("UTC")),
            "fixed": pd.Series(DAYS).dt.tz_localize(
                datetime.timezone(datetime.timedelta(hours=5, minutes=30))
            ),
            "s": pd.Series(DAYS).astype("M8[s]").dt.tz_localize("Asia/Tokyo"),
        }
    ),
    "attrs": with_attrs(source="x", n=[1, (2, None)]),
    "attrs beyond JSON": with_attrs(when=datetime.date(2020, 1, 1), tags={"a"}, **{"1": {1: 2}}),
    "no duplicate labels": pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False),
    "row-major block": pd.DataFrame(np.arange(12.0).reshape(4, 3), columns=list("abc")),
    "a view": pd.DataFrame({"a": range(10), "s": list("abcdefghij")})[3:8:2],
    "series": pd.Series([1, 2], name="n", index=["a", "b"]),
    "series without a name": pd.Series(["a", None]),
    "series named by a tuple": pd.Series([1.5], name=("a", 1)),
    "series named by a time": pd.Series([1.5], name=datetime.date(2020, 1, 1)),
    "object series of texts": pd.Series(["a", "b"], dtype=object),
    "categories": pd.Series(["a", "b"], dtype="category"),
    "index": pd.Index(["a", "b"], name="x"),
    "datetime index": DAYS,
    "multi": pd.MultiIndex.from_product([[1, 2], ["a"]]),
    "range": pd.RangeIndex(5),
    "empty multi": pd.MultiIndex.from_arrays([[], []], names=["a", "b"]),
}


@pytest.mark.parametrize("name", NATIVE)
def test_odd_tables_come_back_as_columns(there_and_back, name):
    """Equal in values, dtypes, labels, index, names, freq, attrs and flags."""
    value = NATIVE[name]
    codec, again = there_and_back(value)
    assert codec == "pandas"
    check = {
        pd.DataFrame: pd.testing.assert_frame_equal,
        pd.Series: pd.testing.assert_series_equal,
    }.get(type(value), pd.testing.assert_index_equal)
    check(again, value)
    assert getattr(again, "attrs", {}) == getattr(value, "attrs", {})


def my_frame():
    frame = MyFrame({"a": [1, 2]})
    frame.unit = "m"
    return frame


PICKLED = {
    "complex": pd.DataFrame({"a": [1j]}),
    "sparse": pd.DataFrame({"a": pd.arrays.SparseArray([0, 1])}),
    "period": pd.DataFrame({"a": pd.period_range("2020", periods=2, freq="M")}),
    "period index": indexed(pd.period_range("2020", periods=2, freq="M")),
    "subclass": my_frame(),
    "arrays in cells": objects(np.array([1]), np.array([2, 3])),
    "timestamps in cells": objects(pd.Timestamp("2020"), pd.NaT),
    "frames in attrs": with_attrs(n=np.float64(1)),
    "shared lists": objects(*[[1]] * 2),
    "NumPy labels": columns(pd.Index([np.float64(1.5), "a"], dtype=object)),
    "frames in cells": objects(pd.DataFrame({"a": [1]}), None),
    "empty struct": pd.DataFrame({"a": pd.array([{}, {}], pd.ArrowDtype(pa.struct([])))}),
}


@pytest.mark.parametrize("name", PICKLED)
def test_what_has_no_column_is_pickled_whole(there_and_back, name):
    """And comes back the same."""
    codec, again = there_and_back(PICKLED[name])
    assert codec == "pickle"
    assert type(again) is type(PICKLED[name])
    assert getattr(again, "unit", None) == getattr(PICKLED[name], "unit", None)


def test_columns_are_readable_by_anything(tmp_path):
    """Under their own names, as their own types, the index among them."""
    frame = pd.DataFrame(
        {"n": [1, 2], "s": ["a", None], "c": pd.Categorical(["x", "y"]), "t": DAYS[:2]},
        index=pd.Index(["p", "q"], name="key"),
    )
    path = tmp_path / "value.parquet"
    with path.open("wb") as file:
        encode(frame, fingerprint(frame), CONTEXT).write(file)
    table = pq.read_table(path)
    assert table.column_names == ["n", "s", "c", "t", "key"]
    assert table.to_pydict() == {
        "n": [1, 2],
        "s": ["a", None],
        "c": ["x", "y"],
        "t": list(DAYS[:2].to_pydatetime()),
        "key": ["p", "q"],
    }


@pytest.mark.parametrize("rows", [100, 300_000])
def test_large_tables(there_and_back, rows):
    """In several row groups and encodings, also where only Arrow is rehearsed."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "i": np.arange(rows),
            "x": rng.normal(size=rows),
            "f": rng.normal(size=rows).astype("f4"),
            "t": DAYS[0] + pd.to_timedelta(rng.integers(0, 10**9, rows), unit="s"),
            "low": rng.choice(["alpha", "beta", None], rows),
            "high": [f"name {n}" for n in rng.integers(0, 10**9, rows)],
            "c": pd.Categorical(rng.choice(["x", "y", "z"], rows), categories=["z", "w", "y", "x"]),
            "n": pd.array(rng.integers(0, 9, rows), "Int64"),
            "b": rng.integers(0, 2, rows).astype(bool),
        }
    )
    frame.loc[3, ["x", "low", "n", "t"]] = None
    frame = frame.set_index("high")
    codec, again = there_and_back(frame)
    assert codec == "pandas"
    pd.testing.assert_frame_equal(again, frame)
    polars = pl.from_pandas(frame.reset_index())
    codec, again = there_and_back(polars)
    assert codec == "polars"
    assert again.equals(polars)
    arrow = polars.to_arrow()
    codec, again = there_and_back(arrow)
    assert codec == "arrow"
    assert again.equals(arrow)


def test_a_restored_frame_can_be_written_to(there_and_back):
    """As the original could."""
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "t": DAYS[:2], "c": pd.Categorical(["u", "v"])})
    _, again = there_and_back(frame)
    again.loc[0, "a"] = 5
    again.loc[0, "b"] = "z"
    again.loc[0, "t"] = DAYS[2]
    again.loc[0, "c"] = "v"
    assert again.iloc[0].tolist() == [5, "z", DAYS[2], "v"]
