"""Versions of what a notebook runs on, as its kernel has them."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterable

from durable_nb.kernel.depending.modules import exists, is_projects, versions_of


def versions(imported: Iterable[str]) -> str:
    """Versions of Python, of durable_nb and of installed packages, as JSON: name to version.

    Args:
        imported: Top-level names that the notebook's code imports.
    """
    found = {"python": platform.python_version()}
    for name in sorted({"durable_nb", *imported}):
        if (
            name not in sys.stdlib_module_names
            and exists(name)
            and (name == "durable_nb" or not is_projects(name))
        ):
            found |= versions_of(name)
    return json.dumps(found)
