"""Which names a cell reads, binds and mentions."""

import ast

import pytest

from durable_nb.core.analysis import analyse, find_definitions


@pytest.mark.parametrize(
    ("code", "reads"),
    [
        ("y = x", {"x"}),
        ("x = 1\ny = x", set()),
        ("x += 1", {"x"}),
        ("x[0] = 1", {"x"}),
        ("x.a = 1", {"x"}),
        ("del x", {"x"}),
        ("df = df.dropna()", {"df"}),
        ("ys = [i for i in xs if i > k]", {"xs", "k"}),
        ("ys = [y for x in xs for y in x]", {"xs"}),
        ("f = lambda a, b=c: a + d", {"c", "d"}),
        ("def f(a=b) -> C: return a + g", {"b", "C", "g"}),
        ("def f(): return y\ny = 2\nz = f()", set()),
        ("def f(): return y\nz = f()\ny = 2", {"f", "y"} - {"f"}),
        ("def f(): return g()\ndef g(): return f()\nx = f()", set()),
        ("@d\ndef f(): return y", {"d", "y"}),
        ("def f():\n    x = 1\n    return x", set()),
        ("def f():\n    global n\n    n = 1", {"n"}),
        ("def f():\n    def g(): return a\n    a = 1\n    return g", set()),
        ("def f():\n    return [a for a in b] + a", {"b", "a"}),
        ("class A(B):\n    c = d\n    def m(self): return e", {"B", "d", "e"}),
        ("if c:\n    x = 1\ny = x", {"c", "x"}),
        ("if c:\n    x = 1\nelse:\n    x = 2\ny = x", {"c"}),
        ("for i in r:\n    t = i\ny = t", {"r", "t", "i"}),
        ("while c:\n    t = 1", {"c", "t"}),
        ("with o as f:\n    d = f", {"o", "f", "d"} - {"f"} | {"f"}),
        ("try:\n    c\nexcept E:\n    c = {}", {"c", "E"}),
        ("try:\n    x = 1\nexcept E:\n    x = 2\ny = x", {"E"}),
        ("try:\n    x = f()\nfinally:\n    g()", {"f", "g"}),
        ("match m:\n    case [a, *b]:\n        z = a", {"m", "a", "b", "z"}),
        ("import a.b as c\nfrom d import e\nx = c + e", set()),
        ("x = (y := 1) + y", set()),
        ("x: int", {"int"}),
        ("a = b = c", {"c"}),
        ("(a if b else c)", {"a", "b", "c"}),
        ("x = y or (z := 2)", {"y", "z"}),
    ],
)
def test_reads_are_what_may_be_used_before_it_is_bound(code: str, reads: set[str]) -> None:
    """Only a name that every path has bound before does not count as read."""
    assert reads == analyse(ast.parse(code)).reads


@pytest.mark.parametrize(
    ("code", "writes"),
    [
        ("a, (b, *c) = d", {"a", "b", "c"}),
        ("for i in r: j = i", {"i", "j"}),
        ("with o as (a, b): pass", {"a", "b"}),
        ("import a.b, c as d\nfrom e import f as g, h", {"a", "d", "g", "h"}),
        ("def f():\n    global n\n    n = 1", {"f", "n"}),
        ("class A: x = 1", {"A"}),
        ("ys = [w := y for y in z]", {"ys", "w"}),
        ("try: pass\nexcept E as e: pass", {"e"}),
        ("x.a = y[0] = 1", set()),
    ],
)
def test_writes_are_the_names_bound_in_the_module(code: str, writes: set[str]) -> None:
    """Not those of functions, classes and comprehensions."""
    assert writes == analyse(ast.parse(code)).writes


def test_names_in_strings_are_mentioned_docstrings_are_not() -> None:
    """``duckdb.sql("from df")`` and ``df.query("x > @limit")`` read variables."""
    names = analyse(ast.parse('def f():\n    "about others"\nsql("from df")\nq(f"x > @limit {z}")'))
    assert {"from", "df", "x", "limit"} == names.mentioned


@pytest.mark.parametrize(
    "code", ["globals()['x']", "eval(c)", "exec(c)", "vars()", "dir()", "get_ipython().user_ns"]
)
def test_code_that_looks_into_the_namespace_is_noticed(code: str) -> None:
    """It may read any variable."""
    assert analyse(ast.parse(code)).reads_namespace


def test_vars_of_an_object_is_no_look_into_the_namespace() -> None:
    """``vars(model)`` reads only ``model``."""
    assert not analyse(ast.parse("vars(model)")).reads_namespace


def test_definitions_leave_out_names_that_are_bound_again() -> None:
    """``f = jit(f)`` is not what the def statement made."""
    tree = ast.parse("import os, sys\ndef f(): ...\nf = jit(f)\nclass A: ...\nsys = 1")
    assert [names for _, names in find_definitions(tree)] == [("os",), ("A",)]


def test_paths_given_to_writers_are_told_apart() -> None:
    """A file that the step writes is no input of it."""
    names = analyse(ast.parse('df = read_parquet("in.parquet")\ndf.to_parquet("out.parquet")'))
    assert {"in.parquet", "out.parquet"} <= names.texts
    assert {"out.parquet"} == names.written_texts
