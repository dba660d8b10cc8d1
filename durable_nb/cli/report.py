"""``durable-nb report``: a run as one page."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import click

from durable_nb.cli.completing import RunType
from durable_nb.cli.json_text import print_json
from durable_nb.cli.options import bring_up_to_date, existing_store, json_option, store_option

_EPILOG = """\b
Example:
  durable-nb report last -o report.html
  durable-nb report 20261122-2315 -o - > monday.html

The page has the graph, a timeline, each step with its attempts, errors and reasons, and the parameters.
It needs no network and no script, and is light or dark as its reader prefers.
"""


@click.command(epilog=_EPILOG)
@click.argument("run_id", metavar="RUN", type=RunType())
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default="report.html",
    show_default=True,
    help="Where the page goes; - for stdout.",
)
@store_option
@json_option
def report(run_id: str, output: str, store_path: Path | None, as_json: bool) -> None:
    """Write a page about one run. RUN is an id from 'runs', the beginning of one, or 'last'."""
    from durable_nb.batch.reporting.page import run_page
    from durable_nb.cli import tables
    from durable_nb.core.errors import UsageError
    from durable_nb.store.files import write_durably

    if output == "-" and as_json:
        raise UsageError("found --json and -o -, expected one of them: both would go to stdout")
    store = existing_store(store_path)
    bring_up_to_date(store)
    if output == "-":
        click.echo(run_page(store, run_id).encode("utf-8", "replace"), nl=False)
        return
    target = Path(output).absolute()
    if target.is_dir() or not target.parent.is_dir():
        found = "a folder" if target.is_dir() else f"no folder {target.parent}"
        raise UsageError(
            f"cannot write the report {output}: found {found}, expected a file such as report.html"
        )
    content = run_page(store, run_id, target).encode("utf-8", "replace")

    def write(file: BinaryIO) -> None:
        file.write(content)

    write_durably(target, write)
    if as_json:
        print_json({"report": str(target), "bytes": len(content)})
    else:
        click.echo(tables.shown_path(str(target)))
