"""The rows of a sweep as runs to be done: checked against the notebook, each with its own output."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from durable_nb.batch.parameters import Checked, check, declared_parameters
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
    """What the run has: what it is given, and what is edited for the notebook."""
    edited: frozenset[str]
    """The names of those that are edited."""
    shown: Mapping[str, Any]
    """The same with secrets masked."""
    output: Path
    """Where its executed notebook goes."""

    @property
    def given(self) -> dict[str, Any]:
        """What the run is given."""
        return {name: value for name, value in self.parameters.items() if name not in self.edited}

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
    edited: Mapping[str, Any] | None = None,
    secrets: Sequence[str] = (),
) -> list[SweepRow]:
    """The rows of a table as runs of a notebook, all checked before any of them begins.

    Args:
        nb: The notebook.
        notebook: Its file.
        table: The rows.
        folder: Where executed notebooks go.
        same: Parameters that all rows have; a row's own win.
        edited: Parameters that are edited for the notebook; what a row is given wins.
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
    checked = [_check(nb, n, row, same or {}, edited or {}, secrets) for n, row in enumerate(table, 1)]
    _refuse_same([one.values for one in checked])
    in_table = [name for name in declared if any(name in row for row in table)]
    names = _Names(notebook.stem, in_table)
    return [
        SweepRow(number, one.values, one.edited, one.record, folder / names.of(one))
        for number, one in enumerate(checked, 1)
    ]


def _check(
    nb: NotebookNode,
    number: int,
    row: Row,
    same: Mapping[str, Any],
    edited: Mapping[str, Any],
    secrets: Sequence[str],
) -> Checked:
    try:
        checked = check(nb, {**same, **row}, edited=edited, secrets=secrets)
        _refuse_nan({name: checked.values[name] for name in row})
    except UsageError as error:
        raise UsageError(f"row {number} of the table: {error}. Nothing was run.") from error
    return checked


def _refuse_nan(values: Mapping[str, Any]) -> None:
    """Other programs write it where they mean that there is nothing."""
    for name, value in values.items():
        if isinstance(value, float) and math.isnan(value):
            raise UsageError(
                f"{name}: found NaN, expected a value; an empty cell leaves the notebook's default"
            )


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
        self._taken: set[str] = set()

    def of(self, row: Checked) -> str:
        """The name for one row."""
        shown = [name for name in self._shown if name in row.record and name not in row.secrets]
        words = ",".join(f"{name}={row.record[name]}" for name in shown)
        fit = _UNFIT.sub("-", words).strip("-.")
        if fit != words or len(fit) > _LONGEST_NAME:
            digest = hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
            fit = f"{fit[:_LONGEST_NAME]}-{digest}".strip("-")
        name = f"{self._stem}-{fit}" if fit else self._stem
        # Rows may differ in nothing but a secret, or in a way that a name does not show.
        free, times = name, 1
        while free.lower() in self._taken:
            times += 1
            free = f"{name}-{times}"
        self._taken.add(free.lower())
        return f"{free}.ipynb"
