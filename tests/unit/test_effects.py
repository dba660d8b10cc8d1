"""Which variables a plan takes for changed."""

from __future__ import annotations

import ast

import pytest

from durable_nb.core.effects import may_change


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("df.head()", ""),
        ("df", ""),
        ("print(len(df), xs[0], f'{d}')", ""),
        ("y = x + 1", ""),
        ("y = df.copy()", ""),
        ("df.describe().loc['mean']", ""),
        ("xs.append(1)", "xs"),
        ("box['xs'].append(1)", "box"),
        ("df['a'] = 1", "df"),
        ("df.loc[0, 'a'] = 1", "df"),
        ("del d['k']", "d"),
        ("o.a.b = 1", "o"),
        ("xs += [1]", "xs"),
        ("df.query('x > 1', inplace=True)", "df"),
        ("train(model, data=df)", "df model"),
        ("alias = xs", "xs"),
        ("box = {'k': xs, 'l': [ys]}", "xs ys"),
        ("for x in xs: x.clear()", "x xs"),
        ("[f(x) for x in xs]", "x xs"),
        ("(view := arr)", "arr"),
        ("def f(): xs.append(1)", "xs"),
    ],
)
def test_what_code_may_change(code: str, expected: str) -> None:
    """Whoever is handed an object, or keeps it, may change it; whoever looks at it does not."""
    assert may_change(ast.parse(code)) == frozenset(expected.split())
