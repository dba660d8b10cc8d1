"""A run's parameters: what a notebook declares, which values hold, and where they stand in it.

``prepare`` is for whoever starts a run. It refuses what does not fit before any cell runs, puts the values
below the cell that declares them, and keeps secrets out of the notebook and of what is recorded.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import uuid4

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from durable_nb.batch.runs import as_json
from durable_nb.batch.steps import is_executable
from durable_nb.core.errors import UsageError
from durable_nb.core.model import Json
from durable_nb.core.parameter_cells import DECLARING_TAG, INJECTED_TAG, declaring_cells
from durable_nb.core.parameter_reading import read_parameters
from durable_nb.core.parameters import NOT_LITERAL, Parameter, check_all
from durable_nb.core.secrets import MASK, SECRET_VARIABLE, Secrets, looks_secret


class Origin(StrEnum):
    """Where a parameter's value is from; a later one wins over those before it."""

    DEFAULT = "default"
    EDIT = "edit"
    """Somebody changed it for this run, as in the dashboard."""
    GIVEN = "given"
    """With the command: ``-p``, ``-f``, a row of a table."""


@dataclass(frozen=True, slots=True)
class Effective:
    """The value that a parameter has in a run."""

    name: str
    value: Any
    """NOT_LITERAL where only running the notebook tells it."""
    origin: Origin


@dataclass(frozen=True, slots=True)
class Prepared:
    """A notebook that is ready to run with its parameters."""

    notebook: NotebookNode
    """With the values in it; the one that was passed in is as it was."""
    values: Mapping[str, Any]
    """The values that replace defaults, secrets among them: for memory, not for the disk."""
    record: Mapping[str, Json]
    """The same for a record: MASK stands for a secret."""
    secrets: Secrets
    """What must not be written down, defaults of secret parameters included."""


def declared_parameters(nb: NotebookNode) -> tuple[Parameter, ...]:
    """The parameters that a notebook declares, in their order; none where it is not in Python.

    Raises:
        UsageError: A declaration that cannot be understood; the message says in which cell.
    """
    found: dict[str, Parameter] = {}
    for index in _declaring(nb):
        try:
            found |= {parameter.name: parameter for parameter in read_parameters(nb.cells[index].source)}
        except UsageError as error:
            raise UsageError(f"cell {index + 1}: {error}") from error
    return tuple(found.values())


def effective(
    declared: Iterable[Parameter], edited: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[Effective, ...]:
    """The value of each parameter: given with the command, else edited for the run, else its default."""
    defaults = {parameter.name: parameter.default for parameter in declared}
    ways = ((Origin.DEFAULT, defaults), (Origin.EDIT, edited), (Origin.GIVEN, given))
    found = {
        name: Effective(name, value, origin) for origin, values in ways for name, value in values.items()
    }
    return tuple(found.values())


def prepare(
    nb: NotebookNode,
    given: Mapping[str, Any],
    *,
    edited: Mapping[str, Any] | None = None,
    secrets: Sequence[str] = (),
) -> Prepared:
    """The notebook with its parameters, checked.

    Args:
        nb: The notebook; papermill may have put the values into it already.
        given: Values from the command; what was typed and not understood yet as ``Typed``.
        edited: Values that somebody set for this run before; those that are given win.
        secrets: Names of parameters that are secret though their names do not look it.

    Raises:
        UsageError: An unknown name, a value of the wrong type, out of range or not among the choices.
    """
    declared = declared_parameters(nb)
    wanted = {**(edited or {}), **given}
    secret = _secret_names(declared, wanted, secrets)
    wanted = {**_from_environment(secret), **wanted}
    _refuse_forgotten(wanted)
    values = check_all(declared, wanted)
    concealed = Secrets({name: values[name] for name in values if name in secret})
    secret |= {name for name, value in as_json(values).items() if concealed.masked([value]) != [value]}
    for name in secret & values.keys():
        concealed.add(name, values[name])  # an address with a key in it is one as a whole
    for one in effective(declared, {}, values):
        if one.name in secret and one.origin is Origin.DEFAULT and one.value is not NOT_LITERAL:
            _refuse_forgotten({one.name: one.value})
            concealed.add(one.name, one.value)
    record = {name: MASK if name in secret else value for name, value in as_json(values).items()}
    notebook = _with_values(nb, values, secret, record)
    return Prepared(notebook, values, concealed.masked(record), concealed)


def _secret_names(
    declared: Sequence[Parameter], wanted: Mapping[str, Any], told: Sequence[str]
) -> frozenset[str]:
    known = [parameter.name for parameter in declared]
    for name in told:
        if known and name not in known:
            raise UsageError(
                f"--secret {name}: the notebook declares no such parameter, but {', '.join(known)}"
            )
    undeclared = {name for name in wanted if name not in known and looks_secret(name)}
    return frozenset({p.name for p in declared if p.secret} | undeclared | set(told))


def _from_environment(secret: Iterable[str]) -> dict[str, str]:
    named = {name: os.environ.get(SECRET_VARIABLE + name.upper()) for name in secret}
    return {name: value for name, value in named.items() if value is not None}


def _refuse_forgotten(wanted: Mapping[str, Any]) -> None:
    """A record holds no secrets: what it holds instead must not be taken for one."""
    for name, value in wanted.items():
        if MASK in str(value):
            raise UsageError(
                f"parameter {name} holds a secret, which is not kept with a run: give it again with "
                f"-p {name} VALUE, or in the environment as {SECRET_VARIABLE}{name.upper()}"
            )


def refuse_secret_path(path: str | None, secrets: Secrets) -> None:
    """Refuse to name a file by a secret.

    Raises:
        UsageError: A secret is part of the path.
    """
    if path and secrets.is_in(path):
        raise UsageError(
            f"the path of the output notebook holds a secret: {secrets.mask(path)}; name it without one"
        )


# The notebook.


def _is_python(nb: NotebookNode) -> bool:
    metadata = nb.metadata
    named = metadata.get("kernelspec", {}).get("language") or metadata.get("language_info", {}).get("name")
    return str(named or "python").lower() in ("python", "ipython")


def _declaring(nb: NotebookNode) -> list[int]:
    """The indices of the cells that declare parameters; papermill knows one of its own."""
    if not _is_python(nb):
        return []
    places = [index for index, cell in enumerate(nb.cells) if is_executable(cell)]
    found = declaring_cells([(nb.cells[index].source, _tags(nb.cells[index])) for index in places])
    return [places[index] for index in found]


def _tags(cell: NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def _with_values(
    nb: NotebookNode, values: Mapping[str, Any], secret: frozenset[str], record: Mapping[str, Json]
) -> NotebookNode:
    """A copy of the notebook in which the values stand below the cells that declare parameters."""
    hidden = secret & values.keys()
    if not _is_python(nb):
        if hidden:
            raise UsageError(
                f"{', '.join(sorted(hidden))}: secret parameters need a notebook in Python; "
                "rename what is no secret"
            )
        return nb
    made = NotebookNode({**nb, "cells": list(nb.cells), "metadata": NotebookNode({**nb.metadata})})
    if "papermill" in made.metadata:
        made.metadata["papermill"] = NotebookNode({**made.metadata["papermill"], "parameters": dict(record)})
    _tag_first(made)
    if values:
        _inject(made, _source(values, hidden))
    return made


def _tag_first(nb: NotebookNode) -> None:
    """Let papermill find the parameters in the notebook that comes out."""
    declaring = _declaring(nb)
    if not declaring or any(DECLARING_TAG in _tags(nb.cells[index]) for index in declaring):
        return
    cell = nb.cells[declaring[0]]
    metadata = NotebookNode({**cell.metadata, "tags": [*_tags(cell), DECLARING_TAG]})
    nb.cells[declaring[0]] = NotebookNode({**cell, "metadata": metadata})


def _inject(nb: NotebookNode, source: str) -> None:
    injected = [cell for cell in nb.cells if INJECTED_TAG in _tags(cell)][:1]
    place = next((i for i, cell in enumerate(nb.cells) if cell in injected), 0)
    nb.cells = [cell for cell in nb.cells if cell not in injected]
    declaring = _declaring(nb)
    place = declaring[-1] + 1 if declaring else place
    cell = NotebookNode({**injected[0]}) if injected else _new_cell()
    cell["source"] = source
    nb.cells.insert(place, cell)


def _new_cell() -> NotebookNode:
    cell: NotebookNode = new_code_cell(metadata={"tags": [INJECTED_TAG]})
    cell["id"] = uuid4().hex[:8]
    return cell


def _source(values: Mapping[str, Any], hidden: frozenset[str]) -> str:
    """The code of the cell with the values; a secret is asked for, so that it stands nowhere."""
    lines = [
        f'{name} = __import__("durable_nb").secret("{name}")'
        if name in hidden
        else f"{name} = {_code(value)}"
        for name, value in values.items()
    ]
    return "\n".join(["# Parameters", *lines])


def _code(value: Any) -> str:
    """Python that makes a value anew."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_code(key)}: {_code(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_code, value)) + "]"
    if isinstance(value, tuple):
        return "(" + "".join(f"{_code(item)}, " for item in value) + ")"
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return repr(value)
    return repr(str(value))  # as papermill does: a date from YAML, a path
