"""``python tests/bench [--full] [--only SUBJECT]… [--rounds N]``: measure durable_nb beside its peers."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

import answers
import badges
import dashboard
import engine
import fingerprints
import frames
import jobs
import lazy
import resume
import startup
import steps
from contest import OURS, Result, Subject, Target, hold
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

SUBJECTS: dict[str, Subject] = {
    subject.name: subject
    for module in (
        steps,
        fingerprints,
        frames,
        lazy,
        resume,
        engine,
        startup,
        answers,
        jobs,
        dashboard,
        badges,
    )
    for subject in module.SUBJECTS
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tests/bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="full sizes; needs about 8 GiB and some minutes")
    parser.add_argument(
        "--only", action="append", choices=SUBJECTS, metavar="SUBJECT", help=", ".join(SUBJECTS)
    )
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (default: 3)")
    parser.add_argument(
        "--output", type=Path, default=Path("bench-results"), help="folder for the figures as JSON"
    )
    return parser.parse_args()


def run_one(name: str, contender: str, phase: str, folder: str, sizes: str) -> None:
    """One phase of one contender, in this process; the figures are the last line it prints."""
    figures = SUBJECTS[name].contenders[contender].phases[int(phase)](Path(folder), json.loads(sizes))
    print(json.dumps(figures), flush=True)


def table(result: Result) -> Table:
    subject = result.subject
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    shown.add_column("")
    for heading in subject.measures.values():
        shown.add_column(heading, justify="right")
    for name in subject.contenders:
        if name in result.absent:
            shown.add_row(name, f"[dim]{escape(result.absent[name])}[/dim]")
        else:
            shown.add_row(name, *(figure(result, name, measure) for measure in subject.measures))
    return shown


def figure(result: Result, name: str, measure: str) -> str:
    """``5.70  0.42×``: the median, and ours divided by it unless that is out of all proportion."""
    median, ratio = result.median(name, measure), result.ratio(name, measure)
    if median is None:
        return "–"
    number = f"{median:,.0f}" if median >= 100 else f"{median:.3g}"
    telling = name != OURS and ratio is not None and 0.01 <= ratio <= 100
    return f"{number}  [dim]{ratio:.2f}×[/dim]" if telling else number


def verdict(result: Result, target: Target) -> str | None:
    """Whether a target is met, in words; None where it was not measured."""
    value = (
        result.ratio(target.times, target.measure) if target.times else result.median(OURS, target.measure)
    )
    if value is None:
        return None
    mark = "[green]met[/green]" if value <= target.at_most else "[red]missed[/red]"
    unit = f"× {target.times}" if target.times else ""
    measure = result.subject.measures[target.measure]
    return f"  {measure}: {value:.2f}{unit}, wanted ≤ {target.at_most:g}{unit}: {mark}"


def show(console: Console, result: Result, setting: str) -> None:
    sizes = ", ".join(f"{count:,} {what}" for what, count in result.sizes.items())
    console.print(f"[bold]{result.subject.title}[/bold] ({sizes})")
    console.print(table(result))
    if result.subject.notes:
        console.print(f"  {result.subject.notes}")
    for target in result.subject.targets:
        if target.where in {"quick", setting} and (line := verdict(result, target)):
            console.print(line)
    console.print()


def save(results: list[Result], setting: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    path = folder / f"{setting}-{now:%Y%m%d-%H%M%S}.json"
    content = {
        "at": now.isoformat(timespec="seconds"),
        "setting": setting,
        "machine": {
            "python": platform.python_version(),
            "system": platform.platform(),
            "cores": os.cpu_count(),
        },
        "subjects": {
            result.subject.name: {
                "sizes": dict(result.sizes),
                "rounds": result.rounds,
                "absent": result.absent,
            }
            for result in results
        },
    }
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return path


def main() -> None:
    options = arguments()
    setting = "full" if options.full else "quick"
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    console.print(
        f"Medians of {options.rounds} interleaved rounds; in grey: durable_nb's figure ÷ this one.\n"
    )
    results = []
    for name in options.only or SUBJECTS:
        with console.status(f"{name} …") as status:
            for result in hold(SUBJECTS[name], setting, options.rounds):
                status.update(f"{name}: {sum(map(len, result.rounds.values()))} runs …")
        show(console, result, setting)
        results.append(result)
    console.print(f"Every figure: {save(results, setting, options.output)}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        run_one(*sys.argv[2:])
    else:
        main()
