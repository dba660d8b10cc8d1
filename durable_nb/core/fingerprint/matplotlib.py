"""The parts of a matplotlib figure whose state is not only their own."""

from __future__ import annotations

from typing import Any

from durable_nb.core.fingerprint.objects import reduce, taken_apart
from durable_nb.core.fingerprint.walker import BASES, NAMED, Walker


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


def _artist(walker: Walker, artist: Any) -> None:
    """Add a part of a picture, whether or not it has been drawn since it was changed."""
    _without(walker, artist, frozenset({"_stale"}))


def _transform(walker: Walker, transform: Any) -> None:
    """Add a transformation, whether or not its result has been worked out since it was changed."""
    _without(walker, transform, frozenset({"_invalid"}))


def _figure(walker: Walker, figure: Any) -> None:
    """Add a figure without its number among the figures that pyplot has open."""
    _without(walker, figure, frozenset({"_stale", "_number", "_restore_to_pylab"}))


def _without(walker: Walker, artist: Any, names: frozenset[str]) -> None:
    if not walker.first(artist):
        return
    make, arguments, state, *others = reduce(artist)
    if isinstance(state, dict):
        state = {name: part for name, part in state.items() if name not in names}
    taken_apart(walker, artist, (make, arguments, state, *others))


NAMED["matplotlib.figure.Figure"] = _figure
BASES["matplotlib.artist.Artist"] = _artist
BASES["matplotlib.transforms.TransformNode"] = _transform
NAMED["matplotlib.cbook.CallbackRegistry"] = _callbacks
