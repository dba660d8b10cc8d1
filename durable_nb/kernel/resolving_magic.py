"""``%steps resolve``: the decision of ``durable-nb resolve``, made in the notebook."""

from __future__ import annotations

from durable_nb.core.errors import UsageError
from durable_nb.kernel.session import Session
from durable_nb.store import resolving

_USAGE = "%steps resolve NAME --happened [--value NAME=VALUE] or --run-again"


def resolve(session: Session, words: list[str]) -> str:
    """Say what became of a step that is executed at most once; without a name: list what waits.

    Raises:
        UsageError: Other words.
        UnknownStepError: The step does not wait.
        StoreError: It could not be written.
    """
    if not words:
        return resolving.listed(resolving.waiting(session.store), "%steps resolve")
    step, *rest = words
    values: list[str] = []
    decisions: set[str] = set()
    while rest:
        word = rest.pop(0)
        if word == "--value" and rest:
            values.append(rest.pop(0))
        elif word in {"--happened", "--run-again"}:
            decisions.add(word)
        else:
            raise UsageError(f"%steps: found {word!r}, expected {_USAGE}")
    if len(decisions) != 1:
        raise UsageError(f"%steps: found {' '.join(words)}, expected {_USAGE}")
    happened = decisions == {"--happened"}
    decided = resolving.resolve(session.store, step, happened=happened, values=resolving.read_values(values))
    return resolving.in_words(decided)
