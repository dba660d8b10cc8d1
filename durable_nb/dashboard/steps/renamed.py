"""Steps that were renamed: what is recorded under a former name is shown under the present one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from durable_nb.store.store import Store

Recorded = TypeVar("Recorded")
FormerNames = Mapping[str, tuple[str, ...]]
"""Step → names that it had and that no other step of its notebook has, the last one first."""


def former_names(store: Store, steps: Iterable[str]) -> FormerNames:
    """The former names of the steps of a notebook.

    Args:
        store: Where it was decided.
        steps: All steps of the notebook.
    """
    present = set(steps)
    names = (store.overrides.names(step) for step in sorted(present))
    found = ((n.step, tuple(former for former in n.former if former not in present)) for n in names)
    return {step: former for step, former in found if former}


def under_present_names(recorded: Mapping[str, Recorded], former: FormerNames) -> dict[str, Recorded]:
    """What is recorded of each step: until it runs under its present name, what is under the last one."""
    found = dict(recorded)
    for step, names in former.items():
        left = [found.pop(name) for name in names if name in found]
        if left:
            found.setdefault(step, left[0])
    return found
