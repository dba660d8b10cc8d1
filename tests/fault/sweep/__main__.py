"""Kills, full and broken disks, and damaged files: at every durable boundary of generated notebooks.

Usage: python tests/fault/sweep [--seeds N] [--seconds S] [--every N] [--report FILE]

Each case is a life of a kernel to which one thing happens (a process of its own, forked from one that has the
libraries loaded), then a life to which nothing happens, which must end as the same notebook does without
durable_nb. What is checked after each case is in ``check.py``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from fault.sweep.cases import Counts, sweep


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4, help="notebooks that are generated")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1, help="only every nth point of each notebook")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no case after so long")
    parser.add_argument("--report", type=Path, help="write the counts as JSON")
    arguments = parser.parse_args()
    counts = Counts()
    until = time.monotonic() + arguments.seconds
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        sweep(seed, arguments.every, until, counts)
        print(f"seed {seed}: {counts.in_short()}", flush=True)
    print(counts.table())
    if arguments.report:
        arguments.report.write_text(json.dumps(counts.as_json(), indent=2))
    return 1 if counts.lost else 0


if __name__ == "__main__":
    sys.exit(main())
