"""Which variables hold the same objects, as a dependency: what changes one of them changes the others.

``a.append(1)`` gives another result where ``b`` is ``a`` than where ``b`` is an equal list of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from durable_nb.core.code import CodeReader
from durable_nb.core.fingerprint import digest, fingerprint
from durable_nb.core.model import Dependency, DependencyKind
from durable_nb.kernel.namespace import Namespace
from durable_nb.kernel.sharing import groups, shared_parts

_ELSEWHERE = "other names of "


def together(inputs: Mapping[str, Any], reader: CodeReader) -> list[Dependency]:
    """How the inputs of a step share objects among each other; nothing where they don't.

    Raises:
        NotFingerprintableError: One of them has no content.
    """
    return [
        Dependency(
            DependencyKind.SHARING,
            ", ".join(sorted(names)),
            fingerprint({name: inputs[name] for name in sorted(names)}, of_code=reader.of_code),
            "share objects",
        )
        for names in groups(inputs)
    ]


def elsewhere(name: str, variables: Mapping[str, Any]) -> Dependency:
    """Which other variables hold the object of a variable that a step changes in place, or a part of it."""
    value = variables[name]
    same = sorted(n for n, v in variables.items() if v is value and n != name)
    others = {n: v for n, v in variables.items() if v is not value}
    part = sorted(n for n, v in others.items() if shared_parts({name: value}, {n: v}))
    found = digest("same", *same, "part", *part)
    summary = ", ".join([*same, *(f"a part in {n}" for n in part)]) or "none"
    return Dependency(DependencyKind.SHARING, _ELSEWHERE + name, found, summary)


def find(name: str, namespace: Namespace) -> Dependency | None:
    """The present state of what ``elsewhere`` recorded; None for anything else.

    Raises:
        DamagedError: Values that were stored together cannot be read.
    """
    variable = name.removeprefix(_ELSEWHERE)
    if variable == name or not namespace.has(variable):
        return None
    lazy = namespace.lazy
    waiting = lazy.get(variable)
    if waiting is not None and sum(w.bundle is waiting.bundle for w in lazy.snapshot().values()) == 1:
        return elsewhere(variable, {variable: None})  # nobody shares with what was stored alone
    lazy.load([variable])
    return elsewhere(variable, namespace.own())
