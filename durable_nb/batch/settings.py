"""How a run is to be done where no option says it: environment variables, then ``[tool.durable_nb]``.

papermill's command line hands an engine no options of its own, so each setting has both.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from durable_nb.core.errors import UsageError
from durable_nb.store.location import find_project

KERNEL_RESTARTS = 2
_PREFIX = "DURABLE_NB_"
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for one run."""

    keep_going: bool = False
    """Whether cells that do not need what a failed one would have made are run after it."""
    kernel_restarts: int = KERNEL_RESTARTS
    """How many times a kernel that died is replaced."""
    on_failure: tuple[str, ...] = ()
    """URLs, or functions as ``module:function``, that are told of a run that did not complete."""
    on_success: tuple[str, ...] = ()
    """The same for a run that completed."""
    folder: Path = Path()
    """Where modules of hooks are looked for: that of pyproject.toml, or else the notebook's."""
    jobs: int = 1
    """How many kernels execute steps at the same time."""
    secrets: tuple[str, ...] = ()
    """Parameters whose values are written nowhere, beside those whose names say so."""


def settle(
    notebook: Path | None,
    *,
    keep_going: bool | None = None,
    kernel_restarts: int | None = None,
    jobs: int | None = None,
    on_failure: str | Sequence[str] | None = None,
    on_success: str | Sequence[str] | None = None,
    secrets: str | Sequence[str] | None = None,
) -> Settings:
    """The settings of a run: an option that is given wins over the environment, that over pyproject.toml.

    Args:
        notebook: The notebook's file; without one the search starts in the working directory.
        keep_going: Whether to run independent cells after a failure.
        kernel_restarts: How many times to replace a kernel that died.
        jobs: How many kernels execute steps that do not depend on each other at the same time.
        on_failure: URLs or functions to tell of a failure.
        on_success: URLs or functions to tell of success.
        secrets: Names of parameters that are secret.

    Raises:
        UsageError: A value that is not what was expected; the message says where it stands.
    """
    folder = notebook.absolute().parent if notebook else Path.cwd()
    project, table = find_project(folder)

    def find(name: str, given: Any, read: Callable[[object], Value], default: Value) -> Value:
        for where, value in (
            (f"the option {name}", given),
            (f"the environment variable {_PREFIX}{name.upper()}", os.environ.get(_PREFIX + name.upper())),
            (f"{name} under [tool.durable_nb] in {project}", table.get(name)),
        ):
            if value is not None:
                return _read(where, value, read)
        return default

    return Settings(
        find("keep_going", keep_going, _flag, False),
        find("kernel_restarts", kernel_restarts, _count, KERNEL_RESTARTS),
        find("on_failure", on_failure, _targets, ()),
        find("on_success", on_success, _targets, ()),
        folder if project is None else project.parent,
        find("jobs", jobs, _positive, 1),
        secrets=find("secrets", secrets, _names, ()),
    )


def _read(where: str, value: object, read: Callable[[object], Value]) -> Value:
    try:
        return read(value)
    except ValueError as error:
        raise UsageError(f"{where} is {value!r}; expected {error}") from None


def _flag(value: object) -> bool:
    word = value.strip().lower() if isinstance(value, str) else ""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and word in _TRUE | _FALSE:
        return word in _TRUE
    raise ValueError("true or false")


def _count(value: object) -> int:
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError("a whole number, 0 or more")


def _positive(value: object) -> int:
    try:
        found = _count(value)
    except ValueError:
        found = 0
    if not found:
        raise ValueError("a whole number, 1 or more")
    return found


def _targets(value: object) -> tuple[str, ...]:
    listed = value.split() if isinstance(value, str) else value
    if isinstance(listed, list | tuple) and all(
        isinstance(item, str) and _is_target(item) for item in listed
    ):
        return tuple(listed)
    raise ValueError("URLs that begin with http:// or https://, or functions written module:function")


def _names(value: object) -> tuple[str, ...]:
    listed = value.replace(",", " ").split() if isinstance(value, str) else value
    if isinstance(listed, list | tuple) and all(isinstance(n, str) and n.isidentifier() for n in listed):
        return tuple(listed)
    raise ValueError("names of parameters")


def _is_target(text: str) -> bool:
    if is_url(text):
        return True
    module, colon, function = text.partition(":")
    return bool(colon) and all(part.isidentifier() for part in [*module.split("."), *function.split(".")])


def is_url(target: str) -> bool:
    """Whether a hook is a URL and not a function."""
    return target.startswith(("http://", "https://"))
