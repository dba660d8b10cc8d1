"""Auto mode: every code cell is a step, named by its content. What cannot be proven simply runs."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from durable_nb.core.analysis import analyse
from durable_nb.core.autocells import auto_name, is_left_alone, unproven, unproven_names
from durable_nb.core.cells import StepCell
from durable_nb.core.code import cell_fingerprint, names_read_by
from durable_nb.core.errors import UsageError
from durable_nb.core.options import Options
from durable_nb.core.parameter_cells import find_parameters
from durable_nb.kernel.namespace import Namespace

_WIDGET = "application/vnd.jupyter.widget-view+json"
_PROGRESS = "%|"
"""What the text of a progress bar has: it is shown again as it ended, and needs no kernel."""


class AutoSteps:
    """Which plain cells of one kernel are steps, and what they are called.

    Args:
        namespace: The notebook's variables.
        on: Whether plain cells are steps from the start.
    """

    def __init__(self, namespace: Namespace, *, on: bool) -> None:
        self.on = on
        """Whether plain cells are steps."""
        self._namespace = namespace
        self._names: dict[str, str] = {}
        """Cell id → name of the step that it was when it was last run."""

    def name_of(self, cell_id: str) -> str:
        """The step that a cell was when it was last run; empty where it was none."""
        return self._names.get(cell_id, "")

    def step_of(self, source: str, tree: ast.Module, cell_id: str) -> StepCell | None:
        """The step that a plain cell is; None where it is to run as it does without us.

        Args:
            source: The cell as the user wrote it.
            tree: Its body as parsed by IPython.
            cell_id: The front end's id of the cell; empty where it gives none.
        """
        self._names.pop(cell_id, None)
        if is_left_alone(tree) or find_parameters(source) is not None or self._why_not(tree):
            return None
        content = cell_fingerprint(tree, quiet=source.rstrip().endswith(";"))
        name = self._name(auto_name(tree, content), cell_id)
        return StepCell(name, Options(), source, source, auto=True)

    def _name(self, wanted: str, cell_id: str) -> str:
        """A name that no other cell has; cells of equal content are told apart by their order."""
        if not cell_id:
            return wanted
        taken = set(self._names.values())
        name, number = wanted, 1
        while name in taken:
            number += 1
            name = f"{wanted}_{number}"
        self._names[cell_id] = name
        return name

    def _why_not(self, tree: ast.Module) -> str:
        found = unproven(tree, self._home)
        return found or next((why for code in self._used(tree) if (why := self._why_not_code(code))), "")

    def _home(self, name: str) -> str | None:
        value = self._namespace.values.get(name)
        if isinstance(value, types.ModuleType):
            return value.__name__
        if isinstance(value, types.FunctionType | types.BuiltinFunctionType | type):
            module = getattr(value, "__module__", None)
            return None if module == "__main__" else module
        return "builtins" if value is None and name in _builtins() else None

    def _used(self, tree: ast.Module) -> Iterator[types.FunctionType | type]:
        """The notebook's own functions and classes that a cell may use, directly or through one another."""
        names = analyse(tree)
        queue = [*names.reads, *names.mentioned]
        seen: set[str] = set()
        while queue:
            name = queue.pop()
            value = self._namespace.values.get(name)
            if name in seen or value is None:
                continue
            seen.add(name)
            if isinstance(value, types.FunctionType | type) and value.__module__ == "__main__":
                yield value
            queue += names_read_by(value, self._namespace.values) or ()

    def _why_not_code(self, code: types.FunctionType | type) -> str:
        parts = [code]
        if isinstance(code, type):
            parts = [part for part in vars(code).values() if isinstance(part, types.FunctionType)]
        return next((why for part in parts if (why := self._why_not_function(part))), "")

    def _why_not_function(self, function: Any) -> str:
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        except (OSError, SyntaxError, TypeError):
            # a lambda within a longer statement, or code without a text: its names must do
            return unproven_names(function.__code__.co_names)
        return unproven(tree.body[0], self._home)


def problems_of(outputs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What a cell showed or left open that would not be there again if it were reused.

    Args:
        outputs: nbformat outputs of the cell.
    """
    found = {}
    if any(_is_widget(output.get("data", {})) for output in outputs):
        found["a widget"] = "it lives in the kernel that made it"
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and pyplot.get_fignums():
        found["an open figure"] = "what is drawn later may go into it"
    return found


def _is_widget(data: Mapping[str, Any]) -> bool:
    return _WIDGET in data and _PROGRESS not in str(data.get("text/plain", ""))


def _builtins() -> Mapping[str, Any]:
    return vars(sys.modules["builtins"])


def switch(steps: AutoSteps, words: list[str]) -> str:
    """``%steps auto on``, ``off``, or nothing to ask.

    Raises:
        UsageError: Another word.
    """
    if words not in ([], ["on"], ["off"]):
        raise UsageError(f"%steps auto: found {' '.join(words)}, expected %steps auto on, or off")
    if words:
        steps.on = words == ["on"]
    return (
        "auto is on: every code cell is a step, and what cannot be proven simply runs"
        if steps.on
        else "auto is off: only cells with %%step are steps"
    )
