"""Names of the axes of tables: several tables may have one index object, and its names change in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Axes = dict[str, tuple[tuple[Any, ...], ...]]
"""Variable → the names of each of its axes."""


def axis_names(variables: Mapping[str, Any]) -> Axes:
    """The names of the axes of every pandas table among the variables."""
    return {
        name: tuple(tuple(axis.names) for axis in value.axes) for name, value in _tables(variables).items()
    }


def renamed_elsewhere(
    before: Axes, variables: Mapping[str, Any], outputs: Mapping[str, Any]
) -> dict[str, str]:
    """Tables whose axes a cell renamed in place → another variable that has the same axis, and no new value.

    Args:
        before: What ``axis_names`` gave before the cell ran.
        variables: The variables now.
        outputs: Names that the cell's results have.
    """
    tables = _tables(variables)
    now = axis_names(variables)
    changed = [name for name, names in before.items() if now.get(name, names) != names]
    return {
        name: other
        for name in changed
        for other, value in tables.items()
        if other not in outputs and {id(a) for a in value.axes} & {id(a) for a in tables[name].axes}
    }


def _tables(variables: Mapping[str, Any]) -> dict[str, Any]:
    kinds = {"DataFrame", "Series"}
    return {
        name: value
        for name, value in variables.items()
        if type(value).__name__ in kinds and type(value).__module__.partition(".")[0] == "pandas"
    }
