"""The user's namespace without what IPython put there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from durable_nb.kernel.history import is_history
from durable_nb.kernel.results.lazy import LazyValues

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_MACHINERY = frozenset(
    {"__vsc_ipynb_file__", "__builtins__", "__name__", "__annotations__", "__warningregistry__"}
)


class Namespace:
    """The variables of the notebook in one shell."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._hidden: dict[str, Any] = dict(shell.user_ns_hidden)
        self.lazy = LazyValues(self.values, self._history)
        """Variables that are not read from disk yet."""

    @property
    def values(self) -> dict[str, Any]:
        """The live dictionary itself; functions of the notebook have it as their globals."""
        return cast("dict[str, Any]", self._shell.user_ns)

    def _history(self) -> list[dict[Any, Any]]:
        shell = self._shell
        return [self.values, self.values.get("_oh", {}), shell.user_ns_hidden, vars(shell.displayhook)]

    def is_own(self, name: str) -> bool:
        """Whether a bound name is a variable of the notebook, not IPython's history or one of its tools."""
        if name in self._hidden:
            return self.values[name] is not self._hidden[name] and not _is_machinery(name)
        return not _is_machinery(name)

    def has(self, name: str) -> bool:
        """Whether the notebook has a variable of this name, read from disk or not."""
        return (name in self.values and self.is_own(name)) or self.lazy.get(name) is not None

    def names(self) -> list[str]:
        """The names of all variables of the notebook, read from disk or not."""
        return [*self.own(), *self.lazy.names()]

    def own(self) -> dict[str, Any]:
        """The notebook's variables that are in memory, and their values as they are now."""
        return {name: value for name, value in list(self.values.items()) if self.is_own(name)}


def _is_machinery(name: str) -> bool:
    return name in _MACHINERY or is_history(name)
