"""A mixed frame of six columns, stored by one process and restored by another."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from contest import OURS, Contender, Figures, Sizes, Subject, Target
from memory import MIB, measured

Store = Callable[[Any, Path], None]
Restore = Callable[[Path], Any]


def columns(rows: int) -> dict[str, Any]:
    """Two integers, two floats, a time and a text of few different values; seeded."""
    import numpy as np

    random = np.random.default_rng(1)
    stations = np.array([f"station-{number:03d}" for number in range(200)], dtype=object)
    start = np.datetime64("2026-01-01T00:00:00", "us")
    return {
        "id": np.arange(rows, dtype="int64"),
        "count": random.poisson(40, rows).astype("int64"),
        "value": random.normal(20.0, 5.0, rows),
        "price": random.integers(100, 100_000, rows) / 100,
        "at": start + np.cumsum(random.integers(1, 2_000_000, rows)).astype("timedelta64[us]"),
        "station": stations[random.integers(0, len(stations), rows)],
    }


def make(kind: str, rows: int) -> Any:
    data = columns(rows)
    if kind == "pandas":
        import pandas as pd

        return pd.DataFrame(data)
    if kind == "polars":
        import polars as pl

        return pl.DataFrame(data)
    import pyarrow as pa

    return pa.table(data)


def store_ours(frame: Any, folder: Path) -> None:
    """The fingerprint counts: a step cannot store without it."""
    from durable_nb.core.fingerprint import fingerprint
    from durable_nb.store.store import open_store

    store = open_store(folder / "store")
    digest = fingerprint(frame)
    store.artifacts.put(frame, digest, store.context({}, None))
    (folder / "digest").write_text(digest, encoding="ascii")


def restore_ours(folder: Path) -> Any:
    from durable_nb.store.store import open_store

    store = open_store(folder / "store")
    digest = (folder / "digest").read_text(encoding="ascii")
    return store.artifacts.get(digest, store.context({}, None))


def store_joblib(frame: Any, folder: Path) -> None:
    import joblib

    joblib.dump(frame, folder / "frame.joblib")


def restore_joblib(folder: Path) -> Any:
    import joblib

    return joblib.load(folder / "frame.joblib")


def store_pickle(frame: Any, folder: Path) -> None:
    with (folder / "frame.pickle").open("wb") as file:
        pickle.dump(frame, file, protocol=5)


def restore_pickle(folder: Path) -> Any:
    with (folder / "frame.pickle").open("rb") as file:
        return pickle.load(file)


def store_parquet(frame: Any, folder: Path) -> None:
    """As the library writes it when asked for nothing special."""
    path = folder / "frame.parquet"
    if hasattr(frame, "to_parquet"):
        frame.to_parquet(path)
    elif hasattr(frame, "write_parquet"):
        frame.write_parquet(path)
    else:
        import pyarrow.parquet as pq

        pq.write_table(frame, path)


def restore_parquet(kind: str, folder: Path) -> Any:
    path = folder / "frame.parquet"
    if kind == "pandas":
        import pandas as pd

        return pd.read_parquet(path)
    if kind == "polars":
        import polars as pl

        return pl.read_parquet(path)
    import pyarrow.parquet as pq

    return pq.read_table(path)


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def storing(kind: str, store: Store, folder: Path, sizes: Sizes) -> Figures:
    frame = make(kind, sizes["rows"])
    store(make(kind, 1_000), warm_up(folder))
    with measured() as spent:
        store(frame, folder)
    with measured() as synced:
        sync(folder)
    return {
        "store": spent.seconds,
        "sync": synced.seconds,
        "store_peak": spent.peak_mib,
        "size": size_of(folder) / MIB,
    }


def sync(folder: Path) -> None:
    """What it takes after the store until the files would survive a power cut."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def warm_up(folder: Path) -> Path:
    """A place beside the folder: imports and first-use costs are the subject ``startup``, not this one."""
    beside = folder.with_name("warm-up")
    beside.mkdir(exist_ok=True)
    return beside


def restoring(kind: str, store: Store, restore: Restore, folder: Path, sizes: Sizes) -> Figures:
    beside = warm_up(folder)
    store(make(kind, 1_000), beside)
    restore(beside)
    with measured() as spent:
        frame = restore(folder)
    assert len(frame) == sizes["rows"], "not what was stored"
    return {"restore": spent.seconds, "restore_peak": spent.peak_mib}


def contender(kind: str, store: Store, restore: Restore, *needs: str) -> Contender:
    return Contender(
        (partial(storing, kind, store), partial(restoring, kind, store, restore)),
        ("numpy", *([] if kind == "arrow" else [kind]), *needs),
    )


def subject(kind: str) -> Subject:
    return Subject(
        name=f"frames-{kind}",
        title=f"A mixed frame of 6 columns: {kind}",
        measures={
            "store": "store, s",
            "sync": "then sync, s",
            "restore": "restore, s",
            "size": "on disk, MiB",
            "store_peak": "store, + MiB",
            "restore_peak": "restore, + MiB",
        },
        contenders={
            OURS: contender(kind, store_ours, restore_ours),
            "joblib": contender(kind, store_joblib, restore_joblib, "joblib"),
            "pickle": contender(kind, store_pickle, restore_pickle),
            "Parquet": contender(kind, store_parquet, partial(restore_parquet, kind)),
        },
        quick={"rows": 1_000_000},
        full={"rows": 10_000_000},
        targets=([Target("store", 0.5, "joblib"), Target("size", 0.7, "pickle")] if kind == "pandas" else []),
        notes="Ours includes the fingerprint, its check on restoring, and fsync.",
    )


SUBJECTS = [subject(kind) for kind in ("pandas", "polars", "arrow")]
