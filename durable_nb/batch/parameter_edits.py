"""Edit a notebook's parameters, as a dashboard does: the values hold until they are taken back.

A value that a run is given with its command wins over an edit, and an edit over the notebook's default::

    from durable_nb.batch import edited_parameters, set_parameter, unset_parameter

    set_parameter(store, "report.ipynb", "day", "2026-11-02")
    edited_parameters(store, "report.ipynb")["day"].user
    unset_parameter(store, "report.ipynb", "day")
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from durable_nb.batch.parameters import check_edit
from durable_nb.batch.reading import read_outline
from durable_nb.batch.settings import settle
from durable_nb.store import parameter_edits
from durable_nb.store.parameter_edits import Edit
from durable_nb.store.store import Store


def set_parameter(store: Store, notebook: str | Path, name: str, value: Any) -> Edit:
    """Have a parameter of a notebook hold a value in every run that is not given another one.

    Who does so, when, and what it was before is recorded.

    Args:
        store: The store of the notebook.
        notebook: Its file.
        name: Of the parameter.
        value: What it is to be; a text as it is typed is a ``Typed``.

    Raises:
        NotebookError: The notebook cannot be read.
        UsageError: It has no such parameter, the value does not fit, or is a secret, which is not kept.
        StoreError: It could not be written.
    """
    file = Path(path_of(notebook))
    kept = check_edit(read_outline(file), name, value, secrets=settle(file).secrets)
    made = parameter_edits.record_edit(store, path_of(notebook), name, kept)
    store.put_down()  # the edit holds already: nobody is to wait for who has the ledger
    return made


def unset_parameter(store: Store, notebook: str | Path, name: str) -> Edit:
    """Have a parameter hold its default again; returns the edit that held.

    Raises:
        UsageError: It was not edited.
        StoreError: It could not be written.
    """
    found = parameter_edits.forget_edit(store, path_of(notebook), name)
    store.put_down()
    return found


def edited_parameters(store: Store | None, notebook: str | Path) -> Mapping[str, Edit]:
    """Parameter of a notebook → the edit that holds, with who made it and when.

    Raises:
        DamagedError: An edit cannot be read: nobody knows which value was meant.
    """
    return {} if store is None else parameter_edits.edits_of(store, path_of(notebook))


def path_of(notebook: str | Path) -> str:
    """The path under which runs know a notebook."""
    return os.path.realpath(notebook)
