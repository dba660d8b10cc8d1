"""Parameters as they are typed: ``-p NAME VALUE`` and ``-f FILE``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from durable_nb.core.errors import UsageError


def collect(files: Iterable[Path], pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """One mapping from all files in their order, then all pairs: what comes later wins.

    Raises:
        UsageError: a name that is no identifier, or a file that holds no mapping.
    """
    parameters: dict[Any, Any] = {}
    for path in files:
        parameters.update(_read(path))
    for name, text in pairs:
        parameters[name] = _value(text)
    for name in parameters:
        if not isinstance(name, str) or not name.isidentifier():
            raise UsageError(
                f"parameter {name!r}: expected a Python name such as 'alpha', as in -p alpha 0.2"
            )
    return parameters


def _value(text: str) -> Any:
    """The value papermill's ``-p`` gives: True, False, None, a whole or decimal number, or else the text."""
    constants = {"True": True, "False": False, "None": None}
    if text in constants:
        return constants[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _read(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_loader())  # noqa: S506 - a SafeLoader
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the parameters in {path}: {error}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is neither YAML nor JSON: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(
            f"{path} holds a {type(content).__name__}, expected a mapping of names to values: alpha: 0.2"
        )
    return content


def _loader() -> Any:
    """A safe loader that leaves dates as the text they are, as papermill's does."""
    import yaml

    class TextDates(yaml.SafeLoader):
        pass

    TextDates.yaml_implicit_resolvers = {
        first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return TextDates
