"""YAML and JSON files of values, read as papermill reads its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from durable_nb.core.errors import UsageError


def load_yaml(path: Path, what: str) -> Any:
    """The content of a file; None where it is empty.

    Args:
        path: The file.
        what: What it holds, as part of a sentence: ``the parameters``.

    Raises:
        UsageError: It cannot be read, or is neither YAML nor JSON.
    """
    import yaml

    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_loader())  # noqa: S506 - a SafeLoader
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {what} in {path}: {error}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is neither YAML nor JSON: {error}") from error


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
