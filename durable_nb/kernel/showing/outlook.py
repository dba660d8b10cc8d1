"""Plans of notebooks: of the one that a kernel works on, which knows its variables, and of a file."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from durable_nb.core.cells import comment_out, find_marker
from durable_nb.core.differences import has_same_source
from durable_nb.core.errors import NotFingerprintableError
from durable_nb.core.foresight import make_plan
from durable_nb.core.model import Dependency, DependencyKind, Trace
from durable_nb.core.overrides import Standing, as_accepted
from durable_nb.core.parameter_cells import comment_out_parameters
from durable_nb.core.planning import IMMUTABLE, Binding, Known, Pending, Plan, PlanCell, Unprovable
from durable_nb.kernel.depending import modules
from durable_nb.kernel.depending.dependencies import Surroundings
from durable_nb.kernel.depending.describing import detail_of
from durable_nb.kernel.depending.inputs import module_dependency, new_reader, value_dependency
from durable_nb.kernel.depending.observing.variables import ALL_VARIABLES
from durable_nb.kernel.depending.static_code import StaticCode, literal
from durable_nb.kernel.history import is_history
from durable_nb.kernel.namespace import Namespace
from durable_nb.store.store import Store

_PLAIN_MAGIC = re.compile(r"%([a-z_]+)(?: ([\w.]+(?: [\w.]+)*))?")
Item = TypeVar("Item")
_MOST_TRACES = 200
"""Traces of one step that are looked at, newest first."""


class Outlook:
    """What a plan may know without a kernel: the code, the store, and the files around the notebook.

    Args:
        store: Where traces are.
        folder: The working directory of the kernel that would run the notebook.
    """

    def __init__(self, store: Store | None, folder: Path) -> None:
        self._store = store
        self._surroundings = Surroundings(folder)
        self._static = StaticCode()
        self._traces: dict[str, Remembered[Trace]] = {}
        self._standings: dict[str, Standing] = {}

    def plan(self, notebook: str, cells: Sequence[PlanCell]) -> Plan:
        """What running the cells in their order would do."""
        return make_plan(notebook, cells, self, now=time.time())

    def parse(self, source: str) -> ast.Module:
        """The code of a cell as IPython would run it; an empty module where it has none."""
        source = comment_out_parameters(source)
        marker = find_marker(source)
        unmarked = comment_out(source, marker) if marker else source
        for plain_of in (str, _with_plain_magics, _transformed):  # IPython takes its time to load
            try:
                plain = plain_of(unmarked)
                tree = ast.parse(plain)
            except (SyntaxError, ValueError):
                continue
            self._static.remember(tree, plain)
            return tree
        return ast.Module([], [])

    def evaluate(self, statement: ast.stmt) -> Mapping[str, Known] | None:
        """What a statement binds; without the names of which it cannot be told, None where it is of none."""
        return self._static.evaluate(statement)

    def literal(self, name: str, value: object) -> Known:
        """What a name holds that a run puts a value into."""
        return literal(name, value)

    def live(self, name: str) -> Binding | None:
        """Nothing is live without a kernel, and what earlier cells show is known when they have run."""
        if name == ALL_VARIABLES:
            return Pending("the kernel")
        return Pending("earlier outputs") if is_history(name) else None

    def has_run(self, cell: PlanCell) -> bool:
        """Nothing has run without a kernel."""
        return False

    def find(self, kind: DependencyKind, name: str) -> Dependency | None:
        """The present state of a file, a module or an environment variable."""
        if kind is DependencyKind.RANDOM:
            return Dependency(kind, name, "")  # every new kernel starts with another one
        return self._find(kind, name)

    def _find(self, kind: DependencyKind, name: str) -> Dependency | None:
        if kind is DependencyKind.MODULE and modules.exists(name):
            return module_dependency(name)
        return self._surroundings.find(kind, name)

    def counts_as(self, was: Dependency, now: Dependency) -> bool:
        """A module that is not imported here holds what its source makes, as it did when the notebook ran."""
        described = replace(now, detail=self.describe(now))
        return now.kind is DependencyKind.MODULE and has_same_source(was, described)

    def describe(self, dependency: Dependency) -> str:
        """The detail of a present dependency."""
        return detail_of(dependency, {})

    def standing(self, step: str) -> Standing:
        """What people decided about a step."""
        if self._store is None:
            return Standing()
        if step not in self._standings:
            self._standings[step] = self._store.overrides.standing(step)
        return self._standings[step]

    def traces(self, step: str) -> Iterable[Trace]:
        """The traces of a step, newest first, then those that a person accepted for another code."""
        if self._store is None:
            return []
        if step not in self._traces:
            self._traces[step] = Remembered(self._all_traces(self._store, step))
        return self._traces[step]

    def _all_traces(self, store: Store, step: str) -> Iterator[Trace]:
        yield from store.traces.latest(step, limit=_MOST_TRACES, remember=True)
        for override in self.standing(step).accepted:
            for trace_id in override.traces:
                trace = store.traces.find(step, trace_id)
                accepted = as_accepted(trace, override) if trace is not None else None
                if accepted is not None:
                    yield accepted


class Remembered(Iterable[Item]):
    """What an iterator gives, as often as it is gone through, taken from it only as far as it was needed."""

    def __init__(self, source: Iterator[Item]) -> None:
        self._source = source
        self._taken: list[Item] = []

    def __iter__(self) -> Iterator[Item]:
        place = 0
        while self._has(place):
            yield self._taken[place]
            place += 1

    def _has(self, place: int) -> bool:
        if place == len(self._taken):
            self._taken += islice(self._source, 1)
        return place < len(self._taken)


def _with_plain_magics(source: str) -> str:
    """The code with magics such as ``%load_ext durable_nb`` at its beginning made calls, as IPython does."""
    lines = source.splitlines(keepends=True)
    for index, line in enumerate(lines):
        if found := _PLAIN_MAGIC.fullmatch(line.rstrip("\n")):
            lines[index] = f"get_ipython().run_line_magic({found[1]!r}, {found[2] or ''!r})\n"
        elif line.strip() and not line.startswith("#"):
            break
    return "".join(lines)


def _transformed(source: str) -> str:
    """The code that IPython makes of its own syntax: magics, ``!commands``, ``help?``."""
    from IPython.core.inputtransformer2 import TransformerManager

    plain: str = TransformerManager().transform_cell(source)  # type: ignore[no-untyped-call]
    return plain


class LiveOutlook(Outlook):
    """What a plan may know in a kernel: its variables too.

    Args:
        store: Where traces are.
        namespace: The kernel's variables.
        ran: The sources of the cells that it has run.
    """

    def __init__(self, store: Store, namespace: Namespace, ran: Iterable[str]) -> None:
        super().__init__(store, Path.cwd())
        self._namespace = namespace
        self._ran = {source.strip() for source in ran}
        self._known: dict[str, Binding | None] = {}

    def live(self, name: str) -> Binding | None:
        """What a name holds now; None where it is not bound."""
        if name not in self._known:
            self._known[name] = self._look(name)
        return self._known[name]

    def _look(self, name: str) -> Binding | None:
        if is_history(name):
            return super().live(name)
        waiting = self._namespace.lazy.dependency(name)
        if waiting is not None:
            return Known(waiting)
        values = self._namespace.values
        if name not in values or not self._namespace.is_own(name):
            return None
        value: Any = values[name]
        reader = new_reader(self._namespace)
        try:
            found = value_dependency(name, value, self._namespace, reader)
        except NotFingerprintableError as error:
            return Unprovable(str(error))
        immutable = f"{type(value).__module__}.{type(value).__qualname__}" in IMMUTABLE
        is_code = found.kind is not DependencyKind.VALUE or found.summary.startswith("module ")
        return Known(found, immutable or is_code, frozenset(reader.globals | reader.mentioned))

    def counts_as(self, was: Dependency, now: Dependency) -> bool:
        """A kernel knows what its modules hold."""
        return False

    def has_run(self, cell: PlanCell) -> bool:
        """Whether this kernel has run a cell as it is now."""
        return cell.source.strip() in self._ran

    def find(self, kind: DependencyKind, name: str) -> Dependency | None:
        """The present state of a file, a module, an environment variable or a random generator."""
        return self._find(kind, name)

    def describe(self, dependency: Dependency) -> str:
        """The detail of a present dependency."""
        return detail_of(dependency, self._namespace.values)
