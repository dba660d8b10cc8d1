"""Kill a run in the middle of its slowest step, give the same command again, and see what was kept.

Called by ``make demo``. Everything it makes is in the folder ``demo``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import psutil
from rich.console import Console
from rich.table import Table

from durable_nb import open_store

NOTEBOOK = Path(__file__).with_name("flights.ipynb")
SLOW_STEP = "train"
SECONDS_OF_WORK = 3.0
"""Processor time that the kernel may spend on the slow step before the run is killed."""
STATUS_LINE = "application/vnd.durable_nb.step+json"

Attempts: TypeAlias = list[dict[str, Any]]

console = Console(highlight=False)


class DemoError(Exception):
    """Something that the demo promises did not happen."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one sequence of runs keeps its store and its output."""

    folder: Path

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def output(self) -> Path:
        return self.folder / "flights.ipynb"

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    def rows(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        """Ask the ledger."""
        found: list[dict[str, Any]] = open_store(self.store).ledger.rows(sql, parameters)
        return found


def shown(path: Path) -> str:
    """A path as one would type it here."""
    return os.path.relpath(path)


def start(place: Place, parameters: list[str]) -> subprocess.Popen[bytes]:
    """The command that a cron job would use."""
    command = ["papermill", shown(NOTEBOOK), shown(place.output), "--engine", "durable", *parameters]
    console.print(f"   $ {' '.join(command)}", style="bold", soft_wrap=True)
    with place.log.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            env={**os.environ, "DURABLE_NB_STORE": str(place.store.absolute())},
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def finish(process: subprocess.Popen[bytes], place: Place) -> None:
    if process.wait() != 0:
        raise DemoError(f"papermill ended with status {process.returncode}; see {shown(place.log)}")


def slow_step_executes(place: Place) -> bool:
    if not (place.store / "ledger.duckdb").exists():
        return False
    return bool(place.rows("select 1 from events where step = ? and kind = 'executing'", SLOW_STEP))


def kernel_of(process: subprocess.Popen[bytes]) -> psutil.Process:
    """The kernel that papermill has started."""
    for child in psutil.Process(process.pid).children(recursive=True):
        if any("ipykernel" in word for word in child.cmdline()):
            return child
    raise DemoError("papermill runs, but no kernel of its was found")


def processor_time(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def kill_in_the_middle(process: subprocess.Popen[bytes], place: Place) -> None:
    """SIGKILL papermill once its kernel is deep in the slow step: the kernel then ends by itself."""
    while not slow_step_executes(place):
        if process.poll() is not None:
            raise DemoError(f"papermill ended before the step {SLOW_STEP}; see {shown(place.log)}")
        time.sleep(0.05)
    kernel = kernel_of(process)
    enough = processor_time(kernel) + SECONDS_OF_WORK
    while processor_time(kernel) < enough:
        time.sleep(0.05)
    process.kill()
    console.print(f"   SIGKILL to papermill (process {process.pid}) while its kernel executes {SLOW_STEP}")
    if process.wait() >= 0:
        raise DemoError(f"papermill ended with status {process.returncode} before it was killed")
    kernel.wait()


def utc_now() -> datetime:
    """As the ledger writes it."""
    return datetime.now(UTC).replace(tzinfo=None)


def attempts(place: Place, since: datetime, until: datetime) -> Attempts:
    """What was tried in that time, oldest first."""
    return place.rows(
        "select step, state, seconds, saved_seconds from attempts where started_at between ? and ? "
        "order by started_at",
        since,
        until,
    )


def in_words(attempt: dict[str, Any] | None) -> str:
    """What one run did with one step."""
    if attempt is None:
        return "[dim]not reached[/dim]"
    if attempt["state"] == "reused":
        saved = attempt["saved_seconds"]
        return "[green]reused[/green]" + (f", saved {saved:.1f} s" if saved >= 0.05 else "")
    if attempt["state"] == "completed":
        return f"executed, {attempt['seconds']:.1f} s"
    return f"[red]{attempt['state']}[/red]"


def show(first: Attempts, second: Attempts) -> None:
    """Both runs side by side."""
    before = {attempt["step"]: attempt for attempt in first}
    table = Table(box=None, padding=(0, 3))
    for heading in ("step", "first run, killed", "second run, resumed"):
        table.add_column(heading)
    for attempt in second:
        table.add_row(attempt["step"], in_words(before.get(attempt["step"])), in_words(attempt))
    console.print(table)


def check(first: Attempts, second: Attempts) -> None:
    """What was completed before the kill is reused, and only that."""
    completed = [attempt["step"] for attempt in first if attempt["state"] == "completed"]
    reused = [attempt["step"] for attempt in second if attempt["state"] == "reused"]
    if not completed or completed != reused:
        raise DemoError(f"{completed} were completed before the kill, but {reused} reused after it")


def results(place: Place) -> dict[tuple[str, str], str]:
    """Fingerprint of every value that a step stored, by step and name."""
    rows = place.rows(
        "select step, name, fingerprint from outputs join traces using (trace_id) where kind = 'value'"
    )
    return {(row["step"], row["name"]): row["fingerprint"] for row in rows}


def displayed(place: Place) -> dict[str, list[Any]]:
    """What each step printed and showed, without the line that says how the step got here."""
    cells = json.loads(place.output.read_text(encoding="utf-8"))["cells"]
    return {
        cell["id"]: [
            output.get("text", output.get("data"))
            for output in cell["outputs"]
            if STATUS_LINE not in output.get("data", {})
        ]
        for cell in cells
        if "".join(cell["source"]).startswith("%%step")
    }


def compare(resumed: Place, undisturbed: Place) -> None:
    """The results and the outputs of both are the same."""
    ours, theirs = results(resumed), results(undisturbed)
    if different := sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)):
        raise DemoError(f"these results differ: {', '.join(f'{name} of {step}' for step, name in different)}")
    outputs = displayed(resumed)
    if outputs != displayed(undisturbed):
        raise DemoError(f"the outputs in {shown(resumed.output)} and {shown(undisturbed.output)} differ")
    count = sum(map(len, outputs.values()))
    console.print(
        f"   [green]equal[/green]: all {len(ours)} stored results and all {count} displayed outputs"
    )


def demo(parameters: list[str]) -> None:
    resumed, undisturbed = Place(Path("demo/resumed")), Place(Path("demo/undisturbed"))
    for place in (resumed, undisturbed):
        shutil.rmtree(place.folder, ignore_errors=True)
        place.folder.mkdir(parents=True)

    began = utc_now()
    console.print("\n1. Run a notebook, and kill the run in the middle of training.")
    kill_in_the_middle(start(resumed, parameters), resumed)

    resumed_at = utc_now()
    console.print("\n2. The same command again.")
    finish(start(resumed, parameters), resumed)
    first, second = attempts(resumed, began, resumed_at), attempts(resumed, resumed_at, utc_now())
    console.print()
    show(first, second)
    check(first, second)
    saved = sum(attempt["saved_seconds"] or 0.0 for attempt in second)
    console.print(f"\n   {saved:.1f} s saved. The output notebook: [bold]{shown(resumed.output)}[/bold]")

    console.print("\n3. The same notebook in a new store, undisturbed, to compare.")
    finish(start(undisturbed, parameters), undisturbed)
    compare(resumed, undisturbed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "-p",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="set a parameter of the notebook, such as -p trees 200",
    )
    parameters = [word for name, value in parser.parse_args().p for word in ("-p", name, value)]
    try:
        demo(parameters)
    except DemoError as error:
        console.print(f"\n[red]The demo failed:[/red] {error}", soft_wrap=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
