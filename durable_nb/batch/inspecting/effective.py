"""The parameters that a run had: those that it was given, and the defaults of the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from durable_nb.batch.inspecting.code import run_cells
from durable_nb.batch.inspecting.reports import RunReport
from durable_nb.batch.parameters import Effective, effective
from durable_nb.core.errors import UsageError
from durable_nb.core.model import Json
from durable_nb.core.parameter_cells import declaring_cells
from durable_nb.core.parameter_reading import read_parameters
from durable_nb.core.parameters import NOT_LITERAL, Parameter
from durable_nb.core.secrets import MASK
from durable_nb.store.store import Store


def run_declared(store: Store, run_id: str) -> tuple[Parameter, ...]:
    """The parameters that the notebook declares which a run executed last; none where that is not known."""
    code = [(c.source, c.tags) for c in run_cells(store, run_id) or [] if c.kind == "code"]
    declared: dict[str, Parameter] = {}
    try:
        for index in declaring_cells(code):
            declared |= {parameter.name: parameter for parameter in read_parameters(code[index][0])}
    except UsageError:
        return ()  # the run could understand it, so that this is the file as it was changed since
    return tuple(declared.values())


def run_parameters(report: RunReport, declared: Iterable[Parameter]) -> tuple[Effective, ...]:
    """The value of each parameter in a run; MASK for a secret."""
    by_name = {parameter.name: parameter for parameter in declared}
    edits: Any = report.options.get("edited") or {}
    edited = {name: value for name, value in report.parameters.items() if name in edits}
    given = {name: value for name, value in report.parameters.items() if name not in edits}
    found = effective(by_name.values(), edited, given, edits)
    hidden = {name for name, one in by_name.items() if _has_secret_default(one)}
    return tuple(replace(one, value=MASK) if one.name in hidden else one for one in found)


def planned_parameters(
    notebook: Path, given: Mapping[str, Any], secrets: Sequence[str], store: Store | None
) -> tuple[Effective, ...]:
    """The value that each parameter would have in a run of a notebook; MASK for a secret.

    Raises:
        NotebookError: The notebook cannot be read.
        UsageError: A value that does not fit.
    """
    from durable_nb.batch.parameter_edits import edited_parameters  # runs are shown without these
    from durable_nb.batch.parameters import check, declared_parameters
    from durable_nb.batch.reading import read_outline

    nb = read_outline(notebook)
    edits = edited_parameters(store, notebook)
    checked = check(nb, given, edited={name: edit.value for name, edit in edits.items()}, secrets=secrets)
    edited = {name: value for name, value in checked.record.items() if name in checked.edited}
    told = {name: value for name, value in checked.record.items() if name not in checked.edited}
    declared = declared_parameters(nb)
    found = effective(declared, edited, told, {name: edit.as_json() for name, edit in edits.items()})
    hidden = {one.name for one in declared if _has_secret_default(one) and one.name not in checked.values}
    return tuple(replace(one, value=MASK) if one.name in hidden else one for one in found)


def _has_secret_default(parameter: Parameter) -> bool:
    return parameter.secret and parameter.default not in ("", None)


def as_json(parameters: Iterable[Effective]) -> dict[str, Json]:
    """Name → its value, null where only running the notebook tells it, and where that is from."""
    return {
        one.name: {
            "value": None if one.value is NOT_LITERAL else one.value,
            "from": one.origin.value,
            **({"edited": dict(one.edit)} if one.edit is not None else {}),
        }
        for one in parameters
    }


def change_in_words(name: str, change: Mapping[str, Any], declared: Iterable[Parameter]) -> str:
    """A parameter that a person changed, the same wherever it is told: ``size: 3 (default) → 5``.

    Args:
        name: Of the parameter.
        change: ``was`` and ``now``; one that is not there stands for the default.
        declared: The parameters whose defaults are known.
    """
    if change.get("was") == MASK == change.get("now"):
        return f"{name}: given again"
    default = next((one.default for one in declared if one.name == name and not one.secret), NOT_LITERAL)
    words = "its default" if default is NOT_LITERAL else f"{default!r} (default)"
    was, now = (value_in_words(change[when]) if when in change else words for when in ("was", "now"))
    return f"{name}: {was} → {now}"


def value_in_words(value: Any) -> str:
    """A parameter's value for people."""
    if value is NOT_LITERAL:
        return "what its cell computes"
    return MASK if value == MASK else repr(value)
