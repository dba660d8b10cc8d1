"""Values of reused steps that are not read from disk before a cell names them.

A name that waits is not in the user's namespace. Before a cell runs, every name that its code may reach is
read and bound: those it names, those in its strings, and those that the functions it names reach in turn.
What cannot be told from the code, such as ``globals()``, brings in everything.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from durable_nb.core.analysis import Names, analyse, names_in_nested_code, without_uncalled_bodies
from durable_nb.core.code import names_read_by
from durable_nb.core.errors import DamagedError
from durable_nb.core.model import Dependency, DependencyKind, Output
from durable_nb.kernel.depending.imports import without_draws
from durable_nb.kernel.depending.watch import unwatched
from durable_nb.kernel.history import is_history, is_result


class Bundle:
    """One artifact, read at most once: names whose values share objects have one bundle."""

    def __init__(self, artifact: str, read: Callable[[str], Any]) -> None:
        self.artifact = artifact
        self._read = read
        self._content: tuple[Any] | None = None

    @property
    def is_read(self) -> bool:
        """Whether it has been read."""
        return self._content is not None

    def content(self) -> Any:
        """What the artifact holds.

        Raises:
            DamagedError: It cannot be read.
        """
        if self._content is None:
            self._content = (self._read(self.artifact),)
        return self._content[0]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A stored value that nobody has named yet."""

    output: Output
    bundle: Bundle
    member: str = ""
    """The value's name in its bundle; empty where it is all there is."""

    def value(self) -> Any:
        """The value itself, read when this is called first.

        Raises:
            DamagedError: It cannot be read.
        """
        content = self.bundle.content()
        return content[self.member] if self.member else content

    def known(self) -> Any:
        """The value where it is read already, else this."""
        return self.value() if self.bundle.is_read else self

    def __repr__(self) -> str:
        return f"<{self.output.summary or self.output.type}, not read yet>"


def known(held: Any) -> Any:
    """A value; where a Waiting stands for one that is read already, that one."""
    return held.known() if isinstance(held, Waiting) else held


class LazyValues:
    """The names that wait in one kernel, and the rules by which they are read.

    Args:
        values: The user's namespace.
        history: Gives the dictionaries in which IPython keeps last values of cells.
    """

    def __init__(
        self,
        values: dict[str, Any],
        history: Callable[[], list[dict[Any, Any]]],
    ) -> None:
        self._values = values
        self._history = history
        self._waiting: dict[str, Waiting] = {}
        self._results: list[Waiting] = []
        """Last values of cells, for which IPython's history holds the Waiting itself."""
        self._reached: set[str] = set()
        """Names that code which still exists may read at any time: they never wait."""

    # Looking.

    def __bool__(self) -> bool:
        return bool(self._waiting or self._results)

    def get(self, name: str) -> Waiting | None:
        """The stored value that a name stands for; None where it is loaded, or there is none."""
        return None if name in self._values else self._waiting.get(name)

    def names(self) -> list[str]:
        """The names that wait."""
        return [name for name in self._waiting if name not in self._values]

    def is_alone(self, waiting: Waiting) -> bool:
        """Whether nothing in memory, and nothing else that waits, can share objects with a stored value."""
        sharing = sum(other.bundle is waiting.bundle for other in self.snapshot().values())
        return sharing == 1 and not waiting.bundle.is_read

    def dependency(self, name: str) -> Dependency | None:
        """What reading a waiting name means, as known without reading it; None where it does not wait."""
        waiting = self.get(name)
        if waiting is None:
            return None
        return Dependency(
            DependencyKind.VALUE,
            name,
            waiting.output.fingerprint,
            waiting.output.summary,
            waiting.output.detail,
        )

    # Waiting.

    def snapshot(self) -> dict[str, Waiting]:
        """The names that wait now."""
        return {name: self._waiting[name] for name in self.names()}

    def replace(self, waiting: Mapping[str, Waiting]) -> None:
        """Go back to a snapshot."""
        self._waiting = dict(waiting)

    def defer(self, waiting: Mapping[str, Waiting]) -> None:
        """Let names wait in place of what they are bound to; those that existing code may read are read."""
        for name, value in waiting.items():
            self._values.pop(name, None)
            self._waiting[name] = value
        self.load(self._reached & waiting.keys())

    def reach(self, names: Iterable[str]) -> None:
        """Code came into being that may read these names at any time: they are read now, and never wait.

        Raises:
            DamagedError: A stored value cannot be read, nor made again.
        """
        self._reached |= set(names)
        self.load(self._reached & self._waiting.keys())

    def forget(self, names: Iterable[str]) -> None:
        """Names that are bound or deleted now: nothing waits for them any more."""
        for name in names:
            self._waiting.pop(name, None)

    def defer_result(self, waiting: Waiting) -> None:
        """Let the last value of a cell wait; IPython's history has the Waiting in its place."""
        self._results.append(waiting)

    # What cells showed as their results.

    def results(self) -> list[Any]:
        """The last values of cells, each once; a Waiting in place of one that is not read."""
        found = [known(held) for scope in self._history() for key, held in scope.items() if is_result(key)]
        return list({id(held): held for held in found}.values())

    def replace_results(self, old: Any, new: Any) -> None:
        """Let those last values that are an object be another one.

        Args:
            old: The object, or the Waiting that stands for it.
            new: The other one, or its Waiting.
        """
        old, new = known(old), known(new)
        for scope in self._history():
            for key in [key for key, held in scope.items() if is_result(key) and known(held) is old]:
                scope[key] = new
        self._results = [waiting for waiting in self._results if known(waiting) is not old]
        if isinstance(new, Waiting):
            self._results.append(new)

    # Reading.

    def load(self, names: Iterable[str]) -> None:
        """Read and bind names that wait, with all that share objects with them.

        Raises:
            DamagedError: A stored value cannot be read, nor made again.
        """
        queue = list(names)
        while queue:
            waiting = self.get(queue.pop())
            if waiting is None:
                continue
            before = self._waiting
            together = {n: w for n, w in before.items() if w.bundle is waiting.bundle and self.get(n)}
            self._waiting = {n: w for n, w in before.items() if w.bundle is not waiting.bundle}
            try:
                with unwatched(), without_draws():
                    self._values.update({n: w.value() for n, w in together.items()})
            except DamagedError:
                self._waiting = before
                raise

    def load_all(self) -> None:
        """Read everything that waits.

        Raises:
            DamagedError: A stored value cannot be read, nor made again.
        """
        self.load(self.names())
        self._load_results()

    def load_for(self, tree: ast.Module) -> None:
        """Read what a cell may reach, before it runs.

        Raises:
            DamagedError: A stored value cannot be read, nor made again.
        """
        self.forget([name for name in self._waiting if name in self._values])
        running = without_uncalled_bodies(tree)
        names = analyse(running)
        self._reached |= names_in_nested_code(running)
        if self and names.reads_namespace:
            self.load_all()
        self.load_history(names)
        self._load_reachable(names)

    def _load_reachable(self, names: Names) -> None:
        queue = [*names.reads, *names.mentioned, *names.deletes]
        seen: set[str] = set()
        while queue:
            name = queue.pop()
            if name in seen:
                continue
            seen.add(name)
            self.load([name])
            reached = names_read_by(self._values.get(name), self._values)
            if reached is None:
                self.load_all()
                return
            self._reached |= reached
            queue += reached

    def load_history(self, names: Names) -> None:
        """Read the last values of earlier cells, if code names them.

        Raises:
            DamagedError: A stored value cannot be read, nor made again.
        """
        if self._results and any(is_history(name) for name in (*names.reads, *names.mentioned)):
            self._load_results()

    def _load_results(self) -> None:
        while self._results:
            waiting = self._results[0]
            value = waiting.value()  # one that is damaged stays, and so do those after it
            del self._results[0]
            for scope in self._history():
                for name in [key for key, held in scope.items() if held is waiting]:
                    scope[name] = value
