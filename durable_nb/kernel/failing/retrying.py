"""Whether a failed attempt of a step is followed by another, and when; the wait until then."""

from __future__ import annotations

import asyncio
import builtins
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from durable_nb.core.errors import NonRetryable
from durable_nb.core.options import Options

_TICK = 1.0
"""Seconds between two looks at a countdown."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows a failed attempt."""

    seconds: float | None
    """How long to wait before the next attempt; None where there is none."""
    why_not: str = ""
    """Why there is none, where the author of the step may wonder."""


class Retries:
    """The attempts that a step has left.

    Args:
        options: Of the step.
        spent: Attempts that failed in kernels that are gone.
        once: Whether one attempt is all, whatever the options say.
    """

    def __init__(self, options: Options, spent: int = 0, *, once: bool = False) -> None:
        self._options = replace(options, retries=0) if once else options
        self._failed = spent

    @property
    def any_left(self) -> bool:
        """Whether a failure would be followed by another attempt."""
        return self._failed < self._options.retries

    def after(self, error: BaseException, namespace: Mapping[str, Any]) -> Verdict:
        """Count a failed attempt, and say what follows.

        Args:
            error: What it raised.
            namespace: The notebook's variables, among which classes may have the names that options give.
        """
        self._failed += 1
        if not self._options.retries:
            return Verdict(None)
        refusal = self._refusal(error, namespace)
        if refusal:
            return Verdict(None, f"not tried again: {refusal}")
        if self._failed > self._options.retries:
            times = self._options.retries
            return Verdict(None, f"given up after {times} {'retry' if times == 1 else 'retries'}")
        return Verdict(self._wait())

    def are_for(self, error: BaseException, namespace: Mapping[str, Any]) -> bool:
        """Whether the author of the step takes such an error for one after which to try again.

        Args:
            error: What was raised.
            namespace: The notebook's variables.
        """
        return bool(self._options.retries) and not self._refusal(error, namespace)

    def _refusal(self, error: BaseException, namespace: Mapping[str, Any]) -> str:
        errors = list(_single(error))
        name = type(error).__name__
        if any(isinstance(single, NonRetryable) for single in errors):
            return "the step said so"
        if not isinstance(error, Exception):
            return f"{name} is meant to end things"
        no, yes = self._options.no_retry_on, self._options.retry_on
        if any(is_one_of(single, no, namespace) for single in (error, *errors)):
            return f"{name} is excluded by --no-retry-on {','.join(no)}"
        wanted = is_one_of(error, yes, namespace) or all(is_one_of(e, yes, namespace) for e in errors)
        if yes and not wanted:
            return f"{name} is none of --retry-on {','.join(yes)}"
        return ""

    def _wait(self) -> float:
        """Exponential, with jitter so that steps that failed together do not come back together."""
        import tenacity  # slow to import, and only needed where something failed

        options = self._options
        strategy = tenacity.wait_exponential(
            multiplier=options.backoff, exp_base=options.backoff_factor, max=options.backoff_max
        ) + tenacity.wait_random(0, options.backoff / 2)
        state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
        state.attempt_number = self._failed
        with _chance():
            return min(strategy(state), options.backoff_max)


@contextmanager
def _chance() -> Iterator[None]:
    """Inside the block the standard generator is truly random; the notebook's sequence goes on after it."""
    state = random.getstate()
    random.seed()
    try:
        yield
    finally:
        random.setstate(state)


def _single(error: BaseException) -> Iterator[BaseException]:
    """The errors that a group holds, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _single(part)
    else:
        yield error


def is_one_of(error: BaseException, names: Sequence[str], namespace: Mapping[str, Any]) -> bool:
    """Whether an error is of a class that options name: by itself or by a base, dotted or not.

    Args:
        error: What was raised.
        names: ``ConnectionError``, ``requests.HTTPError``, a class of the notebook.
        namespace: The notebook's variables.
    """
    own = {text for cls in type(error).__mro__ for text in _names_of(cls)}
    return any(name in own or isinstance(error, _class(name, namespace)) for name in names)


def _names_of(cls: type) -> tuple[str, str, str]:
    return cls.__name__, cls.__qualname__, f"{cls.__module__}.{cls.__qualname__}"


def _class(name: str, namespace: Mapping[str, Any]) -> type[BaseException] | tuple[()]:
    """The class that a name stands for in the notebook or in a loaded module; nothing where it is none."""
    first, *rest = name.split(".")
    for start in (namespace.get(first), sys.modules.get(first), vars(builtins).get(first)):
        found: Any = start
        for part in rest:
            found = getattr(found, part, None)
        if isinstance(found, type) and issubclass(found, BaseException):
            return found
    return ()


async def wait(seconds: float, tell: Callable[[float], None], *, awaits: bool) -> None:
    """Wait, and tell each second how much is left.

    Args:
        seconds: How long.
        tell: Called with the seconds that are left, at once and then each second.
        awaits: Whether the cell runs in the kernel's event loop, so that others may run meanwhile.
    """
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        tell(left)
        # The last beat of a second comes when a whole number of seconds is left.
        pause = min(left, left % _TICK or _TICK)
        if awaits:
            await asyncio.sleep(pause)
        else:
            time.sleep(pause)  # noqa: ASYNC251 - such a cell runs outside of any event loop
