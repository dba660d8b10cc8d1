"""What going on with runs would do, said on stderr before it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from durable_nb.core import plan_words
from durable_nb.core.planning import Decision, Plan

if TYPE_CHECKING:
    from durable_nb.batch.resuming import Resumption
    from durable_nb.store.store import Store

_VERBS = {Decision.EXECUTE: "executes", Decision.DEPENDS: "may execute", Decision.REUSE: "reuses"}


def tell(store: Store, planned: Resumption) -> None:
    """What is changed in one run; of a fixed notebook also what becomes of each step."""
    for line in planned.lines():
        click.echo(line, err=True)
    plan = _plan(store, planned)
    if plan is None:
        return
    by_hand = {step for step, _ in planned.given}
    for step in plan.steps:
        if step.step in by_hand:
            continue  # said already; whether it executes depends on what else it makes
        click.echo(f"  {step.step}: {plan_words.decision(step)}{_because(plan_words.why(step))}", err=True)


def tell_briefly(store: Store, planned: Resumption) -> None:
    """The same of one of several runs, on one line."""
    parts = [planned.record.run_id, *planned.lines()]
    plan = _plan(store, planned)
    for decision, verb in _VERBS.items() if plan is not None else ():
        names = [step.step for step in plan.steps if step.decision is decision] if plan is not None else []
        parts += [f"{verb} {', '.join(names)}"] if names else []
    if len(parts) > 1:
        click.echo(" · ".join(parts), err=True)


def _plan(store: Store, planned: Resumption) -> Plan | None:
    """What becomes of each step; only of a fixed notebook, of which nobody knows it."""
    if planned.changes.notebook is None:
        return None
    from durable_nb.cli.explain import plan_notebook

    options = planned.options
    secrets = options.get("secrets") or ()
    return plan_notebook(planned.notebook, planned.parameters, secrets, options.get("cwd"), store)


def _because(why: str) -> str:
    return f" ({why})" if why else ""
