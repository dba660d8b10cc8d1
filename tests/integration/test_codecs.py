"""Values of every kind through a real Parquet file and back."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
import io
import math
import pathlib
import random
import sqlite3
import threading
import uuid
import zoneinfo
from decimal import Decimal
from fractions import Fraction

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis.extra import pandas as hpd
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from durable_nb.core.errors import DamagedError, NotStorableError
from durable_nb.core.fingerprint import fingerprint
from durable_nb.store.codecs import CodecContext, decode, encode

KEY = b"k" * 32


def code(value):
    return getattr(value, "__qualname__", "?")


@pytest.fixture
def notebook():
    """The globals of a notebook."""
    return {"__name__": "__main__"}


@pytest.fixture
def there_and_back(tmp_path, notebook):
    """Stores a value and loads it again; gives the name of its codec as well."""

    def go(value, of_code=code):
        context = CodecContext(KEY, notebook, of_code)
        expected = fingerprint(value, of_code=of_code)
        encoded = encode(value, expected, context)
        path = tmp_path / "value.parquet"
        with path.open("wb") as file:
            encoded.write(file)
        again = decode(path, context)
        assert fingerprint(again, of_code=of_code) == expected == encoded.fingerprint
        assert type(again) is type(value)
        return encoded.codec, again

    return go


class Unit(enum.Enum):
    METRE = "m"


@dataclasses.dataclass
class Reading:
    at: int
    unit: Unit = Unit.METRE


JSON = [
    None,
    True,
    0,
    -1,
    10**5000,
    -(10**4001),
    2**63,
    1.5,
    -0.0,
    1e-320,
    math.inf,
    -math.inf,
    math.nan,
    "",
    "é",
    "\ud800",
    "a\0b",
    "\u2028",
    b"",
    b"\xff",
    bytearray(b"a"),
    1j,
    complex(-0.0, math.nan),
    [],
    [1, "a", None],
    [[1], [2.5]],
    (),
    (1, [2]),
    {},
    {"a": {"b": []}},
    {1: 2, "1": 3},
    {(1, 2): 3},
    {"$type": "int"},
    {"$type": "tuple", "value": [1]},
    {None: 1},
    set(),
    {1, "a"},
    frozenset({(1, 2)}),
    [math.nan, math.inf],
    {"a": math.nan},
    ...,
    range(3),
    range(0, 9, 2),
    slice(1, None),
    datetime.date(2020, 2, 29),
    datetime.datetime(2020, 1, 1, 1, 2, 3, 4),
    datetime.datetime(1, 1, 1),
    datetime.datetime.max,
    datetime.datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
    datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
    datetime.time(1, 2, 3, 4),
    datetime.time(1, tzinfo=datetime.timezone(datetime.timedelta(minutes=-90), "X")),
    datetime.timedelta(-1, 5, 7),
    datetime.timezone(datetime.timedelta(seconds=1)),
    zoneinfo.ZoneInfo("Asia/Kolkata"),
    Decimal("1.10"),
    Decimal("NaN123"),
    Decimal("-0"),
    Decimal("1E+5"),
    Fraction(1, 3),
    uuid.UUID(int=5),
    pathlib.Path("/a/ b"),
    pathlib.PurePosixPath("x"),
    pathlib.PureWindowsPath("c:\\x"),
]


@pytest.mark.parametrize(
    "value",
    JSON,
    # an id must be the same in each process: long numbers and the order of a set are not
    ids=lambda value: type(value).__name__ if isinstance(value, int | set | frozenset) else repr(value)[:40],
)
def test_json_values(there_and_back, value):
    """Plain values and the exact values of the standard library are kept as JSON."""
    codec, again = there_and_back(value)
    assert codec == "json"
    assert repr(again) == repr(value) if type(value) not in (set, int) else again == value


def test_json_is_readable_by_anything(tmp_path):
    """One text in a column named ``value``."""
    path = tmp_path / "value.parquet"
    with path.open("wb") as file:
        encode(
            {"day": "é", "n": [1, 2.5, None]},
            fingerprint({"day": "é", "n": [1, 2.5, None]}),
            CodecContext(KEY, {}),
        ).write(file)
    assert pq.read_table(path).to_pydict() == {"value": ['{"day":"é","n":[1,2.5,null]}']}


def fortran():
    return np.asfortranarray(np.arange(6.0).reshape(2, 3))


def read_only():
    array = np.arange(3)
    array.flags.writeable = False
    return array


ARRAYS = [
    np.arange(6),
    np.arange(6.0).reshape(2, 3),
    fortran(),
    np.arange(24).reshape(2, 3, 4).transpose(1, 2, 0),
    np.arange(10)[::3],
    np.arange(10)[::-1],
    np.array(5),
    np.array(None, "f8"),
    read_only(),
    np.zeros(0),
    np.zeros((0, 3)),
    np.zeros((2, 0)),
    np.zeros(0, "U3"),
    np.array([1, -0.0, np.nan, np.inf]),
    np.array([True, False]),
    np.array([1, 2], "i1"),
    np.array([1], "u8"),
    np.array([1, np.nan], "f2"),
    np.array([1, np.nan], "g"),
    np.array([1j, np.nan], "c8"),
    np.array([1j], "c16"),
    np.arange(3, dtype=">i4"),
    np.arange(3, dtype=">f8"),
    np.array(["a", "é", ""]),
    np.array([b"a", b"bc"]),
    np.array(["2020", "NaT"], "M8[D]"),
    np.array([1, 2], "m8[ns]"),
    np.array(["2020"], ">M8[ns]"),
    np.zeros(3, "V5"),
    np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]),
    np.array([(1, (2.0, 3.0))], np.dtype([("a", "i1"), ("b", "f8", (2,))], align=True)),
    np.array([((1,),)], [("x", [("y", "i4")])]),
    np.zeros(2, {"names": ["a"], "formats": ["i2"], "offsets": [4], "itemsize": 16}),
    np.zeros(2, [(("title", "a"), "i4")]),
    np.float64(1.5),
    np.float32(np.nan),
    np.int8(-1),
    np.bool_(True),
    np.str_("a"),
    np.bytes_(b"a"),
    np.datetime64("2020"),
    np.timedelta64("NaT"),
    np.complex64(1j),
    np.longdouble(1) / 3,
    np.void(b"abc"),
    np.zeros(1, "i4,f8")[0],
]


@pytest.mark.parametrize(
    "value", ARRAYS, ids=lambda value: f"{type(value).__name__}-{value.dtype}-{value.shape}"
)
def test_arrays(there_and_back, value):
    """Any dtype and shape comes back with its memory order and whether it may be written to."""
    codec, again = there_and_back(value)
    assert codec == "array"
    assert again.dtype == value.dtype
    assert again.shape == value.shape
    if isinstance(value, np.ndarray):
        assert again.flags.writeable == value.flags.writeable
        assert again.flags.f_contiguous == value.flags.f_contiguous or not value.flags.forc


OTHERS = [
    np.array([1, "a", None], object),
    np.array([(1, None)], [("a", "i4"), ("b", "O")]),
    np.ma.array([1, 2], mask=[0, 1], fill_value=9),
    np.matrix([[1]]),
    np.array([(1,)], [("a", "i4")]).view(np.recarray),
    np.array(["a", "b"], np.dtypes.StringDType()),
    sp.csr_array([[0, 1.5]]),
    sp.lil_array([[0, 1]]),
    np.random.default_rng(3),
    random.Random(3),
    np.dtype("i4"),
    np.int64,
    [np.arange(3), np.arange(3.0)],
    [[1]] * 2,
    {"a": np.arange(3), "b": [np.arange(3)] * 2},
    collections.OrderedDict(a=1),
    collections.Counter("aab"),
    collections.deque([1], 2),
    collections.defaultdict(list, a=[1]),
    Reading(3),
    [Reading(1), Unit.METRE],
    Unit.METRE,
    ValueError("a", 1),
    pd.Timestamp("2020", tz="Europe/Berlin"),
    pd.NaT,
    pd.NA,
    pd.Period("2020", "M"),
    pd.Interval(0, 1),
    pd.offsets.BDay(2),
    pd.array([1, None]),
    pd.Categorical(["a"]),
    pl.LazyFrame({"a": [1]}).filter(pl.col("a") > 0),
    pl.col("a"),
    pl.Int64,
    pa.int64(),
    pa.schema([("a", pa.int64())]),
    pa.scalar(1),
    pd.period_range("2020", periods=2, freq="M"),
    pd.Series(pd.period_range("2020", periods=2, freq="M")),
    pd.Series([0, 1], dtype="Sparse[int]"),
    pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])]),
    {"a": {1: [np.float64(1)]}},
]


@pytest.mark.parametrize("value", OTHERS, ids=lambda value: type(value).__name__)
def test_everything_else(there_and_back, value):
    """By a signed pickle."""
    codec, _ = there_and_back(value)
    assert codec == "pickle"


def test_a_fitted_estimator(there_and_back):
    """Predicts the same afterwards."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, 3)), rng.integers(0, 2, 80)
    for last in (RandomForestClassifier(n_estimators=5), KNeighborsClassifier()):
        model = make_pipeline(StandardScaler(), last).fit(x, y)
        codec, again = there_and_back(model, None)
        assert codec == "pickle"
        assert len({fingerprint(model) for _ in range(5)}) == 1
        assert (again.predict_proba(x) == model.predict_proba(x)).all()


def test_sharing_within_a_value_is_kept(there_and_back):
    """Two references to one list are still one list, and a cycle is a cycle."""
    part = [1]
    _, again = there_and_back([part, part])
    assert again[0] is again[1]
    part.append(part)
    _, again = there_and_back(part)
    assert again[1] is again


def test_arrays_that_share_memory_are_not_torn_apart(there_and_back):
    """No codec keeps a view a view, so the value is refused."""
    array = np.arange(10)
    with pytest.raises(NotStorableError, match="would come back changed"):
        there_and_back([array, array[2:5]])


@pytest.mark.parametrize(
    "make", [threading.Lock, lambda: sqlite3.connect(":memory:"), lambda: (x for x in ())]
)
def test_handles_are_refused_with_the_reason(notebook, make):
    """What cannot be pickled cannot be stored."""
    with pytest.raises(NotStorableError, match="cannot be pickled"):
        encode(make(), "", CodecContext(KEY, notebook))


class Fades:
    """Comes back without its attribute."""

    def __init__(self):
        self.kept = 1

    def __setstate__(self, state):
        pass


class LoadsBadly:
    """Can be dumped, not loaded."""

    def __reduce__(self):
        return int, ("no number",)


@pytest.mark.parametrize(("value", "reason"), [(Fades(), "changed"), (LoadsBadly(), "would not come back")])
def test_what_does_not_come_back_is_not_stored(notebook, value, reason):
    """Loading is tried before a value counts as kept."""
    with pytest.raises(NotStorableError, match=reason):
        encode(value, fingerprint(value), CodecContext(KEY, notebook))


def run(notebook, source):
    exec(source, notebook)


def test_functions_see_later_changes_of_globals(there_and_back, notebook):
    """A function made again belongs to the notebook it is made in."""
    run(notebook, "k = 1\ndef f(x, y=2, *, z: int = 3):\n    'doc'\n    return x + y + z + k\nf.note = 'n'")
    _, again = there_and_back(notebook["f"])
    assert again(1) == 7
    notebook["k"] = 10
    assert again(1) == 16
    assert (again.__doc__, again.note, again.__annotations__, again.__qualname__) == (
        "doc",
        "n",
        notebook["f"].__annotations__,
        "f",
    )


def test_closures_lambdas_and_recursion(there_and_back, notebook):
    """Shared cells stay shared."""
    run(
        notebook,
        "def make():\n    n = 0\n    def up():\n        nonlocal n\n        n += 1\n        return n\n"
        "    def fact(i):\n        return i * fact(i - 1) if i else 1\n"
        "    return up, (lambda: n), fact\npair = make()",
    )
    _, (up, now, fact) = there_and_back(notebook["pair"])
    assert (up(), up(), now(), fact(5)) == (1, 2, 2, 120)


def test_instances_of_notebook_classes(there_and_back, notebook):
    """Are made of the class that the notebook has now."""
    run(
        notebook,
        "class K:\n    def __init__(self): self.a = [1]\n    class Inner:\n        pass\n"
        "value = [K(), K.Inner(), K]",
    )
    _, again = there_and_back(notebook["value"])
    assert type(again[0]) is notebook["K"]
    assert again[0].a == [1]
    assert again[2] is notebook["K"]


def test_a_class_that_is_gone_is_a_clear_error(tmp_path, notebook):
    """As when its cell has not run."""
    run(notebook, "class K:\n    pass\nvalue = K()")
    context = CodecContext(KEY, notebook, code)
    path = tmp_path / "value.parquet"
    with path.open("wb") as file:
        encode(notebook["value"], fingerprint(notebook["value"], of_code=code), context).write(file)
    with pytest.raises(DamagedError, match="K is not defined"):
        decode(path, CodecContext(KEY, {}, code))


def test_functions_with_globals_of_their_own_are_refused(notebook):
    """They would see the wrong globals."""
    scope = {"__name__": "elsewhere"}
    exec("f = lambda: x", scope)
    with pytest.raises(NotStorableError, match="globals of its own"):
        encode(scope["f"], "", CodecContext(KEY, notebook))


def test_an_unsigned_pickle_is_not_loaded(tmp_path, notebook):
    """Neither one of another user nor one without a signature; nothing in it runs."""
    value = collections.Counter("a")
    path = tmp_path / "value.parquet"
    with path.open("wb") as file:
        encode(value, fingerprint(value), CodecContext(b"other", notebook)).write(file)
    with pytest.raises(DamagedError, match="did not sign"):
        decode(path, CodecContext(KEY, notebook))


SAMPLES = [
    [1, "a"],
    np.arange(5),
    pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
    pl.DataFrame({"a": [1, None]}),
    pa.table({"a": [1, None]}),
    collections.Counter("aab"),
]


@pytest.mark.parametrize("value", SAMPLES, ids=lambda value: type(value).__name__)
def test_any_flipped_bit_is_noticed(tmp_path, notebook, value):
    """By an error of ours, or by the fingerprint of what was read."""
    context = CodecContext(KEY, notebook)
    expected = fingerprint(value)
    path = tmp_path / "value.parquet"
    with path.open("wb") as file:
        encode(value, expected, context).write(file)
    data = path.read_bytes()
    noticed = 0
    for at in range(0, len(data), 1):
        path.write_bytes(data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :])
        try:
            noticed += fingerprint(decode(path, context)) != expected
        except DamagedError:
            noticed += 1
    assert noticed > len(data) / 2


@pytest.mark.parametrize("value", SAMPLES, ids=lambda value: type(value).__name__)
def test_a_file_cut_short_is_noticed(tmp_path, notebook, value):
    """At any length, also none."""
    context = CodecContext(KEY, notebook)
    path = tmp_path / "value.parquet"
    with path.open("wb") as file:
        encode(value, fingerprint(value), context).write(file)
    data = path.read_bytes()
    for size in range(0, len(data), 7):
        path.write_bytes(data[:size])
        with pytest.raises(DamagedError):
            decode(path, context)
    path.unlink()
    with pytest.raises(DamagedError):
        decode(path, context)


def test_a_foreign_parquet_file_is_none_of_ours(tmp_path):
    """However well it reads."""
    pq.write_table(pa.table({"a": [1]}), tmp_path / "value.parquet")
    with pytest.raises(DamagedError):
        decode(tmp_path / "value.parquet", CodecContext(KEY, {}))


JSON_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=5)
    | st.binary(max_size=4)
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.decimals()
    | st.timedeltas()
    | st.uuids()
)
ANY = st.recursive(
    JSON_LEAVES
    | hnp.arrays(
        hnp.scalar_dtypes().filter(lambda dtype: dtype.byteorder != ">" or dtype.kind not in "mM"),
        hnp.array_shapes(min_dims=0, min_side=0, max_side=3),
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
        | st.builds(Reading, inner, st.just(Unit.METRE))
    ),
    max_leaves=8,
)
RELAXED = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)


@RELAXED
@given(value=ANY)
def test_any_value_comes_back_the_same(there_and_back, value):
    """The fingerprint of what was loaded is that of what was stored."""
    there_and_back(value)


COLUMN_TYPES = st.sampled_from(
    [
        "i1",
        "u4",
        "i8",
        "f4",
        "f8",
        "?",
        "M8[ns]",
        "M8[s]",
        "m8[us]",
        "str",
        "object",
        "category",
        "Int64",
        "boolean",
        "Float64",
        "string",
        "int32[pyarrow]",
    ]
)


@RELAXED
@given(data=st.data())
def test_any_frame_comes_back_the_same(there_and_back, data):
    """Generated columns of many dtypes, with labels, missing values and indices of many kinds."""
    rows = data.draw(st.integers(0, 4))
    columns = {}
    for label in data.draw(
        st.lists(st.text(max_size=3) | st.integers() | st.none(), unique=True, max_size=4)
    ):
        columns[label] = draw_column(data, rows)
    index = data.draw(
        hpd.range_indexes(min_size=rows, max_size=rows)
        | hpd.indexes(dtype=int, min_size=rows, max_size=rows)
        | hpd.indexes(elements=st.text(max_size=2), min_size=rows, max_size=rows)
        | hpd.indexes(dtype="M8[ns]", min_size=rows, max_size=rows)
    )
    frame = pd.DataFrame(
        {at: pd.Series(column, index=index) for at, column in enumerate(columns.values())}, index=index
    )
    frame.columns = pd.Index(list(columns), dtype=object)
    _, again = there_and_back(frame)
    pd.testing.assert_frame_equal(again, frame, check_freq=True, check_flags=True, check_exact=True)


def draw_column(data, rows):
    dtype = data.draw(COLUMN_TYPES)
    if dtype in ("str", "string", "category", "object"):
        leaf = st.text(max_size=3) | st.none()
        if dtype == "object":
            leaf = (
                leaf
                | st.integers()
                | st.floats()
                | st.binary(max_size=3)
                | st.lists(st.integers(), max_size=2)
                | st.dates()
            )
        return pd.array(data.draw(st.lists(leaf, min_size=rows, max_size=rows)), dtype=dtype)
    if (dtype[0].isupper() and "[" not in dtype) or dtype in ("boolean", "int32[pyarrow]"):
        leaf = {"boolean": st.booleans(), "Float64": st.floats()}.get(dtype, st.integers(-(2**31), 2**31 - 1))
        return pd.array(data.draw(st.lists(leaf | st.none(), min_size=rows, max_size=rows)), dtype=dtype)
    return data.draw(hnp.arrays(np.dtype(dtype), rows))


ARROW_TYPES = [
    pa.int8(),
    pa.uint64(),
    pa.float32(),
    pa.float64(),
    pa.bool_(),
    pa.string(),
    pa.large_string(),
    pa.binary(),
    pa.timestamp("us", "UTC"),
    pa.timestamp("s"),
    pa.date32(),
    pa.list_(pa.int32()),
    pa.struct([("x", pa.int8()), ("y", pa.string())]),
    pa.dictionary(pa.int32(), pa.string()),
    pa.decimal128(9, 2),
]


def arrow_leaf(kind):
    types = pa.types
    if types.is_list(kind):
        return st.lists(arrow_leaf(kind.value_type), max_size=3)
    if types.is_struct(kind):
        return st.fixed_dictionaries({field.name: arrow_leaf(field.type) for field in kind})
    for matches, leaf in (
        (types.is_dictionary, st.sampled_from(["a", "b", "c"])),
        (types.is_temporal, st.integers(-10_000, 10_000)),
        (types.is_decimal, st.integers(-100, 100).map(Decimal)),
        (types.is_integer, st.integers(0, 127)),
        (types.is_floating, st.floats(width=32)),
        (types.is_boolean, st.booleans()),
        (types.is_binary, st.binary(max_size=4)),
    ):
        if matches(kind):
            return leaf
    return st.text(max_size=4)


@st.composite
def arrow_tables(draw):
    rows = draw(st.integers(0, 5))
    kinds = draw(st.lists(st.sampled_from(ARROW_TYPES), max_size=4))
    columns = [
        pa.array(draw(st.lists(arrow_leaf(kind) | st.none(), min_size=rows, max_size=rows)), kind)
        for kind in kinds
    ]
    return pa.table(columns, names=[draw(st.text(max_size=2)) for _ in kinds])


@RELAXED
@given(table=arrow_tables(), cut=st.integers(0, 5))
def test_any_arrow_table_comes_back_the_same(there_and_back, table, cut):
    """Also cut into chunks, which by itself changes no fingerprint."""
    _, again = there_and_back(table)
    assert again.schema == table.schema
    pieces = pa.concat_tables([table[:cut], table[cut:]])
    assert fingerprint(pieces) == fingerprint(table)
    there_and_back(pieces)


@RELAXED
@given(table=arrow_tables())
def test_any_polars_frame_comes_back_the_same(there_and_back, table):
    """By way of the same generated columns."""
    frame = pl.from_arrow(table.rename_columns([str(at) for at in range(table.num_columns)]))
    codec, again = there_and_back(frame)
    assert codec == "polars"
    assert again.equals(frame)
    assert again.schema == frame.schema


def test_a_figure_comes_back_without_being_shown(there_and_back):
    """It draws the same, and pyplot does not take it for a new figure."""
    mpl.use("agg")
    figure, axes = plt.subplots()
    axes.plot([1, 2, 3])
    try:
        codec, again = there_and_back(figure)
        assert codec == "pickle"
        assert plt.get_fignums() == [figure.number]
        assert again.axes[0].lines[0].get_ydata().tolist() == [1, 2, 3]
    finally:
        plt.close(figure)


def test_a_figure_that_was_drawn_is_the_same_with_its_axes(there_and_back):
    """Which of its parts are up to date is no content."""
    mpl.use("agg")
    figure, axes = plt.subplots(2)
    axes[0].plot([1, 2, 3], label="a")
    axes[0].legend()
    try:
        figure.canvas.draw()
        plt.close(figure)
        before = fingerprint(figure)
        codec, again = there_and_back({"figure": figure, "axes": axes})
        assert codec == "pickle"
        assert again["axes"][0] is again["figure"].axes[0]
        axes[0].set_title("b")
        assert before != fingerprint(figure)
    finally:
        plt.close(figure)


def test_a_cached_function_of_the_notebook(there_and_back, notebook):
    """Comes back with an empty cache."""
    run(notebook, "import functools\n@functools.lru_cache(5)\ndef f(x): return x + 1\nvalue = [f]")
    _, (again,) = there_and_back(notebook["value"])
    assert again(1) == 2
    assert again.cache_parameters() == {"maxsize": 5, "typed": False}


@pytest.mark.parametrize("mode", ["r", "w", "a", "r+", "w+", "a+", "rb", "wb", "ab", "rb+", "wb+"])
@pytest.mark.parametrize("buffering", [-1, 0])
def test_closed_files(there_and_back, tmp_path, mode, buffering):
    """``with open(…) as file`` leaves one; it comes back closed though its file is gone."""
    path = tmp_path / "data.txt"
    path.write_text("text")
    if buffering == 0 and "b" not in mode:
        pytest.skip("text is always buffered")
    with path.open(mode, buffering) as file:
        pass
    path.unlink()

    codec, again = there_and_back({"file": file, "same": file})

    assert codec == "pickle"
    assert again["file"] is again["same"]
    assert (again["file"].name, again["file"].mode, again["file"].closed) == (str(path), file.mode, True)
    with pytest.raises(ValueError, match="closed file"):
        again["file"].seek(0)


@pytest.mark.parametrize("kind", [io.StringIO, io.BytesIO])
def test_files_in_memory(there_and_back, kind):
    """An open one comes back with its content and place, a closed one closed."""
    file, closed = kind("text" if kind is io.StringIO else b"text"), kind()
    file.seek(2)
    closed.close()

    _, (again, closed_again) = there_and_back((file, closed))

    assert (file.getvalue(), file.tell()) == (again.getvalue(), again.tell())
    assert closed_again.closed


def test_a_grid_search(there_and_back):
    """Its results hold masked arrays whose fill value is only made when it is asked for."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2))
    codec, again = there_and_back(
        GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 2]}).fit(x, x[:, 0] > 0), None
    )
    assert codec == "pickle"
    assert again.best_params_ == {"max_depth": 1}
