"""Values that differ in one small place never share a fingerprint, and equal ones always do.

Equal is what ``oracle.describe`` says: a slow and plain description, without any code of ours.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from oracle.describe import tell

from durable_nb.core.fingerprint import fingerprint

RELAXED = settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=60)


def told(value: Any) -> str:
    return json.dumps(tell(value))


class Node:
    """An instance that holds others."""


# Python objects.

NEAR = [
    0,
    1,
    -1,
    1.0,
    0.0,
    -0.0,
    float("nan"),
    True,
    False,
    None,
    "",
    "1",
    "0",
    "a",
    b"",
    b"1",
    b"a",
    1j,
    "None",
]
LEAF = st.sampled_from(NEAR)
KEY = st.sampled_from([0, 2, "", "1", "a", None, b"a", (1,), ("1",), -1, 2.5])
TREE = st.recursive(
    LEAF,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(KEY, inner, max_size=3)
        | st.sets(st.sampled_from([1, "1", b"1", None, (1,), ("1",)]), max_size=3)
    ),
    max_leaves=6,
)


@RELAXED
@given(TREE, TREE)
def test_two_trees(one: Any, other: Any) -> None:
    """Made of the same few leaves, so that most pairs nearly are the same."""
    assert (told(one) == told(other)) == (fingerprint(one) == fingerprint(other))


def changed(data: Any, value: Any) -> Any:
    """The same but for one leaf, one kind of container, or the order of one."""
    if isinstance(value, list | tuple) and value and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(value) - 1))
        items = list(value)
        items[at] = changed(data, items[at])
        return type(value)(items)
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        name = data.draw(st.sampled_from(list(value)))
        return {k: changed(data, v) if k is name else v for k, v in value.items()}
    if isinstance(value, list):
        return data.draw(st.sampled_from([tuple(value), value[::-1], [*value, None], value[:-1], [value]]))
    if isinstance(value, dict):
        return data.draw(
            st.sampled_from([dict(reversed(value.items())), list(value.items()), {**value, "new": 1}])
        )
    return data.draw(LEAF)


@RELAXED
@given(TREE, st.data())
def test_a_tree_and_a_change_of_it(value: Any, data: Any) -> None:
    """One leaf, one container, one order: seen if and only if it is a change."""
    other = changed(data, value)

    assert (told(value) == told(other)) == (fingerprint(value) == fingerprint(other))


# Graphs of objects that share and contain each other.


def build(kinds: list[int], edges: list[tuple[int, int]]) -> list[Any]:
    makers = (list, dict, Node, lambda: np.empty(3, dtype=object), set)
    nodes: list[Any] = [makers[kind % len(makers)]() for kind in kinds]
    for step, (source, target) in enumerate(edges):
        holder, held = nodes[source % len(nodes)], nodes[target % len(nodes)]
        if isinstance(holder, list):
            holder.append(held)
        elif isinstance(holder, dict):
            holder[f"k{step % 3}"] = held
        elif isinstance(holder, Node):
            setattr(holder, f"a{step % 3}", held)
        elif isinstance(holder, set):
            holder.add(step % 5)
        else:
            holder[step % 3] = held
    return nodes


GRAPH = st.tuples(
    st.lists(st.integers(0, 4), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=8),
)


@RELAXED
@given(GRAPH, GRAPH)
def test_two_graphs(one: Any, other: Any) -> None:
    """Who holds whom, in which order, and what is one object or two equal ones."""
    first, second = build(*one), build(*other)

    assert (told(first) == told(second)) == (fingerprint(first) == fingerprint(second))


@RELAXED
@given(GRAPH, st.data())
def test_a_graph_with_one_edge_more(graph: Any, data: Any) -> None:
    """Also an edge that closes a cycle, or makes two lists one."""
    kinds, edges = graph
    more = data.draw(st.tuples(st.integers(0, 4), st.integers(0, 4)))
    first, second = build(kinds, edges), build(kinds, [*edges, more])

    assert (told(first) == told(second)) == (fingerprint(first) == fingerprint(second))


@RELAXED
@given(GRAPH)
def test_a_graph_made_twice(graph: Any) -> None:
    """What is made in the same way shares in the same places."""
    assert fingerprint(build(*graph)) == fingerprint(build(*graph))


# Tables.

COLUMN = st.sampled_from(
    [
        ([1, 2, 3], "int64"),
        ([1, 2, 3], "int32"),
        ([1, 2, 3], "float64"),
        ([1, None, 3], "float64"),
        ([1, None, 3], "Int64"),
        ([1, 2, 3], "Int64"),
        ([1, 2, 3], "int64[pyarrow]"),
        (["1", "2", "3"], "str"),
        (["1", "2", "3"], "object"),
        (["1", "2", "3"], "category"),
        (["1", "2", "3"], "string"),
        ([1, 2, 3], "category"),
        ([1, "2", 3.0], "object"),
        ([None, float("nan"), pd.NaT], "object"),
        ([True, False, True], "bool"),
        ([True, False, True], "boolean"),
        ([True, False, True], "object"),
        ([1, 0, 1], "object"),
        ([0, 0, 0], "M8[ns]"),
        ([0, 0, 0], "M8[s]"),
        ([0, 0, 0], "m8[ns]"),
        ([[1], [2], []], "object"),
        ([(1,), (2,), ()], "object"),
    ]
)
LABEL = st.sampled_from(["a", "b", 1, "1", None, ("a", 1), 1.5, ""])
INDEX = st.sampled_from(
    [
        pd.RangeIndex(3),
        pd.Index([0, 1, 2]),
        pd.RangeIndex(1, 4),
        pd.Index([0, 0, 1]),
        pd.Index([0.0, 1.0, 2.0]),
        pd.Index(["0", "1", "2"]),
        pd.Index([0, 1, 2], name="i"),
        pd.Index([0, 1, 2], name=0),
        pd.MultiIndex.from_tuples([(0, 0), (0, 1), (1, 0)]),
        pd.MultiIndex.from_tuples([(0, 0), (0, 1), (1, 0)], names=["i", None]),
        pd.date_range("2020", periods=3),
        pd.date_range("2020", periods=3, tz="UTC"),
        pd.DatetimeIndex(list(pd.date_range("2020", periods=3))),
        pd.CategoricalIndex(["a", "b", "a"]),
    ]
)


@st.composite
def frames(draw: Any) -> pd.DataFrame:
    columns = draw(st.lists(COLUMN, max_size=3))
    frame = pd.DataFrame(index=draw(INDEX))
    for at, (items, kind) in enumerate(columns):
        frame[at] = pd.Series(pd.array(items, dtype=kind) if kind != "object" else items, dtype=kind).array
    frame.columns = pd.Index([draw(LABEL) for _ in columns], dtype=object)
    if draw(st.booleans()):
        frame.attrs["k"] = draw(LEAF)
    return frame


def told_exactly(frame: pd.DataFrame) -> str:
    """With what the description leaves out: kinds of index, categories."""
    kinds = [type(frame.index).__name__, str(getattr(frame.index, "freq", "")), *map(repr, frame.dtypes)]
    return told(frame) + repr(kinds)


@RELAXED
@given(frames(), frames())
def test_two_frames(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Columns, labels and indices that print alike are told apart."""
    assert (told_exactly(one) == told_exactly(other)) == (fingerprint(one) == fingerprint(other))


CHANGES = {
    "cell": lambda f: f.isetitem(0, f.iloc[::-1, 0].array),
    "dtype": lambda f: f.isetitem(0, f.iloc[:, 0].astype(object).array),
    "label": lambda f: setattr(f, "columns", ["other", *f.columns[1:]]),
    "columns_name": lambda f: setattr(f.columns, "name", "c"),
    "index_name": lambda f: setattr(f.index, "names", ["other"] * f.index.nlevels),
    "index": lambda f: setattr(f, "index", f.index[::-1]),
    "order_of_rows": lambda f: setattr(f, "_mgr", f.iloc[::-1]._mgr),
    "attrs": lambda f: f.attrs.update(k="other"),
    "nothing": lambda f: None,
}  # fmt: skip


@RELAXED
@pytest.mark.parametrize("change", CHANGES)
@given(data=st.data())
def test_a_frame_and_a_change_of_it(change: str, data: Any) -> None:
    """One thing about a table at a time."""
    frame = data.draw(frames())
    assume(len(frame.columns))
    other = frame.copy(deep=True)
    CHANGES[change](other)

    assert (told_exactly(frame) == told_exactly(other)) == (fingerprint(frame) == fingerprint(other))


# Arrays.

ARRAY = st.builds(
    lambda items, kind, shape: np.array(items).astype(kind).reshape(shape),
    st.sampled_from([[0, 1, 2, 3], [1, 0, 2, 3], [0, 0, 0, 0], [1, 1, 1, 1]]),
    st.sampled_from(
        ["i1", "u1", "i8", ">i8", "f4", "f8", "?", "c8", "U1", "S1", "O", "M8[s]", "M8[ms]", "m8[s]"]
    ),
    st.sampled_from([(4,), (2, 2), (4, 1), (1, 4), (1, 2, 2)]),
)


@RELAXED
@given(ARRAY, ARRAY)
def test_two_arrays(one: Any, other: Any) -> None:
    """The same bytes in another shape, type or byte order are another array."""
    same = (one.dtype, one.shape) == (other.dtype, other.shape) and repr(one.tolist()) == repr(other.tolist())
    assert same == (fingerprint(one) == fingerprint(other))
