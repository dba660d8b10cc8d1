"""Settings of the process that no trace holds: undone after a failed attempt, and nothing else.

Warning filters, how NumPy and decimal treat errors, the recursion limit, the figures that pyplot has open.
"""

from __future__ import annotations

import decimal
import sys
import warnings
from collections.abc import Callable
from typing import Any

from durable_nb.kernel.failing.contents.builtin import BUILTIN
from durable_nb.kernel.results.display import is_inline

_CONTEXT = BUILTIN[decimal.Context]


def _set_filters(was: list[Any]) -> None:
    warnings.resetwarnings()  # so that Python notices the change
    warnings.filters[:] = was  # type: ignore[index]  # a list, whatever the stubs say


def _numpy_errors() -> dict[str, Any] | None:
    numpy: Any = sys.modules.get("numpy")
    return numpy.geterr() if hasattr(numpy, "geterr") else None  # it may be only being loaded


def _set_numpy_errors(was: dict[str, Any]) -> None:
    sys.modules["numpy"].seterr(**was)


def _figures() -> list[int] | None:
    pyplot = sys.modules.get("matplotlib.pyplot")
    # The inline backend shows and closes them at the end of the cell.
    return None if pyplot is None or is_inline(pyplot) else pyplot.get_fignums()


def _close_others(was: list[int]) -> None:
    pyplot = sys.modules["matplotlib.pyplot"]
    for number in set(pyplot.get_fignums()) - set(was):
        pyplot.close(number)


def _set_decimal(was: decimal.Context) -> None:
    _CONTEXT.put(decimal.getcontext(), was)


_SETTINGS: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {
    "warnings.filters": (lambda: list(warnings.filters), _set_filters),
    "decimal": (lambda: decimal.getcontext().copy(), _set_decimal),
    "numpy.seterr": (_numpy_errors, _set_numpy_errors),
    "recursion limit": (sys.getrecursionlimit, sys.setrecursionlimit),
    "figures": (_figures, _close_others),
}


def read_settings() -> dict[str, Any]:
    """The present settings; None for those of libraries that are not loaded."""
    return {name: read() for name, (read, _) in _SETTINGS.items()}


def put_settings_back(before: dict[str, Any]) -> None:
    """Set everything as ``read_settings`` saw it; libraries that were loaded since stay as they are."""
    for name, (read, write) in _SETTINGS.items():
        was, now = before[name], read()
        if was is not None and now is not None and repr(was) != repr(now):
            write(was)
