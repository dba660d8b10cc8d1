"""Kills, full and broken disks, and damaged files: at every durable boundary of generated notebooks.

Usage: python tests/fault/sweep [--seeds N] [--jobs N] [--seconds S] [--every N] [--report FILE]

Each case is a life of a kernel to which one thing happens (a process of its own, forked from one that has the
libraries loaded), then a life to which nothing happens, which must end as the same notebook does without
durable_nb. What is checked after each case is in ``check.py``. Exit status 1 if anything was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from fault.sweep.cases import Ground
from fault.sweep.counts import Counts
from fault.sweep.life import make_shell
from fault.sweep.workers import results

_SAY_EVERY = 30.0


def main() -> int:
    arguments = _arguments()
    os.environ.setdefault("DURABLE_NB_KEY_FILE", str(Path(tempfile.mkdtemp()) / "key"))
    make_shell()
    counts = Counts()
    until = time.monotonic() + arguments.seconds
    for done in range(arguments.seeds):
        seed, now = arguments.first_seed + done, time.monotonic()
        share = (until - now) / (arguments.seeds - done)  # or the first would take all the time
        with tempfile.TemporaryDirectory(prefix="durable_nb-sweep-") as made:
            _sweep(Ground(seed, Path(made)), arguments.every, now + share, arguments.jobs, counts)
        print(f"seed {seed}: {counts.in_short()}", flush=True)
    print(counts.table())
    if arguments.report:
        arguments.report.write_text(json.dumps(counts.as_json(), indent=2))
    return 1 if counts.lost else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4, help="notebooks that are generated")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="cases at the same time")
    parser.add_argument("--every", type=int, default=1, help="only every nth point of each notebook")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no case after so long")
    parser.add_argument("--report", type=Path, help="write the counts as JSON")
    return parser.parse_args()


def _sweep(ground: Ground, every: int, until: float, jobs: int, counts: Counts) -> None:
    counts.seeds += 1
    counts.points += len(ground.points)
    counts.add(ground.first)
    cases = ground.cases(every)
    said = time.monotonic()
    for number, result in enumerate(results(ground, cases, until, jobs), start=1):
        counts.add(result)
        if time.monotonic() - said > _SAY_EVERY:
            said = time.monotonic()
            print(f"seed {ground.seed}: {number:,} of {len(cases):,} cases, {counts.in_short()}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
