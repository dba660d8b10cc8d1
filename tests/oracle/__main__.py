"""Run the oracle for long: ``make oracle ARGS="--notebooks 2000"``; prints what was done."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from oracle import broken, fragments
from oracle.kernels import ForkedKernels
from oracle.notebooks import counts
from oracle.real_kernels import RealKernels


def main() -> None:
    options = _options()
    scratch = Path(tempfile.mkdtemp(prefix="oracle-"))
    os.environ.setdefault("DURABLE_NB_KEY_FILE", str(scratch / "key"))
    if options.broken:
        check_broken(scratch, options.broken)
        return
    kernels = RealKernels(scratch) if options.real else ForkedKernels(scratch)
    leave_out(options.without)
    from oracle.machine import machine_for  # its strategies are made of the pieces that are left

    phases = [Phase.generate] if options.quick else [Phase.generate, Phase.shrink]
    chosen = settings(
        max_examples=options.notebooks,
        stateful_step_count=options.steps,
        deadline=None,
        database=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        phases=phases,
        print_blob=False,
    )
    started = time.monotonic()
    try:
        run_state_machine_as_test(machine_for(kernels), settings=chosen)
    finally:
        if isinstance(kernels, ForkedKernels):
            kernels.close()
        shutil.rmtree(scratch, ignore_errors=True)
        for what, count in sorted(counts.items()):
            print(f"{what:24} {count:>10,}")
        print(f"{'seconds':24} {time.monotonic() - started:>10,.0f}")


def check_broken(scratch: Path, notebooks: int) -> None:
    """Notebooks in which cells fail; those that differ are told by their numbers."""
    differing = 0
    with ForkedKernels(scratch) as kernels:
        trial = broken.Trial(kernels, scratch / "trial")
        for seed in range(notebooks):
            try:
                trial.check(broken.generate(seed))
            except AssertionError as error:
                differing += 1
                print(f"notebook {seed}: {error}")
    shutil.rmtree(scratch, ignore_errors=True)
    for what, count in sorted({**broken.counts, "differ": differing}.items()):
        print(f"{what:24} {count:>10,}")
    if differing:
        raise SystemExit(1)


def leave_out(pattern: str) -> None:
    """Go on with what is known to be wrong left out, to find what else is."""
    if pattern:
        fragments.ALL[:] = [text for text in fragments.ALL if not re.search(pattern, text)]
        fragments.OTHER_FILES[:] = [file for file in fragments.OTHER_FILES if not re.search(pattern, file[0])]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/oracle", description=__doc__)
    parser.add_argument("--notebooks", type=int, default=500, help="how many notebooks to generate")
    parser.add_argument("--steps", type=int, default=20, help="edits, kills and runs of each, at most")
    parser.add_argument("--broken", type=int, default=0, help="instead: notebooks in which cells fail")
    parser.add_argument("--real", action="store_true", help="kernels with ipykernel, killed from outside")
    parser.add_argument("--without", default="", help="leave out the pieces of code that match a pattern")
    parser.add_argument("--quick", action="store_true", help="do not minimise what fails")
    return parser.parse_args()


if __name__ == "__main__":
    main()
