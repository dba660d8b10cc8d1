"""Fingerprints of plain Python values and of objects."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
import functools
import io
import operator
import pathlib
import queue
import random
import re
import socket
import subprocess
import sys
import threading
import types
import uuid
import zoneinfo
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable_nb.core.errors import NotFingerprintableError
from durable_nb.core.fingerprint import digest, fingerprint, register


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y


class OtherPoint(Point):
    pass


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a, b):
        self.a, self.b = a, b


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: int
    b: object = None


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Level(enum.IntEnum):
    LOW = 1


Pair = collections.namedtuple("Pair", "a b")  # noqa: PYI024 - the untyped kind is what is tested


class MyInt(int):
    pass


class MyStr(str):
    __slots__ = ()


class MyList(list):
    pass


class MyDict(dict):
    pass


class MySet(set):
    pass


def cyclic():
    values = [1]
    values.append(values)
    return values


def two_level_cycle():
    inner = [1]
    inner.append([1, inner])
    return inner


def shared():
    part = [1]
    return [part, part]


def point_with(**attributes):
    point = Point(1, 2)
    point.__dict__.update(attributes)
    return point


NEAR_MISSES = [
    1,
    1.0,
    "1",
    b"1",
    True,
    bytearray(b"1"),
    1 + 0j,
    Decimal(1),
    Decimal("1.0"),
    Fraction(1),
    MyInt(1),
    Level.LOW,
    0,
    0.0,
    -0.0,
    False,
    None,
    "",
    b"",
    (),
    [],
    {},
    set(),
    frozenset(),
    "None",
    0j,
    complex(0.0, -0.0),
    ...,
    NotImplemented,
    -1,
    255,
    256,
    2**31,
    2**63,
    2**64,
    -(2**63),
    10**5000,
    float("nan"),
    float("inf"),
    -float("inf"),
    complex(float("nan"), 0),
    complex(0, float("nan")),
    1e-320,
    "nan",
    Decimal("nan"),
    Decimal("sNaN"),
    Decimal("-0"),
    "a",
    "A",
    "á",
    "a\u0301",
    "a\0",
    "a\0b",
    "\ud800",
    "ab",
    b"ab",
    (1,),
    [1],
    {1},
    frozenset({1}),
    {1: None},
    {"1": None},
    {1: 1},
    [(1,)],
    [[1]],
    ([1],),
    [1, None],
    [1, []],
    (1, 2),
    [1, 2],
    [2, 1],
    {1, 2},
    [1, 2.0],
    [1.0, 2.0],
    [True, 2],
    ["1", "2"],
    [[1], [2]],
    [[1, 2]],
    [[1, 2], []],
    [[], [1, 2]],
    [("a", 1)],
    [("a",), 1],
    [(1, 2), (3, 4)],
    [(1, 2, 3), (4,)],
    [[1, 2], [3, 4]],
    [(1, 2), [3, 4]],
    ((1, 2), (3, 4)),
    {"a": 1, "b": 2},
    {"b": 2, "a": 1},
    {"a": 2, "b": 1},
    {"a": {"b": 2}},
    {"a": 1, "b": [2]},
    {"a": [1], "b": 2},
    [1.5, float("nan")],
    [float("nan"), 1.5],
    [None, 1.5],
    [1.5, None],
    [0.0],
    [-0.0],
    [b"a"],
    ["a"],
    [("a", -0.0)],
    [("a", 0.0)],
    cyclic(),
    two_level_cycle(),
    shared(),
    [[1], [1]],
    [shared()],
    [[1], shared()],
    (shared(),),
    {(1, 2): 3},
    {1: (2, 3)},
    {frozenset({1}): 1},
    {frozenset({frozenset({1})})},
    {frozenset({1})},
    {(1,), (2,)},
    {((1, 2),)},
    {1, "1"},
    {1.5, "1"},
    range(3),
    range(0, 3, 2),
    range(0, 4, 2),
    range(0),
    slice(3),
    slice(0, 3),
    slice(None),
    [0, 1, 2],
    datetime.date(2020, 1, 1),
    datetime.datetime(2020, 1, 1),
    datetime.datetime(2020, 1, 1, fold=1),
    datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
    datetime.datetime(2020, 1, 1, tzinfo=zoneinfo.ZoneInfo("UTC")),
    datetime.datetime(2020, 1, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
    datetime.time(0),
    datetime.time(0, fold=1),
    datetime.timedelta(1),
    datetime.timedelta(0, 1),
    datetime.timedelta(0, 0, 1),
    datetime.UTC,
    datetime.timezone(datetime.timedelta(0), "UTC0"),
    datetime.timezone(datetime.timedelta(hours=1)),
    zoneinfo.ZoneInfo("UTC"),
    pathlib.Path("a"),
    pathlib.PurePosixPath("a"),
    pathlib.PureWindowsPath("a"),
    uuid.UUID(int=1),
    uuid.UUID(int=2),
    re.compile("a"),
    re.compile("a", re.IGNORECASE),
    re.compile(b"a"),
    Colour.RED,
    Colour.BLUE,
    collections.deque([1]),
    collections.deque([1], 3),
    collections.OrderedDict(a=1),
    collections.Counter("a"),
    {"a": 1},
    collections.defaultdict(list, a=1),
    collections.defaultdict(int, a=1),
    collections.ChainMap({"a": 1}),
    types.MappingProxyType({"a": 1}),
    types.SimpleNamespace(a=1),
    types.SimpleNamespace(a=2),
    {"a": 1}.keys(),
    {"a": 1}.values(),
    {"a": 1}.items(),
    Pair(1, 2),
    Pair(2, 1),
    Pair([1], 2),
    MyStr("a"),
    MyList([1]),
    MyDict(a=1),
    MySet({1}),
    MyList([1, 2]),
    Point(1, 2),
    Point(2, 1),
    Point(1, [2]),
    Point(1, 2.0),
    OtherPoint(1, 2),
    point_with(z=3),
    point_with(x=Point(1, 2)),
    Slotted(1, 2),
    Slotted(2, 1),
    Frozen(1),
    Frozen(2),
    Frozen(1, []),
    Point,
    OtherPoint,
    Frozen,
    Colour,
    int,
    float,
    list,
    len,
    print,
    "x".upper,
    "y".upper,
    [1].append,
    operator.add,
    operator.itemgetter(1),
    operator.itemgetter(2),
    operator.attrgetter("a"),
    functools.partial(len),
    functools.partial(len, [1]),
    functools.partial(sorted, reverse=True),
    functools.partial(sorted, reverse=False),
    functools.reduce,
    Point(1, 2).__init__,
    Point(1, 3).__init__,
    str.upper,
    dict.get,
    pathlib.Path.exists,
    list[int],
    list[str],
    int | str,
    int | None,
    ValueError("a"),
    ValueError("b"),
    KeyError("a"),
    ValueError("a", 1),
    OSError(2, "a"),
    OSError(2, "a", "f"),
    io.BytesIO(b"a"),
    io.StringIO("a"),
    io.BytesIO(b"ab"),
    random.Random(1),
    random.Random(2),
    iter([1]),
    iter([2]),
    iter((1,)),
    memoryview(b"a"),
    [io.BytesIO(b"a")] * 2,
    [io.BytesIO(b"a"), io.BytesIO(b"a")],
]


def test_different_values_never_share_a_fingerprint():
    """A long list of values of which each is nearly some other one."""
    seen = {}
    for value in NEAR_MISSES:
        other = seen.setdefault(fingerprint(value), value)
        assert other is value, (other, value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (float("nan"), -float("nan")),
        ([1.0, float("nan")], [1.0, -float("nan")]),
        ([(1.0, float("nan"))] * 2, [(1.0, -float("nan"))] * 2),
        ([{"a": float("nan")}], [{"a": -float("nan")}]),
        ({1, 2, 3}, {3, 2, 1}),
        ({"a", 1, None, (1, 2)}, {(1, 2), None, 1, "a"}),
        ({frozenset({1, "b"}), frozenset()}, {frozenset(), frozenset({"b", 1})}),
        (Point(1, 2), point_with()),
        ("a" * 3, "aaa"),
        ([300, 300], [300, 299 + 1]),
        (Pair(1, 2), Pair(1, 2)),
        (cyclic(), cyclic()),
        (MySet({1, "a"}), MySet({"a", 1})),
        ({Frozen(1), Frozen(2), Frozen(3)}, {Frozen(3), Frozen(2), Frozen(1)}),
    ],
)
def test_equal_values_share_a_fingerprint(one, other):
    """Whatever differs only in identity, in the order of a set or in the bits of a NaN is the same."""
    assert fingerprint(one) == fingerprint(other)


def test_order_of_attributes_does_not_count():
    """An instance is what its attributes are, not when they were set."""
    one, other = types.SimpleNamespace(), types.SimpleNamespace()
    one.a, one.b = 1, 2
    other.b, other.a = 2, 1

    assert fingerprint(one) == fingerprint(other)


def test_sharing_counts_for_mutable_parts_only():
    """Two references to one list are not two equal lists; two references to one text are two equal texts."""
    text, numbers = "abc" * 20, (1, 2)
    assert fingerprint([[1]] * 2) != fingerprint([[1], [1]])
    assert fingerprint([(numbers, text)] * 2) == fingerprint([((1, 2), "abc" * 20), ((1, 2), "abc" * 20)])


def test_sharing_is_seen_across_containers():
    """Also where the shared part hides in a set, an attribute or a key."""
    part = Frozen(1, "x")
    twin = Frozen(1, "x")
    assert fingerprint([part, {part}]) != fingerprint([part, {twin}])
    assert fingerprint([part, {part: 1}]) != fingerprint([part, {twin: 1}])
    assert fingerprint([part, Point(part, 1)]) != fingerprint([part, Point(twin, 1)])
    assert fingerprint([part.__dict__, part]) != fingerprint([dict(part.__dict__), part])


class Fresh:
    def __init__(self, n):
        self.n = n

    def __getstate__(self):
        return [self.n, [self.n]], {"n": self.n}


def test_what_is_made_for_the_walk_is_not_mistaken_for_something_met():
    """An id is used again as soon as its object is gone; one that was met must not go."""
    values = [Fresh(n) for n in range(300)]
    assert len({fingerprint(values) for _ in range(5)}) == 1
    assert fingerprint(values) == fingerprint([Fresh(n) for n in range(300)])
    assert fingerprint([Fresh(1), Fresh(1)]) != fingerprint([Fresh(1), Fresh(2)])


def test_nested_sets_do_not_explode():
    """Each level of a frozenset is hashed once."""
    value = frozenset()
    for _ in range(60):
        value = frozenset({value})
    assert len(fingerprint(value)) == 32


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [threading.Lock()]}, "conn['a'][0]: _thread.lock"),
        (Point(1, socket.socket), None),
        ((x for x in ()), "conn: generator"),
        (types.ModuleType("m"), "conn: module"),
        (Point(1, (x for x in ())), "conn.y: generator"),
        (functools.partial(len, (x for x in ())), "conn.args[0]: generator"),
        (queue.Queue(), "conn.all_tasks_done._lock: _thread.lock"),
        (threading.Event(), "conn._cond"),
        (sys._getframe(), "conn: frame"),
    ],
)
def test_names_the_way_to_what_cannot_be_hashed(value, message):
    """The error says which part of which value is in the way."""
    if message is None:
        fingerprint(value)
        return
    with pytest.raises(NotFingerprintableError, match=re.escape(message)):
        fingerprint(value, name="conn")


def test_open_files_and_sockets_have_no_content(tmp_path):
    """A handle is not a value."""
    with (tmp_path / "f").open("w") as file, pytest.raises(NotFingerprintableError, match="TextIOWrapper"):
        fingerprint(file)
    with socket.socket() as sock, pytest.raises(NotFingerprintableError, match=r"conn: socket\.socket"):
        fingerprint(sock, name="conn")


def test_closed_files_are_values(tmp_path):
    """What ``with open(…) as file`` leaves behind is told apart by all that it still tells."""
    path = tmp_path / "f"
    path.write_text("")
    modes = ("r", "r+", "w", "a", "rb", "wb", "rb+", "ab")
    files = [path.open(mode, **({} if "b" in mode else {"encoding": "utf-8"})) for mode in modes]
    files += [path.open(encoding="latin-1"), path.open(encoding="utf-8", errors="replace")]
    files += [path.open("rb", buffering=0), (tmp_path / "g").open("w", encoding="utf-8")]
    for file in files:
        file.close()

    assert len(files) == len({fingerprint(file) for file in files})


def test_refusal_of_a_foreign_class_is_an_error_of_ours():
    """Whatever ``__reduce__`` raises."""

    class Refuses:
        def __reduce__(self):
            raise ZeroDivisionError

    with pytest.raises(NotFingerprintableError, match="Refuses"):
        fingerprint([Refuses()], of_code=lambda _: "")


def test_deep_nesting_is_an_error_of_ours():
    """No RecursionError reaches the user."""
    value = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(NotFingerprintableError, match="nested too deeply"):
        fingerprint(value)
    while value:
        value = value[0]


def test_functions_need_a_name_or_their_code():
    """A lambda has no importable name; with ``of_code`` its code stands for it."""
    with pytest.raises(NotFingerprintableError, match="cannot be imported"):
        fingerprint({"f": lambda: 1})
    one = fingerprint({"f": lambda: 1}, of_code=lambda f: f.__code__.co_code.hex())
    other = fingerprint({"f": lambda: None}, of_code=lambda f: f.__code__.co_code.hex())
    assert one != other


def test_code_of_a_notebook_class_counts_for_its_instances():
    """The same state with other methods is another value."""
    scope = {"__name__": "__main__"}
    exec("class K:\n    pass", scope)
    value = scope["K"]()
    with pytest.raises(NotFingerprintableError, match=r"__main__\.K"):
        fingerprint(value)
    assert fingerprint(value, of_code=lambda _: "1") != fingerprint(value, of_code=lambda _: "2")


def test_code_of_a_library_class_does_not_count_for_its_instances():
    """Its name does; otherwise an upgrade of any library would change every fingerprint."""
    value = [Decimal(1), collections.ChainMap(), datetime.UTC]
    assert fingerprint(value, of_code=lambda _: "1") == fingerprint(value, of_code=lambda _: "2")


def test_causes_of_an_exception_count():
    """They come with it when it is raised again."""
    plain, caused = ValueError(), ValueError()
    caused.__cause__ = KeyError()
    assert fingerprint(plain) != fingerprint(caused)


def test_users_can_register_a_type():
    """By a stand-in that holds its content."""

    class Handle:
        def __init__(self, url):
            self.url, self.lock = url, threading.Lock()

    register(f"{Handle.__module__}.{Handle.__qualname__}", lambda handle: handle.url)
    assert fingerprint([Handle("a")]) == fingerprint([Handle("a")])
    assert fingerprint([Handle("a")]) != fingerprint([Handle("b")])


SCRIPT = """
import datetime, decimal, sys
from durable_nb.core.fingerprint import fingerprint
value = {"a": {1, "b", None, (1, 2)}, "b": [1.5, frozenset("xyz"), {"k": b"v"}], "c": {"one", "two", "three"},
         "d": datetime.datetime(2020, 1, 1), "e": decimal.Decimal("1.0"), "f": object, "g": range(3)}
print(fingerprint(value))
"""


def test_the_same_in_every_process():
    """Hash seeds do not matter."""
    found = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(found) == 1
    assert len(found.pop().strip()) == 32


def test_digest_separates_its_parts():
    """Neither the border between two parts nor text and bytes can be mistaken."""
    found = [
        digest("ab", "c"),
        digest("a", "bc"),
        digest("abc"),
        digest(b"abc"),
        digest(),
        digest(""),
        digest("", ""),
    ]
    assert len(set(found)) == len(found)
    assert digest("ab", b"c") == digest("ab", b"c")


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.complex_numbers()
    | st.dates()
    | st.datetimes()
    | st.timedeltas()
    | st.decimals()
    | st.fractions()
    | st.uuids()
)
HASHABLE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=5,
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(HASHABLE, inner, max_size=4)
        | st.sets(HASHABLE, max_size=4)
        | st.builds(Point, inner, inner)
    ),
    max_leaves=12,
)


def canonical(value):
    """A text that two values share exactly when they are the same, written without any cleverness."""
    kind = type(value)
    if kind in (list, tuple):
        return f"{kind.__name__}({','.join(map(canonical, value))})"
    if kind is dict:
        return f"dict({','.join(f'{canonical(key)}:{canonical(item)}' for key, item in value.items())})"
    if kind in (set, frozenset):
        return f"{kind.__name__}({','.join(sorted(map(canonical, value)))})"
    if kind is Point:
        return f"Point({canonical(value.x)},{canonical(value.y)})"
    return f"{kind.__name__}<{value!r}>"


@given(VALUES, VALUES)
def test_fingerprints_are_equal_exactly_when_values_are(one, other):
    """Compared with a slow and plain description of the same values."""
    assert (fingerprint(one) == fingerprint(other)) == (canonical(one) == canonical(other))


@given(st.lists(VALUES, max_size=5))
def test_fingerprint_is_a_function_of_content(values):
    """Two equal copies, made apart, fingerprint alike."""
    assert fingerprint(values) == fingerprint([canonical_copy(value) for value in values])


def canonical_copy(value):
    """A copy that shares no mutable part with the value."""
    kind = type(value)
    if kind in (list, tuple, set, frozenset):
        return kind([canonical_copy(item) for item in value])
    if kind is dict:
        return {canonical_copy(key): canonical_copy(item) for key, item in value.items()}
    if kind is Point:
        return Point(canonical_copy(value.x), canonical_copy(value.y))
    return value
