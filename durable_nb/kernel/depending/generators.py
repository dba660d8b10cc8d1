"""Code that asks for the state of a random generator, or sets it, without a draw that would show.

``random.seed(1)`` in a step changes nothing where the generator stands there already; it must still be set
when the step is reused elsewhere. And what reads the state depends on it.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_STATE = frozenset(
    {
        *("_rand", "bit_generator", "get_rng_state", "get_state", "getstate", "initial_seed", "manual_seed"),
        *("seed", "set_rng_state", "set_state", "setstate"),
    }
)
"""Attributes by which the state of a generator is asked for or set."""
_GENERATORS = {"random": "random.python", "numpy": "random.numpy", "torch": "random.torch"}
"""Library → the state of its generator."""


def touched(tree: ast.Module, namespace: Mapping[str, Any], used: Iterable[str]) -> set[str]:
    """The generators whose state a cell may ask for or set.

    Args:
        tree: The cell.
        namespace: The notebook's variables after it has run.
        used: Names of the functions and classes that it uses.
    """
    found = {g for node in ast.walk(tree) if (g := _by_node(node, namespace)) is not None}
    for name in used:
        for code in _codes(namespace.get(name)):
            if _STATE & set(code.co_names):
                found |= {g for n in code.co_names if (g := _generator_of(namespace.get(n))) is not None}
    return found


def _by_node(node: ast.AST, namespace: Mapping[str, Any]) -> str | None:
    if isinstance(node, ast.Name):
        value = namespace.get(node.id)
        if isinstance(value, types.BuiltinMethodType | types.MethodType) and value.__name__ in _STATE:
            return _generator_of(value)
        return None
    if not isinstance(node, ast.Attribute) or node.attr not in _STATE:
        return None
    root: ast.expr = node
    while isinstance(root, ast.Attribute):
        root = root.value
    return _generator_of(namespace.get(root.id)) if isinstance(root, ast.Name) else None


def _generator_of(value: object) -> str | None:
    """The generator that a module, or a function bound to one, belongs to."""
    if isinstance(value, types.ModuleType):
        return _GENERATORS.get(value.__name__.partition(".")[0])
    owner = getattr(value, "__self__", None)
    return None if owner is None else _GENERATORS.get(type(owner).__module__.partition(".")[0])


def _codes(value: object) -> Iterator[types.CodeType]:
    queue: list[object] = [value]
    seen: set[int] = set()
    while queue:
        thing = queue.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, types.FunctionType):
            queue.append(thing.__code__)
        elif isinstance(thing, types.CodeType):
            yield thing
            queue += thing.co_consts
        elif isinstance(thing, type) and thing.__module__ == "__main__":
            queue += vars(thing).values()
