"""``durable-nb invalidate``."""

from __future__ import annotations

from pathlib import Path

import click

from durable_nb.cli.completing import NotebookType, StepType
from durable_nb.cli.json_text import print_json
from durable_nb.cli.options import existing_store, json_option, store_option


@click.command(epilog="\b\nExample:\n  durable-nb invalidate clean\n  durable-nb invalidate clean --undo")
@click.argument("step", metavar="STEP", type=StepType())
@click.argument("notebook", metavar="[IN]", type=NotebookType(), required=False)
@click.option("--undo", is_flag=True, help="Take back the newest invalidation.")
@store_option
@json_option
def invalidate(step: str, notebook: Path | None, undo: bool, store_path: Path | None, as_json: bool) -> None:
    """Do not reuse what STEP has left so far: its next run executes.

    Nothing is deleted. IN only tells which store. That an edit does not change a result is said in the
    notebook, by %steps accept STEP: only its kernel knows what else differs.
    """
    from durable_nb.core.overrides import OverrideKind
    from durable_nb.store import decisions

    store = existing_store(store_path, notebook.resolve() if notebook else None)
    if undo:
        taken_back = decisions.undo(store, OverrideKind.INVALIDATE, step)
        count, text = len(taken_back.traces), "may be reused again"
    else:
        count, text = len(decisions.invalidate(store, step).traces), "will not be reused"
    store.flush()
    if as_json:
        print_json({"step": step, "results": count, "invalidated": not undo})
    else:
        click.echo(f"{count} {'result' if count == 1 else 'results'} of {step} {text}")
