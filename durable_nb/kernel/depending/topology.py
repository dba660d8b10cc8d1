"""Which variables hold the same objects, as a dependency: what changes one of them changes the others.

``a.append(1)`` gives another result where ``b`` is ``a`` than where ``b`` is an equal list of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from durable_nb.core.code import CodeReader
from durable_nb.core.fingerprint import digest, fingerprint
from durable_nb.core.model import Dependency, DependencyKind
from durable_nb.kernel.depending.sharing import groups, shared_parts
from durable_nb.kernel.namespace import Namespace
from durable_nb.kernel.results.lazy import Waiting

_ELSEWHERE = "other names of "
_LEFT = "names of the former "


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


def elsewhere(name: str, variables: Mapping[str, Any], *, left: bool = False) -> Dependency:
    """Which other variables hold the object of a variable that a step changes in place, or a part of it.

    Args:
        name: The variable.
        variables: All of them, as they were before the step.
        left: The step then bound the variable to something else, or deleted it.
    """
    value = variables[name]
    same = sorted(n for n, v in variables.items() if v is value and n != name)
    others = {n: v for n, v in variables.items() if v is not value}
    part = sorted(n for n, v in others.items() if shared_parts({name: value}, {n: v}))
    found = digest("same", *same, "part", *part)
    summary = ", ".join([*same, *(f"a part in {n}" for n in part)]) or "none"
    return Dependency(DependencyKind.SHARING, (_LEFT if left else _ELSEWHERE) + name, found, summary)


def changed_in_place(dependencies: Iterable[Dependency]) -> list[str]:
    """The variables whose objects a step changed and left bound, as its trace says."""
    found = (d.name for d in dependencies if d.kind is DependencyKind.SHARING)
    return [name.removeprefix(_ELSEWHERE) for name in found if name.startswith(_ELSEWHERE)]


def find(name: str, namespace: Namespace) -> Dependency | None:
    """The present state of what ``elsewhere`` recorded; None for anything else.

    Raises:
        DamagedError: Values that were stored together cannot be read.
    """
    left = name.startswith(_LEFT)
    variable = name.removeprefix(_LEFT if left else _ELSEWHERE)
    if variable == name or not namespace.has(variable):
        return None
    lazy = namespace.lazy
    waiting = lazy.get(variable)
    alone = waiting is not None and lazy.is_alone(waiting)
    if not alone:
        lazy.load([variable])
    held = waiting if alone else namespace.values[variable]
    if _is_kept_in_results(held, lazy.results(), left=left):
        found = digest("in an earlier result")
        return Dependency(DependencyKind.SHARING, name, found, "a part in an earlier result (Out)")
    # Nobody shares with what was stored alone.
    return elsewhere(variable, {variable: None} if alone else namespace.own(), left=left)


def _is_kept_in_results(held: Any, results: Sequence[Any], *, left: bool) -> bool:
    """Whether what cells have shown holds an object so that it would stay as it was before the step.

    What *is* the object of a variable can be replaced together with it; what holds it cannot.
    """
    if left and any(result is held for result in results):
        return True
    others = {str(at): result for at, result in enumerate(results) if result is not held}
    return not isinstance(held, Waiting) and bool(shared_parts({"": held}, others))
