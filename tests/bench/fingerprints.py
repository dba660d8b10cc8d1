"""Fingerprints of big values in memory, beside other hashes and the least that reading them takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from contest import OURS, Contender, Figures, Sizes, Subject, Target
from frames import make

GIB = 1e9


def buffers(value: Any) -> list[Any]:
    """The memory of a value as Arrow or NumPy holds it, without copies."""
    if type(value).__module__ == "numpy":
        return [memoryview(value).cast("B")]
    if hasattr(value, "to_arrow"):
        value = value.to_arrow()
    if hasattr(value, "columns") and not hasattr(value, "schema"):
        parts = [value[name].array for name in value.columns]
        return [b for part in parts for b in of_pandas(part)]
    chunks = [chunk for column in value.columns for chunk in column.chunks]
    return [b for chunk in chunks for b in chunk.buffers() if b is not None]


def of_pandas(array: Any) -> list[Any]:
    if hasattr(array, "__arrow_array__") and hasattr(array, "_pa_array"):
        return [b for chunk in array._pa_array.chunks for b in chunk.buffers() if b is not None]
    return [memoryview(array.view("u1") if array.dtype.kind == "M" else array.to_numpy()).cast("B")]


def fingerprint(value: Any) -> None:
    from durable_nb.core import fingerprint as ours

    ours.fingerprint(value)


def joblib_hash(value: Any) -> None:
    import joblib

    joblib.hash(value)


def xxh3_of_buffers(value: Any) -> None:
    import xxhash

    for buffer in buffers(value):
        xxhash.xxh3_128(buffer).digest()


def hash_pandas(value: Any) -> None:
    import pandas as pd

    pd.util.hash_pandas_object(value).sum()


def value_of(kind: str, rows: int) -> Any:
    if kind != "ndarray":
        return make(kind, rows)
    import numpy as np

    return np.random.default_rng(1).normal(size=rows * 12)


def measuring(kind: str, work: Callable[[Any], None], folder: Path, sizes: Sizes) -> Figures:
    work(value_of(kind, 1_000))
    value = value_of(kind, sizes["rows"])
    size = sum(memoryview(buffer).nbytes for buffer in buffers(value))
    best = min(timed(work, value) for _ in range(3))
    return {"speed": best / (size / GIB)}


def timed(work: Callable[[Any], None], value: Any) -> float:
    start = time.perf_counter()
    work(value)
    return time.perf_counter() - start


def subject(kind: str, at_most: float) -> Subject:
    contenders = {
        OURS: Contender((partial(measuring, kind, fingerprint),), ("numpy",)),
        "xxh3 of the buffers": Contender((partial(measuring, kind, xxh3_of_buffers),), ("numpy", "xxhash")),
        "joblib.hash": Contender((partial(measuring, kind, joblib_hash),), ("numpy", "joblib")),
    }
    if kind == "pandas":
        contenders["hash_pandas_object"] = Contender((partial(measuring, kind, hash_pandas),), ("pandas",))
    return Subject(
        name=f"fingerprint-{kind}",
        title=f"Fingerprint of {'12 floats a row' if kind == 'ndarray' else 'a mixed frame'}: {kind}",
        measures={"speed": "s a GB"},
        contenders=contenders,
        quick={"rows": 1_000_000},
        full={"rows": 10_000_000},
        targets=[Target("speed", at_most)],
        notes="The buffers alone are no fingerprint: slices, chunks and nulls would change them.",
    )


SUBJECTS = [
    subject("pandas", 1 / 5),
    subject("arrow", 1 / 5),
    subject("polars", 1 / 5),
    subject("ndarray", 1 / 10),
]
