"""Cells that need not be run again when nothing that they look at has changed."""

from __future__ import annotations

import pytest

from durable_nb.core.looking import only_looks

IMPORTED = {"pd", "helper", "durable_nb"}


@pytest.mark.parametrize(
    "source",
    [
        "",
        "# a comment",
        "import pandas as pd\nfrom math import pi",
        "%load_ext durable_nb\nimport durable_nb",
        "%matplotlib inline",
        "def double(x):\n    return 2 * x",
        "df",
        "df.head(3)",
        "print(f'{len(df)} rows, {df.score.mean():.2f}', sep='')",
        "durable_nb.metric('auc', round(auc, 3))",
        "best = max(scores['auc'])",
    ],
)
def test_showing_measuring_and_defining(source: str) -> None:
    """To leave such a cell out changes nothing but what it has shown already."""
    assert only_looks(source, IMPORTED)


@pytest.mark.parametrize(
    "source",
    [
        "df = pd.read_csv('data.csv')",
        "open('log.txt').read()",
        "df.to_csv('out.csv')",
        "send(report)",
        "helper.VERSION",
        "print(df, file=log)",
        "sorted(rows, key=seen.append)",
        "!date",
        "%run other.ipynb",
        "files = !ls",
        "df['x'] = 1",
        "seen += 1",
        "if df.empty:\n    raise ValueError",
        "[print(x) for x in feed]",
        "(lambda: 1)()",
        "await job",
        "x = y = load()",
        "no python",
    ],
)
def test_whatever_may_do_something(source: str) -> None:
    """What reads the world, changes something, or runs code from elsewhere is run again."""
    assert not only_looks(source, IMPORTED)
