"""What is asked of one run: which one it is to be, what it executes, how it is marked.

papermill's command line hands an engine no options of its own, so each has an environment variable too.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from durable_nb.core.errors import UnknownStepError, UsageError
from durable_nb.core.suggesting import did_you_mean

NEW_RUN = "DURABLE_NB_NEW_RUN"
RESUME = "DURABLE_NB_RESUME"
FROM = "DURABLE_NB_FROM"
FORCE = "DURABLE_NB_FORCE"
TAGS = "DURABLE_NB_TAGS"
OF_ONE_RUN = (NEW_RUN, RESUME, FROM, FORCE)
"""Variables that are about one run, and not about those that its cells may start."""
_NO = {"", "0", "false", "no", "off"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of one run."""

    new_run: bool = False
    """Begin another run even if the last one with these parameters is unfinished."""
    resume: str = ""
    """Id of the run to go on with, whatever its parameters were; empty for the unfinished one, if any."""
    from_step: str = ""
    """This step and all after it are executed, even if up to date, but not those marked --at-most-once."""
    force: tuple[str, ...] = ()
    """These steps are executed, even if they are up to date."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """What the run is marked with."""
    parent: str = ""
    """Id of the run that this one is started from."""


def ask(
    *,
    new_run: bool = False,
    resume: str = "",
    from_step: str = "",
    force: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    parent: str = "",
) -> Asked:
    """What is asked by options, and by the environment where an option is not given.

    Raises:
        UsageError: A tag without a value, or a run that is both to be new and to be resumed.
    """
    found = Asked(
        new_run or os.environ.get(NEW_RUN, "").strip().lower() not in _NO,
        resume or ("" if new_run else os.environ.get(RESUME, "").strip()),
        from_step or os.environ.get(FROM, "").strip(),
        tuple(force) or tuple(shlex.split(os.environ.get(FORCE, ""))),
        dict(tags) if tags is not None else read_tags(shlex.split(os.environ.get(TAGS, ""))),
        parent,
    )
    if found.new_run and found.resume:
        raise UsageError(f"found both a new run and run {found.resume} to go on with; say one of them")
    return found


def read_tags(texts: Collection[str]) -> dict[str, str]:
    """Tags as they are typed: ``NAME=VALUE``.

    Raises:
        UsageError: One has no name or no value.
    """
    tags: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name.strip() or not equals:
            raise UsageError(f"found the tag {text!r}, expected NAME=VALUE such as team=ops")
        tags[name.strip()] = value.strip()
    return tags


def check_step(step: str, known: Collection[str], option: str) -> None:
    """Refuse a step that the notebook does not have.

    Raises:
        UnknownStepError: It has none of that name; the message names the nearest.
    """
    if step in known:
        return
    hint = did_you_mean(step, known, f"its steps are: {', '.join(known) or 'none'}")
    raise UnknownStepError(f"{option} {step}: the notebook has no such step; {hint}")


def forced_steps(asked: Asked, steps: Mapping[str, bool]) -> list[str]:
    """The steps that are to be executed whatever is proven.

    Args:
        asked: What is asked.
        steps: The notebook's steps in their order, and whether each is executed at most once.

    Raises:
        UnknownStepError: A step that the notebook does not have.
    """
    for step in asked.force:
        check_step(step, steps, "--force")
    if not asked.from_step:
        return list(asked.force)
    check_step(asked.from_step, steps, "--from")
    names = list(steps)
    after = names[names.index(asked.from_step) :]
    return [step for step in names if step in asked.force or (step in after and not steps[step])]
