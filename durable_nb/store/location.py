"""Where the store of a notebook is: the same folder from Lab, papermill and the shell."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from durable_nb.core.errors import UsageError

VARIABLE = "DURABLE_NB_STORE"
DEFAULT = ".durable"


def find_store(notebook: Path | None = None) -> Path:
    """Return the folder of the store, whether or not it exists yet.

    ``DURABLE_NB_STORE`` comes first, then ``store`` under ``[tool.durable_nb]`` in the nearest
    pyproject.toml (relative to that file), then ``.durable`` beside the notebook.

    Args:
        notebook: The notebook's file; without one the search starts in the working directory.

    Raises:
        UsageError: The setting in pyproject.toml cannot be read or is no path.
    """
    named = os.environ.get(VARIABLE, "").strip()
    if named:
        return Path(named).expanduser().absolute()
    folder = notebook.expanduser().absolute().parent if notebook else Path.cwd()
    return _configured(folder) or folder / DEFAULT


def find_project(folder: Path) -> tuple[Path | None, dict[str, object]]:
    """The nearest pyproject.toml, in `folder` or above it, and what stands in it under ``[tool.durable_nb]``.

    Raises:
        UsageError: The file cannot be read.
    """
    for candidate in (folder, *folder.parents):
        project = candidate / "pyproject.toml"
        if project.is_file():
            table = _read(project).get("tool", {}).get("durable_nb", {})
            return project, table if isinstance(table, dict) else {}
    return None, {}


def _configured(folder: Path) -> Path | None:
    project, table = find_project(folder)
    if project is None or "store" not in table:
        return None
    value = table["store"]
    if not isinstance(value, str) or not value.strip():
        raise UsageError(
            f"{project}: store under [tool.durable_nb] is {value!r}; "
            'a folder was expected, as in store = ".durable"'
        )
    return (project.parent / Path(value).expanduser()).absolute()


def _read(project: Path) -> dict[str, dict[str, object]]:
    try:
        return tomllib.loads(project.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(
            f"{project} cannot be read, so the store's place is not known: {error}. "
            f"Mend the file, or name the folder: export {VARIABLE}=FOLDER"
        ) from error
