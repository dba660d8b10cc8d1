"""The decisions a person can make about a step without its notebook: invalidate its results, take it back."""

from __future__ import annotations

import time
from typing import Any

from durable_nb.core.errors import UnknownStepError, UsageError
from durable_nb.core.overrides import Override, OverrideKind
from durable_nb.store import origin
from durable_nb.store.store import Store


def decide(store: Store, kind: OverrideKind, step: str, **facts: Any) -> Override:
    """Make a decision of this user hold from now on.

    Args:
        store: Where the step's traces are.
        kind: What is decided.
        step: Name of the step.
        facts: Other fields of the decision.

    Raises:
        StoreError: It could not be written.
    """
    return store.decide(
        Override(kind=kind, step=step, at=time.time(), user=origin.user(), host=origin.host(), **facts)
    )


def invalidate(store: Store, step: str, **facts: Any) -> Override:
    """Decide that no trace which the step has now is reused any more.

    Raises:
        UnknownStepError: The step has no traces.
        StoreError: It could not be written.
    """
    traces = store.traces.ids(step)
    if not traces:
        raise UnknownStepError(
            f"step {step!r} has no results in {store.path}: there is nothing to invalidate. "
            "See which steps there are: durable-nb status"
        )
    return decide(store, OverrideKind.INVALIDATE, step, traces=tuple(traces), **facts)


def undo(store: Store, kind: OverrideKind, step: str, **facts: Any) -> Override:
    """Take back the newest decision of a kind about a step that still holds.

    Returns:
        The decision that does not hold any more.

    Raises:
        UsageError: There is none.
        StoreError: It could not be written.
    """
    standing = store.overrides.standing(step)
    holding = standing.accepted if kind is OverrideKind.ACCEPT else tuple(standing.invalidated.values())
    if not holding:
        accepting = kind is OverrideKind.ACCEPT
        what = "no edit of it is accepted" if accepting else "none of its results is invalidated"
        raise UsageError(f"there is nothing to take back for step {step!r}: {what}")
    newest = max(holding, key=lambda one: one.at)
    decide(store, OverrideKind.UNDO, step, undoes=newest.override_id, **facts)
    return newest
