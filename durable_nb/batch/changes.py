"""What a person changes in a run before it goes on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from durable_nb.batch.asked import check_step
from durable_nb.batch.steps import DeclaredStep
from durable_nb.core.analysis import analyse, find_definitions
from durable_nb.core.cells import parse_loosely
from durable_nb.core.effects import may_change
from durable_nb.core.errors import UsageError
from durable_nb.core.model import OutputKind
from durable_nb.core.suggesting import did_you_mean
from durable_nb.store.giving import value_of_file, value_of_text
from durable_nb.store.store import Store

OutputName = tuple[str, str]
"""Step, and the name of one of its outputs."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be different from now on."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Parameters with other values than the run had; those that are not named stay as they were."""
    notebook: Path | None = None
    """The fixed notebook; None for the run's own, as its file is now."""
    recorded: bool = False
    """Execute the run's notebook as the store has kept it, not as its file is now."""
    from_step: str = ""
    """This step and all after it are executed even if they are up to date."""
    force: tuple[str, ...] = ()
    """Steps that are executed even if they are up to date."""
    given: Mapping[OutputName, Any] = field(default_factory=dict)
    """Outputs of steps that a person gives by hand."""
    given_files: Mapping[OutputName, Path] = field(default_factory=dict)
    """The same, from files: .json, .txt or .parquet."""
    taken_back: tuple[OutputName, ...] = ()
    """Outputs that were given by hand, and are not any more."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """What the run is marked with besides."""

    def __bool__(self) -> bool:
        return any((self.parameters, self.notebook, self.from_step, self.force, self.names, self.taken_back))

    @property
    def names(self) -> list[OutputName]:
        """The outputs that are given."""
        return [*self.given, *self.given_files]


def read_output_name(text: str) -> OutputName:
    """An output as it is typed: ``STEP.NAME``.

    Raises:
        UsageError: It is something else.
    """
    step, dot, name = text.strip().rpartition(".")
    if not dot or not step or not name.isidentifier():
        raise UsageError(f"found {text!r}, expected STEP.NAME such as clean.rows")
    return step, name


def read_given(texts: Iterable[str]) -> dict[OutputName, Any]:
    """Outputs as they are typed: ``STEP.NAME=VALUE``, the value as JSON or else text.

    Raises:
        UsageError: One is something else.
    """
    return {read_output_name(name): value_of_text(value) for name, value in map(_split, texts)}


def read_given_files(texts: Iterable[str]) -> dict[OutputName, Path]:
    """Outputs as they are typed: ``STEP.NAME=FILE``.

    Raises:
        UsageError: One is something else.
    """
    return {read_output_name(name): Path(value) for name, value in map(_split, texts)}


def _split(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"found {text!r}, expected STEP.NAME=VALUE such as clean.rows=5")
    return name, value


def check_changes(store: Store, changes: Changes, steps: Iterable[DeclaredStep]) -> None:
    """Refuse what names a step or an output that the notebook does not have.

    Raises:
        UsageError: The message names the nearest that it has.
    """
    known = {step.cell.name: step for step in steps}
    for step in changes.force:
        check_step(step, known, "--force")
    if changes.from_step:
        check_step(changes.from_step, known, "--from")
    for step, name in changes.names:
        check_step(step, known, "--set")
        outputs = _outputs(store, known[step])
        if name not in outputs:
            hint = did_you_mean(name, outputs, f"it makes {', '.join(sorted(outputs)) or 'nothing'}")
            raise UsageError(f"--set {step}.{name}: step {step} does not make {name}; {hint}")


def _outputs(store: Store, step: DeclaredStep) -> set[str]:
    """The names that a step binds or may change, by its code and by what it made last."""
    tree = parse_loosely(step.cell.body)
    made = {output.name for output in _last_values(store, step.cell.name)}
    return {name for name in analyse(tree).writes | may_change(tree) | made if name.isidentifier()}


def not_given(
    store: Store, run_id: str, changes: Changes, steps: Iterable[DeclaredStep]
) -> dict[str, list[str]]:
    """Step of which some outputs are given by hand in a run → the others that it makes, by its code."""
    asked = {step for step, _ in changes.names}
    found = {}
    for step in steps:
        name = step.cell.name
        if name in asked:
            given = {output for one, output in changes.names if one == name}
            given |= store.overrides.standing(name).given(run_id).keys() - _taken_back(changes, name)
            tree = parse_loosely(step.cell.body)
            made = analyse(tree).always_binds - {
                one for _, defined in find_definitions(tree) for one in defined
            }
            found[name] = sorted(made - given)
    return {step: names for step, names in found.items() if names}


def _taken_back(changes: Changes, step: str) -> set[str]:
    return {name for one, name in changes.taken_back if one == step}


def _last_values(store: Store, step: str) -> list[Any]:
    trace = next(store.traces.latest(step, limit=1), None)
    kinds = {OutputKind.VALUE, OutputKind.PART, OutputKind.ALIAS}
    return [o for o in trace.outputs if o.kind in kinds and o.name != "_"] if trace is not None else []


def given_values(store: Store, changes: Changes) -> dict[OutputName, Any]:
    """The values that are given, those from files read as the type that the step made last.

    Raises:
        UsageError: A file that cannot be read as a value.
    """
    found = dict(changes.given)
    for (step, name), path in changes.given_files.items():
        like = next((o.type for o in _last_values(store, step) if o.name == name), "")
        found[step, name] = value_of_file(path, like)
    return found
