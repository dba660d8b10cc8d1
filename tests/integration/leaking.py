"""Whether a secret stands in any file: as text, packed, encoded, or as what it could be found by."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import nbformat
import pyarrow.parquet as pq
from nbformat.v4 import new_code_cell, new_notebook

from durable_nb.core.fingerprint import fingerprint


def write(path: Path, *sources: str) -> Path:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nb = new_notebook(cells=[new_code_cell(source) for source in sources], metadata={"kernelspec": kernel})
    nbformat.write(nb, path)
    return path


def texts_of(path: Path) -> Iterator[str]:
    """All that stands in a file, unpacked."""
    yield path.read_bytes().decode("utf-8", "replace")
    yield path.read_bytes().decode("utf-32-le", "replace")
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        yield str(table.schema.metadata)
        for column in table.columns:
            for value in column.to_pylist():
                yield value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    if path.suffix == ".duckdb":
        with closing(duckdb.connect(str(path), read_only=True)) as connection:
            for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall():
                yield str(connection.execute(f'select * from "{name}"').fetchall())


def forms(secret: str) -> list[str]:
    plain = [secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], base64.b64encode(secret.encode()).decode()]
    return [*plain, fingerprint(secret), fingerprint({"Authorization": f"Bearer {secret}"})]


def leaks(folder: Path, *secrets: str) -> list[str]:
    """The files under a folder in which a secret stands, or what it could be found by."""
    wanted = [form for secret in secrets for form in forms(secret)]
    files = [path for path in folder.rglob("*") if path.is_file() and "private" not in path.parts]
    found = {path for path in files for text in texts_of(path) if any(form in text for form in wanted)}
    return sorted(str(path.relative_to(folder)) for path in found)
