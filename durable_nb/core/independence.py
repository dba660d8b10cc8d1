"""Which steps of a notebook may be executed before their turn, in a kernel of their own, beside other steps.

A step may if its recorded dependencies come from nothing that is still to be done. Nothing is believed for
good: when it is the step's turn, what was made ahead is reused only where that is proven right, as always.
So this may be wrong at the price of time; it is careful because what is executed twice acts twice.
"""

from __future__ import annotations

import ast
import fnmatch
import os
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from durable_nb.core.analysis import analyse
from durable_nb.core.cells import StepCell, parse_loosely
from durable_nb.core.code import step_fingerprint
from durable_nb.core.definitions import is_harmless
from durable_nb.core.effects import may_change
from durable_nb.core.model import DependencyKind, OutputKind, Trace
from durable_nb.core.parameter_cells import comment_out_parameters
from durable_nb.core.products import names_made

_VARIABLES = frozenset({DependencyKind.VALUE, DependencyKind.FUNCTION, DependencyKind.CLASS})
_ELSEWHERE = frozenset({*_VARIABLES, DependencyKind.MODULE, DependencyKind.FILE, DependencyKind.SHARING})
"""What a step may depend on to be executed in another kernel; not the state of the process."""
_OF_NO_CONSEQUENCE = re.compile(r"^[ \t]*%(?:re)?load_ext[ \t]+durable_nb[ \t]*$", re.MULTILINE)
_MAGIC = re.compile(r"^\s*[%!]|^[^\n#]*=\s*[%!]", re.MULTILINE)


class Standing(Enum):
    """How far a cell is in the present pass over the notebook."""

    TO_COME = auto()
    DONE = auto()
    MISSING = auto()
    """It failed, or was not run: what it would have made is not there."""


@dataclass(frozen=True, slots=True)
class CellFacts:
    """What is known of a cell before it runs."""

    index: int
    """In the notebook, from 0."""
    step: str = ""
    """Empty for a plain cell."""
    reads: frozenset[str] = frozenset()
    makes: frozenset[str] = frozenset()
    files_read: frozenset[str] = frozenset()
    files_made: frozenset[str] = frozenset()
    after: tuple[str, ...] = ()
    """Steps that must be done before this one, whatever it reads."""
    known: bool = False
    """A step: the same code has run before, so that what it reads and makes is on record."""
    can_go_ahead: bool = False
    """A step: it may be executed in another kernel, as far as it is up to itself."""
    seconds: float = 0.0
    """A step: how long it took."""
    replay: str = ""
    """A plain cell: those of its statements that only define, to be executed in every kernel."""
    defines: frozenset[str] = frozenset()
    """The names that these bind."""
    opaque: bool = False
    """A plain cell: it may bind or change anything."""
    whole: bool = False
    """A plain cell: it only defines."""


def facts_of_step(index: int, step: StepCell, traces: Callable[[str], Iterable[Trace]]) -> CellFacts:
    """What is known of a step from its code and from the latest trace that this code has left.

    Args:
        index: Of its cell.
        step: The step.
        traces: Gives the traces of a step, newest first.
    """
    tree = parse_loosely(step.body)
    names, options = analyse(tree), step.options
    code = step_fingerprint(step, tree)
    trace = next((t for t in traces(step.name) if t.code == code and t.durable), None) if tree.body else None
    made = names.writes | names.deletes
    if trace is None:
        return CellFacts(index, step.name, makes=made | may_change(tree), after=options.after)
    kinds = {dependency.kind for dependency in trace.dependencies}
    return CellFacts(
        index,
        step.name,
        reads=names.reads | {*options.inputs} | {d.name for d in trace.dependencies if d.kind in _VARIABLES},
        makes=made | {o.name for o in trace.outputs if o.kind is not OutputKind.FILE},
        files_read=frozenset(d.name for d in trace.dependencies if d.kind is DependencyKind.FILE),
        files_made=names.written_texts
        | {*options.writes}
        | {output.name for output in trace.outputs if output.kind is OutputKind.FILE},
        after=options.after,
        known=True,
        can_go_ahead=kinds <= _ELSEWHERE and not options.always and not options.at_most_once,
        seconds=trace.seconds,
    )


def facts_of_plain(index: int, source: str, imported: Collection[str] = ()) -> CellFacts:
    """What is known of a plain cell from its code.

    Args:
        index: Of the cell.
        source: Its code.
        imported: Names that import statements of the notebook bind: to call a module's function does not
            change the module.
    """
    code = _OF_NO_CONSEQUENCE.sub("pass", comment_out_parameters(source))
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return CellFacts(index, opaque=True)
    harmless = [statement for statement in tree.body if is_harmless(statement)]
    others = ast.Module([s for s in tree.body if s not in harmless], [])
    if analyse(others).reads_namespace or _has_star(others) or _MAGIC.search(code):
        return CellFacts(index, opaque=True)
    names = analyse(others)
    changed = (names_made(others) | may_change(others)) - {*imported}
    kept = [ast.get_source_segment(code, statement) or "" for statement in harmless]
    return CellFacts(
        index,
        makes=names.writes | names.deletes | changed,
        replay="\n".join(kept),
        defines=analyse(ast.Module(list(harmless), [])).writes,
        whole=not others.body,
    )


def imported_names(source: str) -> frozenset[str]:
    """The names that import statements of a cell bind."""
    nodes = ast.walk(parse_loosely(source))
    found = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    return analyse(ast.Module(list(found), [])).writes


def _has_star(tree: ast.Module) -> bool:
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return any(alias.name == "*" for node in imports for alias in node.names)


class Independence:
    """Decides for one pass over a notebook which step may go ahead.

    Args:
        cells: The cells that are run, in their order.
    """

    def __init__(self, cells: Sequence[CellFacts]) -> None:
        self._cells = cells
        self._standing = {cell.index: Standing.TO_COME for cell in cells}

    def begin_again(self) -> None:
        """All cells are run again in another kernel; what was done ahead stays done, but for plain cells."""
        for cell in self._cells:
            if not cell.step or self._standing[cell.index] is Standing.MISSING:
                self._standing[cell.index] = Standing.TO_COME

    def ended(self, index: int, *, well: bool) -> None:
        """A cell has ended, in its turn or ahead of it."""
        if index in self._standing:
            self._standing[index] = Standing.DONE if well else Standing.MISSING

    def is_done(self, index: int) -> bool:
        """Whether a cell has ended well."""
        return self._standing.get(index) is Standing.DONE

    def can_go(self, index: int) -> bool:
        """Whether a step needs nothing of a cell that is still to come, or that failed."""
        wanted = next(cell for cell in self._cells if cell.index == index)
        return wanted.can_go_ahead and self._lacks_nothing(wanted)

    def _lacks_nothing(self, wanted: CellFacts) -> bool:
        lacking: set[str] = set()
        for cell in self._cells:
            if cell.index >= wanted.index:
                break
            if self._keeps_back(cell, wanted):
                return False
            self._pass(cell, lacking)
        return not wanted.reads & lacking

    def _keeps_back(self, cell: CellFacts, wanted: CellFacts) -> bool:
        """Whether an earlier cell keeps a step from going ahead, whatever names are about."""
        standing = self._standing[cell.index]
        if not cell.step:
            return cell.opaque or (standing is not Standing.DONE and not cell.whole)
        if standing is Standing.DONE:
            return False
        if cell.step in wanted.after:
            return True
        if standing is Standing.MISSING:
            return False
        return not cell.known or bool(cell.makes & wanted.reads) or _meet(cell.files_made, wanted.files_read)

    def _pass(self, cell: CellFacts, lacking: set[str]) -> None:
        """Take note of the names that a cell leaves missing in another kernel, or gives it."""
        if not cell.step:
            lacking -= cell.defines
            lacking |= cell.makes  # by statements that are not executed twice
        elif self._standing[cell.index] is Standing.DONE:
            lacking -= cell.makes
        else:
            lacking |= cell.makes

    def before(self, index: int) -> list[CellFacts]:
        """What another kernel needs before it executes a step: definitions, and results to be restored."""
        return [
            cell
            for cell in self._cells
            if cell.index < index and (cell.replay if not cell.step else self.is_done(cell.index))
        ]


def _meet(made: Collection[str], read: Collection[str]) -> bool:
    """Whether a path that one step writes may be one that another reads; either may be relative."""
    return any(_is_same_file(one, other) for one in made for other in read)


def _is_same_file(made: str, read: str) -> bool:
    if not made or "\n" in made:
        return False
    one, other = os.path.normpath(made), os.path.normpath(read)
    ends_alike = one.endswith(os.sep + other) or other.endswith(os.sep + one)
    return (
        one == other or ends_alike or fnmatch.fnmatch(other, one) or fnmatch.fnmatch(other, f"*{os.sep}{one}")
    )
