"""Completion, inspection and expressions of front ends see variables that are not read from disk yet."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher
from IPython.core.interactiveshell import InteractiveShell

from durable_nb.core.errors import DamagedError
from durable_nb.kernel.results.lazy import LazyValues

_ROOT = re.compile(r"([^\W\d]\w*)(?:\.\w+|\[[^\[\]]*\]|\([^()]*\))*(?:\.\w*|\[[^\[\]]*)$")
"""The variable at the beginning of ``df.columns.`` or ``df['de`` that ends the text."""


class Introspection:
    """Hooks of one shell; whoever asks about a variable that waits makes it read.

    Args:
        shell: The shell.
        lazy: Its variables that are not read yet.
    """

    def __init__(self, shell: InteractiveShell, lazy: LazyValues) -> None:
        self._shell = shell
        self._lazy = lazy
        self._matcher = _matcher(lazy)

    def install(self) -> None:
        """Hook into the shell."""
        self._shell.Completer.custom_matchers.append(self._matcher)
        hooked: dict[str, Callable[[Any], None]] = {
            "object_inspect_mime": self._inspected,
            "user_expressions": self._asked,
        }
        for name, look in hooked.items():
            setattr(self._shell, name, self._first(getattr(self._shell, name), look))

    def remove(self) -> None:
        """Leave the shell as it was."""
        self._shell.Completer.custom_matchers.remove(self._matcher)
        del self._shell.object_inspect_mime, self._shell.user_expressions

    def _first(self, method: Callable[..., Any], look: Callable[[Any], None]) -> Callable[..., Any]:
        def reading(subject: Any, *args: Any, **kwargs: Any) -> Any:
            if self._lazy:
                look(subject)
            return method(subject, *args, **kwargs)

        return reading

    def _inspected(self, name: str) -> None:
        _load(self._lazy, [name.partition(".")[0].partition("[")[0].strip()])

    def _asked(self, expressions: dict[str, str]) -> None:
        for expression in expressions.values():
            try:
                self._lazy.load_for(ast.parse(expression))
            except (SyntaxError, ValueError):
                continue  # evaluating it says so
            except DamagedError:
                continue  # it stays undefined; the next cell that names it says why


def _load(lazy: LazyValues, names: list[str]) -> None:
    try:
        lazy.load(names)
    except DamagedError:
        return  # a tooltip is no place for this error; the next cell that names the variable says it


def _matcher(lazy: LazyValues) -> Any:
    @context_matcher(identifier="durable_nb.names")  # type: ignore[untyped-decorator]
    def names(context: CompletionContext) -> dict[str, Any]:
        if not lazy:
            return {"completions": []}
        line = context.line_with_cursor[: context.cursor_position]
        if root := _ROOT.search(line):
            _load(lazy, [root[1]])
            return {"completions": []}
        found = [name for name in lazy.names() if name.startswith(context.token)]
        return {"completions": [SimpleCompletion(name, type="instance") for name in found]}

    return names
