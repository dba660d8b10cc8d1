"""What a shell offers for a run, a step or a notebook; nothing where that cannot be told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from durable_nb.store.store import Store

_MOST = 200
"""Runs that are offered, the newest."""
_RUNS = """
    select run_id, notebook, state from runs where starts_with(run_id, ?)
    order by coalesce(resumed_at, started_at) desc limit ?
"""
_STEPS = """
    select step, arg_max(state, updated_at) as state from steps where starts_with(step, ?)
    group by step order by step
"""


class RunType(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.2 on, in its stubs only
    """The id of a run."""

    name = "run"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The newest runs that begin like this, and ``last``."""
        rows = _rows(ctx, _RUNS, [incomplete, _MOST])
        found = [
            CompletionItem(row["run_id"], help=f"{row['state']} {_name(row['notebook'])}") for row in rows
        ]
        return [*found, CompletionItem("last")] if "last".startswith(incomplete) else found


class StepType(click.ParamType):  # type: ignore[type-arg]  # the same
    """The name of a step."""

    name = "step"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The steps that the store knows."""
        return [CompletionItem(row["step"], help=row["state"]) for row in _rows(ctx, _STEPS, [incomplete])]


class NotebookType(click.Path):
    """The file of a notebook."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The notebooks that begin like this; where there are none, what the shell offers for files."""
        before, slash, begun = incomplete.rpartition("/")
        names = [path.name for path in _listed(Path(before + slash).expanduser())]
        fitting = [n for n in sorted(names) if n.startswith(begun) and n.endswith(".ipynb") and n[0] != "."]
        found = [CompletionItem(f"{before}{slash}{name}") for name in fitting]
        return found or [CompletionItem(incomplete, type="file")]


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []  # the command will say it; a shell that completes has no place for it


def _rows(ctx: click.Context, sql: str, params: list[object]) -> list[dict[str, str]]:
    from durable_nb.core.errors import DurableError

    try:
        store = _store(ctx)
        return store.ledger.rows(sql, params) if store is not None else []
    except DurableError:
        return []  # the same


def _store(ctx: click.Context) -> Store | None:
    from durable_nb.store.location import find_store
    from durable_nb.store.store import open_store

    notebook = ctx.params.get("notebook")
    path = ctx.params.get("store_path") or find_store(notebook.resolve() if notebook else None)
    if not Path(path).exists():
        return None
    store = open_store(path)
    ctx.call_on_close(store.close)
    return store


def _name(path: str | None) -> str:
    return Path(path).name if path else ""
