"""``durable-nb dashboard``: the panel in a browser."""

from __future__ import annotations

from pathlib import Path

import click

from durable_nb.cli.options import store_option

_EPILOG = """\b
Example:
  durable-nb dashboard
  durable-nb dashboard report.ipynb
  durable-nb dashboard /data/nightly/.durable --no-browser --port 8900

The page is served on this machine only, and its address holds a token. Ctrl-C ends it; what was resumed
from it goes on. Needs: pip install "durable_nb[dashboard]"
"""


@click.command(epilog=_EPILOG)
@click.argument("place", metavar="[STORE|IN]", type=click.Path(path_type=Path, exists=True), required=False)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="Any free one by default."
)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@store_option
def dashboard(place: Path | None, port: int, store_path: Path | None, *, no_browser: bool) -> None:
    """Show runs and steps in the browser: change them, and resume what failed.

    STORE is the folder of a store; IN is a notebook, whose steps are shown first.
    """
    from durable_nb.batch.stopping import sigterm_as_ctrl_c
    from durable_nb.cli.app import PROGRAM
    from durable_nb.core.errors import UsageError
    from durable_nb.dashboard.server import serve
    from durable_nb.store.location import find_store

    if place is not None and place.is_dir() and store_path is not None:
        raise UsageError(f"found the stores {place} and {store_path}, expected one of them")
    notebook = place.absolute() if place is not None and place.is_file() else None
    folder = place if place is not None and place.is_dir() else store_path
    store = (folder or find_store(notebook)).absolute()

    def tell(url: str) -> None:
        click.echo(f"{url}\nThe {PROGRAM} dashboard of {store}. Ctrl-C ends it.")

    with sigterm_as_ctrl_c():
        serve(store, str(notebook or ""), port, open_browser=not no_browser, tell=tell)
