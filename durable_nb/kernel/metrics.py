"""Numbers that a notebook's own code names: ``durable_nb.metric("auc", 0.91)``."""

from __future__ import annotations

import math
from typing import Any, SupportsFloat

from durable_nb.core.errors import UsageError

_LONGEST_NAME = 200


def checked_name(name: object) -> str:
    """The name of a metric.

    Raises:
        UsageError: It is no text, or empty, or too long to be a name.
    """
    if isinstance(name, str) and name.strip() and name.isprintable() and len(name) <= _LONGEST_NAME:
        return name
    raise UsageError(f"durable_nb.metric: found the name {name!r}, expected a text such as 'auc'")


def checked_value(name: str, value: Any) -> float:
    """A metric's value as a plain number, also of NumPy's and of tensors of one element.

    Raises:
        UsageError: It is no number.
    """
    plain = value.item() if _holds_one(value) else value
    if isinstance(plain, int | float):
        return +plain  # True is 1
    if isinstance(plain, SupportsFloat) and not isinstance(plain, str | bytes | bytearray):
        try:
            return float(plain)
        except (TypeError, ValueError):
            pass
    raise UsageError(
        f"durable_nb.metric({name!r}): found a {type(value).__qualname__}, expected one number, "
        "such as float(accuracy) or len(rows)"
    )


def _holds_one(value: Any) -> bool:
    return callable(getattr(value, "item", None)) and math.prod(getattr(value, "shape", (0,))) == 1
