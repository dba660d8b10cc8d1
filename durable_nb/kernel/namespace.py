"""The user's namespace without what IPython put there."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, cast

from IPython.core.interactiveshell import InteractiveShell

_HISTORY = re.compile(
    r"_(i?\d*|i{1,3}|_|__|ih|oh|dh|exit_code)|In|Out|__(name|doc|builtin|builtins|loader|spec|package)__"
)
_MACHINERY = frozenset({"__vsc_ipynb_file__", "__builtins__", "__name__", "__annotations__"})


class Namespace:
    """The variables of the notebook in one shell."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._hidden: dict[str, Any] = dict(shell.user_ns_hidden)

    @property
    def values(self) -> dict[str, Any]:
        """The live dictionary itself; functions of the notebook have it as their globals."""
        return cast("dict[str, Any]", self._shell.user_ns)

    def is_own(self, name: str) -> bool:
        """Whether a bound name is a variable of the notebook, not IPython's history or one of its tools."""
        if name in self._hidden:
            return self.values[name] is not self._hidden[name] and not _is_machinery(name)
        return not _is_machinery(name)

    def own(self) -> dict[str, Any]:
        """The notebook's variables and their values, as they are now."""
        return {name: value for name, value in list(self.values.items()) if self.is_own(name)}


@lru_cache(maxsize=4096)
def _is_machinery(name: str) -> bool:
    return name in _MACHINERY or _HISTORY.fullmatch(name) is not None
