"""The kernel's variables that hold parameters: what they hold, and how they come to hold something else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from durable_nb.core.parameters import Parameter
from durable_nb.dashboard.parameters.fields import equal
from durable_nb.dashboard.workplace import Workplace
from durable_nb.kernel.secret_values import SECRETS

UNBOUND: Final = object()
"""Stands for a name that is not bound."""


class ParameterVariables:
    """The variables of the kernel in which a panel is.

    Args:
        place: Where the kernel is; elsewhere nothing is bound.
    """

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._bound: dict[str, Any] = {}
        """What this panel has bound."""

    def get(self, name: str) -> Any:
        """What a variable holds; UNBOUND where there is none."""
        session = self._place.session
        return UNBOUND if session is None else session.namespace.values.get(name, UNBOUND)

    def bind(self, values: Mapping[str, Any], known: Mapping[str, Parameter]) -> None:
        """Have variables hold values; in the thread that runs cells, while none runs.

        Args:
            values: Name → value, or UNBOUND.
            known: What the notebook declares.
        """
        session = self._place.session
        if session is None:
            return
        session.namespace.lazy.forget(values)
        for name, value in values.items():
            if name in known and known[name].secret and value not in ("", None, UNBOUND):
                SECRETS.add(name, value)
            if value is UNBOUND:
                session.namespace.values.pop(name, None)
                self._bound.pop(name, None)
            else:
                session.namespace.values[name] = self._bound[name] = value

    def still_bound(self) -> dict[str, Any]:
        """Name → what this panel bound and what it still holds: the parameter's cell has not run since."""
        return {
            name: value
            for name, value in self._bound.items()
            if name not in SECRETS and equal(self.get(name), value)
        }
