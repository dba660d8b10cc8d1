"""A run's parameters: what a notebook declares, which values hold, and where they stand in it.

``check`` is for whoever looks: it refuses what does not fit before any cell runs. ``prepare`` is for whoever
starts a run: it also puts the values below the cell that declares them. Both keep secrets out of the notebook
and of what is recorded.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from durable_nb.batch.runs import as_json
from durable_nb.batch.steps import is_executable
from durable_nb.core.errors import UsageError
from durable_nb.core.model import Json
from durable_nb.core.parameter_cells import declaring_cells
from durable_nb.core.parameter_reading import read_parameters
from durable_nb.core.parameters import NOT_LITERAL, Parameter, check_all
from durable_nb.core.secrets import MASK, SECRET_VARIABLE, Secrets, looks_secret

if TYPE_CHECKING:
    from nbformat import NotebookNode


class Origin(StrEnum):
    """Where a parameter's value is from; a later one wins over those before it."""

    DEFAULT = "default"
    EDIT = "edit"
    """Somebody changed it for the notebook, as in the dashboard."""
    GIVEN = "given"
    """With the command: ``-p``, ``-f``, a row of a table."""


@dataclass(frozen=True, slots=True)
class Effective:
    """The value that a parameter has in a run."""

    name: str
    value: Any
    """NOT_LITERAL where only running the notebook tells it."""
    origin: Origin
    edit: Mapping[str, Json] | None = None
    """Of one that was edited: by which user, on which host, and when."""

    @property
    def whence(self) -> str:
        """Where the value is from, for people."""
        if self.origin is not Origin.EDIT or self.edit is None:
            return self.origin.value
        at = datetime.fromisoformat(str(self.edit["at"])).astimezone()
        return f"edited by {self.edit['user']} on {at:%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class Checked:
    """The parameters of a run, which fit what the notebook declares."""

    values: Mapping[str, Any]
    """The values that replace defaults, secrets among them: for memory, not for the disk."""
    record: Mapping[str, Json]
    """The same for a record: MASK stands for a secret."""
    secrets: Secrets
    """What must not be written down, defaults of secret parameters included."""
    hidden: frozenset[str]
    """The names among the values that are secret."""
    edited: frozenset[str]
    """The names whose value is from an edit."""


@dataclass(frozen=True, slots=True)
class Prepared(Checked):
    """The same, with a notebook that is ready to run with them."""

    notebook: NotebookNode
    """With the values in it; the one that was passed in is as it was."""


def declared_parameters(nb: NotebookNode) -> tuple[Parameter, ...]:
    """The parameters that a notebook declares, in their order; none where it is not in Python.

    Raises:
        UsageError: A declaration that cannot be understood; the message says in which cell.
    """
    found: dict[str, Parameter] = {}
    for index in declaring_indices(nb):
        try:
            found |= {parameter.name: parameter for parameter in read_parameters(nb.cells[index].source)}
        except UsageError as error:
            raise UsageError(f"cell {index + 1}: {error}") from error
    return tuple(found.values())


def effective(
    declared: Iterable[Parameter],
    edited: Mapping[str, Any],
    given: Mapping[str, Any],
    edits: Mapping[str, Mapping[str, Json]] | None = None,
) -> tuple[Effective, ...]:
    """The value of each parameter: given with the command, else edited for the notebook, else its default.

    Args:
        declared: The parameters that have defaults.
        edited: Name → value that somebody has set.
        given: Name → value from the command.
        edits: Name → who has set it, and when.
    """
    defaults = {parameter.name: parameter.default for parameter in declared}
    ways = ((Origin.DEFAULT, defaults), (Origin.EDIT, edited), (Origin.GIVEN, given))
    found = {
        name: Effective(name, value, origin, (edits or {}).get(name) if origin is Origin.EDIT else None)
        for origin, values in ways
        for name, value in values.items()
    }
    return tuple(found.values())


def check(
    nb: NotebookNode,
    given: Mapping[str, Any],
    *,
    edited: Mapping[str, Any] | None = None,
    secrets: Sequence[str] = (),
) -> Checked:
    """The parameters that a run of the notebook has.

    Args:
        nb: The notebook.
        given: Values from the command; what was typed and not understood yet as ``Typed``.
        edited: Values that somebody set for this notebook before; those that are given win.
        secrets: Names of parameters that are secret though their names do not look it.

    Raises:
        UsageError: An unknown name, a value of the wrong type, out of range or not among the choices.
    """
    declared = declared_parameters(nb)
    edited = {name: value for name, value in (edited or {}).items() if name not in given}
    _refuse_unfit(declared, edited)
    wanted = {**edited, **given}
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
    hidden = secret & values.keys()
    if hidden and not is_python(nb):
        raise UsageError(
            f"{', '.join(sorted(hidden))}: secret parameters need a notebook in Python; "
            "rename what is no secret"
        )
    return Checked(values, concealed.masked(record), concealed, hidden, frozenset(edited))


def prepare(
    nb: NotebookNode,
    given: Mapping[str, Any],
    *,
    edited: Mapping[str, Any] | None = None,
    secrets: Sequence[str] = (),
) -> Prepared:
    """The notebook with its parameters, checked; arguments and errors as of `check`.

    papermill may have put the values into the notebook already.
    """
    from durable_nb.batch.injecting import with_values  # with nbformat, which takes as long as all the rest

    found = check(nb, given, edited=edited, secrets=secrets)
    notebook = with_values(nb, found) if is_python(nb) else nb
    return Prepared(found.values, found.record, found.secrets, found.hidden, found.edited, notebook)


def check_edit(nb: NotebookNode, name: str, value: Any, *, secrets: Sequence[str] = ()) -> Json:
    """A value that somebody sets for a parameter of the notebook, as it is recorded.

    Raises:
        UsageError: The notebook declares no such parameter, or the value does not fit, or is secret.
    """
    declared = declared_parameters(nb)
    if not declared:
        raise UsageError(f"parameter {name}: the notebook declares none; begin a cell with %%params")
    parameter = next((one for one in declared if one.name == name), None)
    values = check_all([parameter] if parameter else declared, {name: value})
    if name in secrets or (parameter is not None and parameter.secret):
        raise UsageError(
            f"parameter {name} is a secret, which is not kept: give it to each run with -p {name} VALUE, "
            f"or in the environment as {SECRET_VARIABLE}{name.upper()}"
        )
    return as_json(values)[name]


def _refuse_unfit(declared: Sequence[Parameter], edited: Mapping[str, Any]) -> None:
    """The notebook may have changed since the edit was made."""
    for name, value in edited.items():
        try:
            check_all([one for one in declared if one.name == name] or declared, {name: value})
        except UsageError as error:
            raise UsageError(
                f"{error}. This value is from an edit of the parameter; take it back: "
                f"durable_nb.batch.unset_parameter(store, notebook, {name!r})"
            ) from error


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


def is_python(nb: NotebookNode) -> bool:
    """Whether the notebook's cells are Python."""
    metadata = nb.metadata
    named = metadata.get("kernelspec", {}).get("language") or metadata.get("language_info", {}).get("name")
    return str(named or "python").lower() in ("python", "ipython")


def declaring_indices(nb: NotebookNode) -> list[int]:
    """The indices of the cells that declare parameters; papermill knows one of its own."""
    if not is_python(nb):
        return []
    places = [index for index, cell in enumerate(nb.cells) if is_executable(cell)]
    found = declaring_cells([(nb.cells[index].source, tags_of(nb.cells[index])) for index in places])
    return [places[index] for index in found]


def tags_of(cell: NotebookNode) -> list[str]:
    """The tags of a cell."""
    return list(cell.metadata.get("tags", []))
