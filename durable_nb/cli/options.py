"""Options that several commands share."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from durable_nb.store.store import Store

Function = TypeVar("Function", bound="Callable[..., Any]")


def store_option(function: Function) -> Function:
    """Add ``--store``."""
    return click.option(
        "--store",
        "store_path",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="FOLDER",
        help="The store, if not DURABLE_NB_STORE, the one named in pyproject.toml, or .durable beside IN.",
    )(function)


def json_option(function: Function) -> Function:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(function)


def run_options(function: Function) -> Function:
    """Add ``-p``, ``-f``, ``--secret`` and ``--cwd``: what a run gets besides its notebook."""
    for option in (
        click.option(
            "--cwd",
            type=click.Path(path_type=Path, exists=True, file_okay=False),
            metavar="FOLDER",
            help="Working directory of the kernel; IN's folder by default.",
        ),
        click.option(
            "-f",
            "files",
            multiple=True,
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Set parameters from YAML or JSON.",
        ),
        click.option(
            "-p",
            "pairs",
            nargs=2,
            multiple=True,
            metavar="NAME VALUE",
            help="Set a parameter; may be repeated.",
        ),
        click.option(
            "--secret",
            "secrets",
            multiple=True,
            metavar="NAME",
            help="A parameter whose value is written nowhere, as if its name looked secret; may be repeated.",
        ),
    ):
        function = option(function)
    return function


def forcing_options(function: Function) -> Function:
    """Add ``--from`` and ``--force``."""
    for option in (
        click.option(
            "--force",
            multiple=True,
            metavar="STEP",
            help="Execute STEP even if it is up to date; may be repeated.",
        ),
        click.option(
            "--from",
            "from_step",
            default="",
            metavar="STEP",
            help="The same for STEP and all after it, but for those marked --at-most-once.",
        ),
    ):
        function = option(function)
    return function


def tag_option(text: str) -> Callable[[Function], Function]:
    """Add ``--tag``, with this help."""
    return click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE", help=text)


def find_existing_store(path: Path | None, notebook: Path | None = None) -> Store | None:
    """The store that `path` names or that belongs to `notebook`, or None if there is none yet."""
    from durable_nb.store.location import find_store
    from durable_nb.store.store import open_store

    found = path or find_store(notebook)
    if not found.exists():
        return None
    store = open_store(found)
    # What DuckDB still holds at the end of a process it complains about on stderr.
    click.get_current_context().call_on_close(store.close)
    return store


def find_traces(path: Path | None, notebook: Path | None = None) -> Store | None:
    """The same for a command that reads what steps have left, but none of their values."""
    store = find_existing_store(path, notebook)
    if store is not None:
        for_traces_alone()
    return store


def for_traces_alone() -> None:
    """Load what traces are read with, and no more than that: this process reads no values."""
    from durable_nb.store.arrow_alone import load_arrow_alone

    load_arrow_alone()


def existing_store(path: Path | None, notebook: Path | None = None) -> Store:
    """The store to be asked.

    Raises:
        UsageError: there is none.
    """
    from durable_nb.core.errors import UsageError
    from durable_nb.store.location import find_store

    store = find_existing_store(path, notebook)
    if store is None:
        raise UsageError(
            f"there is no store at {path or find_store(notebook)}. The first run makes one: "
            "durable-nb run NOTEBOOK; or name another with --store."
        )
    return store


@contextmanager
def one_look(store: Store) -> Iterator[None]:
    """Bring the ledger up to date, and open it once for all asked in the block: nothing slow in it."""
    with store.ledger.kept_open():
        bring_up_to_date(store)
        yield


def bring_up_to_date(store: Store) -> None:
    """Record what died without a word, so that it can be shown; where that cannot be written, say so."""
    from durable_nb.batch.runs import settle_dead_runs
    from durable_nb.core.errors import StoreAccessError, StoreFullError

    try:
        store.recover()
        settle_dead_runs(store)
    except (StoreAccessError, StoreFullError) as error:
        click.echo(f"Shown as last recorded, because nothing can be written: {error}", err=True)
