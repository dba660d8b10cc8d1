"""Run the statements of a cell as IPython runs a plain one."""

from __future__ import annotations

import ast
import contextlib
import inspect
import sys
from collections.abc import Callable
from types import CodeType
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from durable_nb.core.errors import NonRetryable, StepTimeoutError

_RAISED_IN_THE_CELL = (NonRetryable, StepTimeoutError)
"""Errors of ours of which the place matters: the cell's own code was there."""


async def run_body(
    shell: InteractiveShell,
    body: list[ast.stmt],
    cell_name: str,
    after: Callable[[ast.stmt], None] = lambda _: None,
) -> None:
    """Execute a cell's statements in the user's namespace; an expression at its end is displayed.

    Args:
        shell: Where the cell runs.
        body: The statements, with the line numbers of the cell.
        cell_name: The file name that IPython's compiler gave the cell: tracebacks and ``getsource`` find it.
        after: Called with each statement that has run.

    Raises:
        BaseException: Whatever the cell raises, its traceback starting in the cell.
    """
    hook, sys.excepthook = sys.excepthook, shell.excepthook
    try:
        for statement, code in _compiled(shell, body, cell_name):
            if code.co_flags & inspect.CO_COROUTINE:
                await eval(code, shell.user_global_ns, shell.user_ns)
            else:
                exec(code, shell.user_global_ns, shell.user_ns)
            after(statement)
    except BaseException as error:
        show_from_the_cell(shell, error, cell_name)
        raise
    finally:
        sys.excepthook = hook


def show_from_the_cell(shell: InteractiveShell, error: BaseException, cell_name: str) -> None:
    """Let IPython show this error once without the frames above the cell's own."""
    if hasattr(error, "_render_traceback_") and not isinstance(error, _RAISED_IN_THE_CELL):
        return
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != cell_name:
        frames = frames.tb_next
    if frames is None:  # the cell did not compile
        return

    def render() -> list[str]:
        del error._render_traceback_  # type: ignore[attr-defined]
        lines = shell.InteractiveTB.structured_traceback(type(error), error, frames, tb_offset=0)
        return list(lines)

    with contextlib.suppress(AttributeError, TypeError):  # an exception class with slots: it shows all frames
        error._render_traceback_ = render  # type: ignore[attr-defined]


def _compiled(
    shell: InteractiveShell, body: list[ast.stmt], cell_name: str
) -> list[tuple[ast.stmt, CodeType]]:
    with shell.compile.extra_flags(ast.PyCF_ALLOW_TOP_LEVEL_AWAIT if shell.autoawait else 0):
        return [
            (node, compiled(shell, ast.Interactive([node]) if shown else ast.Module([node], []), cell_name))
            for node, shown in _with_display(body, shell.ast_node_interactivity)
        ]


def compiled(shell: InteractiveShell, tree: ast.Interactive | ast.Module, cell_name: str) -> CodeType:
    """Compile a part of a cell as IPython does, with the __future__ imports of earlier cells."""
    mode = "single" if isinstance(tree, ast.Interactive) else "exec"
    code: CodeType = shell.compile(tree, cell_name, mode)  # type: ignore[arg-type]
    return code


def _with_display(body: list[ast.stmt], interactivity: str) -> list[tuple[ast.stmt, bool]]:
    """Each statement and whether IPython's setting ``ast_node_interactivity`` shows its value."""
    if not body:
        return []
    if interactivity == "last_expr_or_assign":
        body = [*body, *_shown_target(body[-1])]
    shows_last = interactivity == "last" or (
        interactivity in {"last_expr", "last_expr_or_assign"} and isinstance(body[-1], ast.Expr)
    )
    return [(node, interactivity == "all" or (shows_last and node is body[-1])) for node in body]


def _shown_target(node: ast.stmt) -> list[ast.stmt]:
    """An expression that shows what an assignment bound; nothing for other statements."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        target = node.target
    else:
        return []
    if not isinstance(target, ast.Name):
        return []
    return [ast.fix_missing_locations(ast.Expr(ast.Name(target.id, ast.Load())))]


def last_value(shell: Any) -> Any:
    """The value that the running cell displayed last as its result; None if there was none."""
    result = shell.displayhook.exec_result
    return result.result if result is not None else None
