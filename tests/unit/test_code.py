"""The identity of code: equal behaviour, equal fingerprint; another behaviour, another one."""

import ast
import types
from typing import Any

import pytest

from durable_nb.core.code import CodeReader, cell_fingerprint


def of_cell(source: str) -> str:
    return cell_fingerprint(ast.parse(source), quiet=False)


def run(source: str) -> dict[str, Any]:
    """Execute notebook code in a namespace of its own."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "<cell>", "exec"), namespace)
    return namespace


def of(source: str, name: str = "f") -> str:
    namespace = run(source)
    return CodeReader(namespace, lambda module: module).of_code(namespace[name])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x  =  1  # comment"),
        ("x = 'a'", 'x = "a"'),
        ("f(a,\n  b)", "f(a, b)"),
        ("def f():\n    'doc'\n    return 1", "def f():\n\n    return 1"),
    ],
)
def test_formatting_comments_and_docstrings_do_not_change_a_cell(one: str, other: str) -> None:
    """Only what Python does counts."""
    assert of_cell(one) == of_cell(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = 1", "x = '1'"),
        ("x = (1,)", "x = [1]"),
        ("a-b", "b-a"),
    ],
)
def test_another_cell_has_another_fingerprint(one: str, other: str) -> None:
    """Constants are typed."""
    assert of_cell(one) != of_cell(other)


def test_a_semicolon_at_the_end_changes_what_a_cell_shows() -> None:
    """It hides the last value."""
    tree = ast.parse("x")
    assert cell_fingerprint(tree, quiet=True) != cell_fingerprint(tree, quiet=False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(a):\n    return a + 1", "def f(a):\n    # why\n\n    return (a + 1)"),
        ("def f(a):\n    'doc'\n    return a", "def f(a):\n    'another'\n    return a"),
        ("f = lambda a: a + 1", "f = lambda a: (a+1)"),
        ("class f:\n    'doc'\n    def m(self): return 1", "class f:\n    'more'\n    def m(self): return 1"),
    ],
)
def test_equal_functions_and_classes(one: str, other: str) -> None:
    """Docstrings of functions and classes do not count."""
    assert of(one) == of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(a): return a + 1", "def f(a): return a + 2"),
        ("def f(a): return a + 1", "def f(a): return a + 1.0"),
        ("def f(a=1): return a", "def f(a=2): return a"),
        ("def f(*, a=1): return a", "def f(*, a=2): return a"),
        ("def f(a): return a.x", "def f(a): return a.y"),
        ("def f(a): return g(a)", "def f(a): return h(a)"),
        ("def f(a: int): return a", "def f(a: str): return a"),
        ("def m(k):\n    return lambda: k\nf = m(1)", "def m(k):\n    return lambda: k\nf = m(2)"),
        ("def f():\n    'x'\n    return 'x'", "def f():\n    'y'\n    return 'y'"),
        ("def f():\n    def g(): return 1\n    return g", "def f():\n    def g(): return 2\n    return g"),
        ("class f:\n    x = 1", "class f:\n    x = 2"),
        ("class f:\n    def m(self): return 1", "class f:\n    def m(self): return 2"),
        ("class B: x = 1\nclass f(B): pass", "class B: x = 2\nclass f(B): pass"),
        (
            "class f:\n    @property\n    def m(self): return 1",
            "class f:\n    @property\n    def m(self): return 2",
        ),
        (
            "class f:\n    @staticmethod\n    def m(): return 1",
            "class f:\n    @classmethod\n    def m(c): return 1",
        ),
        ("from enum import Enum\nclass f(Enum): A = 1", "from enum import Enum\nclass f(Enum): A = 2"),
        (
            "import functools\n@functools.cache\ndef f(a): return 1",
            "import functools\n@functools.cache\ndef f(a): return 2",
        ),
    ],
)
def test_different_functions_and_classes(one: str, other: str) -> None:
    """Body, defaults, closure, members, bases, wrapped functions."""
    assert of(one) != of(other)


def test_a_function_tells_which_names_it_reads() -> None:
    """They are dependencies of whoever uses the function."""
    namespace = run("k = 1\ndef g(): return k\ndef f():\n    return [g() for _ in range(2)], sql('from df')")
    reader = CodeReader(namespace, lambda module: module)
    reader.of_code(namespace["f"])
    assert {"g", "range", "sql"} <= reader.globals
    assert {"from", "df"} == reader.mentioned


def test_recursion_ends() -> None:
    """A function in its own closure, a class whose member is its instance."""
    source = "def m():\n    def f(n): return f(n - 1)\n    return f\nf = m()\nclass A:\n    pass\nA.one = A()"
    namespace = run(source)
    for name in ("f", "A"):
        assert CodeReader(namespace, lambda module: module).of_code(namespace[name])


def test_an_imported_function_is_its_module() -> None:
    """An edited or updated module changes all its functions."""
    function = types.SimpleNamespace(one=CodeReader({}, lambda m: f"{m} 1").of_code(ast.parse))
    assert function.one != CodeReader({}, lambda m: f"{m} 2").of_code(ast.parse)
