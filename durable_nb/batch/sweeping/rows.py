"""The rows of a sweep as runs to be done: checked against the notebook, each with its own output."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from durable_nb.batch.parameters import Prepared, declared_parameters, prepare
from durable_nb.batch.sweeping.table import Row, in_words
from durable_nb.core.errors import UsageError

_LONGEST_NAME = 100
_UNFIT = re.compile(r"[^\w.=,+-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class SweepRow:
    """One row of a sweep."""

    number: int
    """Its place in the table, from 1."""
    parameters: Mapping[str, Any]
    """What the run is given."""
    shown: Mapping[str, Any]
    """The same with secrets masked."""
    output: Path
    """Where its executed notebook goes."""

    @property
    def words(self) -> str:
        """The row for people."""
        return in_words(self.shown)


def plan_rows(
    nb: NotebookNode,
    notebook: Path,
    table: Sequence[Row],
    folder: Path,
    *,
    same: Mapping[str, Any] | None = None,
    secrets: Sequence[str] = (),
) -> list[SweepRow]:
    """The rows of a table as runs of a notebook, all checked before any of them begins.

    Args:
        nb: The notebook.
        notebook: Its file.
        table: The rows.
        folder: Where executed notebooks go.
        same: Parameters that all rows have; a row's own win.
        secrets: Names of parameters that must not be written down, besides those that look secret.

    Raises:
        UsageError: A column that is no parameter, a value that does not fit, or two rows that are the same.
    """
    declared = [parameter.name for parameter in declared_parameters(nb)]
    if not declared:
        raise UsageError(
            f"{notebook} declares no parameters, so that all rows would be the same run. Begin a cell with "
            "%%params and assign the defaults in it."
        )
    prepared = [_prepare(nb, n, {**(same or {}), **row}, secrets) for n, row in enumerate(table, 1)]
    _refuse_same([one.values for one in prepared])
    in_table = [name for name in declared if any(name in row for row in table)]
    names = _Names(notebook.stem, in_table)
    return [
        SweepRow(number, one.values, one.record, folder / names.of(one))
        for number, one in enumerate(prepared, 1)
    ]


def _prepare(nb: NotebookNode, number: int, row: Mapping[str, Any], secrets: Sequence[str]) -> Prepared:
    try:
        return prepare(nb, row, secrets=secrets)
    except UsageError as error:
        raise UsageError(f"row {number} of the table: {error}. Nothing was run.") from error


def _refuse_same(rows: Sequence[Mapping[str, Any]]) -> None:
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        first = seen.setdefault(_canonical(row), number)
        if first != number:
            raise UsageError(
                f"rows {first} and {number} of the table are the same run; leave one of them out"
            )


def _canonical(row: Mapping[str, Any]) -> str:
    return json.dumps({name: [type(value).__name__, value] for name, value in row.items()}, sort_keys=True)


class _Names:
    """Names of output notebooks: they stay the same when rows are added to the table, or moved in it."""

    def __init__(self, stem: str, shown: Sequence[str]) -> None:
        self._stem = stem
        self._shown = shown
        self._taken: dict[str, int] = {}

    def of(self, row: Prepared) -> str:
        """The name for one row."""
        shown = [name for name in self._shown if name in row.record and name not in row.secrets]
        words = ",".join(f"{name}={row.record[name]}" for name in shown)
        fit = _UNFIT.sub("-", words).strip("-.")
        if fit != words or len(fit) > _LONGEST_NAME:
            digest = hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
            fit = f"{fit[:_LONGEST_NAME]}-{digest}".strip("-")
        name = f"{self._stem}-{fit}" if fit else self._stem
        # Rows may differ in nothing but a secret, or in a way that a name does not show.
        times = self._taken[name.lower()] = self._taken.get(name.lower(), 0) + 1
        return f"{name}.ipynb" if times == 1 else f"{name}-{times}.ipynb"
