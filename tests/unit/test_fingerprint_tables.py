"""Fingerprints of arrays and tables."""

from __future__ import annotations

import datetime
import warnings
import zoneinfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from durable_nb.core.errors import NotFingerprintableError
from durable_nb.core.fingerprint import fingerprint


class Tagged(np.ndarray):
    pass


class MyFrame(pd.DataFrame):
    _metadata = ["unit"]  # noqa: RUF012 - pandas adds to it as a list

    @property
    def _constructor(self):
        return MyFrame


def tagged(**attributes):
    array = np.arange(3).view(Tagged)
    array.__dict__.update(attributes)
    return array


def my_frame(unit):
    frame = MyFrame({"a": [1, 2]})
    frame.unit = unit
    return frame


def with_attrs(frame, **attrs):
    frame.attrs.update(attrs)
    return frame


ARRAYS = [
    np.arange(6),
    np.arange(6.0),
    np.arange(6, dtype="i4"),
    np.arange(6, dtype=">i8"),
    np.arange(6).reshape(2, 3),
    np.arange(6).reshape(3, 2),
    np.arange(6).reshape(2, 3).T,
    np.arange(6).reshape(3, 2).T,
    np.arange(6).reshape(6, 1),
    np.arange(6).reshape(1, 6),
    list(range(6)),
    tuple(range(6)),
    np.array(5),
    np.array([5]),
    5,
    np.int64(5),
    np.int32(5),
    np.uint64(5),
    np.float64(5),
    5.0,
    np.bool_(True),
    True,
    np.array([True]),
    np.array([0.0]),
    np.array([-0.0]),
    np.array([0.0, -0.0]),
    np.array([np.nan]),
    np.array([np.nan, 0.0]),
    np.array([np.inf]),
    np.array([1 + 0j]),
    np.array([complex(1, -0.0)]),
    np.array([complex(np.nan, 0)]),
    np.array([complex(0, np.nan)]),
    np.array([1], "f2"),
    np.array([1], "f4"),
    np.array([1], "g"),
    np.array([np.nan], "f2"),
    np.array([np.nan], "g"),
    np.float16(1),
    np.longdouble(1),
    np.array(["a"]),
    np.array(["a"], "U2"),
    np.array(["b"]),
    np.array([b"a"]),
    np.array(["a"], object),
    np.array([b"a"], object),
    np.str_("a"),
    "a",
    np.bytes_(b"a"),
    np.str_("a\0"),
    np.array(["a"], np.dtypes.StringDType()),
    np.array(["a", None], np.dtypes.StringDType(na_object=None)),
    np.array(["a", "b"], np.dtypes.StringDType()),
    np.array([1, None], object),
    np.array([None, 1], object),
    np.array([[1, 2]], object),
    np.array([[1], [2]], object),
    np.array([1, "1"], object),
    np.array([1, 1.0], object),
    np.array(["2020"], "M8[D]"),
    np.array(["2020"], "M8[ns]"),
    np.array(["NaT"], "M8[D]"),
    np.array([1], "m8[D]"),
    np.array([1], "m8[s]"),
    np.datetime64("2020"),
    np.timedelta64(1, "D"),
    np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]),
    np.array([(1, 2.0)], [("b", "i4"), ("a", "f8")]),
    np.array([(1, 2.0)], [("a", "i8"), ("b", "f8")]),
    np.array([(1, 2.0)], np.dtype([("a", "i4"), ("b", "f8")], align=True)),
    np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]).view(np.recarray),
    np.array([(1, [2.0, 3.0])], [("a", "i4"), ("b", "f8", (2,))]),
    np.array([(1, None)], [("a", "i4"), ("b", "O")]),
    np.zeros(2, "V8"),
    np.zeros(2, "V4"),
    np.zeros(2, "S8"),
    np.zeros(0),
    np.zeros(0, "i4"),
    np.zeros((0, 3)),
    np.zeros((3, 0)),
    np.zeros((2, 0)),
    [],
    np.zeros(0, "U1"),
    np.zeros(0, object),
    np.ma.array([1, 2]),
    np.ma.array([1, 2], mask=[0, 1]),
    np.ma.array([1, 3], mask=[0, 1]),
    np.ma.array([1, 2], mask=[0, 0]),
    np.ma.array([1, 2], mask=[0, 1], fill_value=7),
    np.matrix([[1, 2]]),
    tagged(),
    tagged(unit="m"),
    tagged(unit="s"),
    np.dtype("i4"),
    np.dtype("i8"),
    np.int64,
    np.add,
    np.multiply,
    np.sum,
    np.mean,
    sp.csr_matrix([[0, 1]]),
    sp.csr_array([[0, 1]]),
    sp.csc_array([[0, 1]]),
    sp.coo_array([[0, 1]]),
    sp.csr_array([[0, 1.0]]),
    sp.csr_array([[1, 0]]),
    sp.csr_array([[0, 1, 0]]),
    sp.lil_array([[0, 1]]),
    sp.dok_array([[0, 1]]),
    sp.dia_array([[0, 1]]),
    sp.bsr_array([[0, 1]]),
    np.random.default_rng(1),
    np.random.default_rng(2),
    np.random.RandomState(1),
    np.random.RandomState(2),
]

DAYS = pd.date_range("2020", periods=2, unit="ns")
PANDAS = [
    pd.DataFrame({"a": [1, 2]}),
    pd.DataFrame({"a": [1.0, 2]}),
    pd.DataFrame({"a": ["1", "2"]}),
    pd.DataFrame({"b": [1, 2]}),
    pd.DataFrame({"a": [2, 1]}),
    pd.DataFrame({"a": [1, 2]}, dtype="i4"),
    pd.DataFrame({"a": [1, 2]}, dtype="Int64"),
    pd.DataFrame({"a": [1, 2]}, dtype="int64[pyarrow]"),
    pd.DataFrame({"a": [1, 2]}, dtype=object),
    pd.DataFrame({"a": [1, 2]}, dtype="category"),
    pd.DataFrame({"a": ["1", "2"]}, dtype="category"),
    pd.DataFrame({"a": ["1", "2"]}, dtype=object),
    pd.DataFrame({"a": ["1", "2"]}, dtype="string"),
    pd.DataFrame({"a": ["1", "2"]}, dtype="string[python]"),
    pd.DataFrame({"a": ["1", "2"]}, dtype=pd.StringDtype("python", na_value=np.nan)),
    pd.DataFrame({"a": ["1", "2"]}, dtype="string[pyarrow]").convert_dtypes(dtype_backend="pyarrow"),
    pd.DataFrame({"a": [1, 2]}, index=[0, 1]),
    pd.DataFrame({"a": [1, 2]}, index=[1, 2]),
    pd.DataFrame({"a": [1, 2]}, index=[1.0, 2.0]),
    pd.DataFrame({"a": [1, 2]}, index=["1", "2"]),
    pd.DataFrame({"a": [1, 2]}, index=pd.Index([1, 2], name="i")),
    pd.DataFrame({"a": [1, 2]}, index=[1, 1]),
    pd.DataFrame({"a": [1, 2]}, index=DAYS),
    pd.DataFrame({"a": [1, 2]}, index=pd.DatetimeIndex(list(DAYS))),
    pd.DataFrame({"a": [1, 2]}).rename_axis(columns="c"),
    pd.DataFrame({0: [1, 2]}),
    pd.DataFrame({"0": [1, 2]}),
    pd.DataFrame({None: [1, 2]}),
    pd.DataFrame({("a", "b"): [1, 2]}),
    pd.DataFrame([[1], [2]], columns=pd.Index(["a"], dtype=object)),
    pd.DataFrame({"a": [1, 2], "b": [3, 4]}),
    pd.DataFrame({"b": [3, 4], "a": [1, 2]}),
    pd.DataFrame([[1, 3], [2, 4]], columns=["a", "a"]),
    pd.DataFrame({"a": [1, 3], "b": [2, 4]}),
    pd.DataFrame([[1, 3], [2, 4]]),
    pd.DataFrame([[1, 3], [2, 4]], columns=[0, 1]),
    pd.DataFrame([[1, 3], [2, 4]], columns=["0", "1"]),
    pd.DataFrame({"a": [1, None]}),
    pd.DataFrame({"a": [1, None]}, dtype="Int64"),
    pd.DataFrame({"a": [1, None]}, dtype=object),
    pd.DataFrame({"a": [1, np.nan]}, dtype=object),
    pd.DataFrame({"a": [1, pd.NA]}, dtype=object),
    pd.DataFrame({"a": [1, pd.NaT]}, dtype=object),
    pd.DataFrame({"a": [0, 1]}, dtype="boolean"),
    pd.DataFrame({"a": [False, True]}),
    pd.DataFrame({"a": [0, 1]}, dtype="i1"),
    pd.DataFrame({"a": [[1], [2]]}),
    pd.DataFrame({"a": [(1,), (2,)]}),
    pd.DataFrame({"a": [np.array([1]), np.array([2])]}),
    pd.DataFrame(),
    pd.DataFrame(index=[0]),
    pd.DataFrame(columns=["a"]),
    pd.DataFrame(index=range(1)),
    pd.DataFrame({"a": []}),
    pd.DataFrame({"a": pd.Series([], dtype="i8")}),
    pd.DataFrame({"a": pd.Series([], dtype="str")}),
    with_attrs(pd.DataFrame({"a": [1, 2]}), source="x"),
    with_attrs(pd.DataFrame({"a": [1, 2]}), source="y"),
    pd.DataFrame({"a": [1, 2]}).set_flags(allows_duplicate_labels=False),
    my_frame("m"),
    my_frame("s"),
    pd.Series([1, 2]),
    pd.Series([1, 2], name="a"),
    pd.Series([1, 2], name=1),
    pd.Series([1, 2], name="1"),
    pd.Series([1, 2], index=[0, 1]),
    pd.Index([1, 2]),
    pd.array([1, 2]),
    pd.array([1, 2], dtype="i8"),
    pd.Series(["a", "b"], dtype=pd.CategoricalDtype(["a", "b"])),
    pd.Series(["a", "b"], dtype=pd.CategoricalDtype(["b", "a"])),
    pd.Series(["a", "b"], dtype=pd.CategoricalDtype(["a", "b"], ordered=True)),
    pd.Series(["a", "b"], dtype=pd.CategoricalDtype(["a", "b", "c"])),
    pd.Series(["a", None], dtype=pd.CategoricalDtype(["a", "b"])),
    pd.Series(DAYS),
    pd.Series(DAYS.tz_localize("UTC")),
    pd.Series(DAYS.tz_localize("Europe/Berlin")),
    pd.Series(DAYS.tz_localize(zoneinfo.ZoneInfo("UTC"))),
    pd.Series(DAYS.as_unit("s")),
    pd.Series(DAYS.as_unit("us")),
    pd.Series(DAYS.astype("i8")),
    pd.Series(DAYS.astype(object)),
    pd.Series(DAYS - DAYS[0]),
    pd.Series(DAYS.to_period("D")),
    pd.Series(DAYS.to_period("M")),
    pd.Series(DAYS.to_period("h")),
    DAYS,
    DAYS.rename("a"),
    pd.DatetimeIndex(list(DAYS)),
    DAYS.tz_localize("UTC"),
    DAYS.to_period(),
    pd.Index(DAYS, dtype=object),
    pd.TimedeltaIndex(["1D", "2D"]),
    pd.TimedeltaIndex(["1D", "2D"], freq="D"),
    pd.RangeIndex(2),
    pd.RangeIndex(3),
    pd.RangeIndex(0, 4, 2),
    pd.Index([0, 2]),
    pd.Index([0, 1]),
    pd.RangeIndex(2, name="a"),
    pd.CategoricalIndex(["a", "b"]),
    pd.Index(["a", "b"]),
    pd.Index(["a", "b"], dtype=object),
    pd.MultiIndex.from_tuples([(1, "a"), (2, "b")]),
    pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["x", None]),
    pd.MultiIndex.from_tuples([(1, "a"), (1, "b")]),
    pd.Index([(1, "a"), (2, "b")], tupleize_cols=False),
    pd.MultiIndex.from_product([[1], []]),
    pd.MultiIndex.from_tuples([(1, "a"), (np.nan, "b")]),
    pd.MultiIndex([[1, 2, 3], ["a", "b"]], [[0, 1], [0, 1]]),
    pd.IntervalIndex.from_breaks([0, 1, 2]),
    pd.IntervalIndex.from_breaks([0, 1, 2], closed="left"),
    pd.IntervalIndex.from_breaks([0.0, 1, 2]),
    pd.cut([1, 2], 2),
    pd.arrays.SparseArray([0, 1]),
    pd.arrays.SparseArray([0, 1], fill_value=1),
    pd.arrays.SparseArray([0.0, 1]),
    pd.Series([0, 1], dtype="Sparse[int]"),
    pd.array([1.5, None], dtype="Float64"),
    pd.array([1.5, 0], dtype="Float64"),
    pd.array([1.5, np.nan], dtype="f8"),
    pd.array([True, None], dtype="boolean"),
    pd.array([1.5, None], dtype="double[pyarrow]"),
    pd.Timestamp(0),
    pd.Timestamp(0, unit="s"),
    pd.Timestamp("1970", tz="UTC"),
    pd.Timestamp("1970", tz=zoneinfo.ZoneInfo("Europe/Berlin")),
    pd.Timedelta(0),
    pd.Timedelta(1),
    pd.NaT,
    pd.NA,
    np.datetime64("NaT"),
    None,
    np.nan,
    datetime.datetime(1970, 1, 1),
    pd.Period("2020", "Y"),
    pd.Period("2020", "M"),
    pd.Interval(0, 1),
    pd.Interval(0, 1, "left"),
    pd.Interval(0.0, 1),
    pd.offsets.Day(1),
    pd.offsets.Day(2),
    pd.offsets.BDay(1),
    pd.DateOffset(days=1),
    pd.DateOffset(months=1),
    pd.CategoricalDtype(["a"]),
    pd.CategoricalDtype(["b"]),
    pd.Int64Dtype(),
    pd.StringDtype(),
    pd.DatetimeTZDtype(tz="UTC"),
]

ARROW = [
    pa.array([1, 2]),
    pa.array([1, 2], pa.int32()),
    pa.array([1, None]),
    pa.array([None, 1]),
    pa.array([1, 0]),
    pa.array([1.0, 2]),
    pa.array([None, None]),
    pa.array([None, None], pa.int64()),
    pa.array([None]),
    pa.chunked_array([[1, 2]]),
    pa.chunked_array([], pa.int64()),
    pa.array([], pa.int64()),
    pa.array(["a", "bc"]),
    pa.array(["ab", "c"]),
    pa.array(["abc"]),
    pa.array(["a", "bc"], pa.large_string()),
    pa.array(["a", "bc"], pa.string_view()),
    pa.array([b"a", b"bc"]),
    pa.array([b"ab", b"cd"], pa.binary(2)),
    pa.array(["", "abc"]),
    pa.array([None, "abc"]),
    pa.array(["abc", None]),
    pa.array([True, False]),
    pa.array([True, None]),
    pa.array([False, True]),
    pa.array([1, 0], pa.int8()),
    pa.array([[1], [2]]),
    pa.array([[1, 2]]),
    pa.array([[1, 2], []]),
    pa.array([[1, 2], None]),
    pa.array([[], [1, 2]]),
    pa.array([[1], [2]], pa.large_list(pa.int64())),
    pa.array([[1], [2]], pa.list_(pa.int64(), 1)),
    pa.array([[1], [None]]),
    pa.array([{"a": 1}]),
    pa.array([{"b": 1}]),
    pa.array([{"a": 1, "b": None}]),
    pa.array([None, {"a": 1}]),
    pa.array([{"a": None}, {"a": 1}]),
    pa.array([{}], pa.struct([])),
    pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
    pa.array([[{"key": "k", "value": 1}]]),
    pa.array(["a", "b"]).dictionary_encode(),
    pa.DictionaryArray.from_arrays([0, 1], ["a", "b"]),
    pa.DictionaryArray.from_arrays([1, 0], ["b", "a"]),
    pa.DictionaryArray.from_arrays([0, 1], ["a", "b", "c"]),
    pa.DictionaryArray.from_arrays([0, 1], ["a", "b"], ordered=True),
    pa.DictionaryArray.from_arrays([0, None], ["a", "b"]),
    pa.array([1, 2], pa.timestamp("s")),
    pa.array([1, 2], pa.timestamp("ms")),
    pa.array([1, 2], pa.timestamp("s", "UTC")),
    pa.array([1, 2], pa.duration("s")),
    pa.array([1, 2], pa.time32("s")),
    pa.array([1, 2], pa.date32()),
    pa.array([1, 2], pa.decimal128(5, 2)),
    pa.array([1, 2], pa.decimal128(6, 2)),
    pa.array([1, 2], pa.float16()),
    pa.table({"a": [1, 2]}),
    pa.table({"b": [1, 2]}),
    pa.table({"a": [1, 2], "b": [1, 2]}),
    pa.table({}),
    pa.record_batch({"a": [1, 2]}),
    pa.table({"a": [1, 2]}, schema=pa.schema([pa.field("a", pa.int64(), nullable=False)])),
    pa.table([[1], [2]], names=["a", "a"]),
    pa.scalar(1),
    pa.scalar(1, pa.int32()),
    pa.int64(),
    pa.int32(),
    pa.schema([("a", pa.int64())]),
    pa.array([0.0]),
    pa.array([-0.0]),
    pa.array([float("nan")]),
    pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])]),
]

POLARS = [
    pl.DataFrame({"a": [1, 2]}),
    pl.DataFrame({"b": [1, 2]}),
    pl.DataFrame({"a": [2, 1]}),
    pl.DataFrame({"a": [1, None]}),
    pl.DataFrame({"a": [1.0, 2]}),
    pl.DataFrame({"a": ["1", "2"]}),
    pl.DataFrame({"a": [1, 2]}, schema={"a": pl.Int32}),
    pl.DataFrame({"a": [1, 2], "b": [1, 2]}),
    pl.DataFrame({"b": [1, 2], "a": [1, 2]}),
    pl.DataFrame(),
    pl.DataFrame({"a": []}),
    pl.DataFrame(schema={"a": pl.Int64}),
    pl.DataFrame(schema={"a": pl.String}),
    pl.Series([1, 2]),
    pl.Series("a", [1, 2]),
    pl.Series(["a", "b"]),
    pl.Series(["a", "b"], dtype=pl.Categorical),
    pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])),
    pl.Series(["a", "b"], dtype=pl.Enum(["b", "a"])),
    pl.Series(["a", "b"], dtype=pl.Enum(["a", "b", "c"])),
    pl.Series([b"a", b"b"]),
    pl.Series([[1], [2]]),
    pl.Series([[1, 2]]),
    pl.Series([[1, 2], []]),
    pl.Series([[1, 2], None]),
    pl.Series([[1], [2]], dtype=pl.Array(pl.Int64, 1)),
    pl.Series([{"a": 1}]),
    pl.Series([{"b": 1}]),
    pl.Series([None, {"a": 1}]),
    pl.Series([True, None]),
    pl.Series([True, False]),
    pl.Series([None, None]),
    pl.Series([[["a"]], None]),
    pl.Series([["a", "b"]], dtype=pl.List(pl.Categorical)),
    pl.Series([["a", "b"]]),
    pl.Series([datetime.date(2020, 1, 1)]),
    pl.Series([datetime.datetime(2020, 1, 1)]),
    pl.Series([datetime.datetime(2020, 1, 1)], dtype=pl.Datetime("ns")),
    pl.Series([datetime.datetime(2020, 1, 1)]).dt.replace_time_zone("UTC"),
    pl.Series([datetime.timedelta(1)]),
    pl.Series([datetime.time(1)]),
    pl.Series([1, 2], dtype=pl.Decimal(10, 2)),
    pl.Series([1, 2], dtype=pl.Int128),
    pl.Series([{1}], dtype=pl.Object),
    pl.Series([0.0]),
    pl.Series([-0.0]),
    pl.Series([float("nan")]),
    pl.Series([None], dtype=pl.Float64),
    pl.LazyFrame({"a": [1]}),
    pl.LazyFrame({"a": [2]}),
    pl.LazyFrame({"a": [1]}).filter(pl.col("a") > 0),
    pl.LazyFrame({"a": [1]}).filter(pl.col("a") > 1),
    pl.Int64,
    pl.Int32,
    pl.Enum(["a"]),
    pl.Enum(["b"]),
    pl.Datetime("ns"),
    pl.Datetime("us"),
    pl.col("a"),
    pl.col("b"),
    pl.List(pl.Int64),
    pl.List(pl.Int32),
]


@pytest.mark.parametrize(
    "corpus", [ARRAYS, PANDAS, ARROW, POLARS], ids=["arrays", "pandas", "arrow", "polars"]
)
def test_different_values_never_share_a_fingerprint(corpus):
    """Long lists of values of which each is nearly some other one."""
    seen = {}
    for at, value in enumerate(corpus):
        other = seen.setdefault(fingerprint(value), at)
        assert other == at, (type(corpus[other]), corpus[other], type(value), value)


def test_libraries_do_not_share_fingerprints():
    """The same table in three libraries is three values."""
    tables = [
        pd.DataFrame({"a": [1, 2]}),
        pl.DataFrame({"a": [1, 2]}),
        pa.table({"a": [1, 2]}),
        {"a": [1, 2]},
    ]
    assert len(set(map(fingerprint, tables))) == len(tables)


def nan_with(payload):
    return np.array([0x7FF8000000000000 + payload], "u8").view("f8")


def other_padding():
    array = np.zeros(2, np.dtype([("a", "i1"), ("b", "f8")], align=True))
    array.view("u1")[1:8] = 7
    return array


def large(layout):
    rng = np.random.default_rng(0)
    array = rng.normal(size=(300, 500))
    array[5, 7] = np.nan
    return layout(array)


def masked_integers(hidden):
    return pd.arrays.IntegerArray(np.array([1, hidden]), np.array([False, True]))


def under_null(hidden, kind):
    valid = pa.py_buffer(bytes([0b01]))
    return pa.Array.from_buffers(kind, 2, [valid, pa.py_buffer(np.array([1, hidden]))])


def metadata(table):
    return table.replace_schema_metadata({"pandas": "{}"})


def blocks(frame):
    frame = frame.copy()
    frame["b"] = frame["b"].to_numpy().copy()
    return frame


TABLE = pa.table(
    {
        "i": [1, None, 3],
        "s": ["a", None, "cd"],
        "l": [[1], None, [2, 3]],
        "m": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64())),
        "d": pa.array(["x", None, "y"]).dictionary_encode(),
        "z": [{"a": 1}, None, {"a": None}],
        "b": [True, None, False],
        "f": [1.0, None, float("nan")],
    }
)
FRAME = pl.DataFrame(
    {
        "i": [1, None, 3],
        "s": ["a", None, "cd"],
        "l": [[1], None, [2, 3]],
        "c": pl.Series(["x", None, "y"], dtype=pl.Categorical),
    }
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (nan_with(0), nan_with(1)),
        (np.array([np.nan]), -np.array([np.nan])),
        (np.array([complex(0, np.nan)]), np.array([complex(0, -np.nan)])),
        (np.array([np.nan], "f2"), -np.array([np.nan], "f2")),
        (np.array([np.nan], "f4"), -np.array([np.nan], "f4")),
        (np.array([np.nan, 1], "g"), np.array([-np.nan, 1], "g")),
        (np.array([np.nan, 1], ">f8"), (-np.array([np.nan, -1])).astype(">f8")),
        (np.array([(1, np.nan)], "i4,f8"), np.array([(1, -np.nan)], "i4,f8")),
        (np.array(["a", np.nan], object), np.array(["a", -np.nan], object)),
        (np.arange(6).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3))),
        (np.arange(6).reshape(2, 3).T, np.ascontiguousarray(np.arange(6).reshape(2, 3).T)),
        (np.arange(12)[::2], np.arange(0, 12, 2)),
        (np.arange(24).reshape(2, 3, 4)[:, ::-1], np.arange(24).reshape(2, 3, 4)[:, ::-1].copy()),
        (np.broadcast_to(np.int64(1), (3,)), np.ones(3, "i8")),
        (np.zeros(2, np.dtype([("a", "i1"), ("b", "f8")], align=True)), other_padding()),
        (large(np.array), large(np.asfortranarray)),
        (large(np.array), large(lambda array: np.repeat(array, 2, axis=1)[:, ::2])),
        (
            large(np.array),
            large(
                lambda array: (
                    array.reshape(3, 100, 500).transpose(2, 1, 0).copy().transpose(2, 1, 0).reshape(300, 500)
                )
            ),
        ),
        (sp.csr_array([[0, 1]]), sp.csr_array([[0, 1]]).sorted_indices()),
        (masked_integers(5), masked_integers(6)),
        (pd.DataFrame({"a": [1, 2], "b": [3, 4]}), blocks(pd.DataFrame({"a": [1, 2], "b": [3, 4]}))),
        (pd.DataFrame([[1, 2], [3, 4]], columns=["a", "b"]), pd.DataFrame({"a": [1, 3], "b": [2, 4]})),
        (pd.DataFrame({"a": [1, 2, 3]})[1:].reset_index(drop=True), pd.DataFrame({"a": [2, 3]})),
        (pd.Series(["a", "b", None])[1:].reset_index(drop=True), pd.Series(["b", None], dtype="str")),
        (
            pd.concat([pd.Series(["a"]), pd.Series(["b", None])], ignore_index=True),
            pd.Series(["a", "b", None]),
        ),
        (under_null(5, pa.int64()), under_null(6, pa.int64())),
        (under_null(5, pa.float64()), under_null(6, pa.float64())),
        (under_null(5, pa.timestamp("us")), under_null(6, pa.timestamp("us"))),
        (pa.array([1, 2, 3])[1:], pa.array([2, 3])),
        (pa.array([True, None, False])[1:], pa.array([None, False])),
        (pa.array(["abc", "d", None])[1:], pa.array(["d", None])),
        (pa.array([[1], None, [2, 3]])[1:], pa.array([None, [2, 3]])),
        (pa.array([float("nan")]), pa.array([-float("nan")])),
        (TABLE, pa.concat_tables([TABLE[:1], TABLE[1:1], TABLE[1:]])),
        (TABLE, TABLE[:2].combine_chunks() and pa.concat_tables([TABLE[:2], TABLE[2:]]).combine_chunks()),
        (TABLE, metadata(TABLE)),
        (FRAME, pl.concat([FRAME[:1], FRAME[1:]], rechunk=False)),
        (FRAME[1:], pl.concat([FRAME[1:2], FRAME[2:]])),
        (pl.Series(["y"], dtype=pl.Categorical), pl.Series(["x", "y"], dtype=pl.Categorical)[1:]),
        (pl.LazyFrame({"a": [1]}), pl.LazyFrame({"a": [1]})),
    ],
)
def test_layout_in_memory_does_not_count(one, other):
    """Strides, padding, blocks, chunks, slices, what lies under a null, the bits of a NaN."""
    assert fingerprint(one) == fingerprint(other)


def test_sharing_of_memory_counts():
    """Changing one of two views changes the other, unlike two copies."""
    array = np.arange(10)
    apart = [array[:6], array[6:]]
    assert fingerprint([array, array[:5]]) != fingerprint([array, array[:5].copy()])
    assert fingerprint([array[:6], array[4:]]) != fingerprint([array[:6].copy(), array[4:].copy()])
    assert fingerprint([array, array]) != fingerprint([array, array[:]])
    assert fingerprint(apart) == fingerprint([part.copy() for part in apart])
    square = np.arange(9).reshape(3, 3)
    columns = [square[:, 0], square[:, 1]]
    assert fingerprint(columns) == fingerprint([part.copy() for part in columns])


def test_a_mapped_file_is_not_an_array(tmp_path):
    """Writing to it writes to the file."""
    mapped = np.memmap(tmp_path / "a", "i8", "w+", shape=3)
    assert fingerprint(mapped) != fingerprint(np.array(mapped))


def test_names_the_column_in_the_way():
    """As it does for any other part."""
    with pytest.raises(NotFingerprintableError, match=r"df\['bad'\]\[1\]: generator"):
        fingerprint(pd.DataFrame({"a": [1, 2], "bad": [1, (x for x in ())]}), name="df")


def test_cached_properties_of_frames_do_not_count():
    """Having looked at a table does not change it."""
    frame = pd.DataFrame({"a": [3, 1]}, index=pd.MultiIndex.from_tuples([(1, "a"), (2, "b")]))
    before = fingerprint(frame)
    frame.index.is_unique, frame.a, frame.index.get_loc((1, "a")), frame.columns.get_loc("a")
    assert fingerprint(frame) == before


@given(
    hnp.arrays(
        hnp.scalar_dtypes().filter(lambda dtype: dtype.kind != "V"),
        hnp.array_shapes(min_dims=0, min_side=0),
        elements=None,
    ),
    st.data(),
)
def test_one_changed_element_changes_the_fingerprint(array, data):
    """For any dtype and shape; and a copy in another order does not."""
    assert fingerprint(array) == fingerprint(np.array(array, order="F"))
    if array.size:
        at = data.draw(st.integers(0, array.size - 1))
        changed = array.copy()
        element = data.draw(hnp.from_dtype(array.dtype))
        changed.reshape(-1)[at] = element
        with warnings.catch_warnings(action="ignore"):
            same = np.array_equal(bits(changed), bits(array))
        assert (fingerprint(changed) == fingerprint(array)) == same


def bits(array):
    """The bytes of the elements, with one kind of NaN."""
    array = np.ascontiguousarray(array)
    if array.dtype.kind == "c":
        array = array.view(f"{array.dtype.byteorder}f{array.dtype.itemsize // 2}")
    if array.dtype.kind == "f":
        array = array.copy()
        array[array != array] = np.nan
        if array.dtype.itemsize > 8:
            return np.array([array, np.signbit(array)])
    return np.frombuffer(array.tobytes(), "u1")
