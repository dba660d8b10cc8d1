"""What is remembered of an object is put back into that object, as often as wanted."""

from __future__ import annotations

import array
import collections
import io
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from durable_nb.kernel.contents import contents_of
from durable_nb.kernel.remembering import Allowance, Memory, become


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
    "bound method": (lambda: [1].append, lambda x: x(2), lambda x: repr(x.__self__)),
    "numpy": (lambda: np.arange(3), lambda x: x.fill(7), lambda x: x.tolist()),
    "numpy of objects": (lambda: np.array([[1], None], object), lambda x: x[0].append(2), repr),
    "numpy generator": (lambda: np.random.default_rng(1), lambda x: x.random(), numpy_state),
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
