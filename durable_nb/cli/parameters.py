"""Parameters as they are typed: ``-p NAME VALUE`` and ``-f FILE``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from durable_nb.batch.yaml_files import load_yaml
from durable_nb.core.errors import UsageError
from durable_nb.core.parameters import Typed


def collect(files: Iterable[Path], pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """One mapping from all files in their order, then all pairs: what comes later wins.

    Raises:
        UsageError: a name that is no identifier, or a file that holds no mapping.
    """
    parameters: dict[Any, Any] = {}
    for path in files:
        parameters.update(_read(path))
    for name, text in pairs:
        parameters[name] = Typed(text)
    for name in parameters:
        if not isinstance(name, str) or not name.isidentifier():
            raise UsageError(
                f"parameter {name!r}: expected a Python name such as 'alpha', as in -p alpha 0.2"
            )
    return parameters


def _read(path: Path) -> Mapping[str, Any]:
    content = load_yaml(path, "the parameters")
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(
            f"{path} holds a {type(content).__name__}, expected a mapping of names to values: alpha: 0.2"
        )
    return content
