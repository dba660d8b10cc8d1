"""What a statement binds, told without running it: exactly what IPython then has, or nothing."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from durable_nb.core.code import CodeReader
from durable_nb.core.fingerprint import fingerprint
from durable_nb.kernel.depending import modules
from durable_nb.kernel.depending.inputs import value_dependency
from durable_nb.kernel.depending.static_code import StaticCode


class Cells:
    """The namespace of a shell, as far as fingerprints need it."""

    def __init__(self) -> None:
        self.shell = InteractiveShell()
        self.values = self.shell.user_ns


@pytest.fixture(scope="module")
def cells() -> Cells:
    return Cells()


def evaluated(code: str):
    found = {}
    static = StaticCode()
    tree = ast.parse(code)
    static.remember(tree, code)
    for statement in tree.body:
        known = static.evaluate(statement)
        if known is None:
            return None
        found |= known
    return found


@pytest.mark.parametrize(
    "code",
    [
        "a = 1",
        "a = b = 'x'",
        "a: float = -1.5",
        "a = [1, {'k': (2, None)}, {3}]",
        "def f(v, *more, k=1, **rest) -> int:\n    'said'\n    return v + other(k)",
        "def f(v: list[int] | None = None): return [v]",
        "async def f(v): return v",
        "def f():\n    def inner(v=1): return v\n    return inner",
        "class P:\n    'said'\n    k: int = 1\n    def get(self, other=2): return self.k + other",
        "class E(ValueError): pass",
        "import json, os.path\nimport json.decoder as jd",
        "from collections import Counter, OrderedDict as OD",
        "from json import JSONDecoder, dumps",
        "from json.decoder import JSONDecodeError",
        "from pathlib import Path",
        "from os import path",
        "from textwrap import dedent, shorten",
    ],
)
def test_what_is_known_is_what_runs(code: str, cells: Cells) -> None:
    """Fingerprint, kind and words are those of the value that the shell has afterwards."""
    assert cells.shell.run_cell(code).success
    for name, known in evaluated(code).items():
        value = cells.values[name]
        real = value_dependency(name, value, cells)
        assert (real.kind, real.fingerprint) == (known.dependency.kind, known.dependency.fingerprint), name
        reader = CodeReader(cells.values, modules.module_fingerprint)
        fingerprint(value, of_code=reader.of_code) if real.kind != "value" else None
        assert known.reads == frozenset(reader.globals | reader.mentioned)


@pytest.mark.parametrize(
    "code",
    [
        "a = 1 + 1",
        "a = f()",
        "a, b = 1, 2",
        "o.a = 1",
        "@cached\ndef f(): pass",
        "def f(k=other): pass",
        "def f(k: other): pass",
        "class P(Base): pass",
        "class P(metaclass=M): pass",
        "class P:\n    k = compute()",
        "class P:\n    print('runs')",
        "from os import *",
        "from missing_module_xyz import f",
        "from math import sqrt",
        "from . import sibling",
        "print(1)",
        "for i in [1]: a = i",
        "a = 9 ** 9 ** 9",
        "def f(k=9 ** 9 ** 9): pass",
    ],
)
def test_what_would_have_to_run_is_not_known(code: str) -> None:
    """Then it depends on the cell; nothing of the user's is executed for a plan."""
    assert evaluated(code) is None


def test_nothing_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of the project is read, not run."""
    (tmp_path / "dangerous_xyz.py").write_text("raise SystemExit\ndef f(): pass\nclass C: pass\n")
    monkeypatch.syspath_prepend(tmp_path)

    assert {"f", "C", "d"} == set(evaluated("from dangerous_xyz import f, C\nimport dangerous_xyz as d"))
