"""What does not go together in a notebook: two cells with one step name, an order that cannot be kept."""

from __future__ import annotations

from collections.abc import Collection

from durable_nb.core.errors import DuplicateStepError, Place, UsageError
from durable_nb.core.suggesting import did_you_mean


def same_name(step: str, other: str, place: Place | None = None) -> DuplicateStepError:
    """Two cells that are a step of one name.

    Args:
        step: The name.
        other: Words for the other cell.
        place: Where the name stands in this one.
    """
    text = f"two cells claim the step name {step!r}: this one, and {other}"
    return DuplicateStepError(text, advice="give one of them another name", place=place)


def not_above(step: str, after: str, above: Collection[str], place: Place | None = None) -> UsageError:
    """A step that is to run after another which no cell above it is.

    Args:
        step: The name of the step.
        after: What its option ``--after`` names.
        above: The steps above it.
        place: Where that name stands in its cell.
    """
    advice = did_you_mean(after, above, f"the steps above it: {', '.join(above) or 'none'}")
    text = f"step {step!r} is to run --after {after}, but no cell above it is a step of that name"
    return UsageError(text, advice=advice, place=place)


def first_line(source: str) -> str:
    """The first line of a cell that is not blank: by it people know the cell."""
    return next((line.strip() for line in source.splitlines() if line.strip()), "")
