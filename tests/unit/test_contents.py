"""What is remembered of an object is put back into that object, as often as wanted."""

from __future__ import annotations

import array
import ast
import collections
import copyreg
import decimal
import functools
import io
import itertools
import random
import threading
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from durable_nb.core.fingerprint.walker import STAND_INS, full_name
from durable_nb.kernel.failing.contents import contents_of
from durable_nb.kernel.failing.remembering import Allowance, Memory, become


@dataclass
class Plain:
    x: list[int] = field(default_factory=lambda: [1])
    y: int = 1


@dataclass(slots=True)
class Slotted:
    x: list[int] = field(default_factory=lambda: [1])
    y: int = 1


class Tagged(list[Any]):
    """A list with attributes."""


class Table(pd.DataFrame):
    """A table of a user's own class."""


class Holder:
    """Says itself what of it is data."""

    def __init__(self) -> None:
        self.data = [1]
        self.lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"data": self.data}


class Made:
    """Says how it is made again, and from what."""

    def __init__(self, x: list[int], y: int = 1) -> None:
        self.x = x
        self.y = y

    def __reduce__(self) -> tuple[Any, ...]:
        return Made, (self.x, self.y)

    def __repr__(self) -> str:
        return f"{self.x} {self.y}"


class Connection:
    """Fingerprinted by something else than what it holds."""

    def __init__(self) -> None:
        self.sent = [1]


def annotated(x: int, more: list[int] | None = None) -> None:
    """Has an annotation."""


def spoil_error(error: Any) -> None:
    error.args[1].append(2)
    error.args = ()
    error.__cause__ = KeyError()
    error.add_note("x")


def spoil_context(context: Any) -> None:
    context.prec = 9
    context.divide(1, 3)


def copied_function() -> Any:
    return types.FunctionType(annotated.__code__, globals(), "f", ([1],))


def spoil_function(function: Any) -> None:
    function.__code__, function.__doc__ = copied_function.__code__, "x"
    function.__annotations__["y"] = int
    function.tag = 1


def look_at_function(function: Any) -> object:
    return function.__code__, function.__doc__, dict(function.__annotations__), dict(vars(function))


def look_at_cycle(cycle: Any) -> object:
    _, (below,), state = cycle.__reduce__()
    return below.__reduce__()[2], repr(state)


def ordered() -> collections.OrderedDict[str, Any]:
    return collections.OrderedDict(a=1, b=[2])


def table(kind: type[pd.DataFrame] = pd.DataFrame) -> pd.DataFrame:
    return kind({"a": [1, 2], "o": [[1], [2]]})


def spoil_table(df: pd.DataFrame) -> None:
    df["z"] = 3
    df.loc[0, "a"] = 9
    df["o"].iloc[0].append(7)
    df.index.name = "i"
    df.attrs["note"] = 1
    df.columns = pd.Index(list("uvw"))


def spoil_object(thing: Any) -> None:
    thing.x.append(2)
    thing.y = 5


def spoil_polars(df: pl.DataFrame) -> None:
    df[0, "a"] = 9
    df.insert_column(1, pl.Series("b", [1, 2]))


def spoil_tagged(thing: Any) -> None:
    thing.append(5)
    thing[0].append(1)
    thing.tag = "other"


def tagged() -> Tagged:
    made = Tagged([[1]])
    made.tag = "own"  # type: ignore[attr-defined]
    return made


def numpy_state(generator: Any) -> object:
    return generator.bit_generator.state


Case = tuple[Callable[[], Any], Callable[[Any], object], Callable[[Any], object]]
CASES: dict[str, Case] = {
    "list": (lambda: [1, [2]], lambda x: (x[1].append(3), x.clear()), repr),
    "dict": (lambda: {"a": {"b": [1]}}, lambda x: (x["a"]["b"].append(1), x.update(c=1)), repr),
    "dict with tuples": (lambda: {(1, 2): ([1], 2)}, lambda x: x[1, 2][0].append(3), repr),
    "ordered": (ordered, lambda x: (x.move_to_end("a"), x["b"].append(1)), repr),
    "set": (lambda: {1, 2}, lambda x: x.add(9), repr),
    "deque": (lambda: collections.deque([[1]], maxlen=2), lambda x: (x[0].append(1), x.append(2)), repr),
    "bytearray": (lambda: bytearray(b"ab"), lambda x: x.extend(b"c"), repr),
    "array.array": (lambda: array.array("i", [1, 2]), lambda x: x.append(3), repr),
    "BytesIO": (lambda: io.BytesIO(b"ab"), lambda x: x.write(b"xyz"), lambda x: (x.getvalue(), x.tell())),
    "StringIO": (lambda: io.StringIO("ab"), lambda x: x.read(1), lambda x: x.tell()),
    "Random": (lambda: random.Random(1), lambda x: x.random(), lambda x: x.getstate()),
    "iterator": (lambda: iter([1, 2, 3]), next, lambda x: x.__reduce__()[2]),
    "object": (Plain, spoil_object, repr),
    "slots": (Slotted, spoil_object, repr),
    "subclass of list": (tagged, spoil_tagged, lambda x: (repr(x), x.tag)),
    "partial": (
        lambda: functools.partial(sorted, [1], key=None),
        lambda x: (x.args[0].append(2), x.keywords.clear()),
        repr,
    ),
    "decimal context": (lambda: decimal.Context(prec=5), spoil_context, repr),
    "error": (lambda: ValueError("a", [1]), spoil_error, lambda x: (repr(x), x.__cause__, dict(vars(x)))),
    "default": (
        lambda: collections.defaultdict(list, a=[1]),
        lambda x: (x["b"].append(1), setattr(x, "default_factory", int)),
        repr,
    ),
    "function": (copied_function, spoil_function, look_at_function),
    "object that says how it is made": (lambda: Made([1]), spoil_object, repr),
    "iterator with a store of its own": (
        lambda: itertools.cycle([1, 2, 3]),
        next,
        look_at_cycle,
    ),
    "syntax tree": (lambda: ast.parse("a = 1"), lambda x: x.body.append(ast.Pass()), ast.dump),
    "bound method": (lambda: [1].append, lambda x: x(2), lambda x: repr(x.__self__)),
    "numpy": (lambda: np.arange(3), lambda x: x.fill(7), lambda x: x.tolist()),
    "numpy of objects": (lambda: np.array([[1], None], object), lambda x: x[0].append(2), repr),
    "numpy generator": (lambda: np.random.default_rng(1), lambda x: x.random(), numpy_state),
    "numpy bit generator": (lambda: np.random.PCG64(1), lambda x: x.random_raw(), lambda x: repr(x.state)),
    "numpy random state": (
        lambda: np.random.RandomState(1),
        lambda x: x.randn(),
        lambda x: repr(x.get_state(legacy=False)),
    ),
    "pandas": (table, spoil_table, lambda x: (x.to_dict("list"), x.index.name, dict(x.attrs))),
    "pandas subclass": (lambda: table(Table), spoil_table, lambda x: (x.to_dict("list"), x.index.name)),
    "series": (lambda: pd.Series([1.0], name="n"), lambda x: x.__setitem__(0, 5.0), lambda x: x.tolist()),
    "index": (lambda: pd.Index([1], name="n"), lambda x: x.__setattr__("name", "m"), lambda x: x.name),
    "polars": (lambda: pl.DataFrame({"a": [1, 2]}), spoil_polars, lambda x: x.to_dict(as_series=False)),
}


@pytest.mark.parametrize("name", CASES)
def test_contents_are_put_back(name: str) -> None:
    """In place, also what is below, and again after the next change."""
    make, spoil, look = CASES[name]
    thing = make()
    before, memory = look(thing), Memory(Allowance(None))
    memory.add([thing])

    for _ in range(2):
        spoil(thing)
        assert before != look(thing)
        memory.put_back()
        assert before == look(thing)


def test_an_error_is_data_however_it_is_pickled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask has tblib register how errors are pickled, with their tracebacks."""
    monkeypatch.setitem(copyreg.dispatch_table, ValueError, lambda error: (ValueError, error.args))

    test_contents_are_put_back("error")


def test_sharing_survives() -> None:
    """Whatever refers to an object sees its old content: it is the same object."""
    inner = [1]
    outer, memory = {"a": inner, "b": [inner]}, Memory(Allowance(None))
    memory.add([outer])
    inner.append(2)
    outer["a"] = [5]

    memory.put_back()

    assert {"a": [1], "b": [[1]]} == outer
    assert outer["a"] is inner


def test_a_cycle_is_no_endless_one() -> None:
    """An object that refers to itself is looked at once."""
    loop: list[Any] = [1]
    loop.append(loop)
    memory = Memory(Allowance(None))
    memory.add([loop])
    loop.clear()

    memory.put_back()

    assert 1 == loop[0]
    assert loop is loop[1]


def test_what_is_no_data_is_left_alone() -> None:
    """Locks, loggers and what an object leaves out of its state keep what they have."""
    import logging

    holder, memory = Holder(), Memory(Allowance(None))
    lock = holder.lock
    memory.add([holder])
    holder.data.append(2)
    lock.acquire()

    memory.put_back()

    assert ([1], True) == (holder.data, lock.locked())
    assert () == contents_of(logging.getLogger("x"))
    assert () == contents_of(lock)
    assert () == contents_of(np) == contents_of(type("Lazy", (type(np),), {})("lazy"))


@pytest.mark.parametrize("how", ["copyreg", "a stand-in"])
def test_what_is_known_by_something_else_is_left_alone(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever says what counts of an object of a class says that the rest is none of our business."""
    thing, memory = Connection(), Memory(Allowance(None))
    if how == "copyreg":
        monkeypatch.setitem(copyreg.dispatch_table, Connection, lambda _: (Connection, ()))
    else:
        monkeypatch.setitem(STAND_INS, full_name(Connection), lambda _: "the one connection")
    memory.add([[thing]])
    thing.sent.append(2)

    memory.put_back()

    assert [1, 2] == thing.sent


@pytest.mark.parametrize("remembering", [functools.cache, functools.lru_cache(maxsize=4)])
def test_results_of_later_are_forgotten(remembering: Callable[..., Any]) -> None:
    """A function that remembers results keeps those that it had, and works the others out anew."""
    factor, asked = 1, []

    @remembering
    def scaled(value: int) -> int:
        asked.append(value)
        return value * factor

    scaled(1)
    memory = Memory(Allowance(None))
    memory.add([scaled])
    factor = 5
    scaled(2)
    factor = 1

    memory.put_back(lambda thing: thing is scaled)

    assert [1, 2, 3] == [scaled(1), scaled(2), scaled(3)]
    assert [1, 2, 2, 3] == asked
    assert [9, 8, 7, 6] == [scaled(n) for n in (9, 8, 7, 6)]  # also where older ones must go


def test_what_is_to_be_left_alone_is_not_entered() -> None:
    """Neither it nor what only it refers to; everything around it is put back."""
    server = {"asked": [0]}
    box: dict[str, Any] = {"server": server, "own": []}
    memory = Memory(Allowance(None))
    memory.leave_alone([server])
    memory.add([box])
    box["own"].append(1)
    server["asked"].append(1)

    memory.put_back()

    assert {"server": {"asked": [0, 1]}, "own": []} == box


def test_large_copies_need_room() -> None:
    """What is larger than what is allowed, or is stored anyway, is not copied."""
    small, large, stored = np.ones(10), np.ones(1_000_000), np.ones(500_000)
    memory = Memory(Allowance(1_000_000))
    memory.add([small, large])
    memory.add([stored], stored=True)
    for each in (small, large, stored):
        each[0] = 5

    memory.put_back()

    assert [1.0, 5.0, 5.0] == [small[0], large[0], stored[0]]


def test_an_object_takes_the_content_of_another() -> None:
    """Of its own type; anything else is refused."""
    thing, other = np.zeros(3), np.ones(3)

    assert become(thing, other)
    assert [1.0, 1.0, 1.0] == thing.tolist()
    assert not become(thing, [1])
    assert not become("a", "b")
