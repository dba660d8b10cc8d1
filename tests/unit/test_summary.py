"""One short line about any value."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from durable_nb.core.summary import summarise


class Loud:
    @property
    def shape(self):
        raise RuntimeError

    def __repr__(self):
        raise AssertionError("asked for its repr")


class Lying:
    __module__ = "numpy"
    shape = ("a", "b")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.4, "0.4"),
        (None, "None"),
        (True, "True"),
        ("2026-11-01", "'2026-11-01'"),
        ("x" * 1000, "str of 1,000"),
        (b"x" * 1000, "bytes of 1,000"),
        (10**1000, "int of 3,322 bits"),
        ([1, 2, 3], "[1, 2, 3]"),
        ((1, "a"), "(1, 'a')"),
        (list(range(12)), "list of 12"),
        ([[1]], "list of 1"),
        ({"a": 1}, "dict of 1"),
        (pd.DataFrame({"a": range(1234), "b": 1}), "DataFrame 1,234 × 2"),
        (pl.DataFrame({"a": [1, 2]}), "DataFrame 2 × 1"),
        (pa.table({"a": [1, 2]}), "Table 2 × 1"),
        (pd.Series([1.5, 2]), "Series float64 (2)"),
        (np.zeros((3, 4)), "ndarray float64 (3, 4)"),
        (np.array(5), "ndarray int64 ()"),
        (np.float64(0.5), "0.5"),
        (datetime.date(2026, 11, 1), "2026-11-01"),
        (Decimal("1.10"), "1.10"),
        (PurePosixPath("a/b"), "a/b"),
        (len, "function len"),
        (int, "class int"),
        (Loud(), "Loud"),
        (Lying(), "Lying"),
    ],
)
def test_says_what_matters(value, expected):
    """Small values as they are, large ones by their kind and size, foreign ones by their class alone."""
    assert summarise(value) == expected


def test_is_never_long():
    """At most 60 characters."""
    dtype = [(f"field number {n}", "i4") for n in range(50)]
    for value in (np.zeros(3, dtype), PurePosixPath("x" * 500), type("C" * 200, (), {})(), ["x" * 30] * 4):
        assert len(summarise(value)) <= 60
