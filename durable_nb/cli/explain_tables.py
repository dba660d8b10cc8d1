"""How plans and explanations look in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from durable_nb.batch.inspecting.effective import value_in_words
from durable_nb.batch.parameters import Effective, Origin
from durable_nb.batch.wording import ago
from durable_nb.cli.explained import ExplainedStep
from durable_nb.cli.tables import plain_table, shown_path, terminal
from durable_nb.core import plan_words
from durable_nb.core.model import State
from durable_nb.core.planning import Decision, Plan, PlannedStep
from durable_nb.core.staleness import StaleReason
from durable_nb.core.wording import duration

_LOOK = {
    Decision.REUSE: ("↺", "cyan"),
    Decision.EXECUTE: ("▸", "bold blue"),
    Decision.DEPENDS: ("?", "yellow"),
}
_LINE_STYLES = {"+": "green", "-": "red", "@": "dim cyan"}


def print_plan(plan: Plan, parameters: Sequence[Effective] = ()) -> None:
    """One line a step, what it comes to, and the parameters that are edited: no cell shows them."""
    console = terminal()
    if not plan.steps:
        console.print(f"{shown_path(plan.notebook)} has no steps. Mark a cell with %%step NAME on line 1.")
        return
    console.print(Text.assemble(("Plan", "bold"), f" of {shown_path(plan.notebook)}"))
    filled = {
        "STEP": [Text(step.step) for step in plan.steps],
        "PLAN": [_decision(step, console) for step in plan.steps],
        "TIME": [Text(plan_words.time(step)) for step in plan.steps],
        "SAVES": [Text(plan_words.saved(step)) for step in plan.steps],
        "WHY": [Text(plan_words.why(step), style="dim") for step in plan.steps],
    }
    used = {name: cells for name, cells in filled.items() if any(cells)}
    table = plain_table(*used)
    for row in zip(*used.values(), strict=True):
        table.add_row(*row)
    console.print(table)
    console.print(Text(" · ".join(plan_words.totals(plan)), style="dim"))
    for one in parameters:
        if one.origin is Origin.EDIT:
            console.print(Text(f"{one.name}={value_in_words(one.value)} ({one.whence})", style="dim"))


def print_why(found: ExplainedStep) -> None:
    """Why a step executed, then what would become of it."""
    console = terminal()
    where = f" of {shown_path(found.notebook)}" if found.notebook else ""
    console.print(Text.assemble((found.step, "bold"), where))
    console.print(Text.assemble(("last ", "dim"), *_last(found)))
    print_reasons(console, found.past.differences if found.past is not None else ())
    if found.planned is None:
        console.print(Text.assemble(("now  ", "dim"), "not known: name its notebook, durable-nb why STEP IN"))
        return
    _, style = _LOOK[found.planned.decision]
    console.print(Text.assemble(("now  ", "dim"), (_now(found.planned), style)))
    print_reasons(console, found.planned.reasons)


def _decision(step: PlannedStep, console: Console) -> Text:
    mark, style = _LOOK[step.decision]
    word = plan_words.decision(step)
    return Text(f"{mark} {word}" if console.is_terminal else word, style=style)


def _last(found: ExplainedStep) -> list[str]:
    if found.last is None:
        return ["has not run here"] if found.past is None else ["completed in another notebook"]
    state = "executed" if found.last.state is State.COMPLETED else found.last.state.value
    when = ago(found.last.updated_at) if found.last.updated_at is not None else ""
    took = duration(found.last.seconds) if found.last.seconds is not None else ""
    reason = "" if found.past is not None and found.past.differences else found.last.reason
    parts = [part for part in (state, when, took, reason, found.last.error) if part]
    return [" · ".join(parts)]


def _now(planned: PlannedStep) -> str:
    if planned.decision is Decision.REUSE:
        saves = plan_words.saved(planned)
        return f"would be reused{f', saves {saves}' if saves else ''}"
    if planned.decision is Decision.DEPENDS:
        return plan_words.decision(planned)
    time = plan_words.time(planned)
    return f"would execute{f', {time}' if time else ''}"


def print_reasons(console: Console, reasons: Sequence[StaleReason]) -> None:
    """Reasons one below the other, each with the changed lines of its source."""
    for reason in reasons:
        console.print(Padding(Text(f"· {reason.text}"), (0, 0, 0, 5), expand=False))
        for line in reason.lines:
            style = _LINE_STYLES.get(line[:1], "dim")
            console.print(Padding(Text(line, style=style), (0, 0, 0, 9), expand=False))
