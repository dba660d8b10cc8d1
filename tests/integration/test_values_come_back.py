"""Generated graphs of objects and tables through a file and back: told by a description of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle.describe import tell

from durable_nb.core.errors import NotStorableError
from durable_nb.core.fingerprint import fingerprint
from durable_nb.store.codecs import CodecContext, decode, encode

RELAXED = settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=60)
NODES = """
class Node: pass
class Slotted: __slots__ = ("a0", "a1", "a2")
def holder(): pass
"""


def code(value: Any) -> str:
    return str(getattr(value, "__qualname__", "?"))


@pytest.fixture
def notebook() -> dict[str, Any]:
    made: dict[str, Any] = {"__name__": "__main__"}
    exec(NODES, made)
    return made


def there_and_back(path: Path, notebook: dict[str, Any], value: Any) -> Any:
    context = CodecContext(b"k" * 32, notebook, code)
    encoded = encode(value, fingerprint(value, of_code=code), context)
    with path.open("wb") as file:
        encoded.write(file)
    return decode(path, context)


def build(notebook: dict[str, Any], kinds: list[int], edges: list[tuple[int, int]]) -> dict[str, Any]:
    makers = (
        list,
        dict,
        notebook["Node"],
        notebook["Slotted"],
        lambda: np.empty(3, dtype=object),
        lambda: np.arange(6.0),
        lambda: pd.DataFrame({"x": [1, 2], "o": ["a", None]}),
    )
    nodes = [makers[kind % len(makers)]() for kind in kinds]
    for step, (source, target) in enumerate(edges):
        holder, held, name = nodes[source % len(nodes)], nodes[target % len(nodes)], f"a{step % 3}"
        if isinstance(holder, list):
            holder.append(held)
        elif isinstance(holder, dict):
            holder[name] = held
        elif isinstance(holder, np.ndarray) and holder.dtype == object:
            holder[step % 3] = held
        elif isinstance(holder, np.ndarray):
            nodes.append(holder[step % 3 : step % 3 + 2])
        elif isinstance(holder, pd.DataFrame):
            holder.attrs[name] = step
        else:
            setattr(holder, name, held)
    return {f"n{at}": node for at, node in enumerate(nodes)}


@RELAXED
@given(
    kinds=st.lists(st.integers(0, 6), min_size=1, max_size=5),
    edges=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=8),
)
def test_any_graph_comes_back_the_same(notebook, tmp_path, kinds, edges) -> None:
    """Who holds whom, cycles, what is one object, and which arrays look at one memory."""
    value = build(notebook, kinds, edges)

    arrays = [name for name, node in value.items() if isinstance(node, np.ndarray)]
    pairs = [(one, other) for one in arrays for other in arrays if one < other]
    sharing = [np.shares_memory(value[a], value[b]) for a, b in pairs]

    try:
        again = there_and_back(tmp_path / "value.parquet", notebook, value)
    except NotStorableError:
        assert any(sharing)  # a pickle by itself would tear them: not at all is right
        return

    assert json.dumps(tell(value, notebook)) == json.dumps(tell(again, notebook))
    assert sharing == [np.shares_memory(again[a], again[b]) for a, b in pairs]
