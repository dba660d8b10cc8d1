"""Where durable_nb meets IPython: the step marker, the ``%steps`` magic, loading and unloading."""

from __future__ import annotations

import ast
import atexit
import contextlib
import inspect
import logging
import sys
import threading
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from IPython.core.error import InputRejected
from IPython.core.error import UsageError as IPythonUsageError
from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class

from durable_nb.core.cells import StepCell, buried_marker, comment_out, find_marker, read_cell
from durable_nb.core.endings import EndingMarker, find_ending
from durable_nb.core.errors import DamagedError, DurableError
from durable_nb.core.option_help import options_as_text
from durable_nb.kernel import lab_extension, steps_magic
from durable_nb.kernel.assisting.assistance import Assistance
from durable_nb.kernel.depending import modules
from durable_nb.kernel.edited_options import with_edited_options
from durable_nb.kernel.ending_cells import NotYet, give_outcome, rewrite_marker, with_body
from durable_nb.kernel.further import AT_LOAD
from durable_nb.kernel.introspection import Introspection
from durable_nb.kernel.isolating.isolation import Isolation
from durable_nb.kernel.params_cell import note_secrets, rewrite_parameters
from durable_nb.kernel.runner import StepRunner
from durable_nb.kernel.session import Session, cell_id_of
from durable_nb.kernel.step_code import read_code
from durable_nb.kernel.told import done_ahead, given_up, is_restored_only, spent_attempts

_ENTRY = "__durable_nb_step__"
"""Name under which a step's cell finds its runner; hidden from the user's namespace."""

_SILENT = logging.NullHandler()
"""Keeps warnings that nobody has asked for off stderr, which is the running cell's output."""

Magic = TypeVar("Magic", bound=Callable[..., None])

_extensions: weakref.WeakKeyDictionary[InteractiveShell, Extension] = weakref.WeakKeyDictionary()


def _rewrite_marker(lines: list[str]) -> list[str]:
    """Input transformer: ``%%step …`` becomes a comment, so that IPython runs the cell's body itself."""
    source = "".join(lines)
    marker = find_marker(source)
    if marker is None:
        return lines
    return with_body(comment_out(source, marker), marker.line)


# IPython asks transformers without side effects whether a cell is complete. It must still see the cell magic
# there, or a terminal would run "%%step load" without waiting for the lines below it.
_rewrite_marker.has_side_effects = True  # type: ignore[attr-defined]
_TRANSFORMERS = (_rewrite_marker, rewrite_marker, rewrite_parameters)


class Extension:
    """Ties a shell to its session: sees each cell before it runs, replaces a step's body by one call."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.session = Session(shell)
        self._shell = shell
        self._coming: ExecutionInfo | None = None
        self._isolation = Isolation(self.session)
        self._introspection = Introspection(shell, self.session.namespace.lazy)
        self._assistance = Assistance(shell, self.session)
        self._detach: list[Callable[[], None]] = []

    def load(self) -> None:
        """Hook into the shell."""
        self.session.watch.install()
        modules.watch_loading()
        self._shell.input_transformers_cleanup.extend(_TRANSFORMERS)
        self._shell.ast_transformers.append(self)  # type: ignore[arg-type]
        self._shell.events.register("pre_execute", self._begins)
        self._shell.events.register("post_execute", self._ends)
        self._shell.events.register("pre_run_cell", self._remember)
        self._shell.events.register("post_run_cell", self._ended)
        self._shell.register_magics(StepMagics(self._shell))
        self._introspection.install()
        self._assistance.install()
        logging.getLogger("durable_nb").addHandler(_SILENT)
        atexit.register(self.session.close)
        self._detach = [attach(self.session) for attach in AT_LOAD]

    def unload(self) -> None:
        """Leave the shell as it was."""
        for detach in self._detach:
            detach()
        for transformer in _TRANSFORMERS:
            self._shell.input_transformers_cleanup.remove(transformer)
        self._shell.ast_transformers.remove(self)  # type: ignore[arg-type]
        self._shell.events.unregister("pre_execute", self._begins)
        self._shell.events.unregister("post_execute", self._ends)
        self._shell.events.unregister("pre_run_cell", self._remember)
        self._shell.events.unregister("post_run_cell", self._ended)
        for kind, name in (("cell", "step"), ("cell", "params"), ("line", "steps")):
            self._shell.magics_manager.magics[kind].pop(name, None)
        self._assistance.remove()
        self._introspection.remove()
        logging.getLogger("durable_nb").removeHandler(_SILENT)
        self.session.namespace.lazy.load_all()
        atexit.unregister(self.session.close)
        self.session.watch.uninstall()
        self.session.close()

    def _begins(self) -> None:
        # Messages to widgets come with the same event, in a subshell even while a cell runs.
        if threading.current_thread() is self.session.thread:
            self._coming = None
            self.session.cell_begins()

    def _ends(self) -> None:
        if threading.current_thread() is self.session.thread:
            self.session.cell_ends()

    def _remember(self, info: ExecutionInfo) -> None:
        self._coming = info
        self.session.open_cells += 1

    def _ended(self, result: ExecutionResult) -> None:
        self.session.open_cells = max(0, self.session.open_cells - 1)
        unseen, self._coming = self._coming, None
        note_secrets(self._shell, result)
        error = result.error_before_exec or result.error_in_exec
        if unseen is not None and error is not None:
            self._isolation.unparsed(unseen, error)
        else:
            self._isolation.ended(result)

    def visit(self, node: ast.AST) -> Any:
        """AST transformer: called once for each cell that runs, after IPython has parsed it."""
        info, self._coming = self._coming, None
        if not isinstance(node, ast.Module) or self.session.running:
            return node
        source = str(info.raw_cell) if info is not None else ""
        ending = find_ending(source)
        if ending is not None:
            return self._ending(node, info, ending)
        marker = find_marker(source)
        if info is None or marker is None:
            if (buried := buried_marker(source)) is not None:
                raise _CellRefused(buried)
            cell = self._unmarked_step(source, node, info)
            if info is None or cell is None:
                refused = self._isolation.refusal(node, info)
                if (error := given_up(info) or refused) is not None:
                    return self._call_of(_GivenUp(error), 1)
                self._read_for(node)
                return node
            return self._call_of(_Step(self.session, self._isolation, node, info, cell), 1)
        return self._call_of(_Step(self.session, self._isolation, node, info), marker.line + 1)

    def _ending(self, tree: ast.Module, info: ExecutionInfo | None, marker: EndingMarker) -> ast.Module:
        """A cell for the end of a run: what it holds if the run has ended, else a line that says so."""
        if give_outcome(self._shell, info, marker):
            self._read_for(tree)
            return tree
        return self._call_of(NotYet(self._shell, marker), marker.line + 1)

    def _call_of(self, step: _Step | _GivenUp | NotYet, line: int) -> ast.Module:
        """What runs in place of a step's body, on the line of its marker."""
        self._shell.user_ns[_ENTRY] = step
        call: ast.expr = ast.Call(ast.Name(_ENTRY, ast.Load()), [], [])
        if step.awaits:
            call = ast.Await(call)  # so that IPython awaits it in the kernel's own event loop
        body = ast.Expr(call, lineno=line, col_offset=0, end_lineno=line, end_col_offset=1)
        return ast.fix_missing_locations(ast.Module([body], []))

    def _unmarked_step(self, source: str, tree: ast.Module, info: ExecutionInfo | None) -> StepCell | None:
        """The step that a cell without a marker is in auto mode."""
        # Front ends look at variables by cells that leave no history.
        if not self.session.auto.on or info is None or not info.store_history:
            return None
        cell_id = cell_id_of(info)
        before, cell = self.session.auto.name_of(cell_id), self.session.auto.step_of(source, tree, cell_id)
        if cell is None or cell.name != before:
            self.session.reports.pop(before, None)  # the cell was edited: that step is no more
        return cell

    def _read_for(self, tree: ast.Module) -> None:
        """A plain cell finds every variable that it may use."""
        try:
            self.session.namespace.lazy.load_for(tree)
        except DamagedError as error:
            raise _CellRefused(error) from error


class _CellRefused(InputRejected):
    """IPython does not run a cell whose transformer raises this."""

    def __init__(self, reason: DurableError) -> None:
        super().__init__(str(reason))
        self._reason = reason

    def _render_traceback_(self) -> list[str]:
        return self._reason._render_traceback_()


class _GivenUp:
    """What a plain cell calls in place of its body if it has ended kernels before."""

    awaits = False

    def __init__(self, error: DurableError) -> None:
        self._error = error

    def __call__(self) -> None:
        __tracebackhide__ = True
        raise self._error


class _Step:
    """What a step's cell calls in place of its body."""

    def __init__(
        self,
        session: Session,
        isolation: Isolation,
        tree: ast.Module,
        info: ExecutionInfo,
        unmarked: StepCell | None = None,
    ) -> None:
        self._unmarked = unmarked
        self._session = session
        self._isolation = isolation
        self._tree = tree
        self._info = info
        self.awaits = _awaits(tree, str(info.raw_cell))

    def __call__(self) -> Coroutine[Any, Any, None] | None:
        __tracebackhide__ = True
        self._session.namespace.values.pop(_ENTRY, None)
        # IPython compiled the call under the cell's own name.
        coroutine = self._run(sys._getframe(1).f_code.co_filename)
        if self.awaits:
            return coroutine
        _finish(coroutine)
        return None

    async def _run(self, cell_name: str) -> None:
        __tracebackhide__ = True
        cell = self._unmarked or read_cell(str(self._info.raw_cell), self._tree)
        assert cell is not None, "visit() found its marker"
        cell = with_edited_options(self._session, cell)
        cell_id = cell_id_of(self._info)
        if not cell.auto:
            self._session.claim(cell, cell_id)
        self._session.running = cell.name
        self._session.unprovable.clear()
        self._session.spent_attempts = spent_attempts(self._info)
        self._session.restoring = is_restored_only(self._info)
        self._session.done_ahead = done = done_ahead(self._info)
        if done is not None:
            self._session.count_attempts(cell.name, done.attempt)
        step = read_code(cell, self._tree, cell_name, cell_id)
        try:
            self._isolation.admit(step, given_up(self._info))
            await StepRunner(self._session, step, awaits=self.awaits).run()
        except BaseException as error:
            self._isolation.failed(step, error)
            raise
        finally:
            self._session.running = ""
            self._session.metrics.clear()
        self._isolation.completed(step)


def _finish(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never waits to its end: a cell without ``await`` needs no event loop."""
    __tracebackhide__ = True
    with contextlib.suppress(StopIteration):
        coroutine.send(None)
        raise RuntimeError("a step without await tried to wait")


def _awaits(tree: ast.Module, source: str) -> bool:
    """Whether the cell awaits at its top level, as Python's compiler sees it."""
    if "await" not in source and "async" not in source:
        return False
    try:
        code = compile(tree, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError):
        return False  # it parsed, but does not compile: the error shows when the body is run
    return bool(code.co_flags & inspect.CO_COROUTINE)


def _with_options(magic: Magic) -> Magic:
    """The magic with all options of a step in its help."""
    magic.__doc__ = f"{inspect.cleandoc(magic.__doc__ or '')}\n\nOptions:\n\n{options_as_text('  ')}\n"
    return magic


@magics_class
class StepMagics(Magics):
    """The magics that a user types."""

    @cell_magic
    @_with_options
    def step(self, line: str, cell: str) -> None:
        """Make this cell a durable step: ``%%step NAME [options]`` on its first line.

        Its results are kept on disk; run again, also in a new kernel, they come back instead of being
        computed, as long as code and inputs are proven to be the same. Without a name it takes the first that
        the cell binds. The comment form ``# step: NAME [options]`` does the same.
        """
        raise IPythonUsageError("%%step must be the first line of its cell, above other magics")

    @cell_magic
    def params(self, line: str, cell: str) -> None:
        """Declare parameters: ``%%params`` on the first line of a cell with plain assignments.

        ``threshold = 0.5  # drop rows below this; range: 0..1``: name, default, type, help and range. Parts
        of a comment, set off by ``;``, may say ``choices: a, b``, ``range: 0..1``, ``secret`` and
        ``not secret``.

        A run replaces defaults: ``durable-nb run report.ipynb -p threshold 0.4``; a value that does not fit
        is refused before any cell runs. The comment form ``# params:`` does the same.
        """
        raise IPythonUsageError("%%params must be the first line of its cell, above other magics")

    @line_magic
    def steps(self, line: str) -> object:
        """Show and explain the steps of this notebook.

        ``%steps`` alone shows how they stand. ``%steps why NAME`` says why a step executes, with the
        differences; ``%steps plan`` what would be reused and executed; ``%steps history NAME`` what a step
        has left so far, and what differed each time.

        ``%steps accept NAME``: this edit does not change the result, reuse it. ``%steps invalidate NAME``: do
        not reuse what it has left so far. Both are taken back by ``--undo``. ``%steps rename OLD NEW``: what
        it has left counts under its new name, too. ``%steps auto on``: every code
        cell is a step. ``%steps dashboard``: all of this in a panel, with the parameters and the runs.
        """
        return steps_magic.steps(session_of(self.shell), line)


def session_of(shell: InteractiveShell | None) -> Session:
    """The durable session of a shell.

    Raises:
        DurableError: The extension is not loaded there.
    """
    extension = _extensions.get(shell) if shell is not None else None
    if extension is None:
        raise DurableError("durable_nb is not loaded in this kernel; run %load_ext durable_nb first")
    return extension.session


def is_loaded(shell: InteractiveShell) -> bool:
    """Whether the shell has the extension."""
    return shell in _extensions


def load(shell: InteractiveShell) -> None:
    """Load the extension into a shell, once."""
    if shell not in _extensions:
        _extensions[shell] = Extension(shell)
        _extensions[shell].load()
        lab_extension.tell_if_missing(shell)


def unload(shell: InteractiveShell) -> None:
    """Take the extension out of a shell."""
    extension = _extensions.pop(shell, None)
    if extension is not None:
        extension.unload()
