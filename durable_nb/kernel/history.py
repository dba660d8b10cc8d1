"""The names under which IPython keeps what earlier cells gave and were."""

from __future__ import annotations

import re
from functools import lru_cache

_HISTORY = re.compile(
    r"_(i?\d*|i{1,3}|_|__|ih|oh|dh|exit_code)|In|Out|__(name|doc|builtin|builtins|loader|spec|package)__"
)

_RESULT = re.compile(r"_(\d*|__?)")


@lru_cache(maxsize=4096)
def is_history(name: str) -> bool:
    """Whether this is one of IPython's own names, such as ``_``, ``Out`` or ``_i3``."""
    return _HISTORY.fullmatch(name) is not None


def is_result(key: object) -> bool:
    """Whether IPython keeps the last value of a cell under this: ``_``, ``__``, ``_3``, or 3 in ``Out``."""
    return isinstance(key, int) or (isinstance(key, str) and _RESULT.fullmatch(key) is not None)
