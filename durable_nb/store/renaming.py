"""A step under a new name keeps what it left under the old one: the decision, and taking it back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from durable_nb.core.errors import DuplicateStepError, StepNameError, UnknownStepError, UsageError
from durable_nb.core.overrides import NAME, Change, Override, OverrideKind
from durable_nb.core.suggesting import did_you_mean
from durable_nb.store.decisions import decide
from durable_nb.store.store import Store


def rename(store: Store, old: str, new: str, *, declared: Collection[str] = (), **facts: Any) -> Override:
    """Decide that what a step has left, and what is decided about it, counts for its new name, too.

    Nothing is moved: another notebook that uses the old name goes on with it. What counts is reused only if
    code and dependencies fit, as ever.

    Args:
        store: Where the step's traces are.
        old: The name that it has.
        new: The name that it is to have.
        declared: Names of the steps in the notebook as it stands, before or after its marker is changed.
        facts: Other fields of the decision.

    Raises:
        StepNameError: The new name is no identifier.
        DuplicateStepError: Another step has the new name.
        UnknownStepError: Neither the notebook nor the store has a step of the old name.
        UsageError: Both names are the same.
        StoreError: It could not be written.
    """
    _check_names(old, new)
    if old not in declared and not _is_known(store, old):
        known = sorted({*declared, *_steps_with_traces(store)})
        hint = did_you_mean(old, known, f"steps are: {', '.join(known) or 'none yet'}")
        raise UnknownStepError(f"there is no step {old!r} to be renamed; {hint}")
    if old in declared and new in declared:
        raise DuplicateStepError(
            f"another cell of the notebook is the step {new!r}: rename that first, or find another name"
        )
    if new not in declared and new not in store.overrides.names(old).former and _is_known(store, new):
        raise DuplicateStepError(
            f"{store.path} has results of a step {new!r} already{_of_notebook(store, new)}: "
            f"find another name. (If both are to share results, write {new} into the marker yourself.)"
        )
    return decide(store, OverrideKind.RENAME, new, changes=(_change(old, new),), **facts)


def former_name(renamed: Override) -> str:
    """The name that a step had before it was renamed."""
    return next(change.was for change in renamed.changes if change.kind == NAME)


def take_back(store: Store, renamed: Override, **facts: Any) -> None:
    """The step has its old name again; what it has left and what was decided under the new one is kept.

    Raises:
        StoreError: It could not be written.
    """
    new, old = renamed.step, former_name(renamed)
    since = [one for one in store.overrides.under(new) if one.at > renamed.at]
    if since or store.traces.is_left_under(new) or store.intents.of(new):
        # An effect on the world that it had under the new name must not be had again under the old one.
        decide(store, OverrideKind.RENAME, old, changes=(_change(new, old),), **facts)
    decide(store, OverrideKind.UNDO, new, undoes=renamed.override_id, **facts)


def _change(old: str, new: str) -> Change:
    return Change(NAME, "", old, new, f"{old} → {new}")


def _check_names(old: str, new: str) -> None:
    if not new.isidentifier():
        raise StepNameError(
            f"found the new name {new!r}, expected a Python identifier such as 'clean_prices'"
        )
    if old == new:
        raise UsageError(f"step {old!r} has this name already")


def _is_known(store: Store, name: str) -> bool:
    """Whether anything was left or decided under a name."""
    under = store.traces.is_left_under(name) or store.overrides.under(name) or store.intents.of(name)
    return bool(under)


def _steps_with_traces(store: Store) -> list[str]:
    if not store.path.exists():
        return []
    return [row["step"] for row in store.ledger.rows("SELECT DISTINCT step FROM traces")]


def _of_notebook(store: Store, step: str) -> str:
    trace = next(store.traces.latest(step, limit=1), None)
    return f", the last one of {trace.notebook}" if trace is not None and trace.notebook else ""
