"""The parts of a matplotlib figure whose state is not only their own."""

from __future__ import annotations

from typing import Any

from durable_nb.core.fingerprint.objects import reduce, taken_apart
from durable_nb.core.fingerprint.walker import NAMED, Walker


def _callbacks(walker: Walker, registry: Any) -> None:
    """Add the callbacks that go with a copied figure; the next number does not count."""
    if not walker.first(registry):
        return
    walker.tag("matplotlib callbacks")
    walker.walk(registry._signals)
    walker.part(".exception_handler", registry.exception_handler)
    kept = registry._pickled_cids
    for signal, callbacks in registry.callbacks.items():
        functions = [proxy() for number, proxy in callbacks.items() if number in kept]
        if functions:
            walker.walk(signal)
            walker.part(f".callbacks[{signal!r}]", functions)


def _figure(walker: Walker, figure: Any) -> None:
    """Add a figure without its number among the figures that pyplot has open."""
    if not walker.first(figure):
        return
    make, arguments, state, *others = reduce(figure)
    state = {name: part for name, part in state.items() if name not in {"_number", "_restore_to_pylab"}}
    taken_apart(walker, figure, (make, arguments, state, *others))


NAMED["matplotlib.figure.Figure"] = _figure
NAMED["matplotlib.cbook.CallbackRegistry"] = _callbacks
