"""Notebooks that runs have executed: each content once, without outputs, named by its digest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import xxhash

from durable_nb.core.errors import DamagedError
from durable_nb.core.secrets import Secrets
from durable_nb.store.files import store_error, write_durably

_FOREIGN = frozenset({"papermill", "durable_nb", "execution", "widgets", "language_info"})
"""Metadata that execution leaves."""

Notebook = Mapping[str, Any]
"""A notebook as its JSON file has it, in nbformat 4."""


class Notebooks:
    """The notebooks under one folder: ``<first 2 characters>/<digest>.ipynb``.

    Args:
        folder: Made at the first write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = Secrets()
        """What no file may hold."""

    def put(self, notebook: Notebook) -> str:
        """Keep a notebook, and return its digest: of cells, tags and kernel, not of outputs and ids.

        Raises:
            StoreError: It could not be written.
        """
        bare = self.secrets.masked(_without_outputs(notebook))
        digest = _digest(bare)
        path = self.path(digest)
        if not path.exists():
            text = json.dumps(bare, indent=1, ensure_ascii=False).encode("utf-8", "surrogatepass")

            def write(file: BinaryIO) -> None:
                file.write(text)

            write_durably(path, write)
        return digest

    def get(self, digest: str) -> dict[str, Any]:
        """Return the notebook with this digest.

        Raises:
            DamagedError: It is not there, truncated or altered.
            StoreError: It cannot be read.
        """
        path = self.path(digest)
        try:
            notebook: dict[str, Any] = json.loads(path.read_bytes().decode("utf-8", "surrogatepass"))
            if _digest(notebook) == digest:
                return notebook
        except FileNotFoundError as error:
            raise DamagedError(f"the notebook {digest} is not in {self.folder} any more") from error
        except OSError as error:
            raise store_error(error, path) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DamagedError(f"{path}: a notebook that is truncated or altered") from error
        raise DamagedError(f"{path}: a notebook that is not as it was written")

    def path(self, digest: str) -> Path:
        """The file of a notebook."""
        return self.folder / digest[:2] / f"{digest}.ipynb"


def _without_outputs(notebook: Notebook) -> dict[str, Any]:
    return {
        "cells": [dict(_bare_cell(cell)) for cell in notebook["cells"]],
        "metadata": _bare_metadata(notebook["metadata"]),
        "nbformat": notebook["nbformat"],
        "nbformat_minor": notebook["nbformat_minor"],
    }


def _bare_cell(cell: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in ("cell_type", "id", "source", "attachments"):
        if name in cell:
            yield name, cell[name]
    yield "metadata", _bare_metadata(cell["metadata"])
    if cell["cell_type"] == "code":
        yield from (("execution_count", None), ("outputs", []))


def _bare_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if name not in _FOREIGN}


def _digest(notebook: Notebook) -> str:
    """Ids are left out: a notebook of an older format gets new ones whenever it is read."""
    parts = [[cell["cell_type"], cell["source"], cell["metadata"]] for cell in notebook["cells"]]
    text = json.dumps([parts, notebook["metadata"]], sort_keys=True)
    return xxhash.xxh3_128_hexdigest(text.encode())
