"""Traces on disk: one small Parquet file a completed step. Writing one is the step's commit point."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
import struct
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import xxhash

from durable_nb.core.errors import DamagedError, DurableWarning, StoreVersionError
from durable_nb.core.model import Trace
from durable_nb.core.secrets import Secrets
from durable_nb.store.files import entries, store_error, write_durably
from durable_nb.store.trace_memory import FileState, TraceMemory
from durable_nb.store.trace_record import COLUMNS, METRICS, Row, from_row, identified, to_row

_KEY_LENGTH = 16
_NUMBERS = {32: "i", 64: "q"}
_FILE = re.compile(r"(?P<key>[0-9A-Za-z]{1,16})-(?P<trace_id>[0-9a-f]{32})\.parquet")
_PLAIN_NAME = re.compile(r"\w[\w-]{0,99}")


class Traces:
    """The traces under one folder: ``<step>/<first 16 characters of the key>-<trace_id>.parquet``.

    What a step has left under a former name is given as one of its own; its id stays as it was.

    Args:
        folder: Made at the first write.
        names_of: Gives the name of a step, and those that it had before.
    """

    def __init__(
        self, folder: Path, names_of: Callable[[str], tuple[str, ...]] = lambda step: (step,)
    ) -> None:
        self.folder = folder
        self._names_of = names_of
        self.secrets = Secrets()
        """What no file may hold."""
        self._warned: set[str] = set()
        self._memory = TraceMemory()

    def add(self, trace: Trace) -> Trace:
        """Store a trace; once this returns the step is completed for good.

        Returns:
            The trace with its ``trace_id``, and ``created_at`` rounded to microseconds.

        Raises:
            NotStorableError: A part of it is not JSON.
            StoreError: It could not be written.
        """
        trace = self.secrets.masked(trace)
        row = to_row(trace)
        stored = identified(trace, row)
        path = self.path(stored)
        write_durably(path, functools.partial(_write, row), modified_at=stored.created_at)
        return stored

    def path(self, trace: Trace) -> Path:
        """Return the file of a trace that has its id."""
        return self._step_folder(trace.step) / f"{_key_part(trace.key)}-{trace.trace_id}.parquet"

    def candidates(self, step: str, key: str) -> Iterator[Trace]:
        """Yield the traces of a step made with this key, newest first; damaged ones are left out."""
        prefix = f"{_key_part(key)}-"
        names = self._names_of(step)
        for path, _, _ in _newest_first(self._folders(names), lambda name: name.startswith(prefix)):
            trace = self._read_or_warn(Path(path))
            if trace is not None and trace.step in names and trace.key == key:
                yield _called(trace, step)

    def latest(self, step: str, limit: int | None = None, *, remember: bool = False) -> Iterator[Trace]:
        """Yield the traces of a step, newest first, at most ``limit``; damaged ones are left out.

        Args:
            step: Name of the step.
            limit: How many, at most.
            remember: Whether to keep them in memory, for who comes for them again and changes none.
        """
        found = 0
        names = self._names_of(step)
        for file in _newest_first(self._folders(names)):
            if limit is not None and found >= limit:
                return
            read = functools.partial(self._read_or_warn, Path(file[0]))
            trace = self._memory.get(file, read) if remember else read()
            if trace is not None and trace.step in names:
                found += 1
                yield _called(trace, step)

    def find(self, step: str, trace_id: str) -> Trace | None:
        """Return one trace of a step; None where there is none, or it is damaged."""
        names = self._names_of(step)
        for entry in itertools.chain.from_iterable(map(entries, self._folders(names))):
            match = _FILE.fullmatch(entry.name)
            if match is not None and match["trace_id"] == trace_id:
                trace = self._read_or_warn(Path(entry.path))
                return _called(trace, step) if trace is not None and trace.step in names else None
        return None

    def ids(self, step: str) -> list[str]:
        """Return the ids of a step's traces, as the file names have them, without reading any."""
        folders = self._folders(self._names_of(step))
        found = (_FILE.fullmatch(entry.name) for folder in folders for entry in entries(folder))
        return sorted({match["trace_id"] for match in found if match is not None})

    def is_left_under(self, name: str) -> bool:
        """Whether any step has left a trace under this very name, without reading any."""
        return any(_FILE.fullmatch(entry.name) for entry in entries(self._step_folder(name)))

    def get(self, trace_id: str) -> Trace:
        """Return one trace.

        Raises:
            DamagedError: There is no such trace, or its file is damaged.
            StoreVersionError: It was written by a newer durable_nb.
        """
        path = self.files().get(trace_id)
        if path is None:
            raise DamagedError(
                f"There is no trace {trace_id} in {self.folder}. Execute its step again to get a new one."
            )
        return read_trace(path)

    def all(self) -> Iterator[Trace]:
        """Yield every trace that can be read, step by step; damaged ones are left out."""
        for path in self.files().values():
            trace = self._read_or_warn(path)
            if trace is not None:
                yield trace

    def files(self) -> dict[str, Path]:
        """Return the file of each trace by its id, as the file names have it, without reading any."""
        found = {}
        for folder in entries(self.folder):
            for entry in entries(Path(folder.path)) if folder.is_dir() else ():
                if match := _FILE.fullmatch(entry.name):
                    found[match["trace_id"]] = Path(entry.path)
        return found

    def readable(self, paths: dict[str, Path]) -> Iterator[Trace]:
        """Yield the traces in some of our files; damaged ones are left out."""
        for path in paths.values():
            trace = self._read_or_warn(path)
            if trace is not None:
                yield trace

    def _step_folder(self, step: str) -> Path:
        return self.folder / folder_name(step)

    def _folders(self, names: tuple[str, ...]) -> list[Path]:
        return list(dict.fromkeys(self._step_folder(name) for name in names))

    def _read_or_warn(self, path: Path) -> Trace | None:
        try:
            return read_trace(path)
        except FileNotFoundError:
            return None  # removed since the folder was listed
        except (DamagedError, StoreVersionError) as error:
            if str(path) not in self._warned:
                self._warned.add(str(path))
                warnings.warn(f"{error} It counts as missing.", DurableWarning, stacklevel=3)
            return None


def read_trace(path: Path) -> Trace:
    """Return the trace in a file.

    Raises:
        FileNotFoundError: There is no such file.
        DamagedError: The file is truncated, altered or something else.
        StoreVersionError: It was written by a newer durable_nb.
        StoreError: It cannot be read.
    """
    try:
        trace = from_row(_read(path))
    except (DamagedError, StoreVersionError) as error:
        raise type(error)(f"{path}: {error}.") from error
    if not path.name.endswith(f"-{trace.trace_id}.parquet"):
        raise DamagedError(f"{path}: it holds another trace, {trace.trace_id}.")
    return trace


def _called(trace: Trace, step: str) -> Trace:
    """The trace, as one of the step under its present name."""
    return trace if trace.step == step else dataclasses.replace(trace, step=step)


def _newest_first(folders: list[Path], wanted: Callable[[str], bool] = lambda _: True) -> list[FileState]:
    found = []
    for entry in itertools.chain.from_iterable(map(entries, folders)):
        if wanted(entry.name) and _FILE.fullmatch(entry.name):
            try:
                about = entry.stat()
            except FileNotFoundError:
                continue
            found.append((about.st_mtime_ns, entry.path, about.st_size))
    return [(path, size, at) for at, path, size in sorted(found, reverse=True)]


def _key_part(key: str) -> str:
    return re.sub(r"[^0-9A-Za-z]", "", key)[:_KEY_LENGTH] or "0"


def folder_name(step: str) -> str:
    """Return a step's name where it is fit for a folder, else a shortened one made unique by a digest."""
    if _PLAIN_NAME.fullmatch(step) and len(step.encode()) <= 200:
        return step
    readable = re.sub(r"[^\w-]", "_", step)[:40].encode()[:120].decode("utf-8", "ignore")
    return f"{readable}~{xxhash.xxh3_64_hexdigest(step.encode('utf-8', 'surrogatepass'))}"


@functools.cache
def _schema(columns: tuple[str, ...]) -> Any:
    import pyarrow as pa

    types = {
        "attempt": pa.int32(),
        "scheme": pa.int32(),
        "format": pa.int32(),
        "created_at": pa.timestamp("us", tz="UTC"),
        "seconds": pa.float64(),
    }
    return pa.schema([pa.field(name, types.get(name, pa.large_string()), nullable=False) for name in columns])


def _write(row: Row, file: BinaryIO) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema((*COLUMNS, METRICS) if METRICS in row else COLUMNS)
    table = pa.Table.from_arrays(
        [_column(row[name], type_) for name, type_ in zip(schema.names, schema.types, strict=True)],
        schema=schema,
    )
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression="lz4",
        use_dictionary=False,
        write_statistics=False,
        store_schema=False,
        write_page_checksum=True,
    )
    file.write(sink.getvalue())


def _column(value: Any, type_: Any) -> Any:
    """Return a column of one value, made from its bytes: pyarrow.array would import pandas."""
    import pyarrow as pa

    if isinstance(value, str):
        content = value.encode()
        buffers = [struct.pack("<qq", 0, len(content)), content]
    else:
        buffers = [struct.pack("<d" if isinstance(value, float) else f"<{_NUMBERS[type_.bit_width]}", value)]
    return pa.Array.from_buffers(type_, 1, [None, *map(pa.py_buffer, buffers)])


def _read(path: Path) -> Row:
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = _bytes(path)
    try:
        file = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
        table = file.read(use_threads=False)
        if table.num_rows != 1 or not set(COLUMNS) <= set(table.column_names):
            raise DamagedError("it does not hold a trace")
        return {
            name: _plain(column[0]) for name, column in zip(table.column_names, table.columns, strict=True)
        }
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        # pyarrow meets damage with any of these
        raise DamagedError("it is truncated or altered") from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except IsADirectoryError as error:
        raise DamagedError("it is a folder") from error
    except OSError as error:
        raise store_error(error, path) from error


def _plain(scalar: Any) -> Any:
    # as_py of a timestamp builds a datetime, which has no use here
    return scalar.value if hasattr(scalar, "value") else scalar.as_py()
