"""Lets cases happen, several at a time, each in processes that are forked from this one."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from fault.sweep.cases import Case, Ground, Result

_settled: list[tuple[Ground, float]] = []
"""In a worker: from where its cases begin, and until when."""


def results(ground: Ground, cases: list[Case], until: float, jobs: int) -> Iterator[Result]:
    """What the cases come to, in the order in which they end; none is begun after ``until``."""
    forked = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(jobs, forked, initializer=_settle, initargs=(ground, until)) as workers:
        for done in as_completed([workers.submit(_result, case) for case in cases]):
            if (result := done.result()) is not None:
                yield result


def _settle(ground: Ground, until: float) -> None:
    _settled[:] = [(ground, until)]


def _result(case: Case) -> Result | None:
    ((ground, until),) = _settled
    return None if time.monotonic() > until else ground.result(case)
