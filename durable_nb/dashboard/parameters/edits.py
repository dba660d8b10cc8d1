"""The edits of a notebook's parameters, which its runs take: read, made and taken back by the panel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from durable_nb.batch.parameter_edits import edited_parameters, set_parameter, unset_parameter
from durable_nb.core.errors import DamagedError, UsageError
from durable_nb.core.parameters import Parameter, check
from durable_nb.dashboard.parameters.fields import equal
from durable_nb.dashboard.workplace import Workplace
from durable_nb.store.parameter_edits import Edit


class NotebookEdits:
    """The edits of the notebook that a panel shows.

    Args:
        place: Where it is.
    """

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self.held: Mapping[str, Edit] = {}
        """Parameter → the edit that holds, as last read."""

    def read(self) -> None:
        """Learn which edits hold.

        Raises:
            UsageError: One cannot be read: nobody knows which value was meant.
            StoreVersionError: A newer durable_nb wrote one.
        """
        self.held = {}
        if not self._place.notebook:
            return
        try:
            self.held = edited_parameters(self._place.store, self._place.notebook)
        except DamagedError as error:
            raise UsageError(
                f"A value that was set for runs of this notebook cannot be read, so that they are refused: "
                f"{error}. Remove that file, then put the value in again"
            ) from error

    @property
    def is_possible(self) -> bool:
        """Whether there is a notebook's file, which runs may be made of."""
        return bool(self._place.notebook) and Path(self._place.notebook).is_file()

    def make(self, values: Mapping[str, Any], known: Mapping[str, Parameter]) -> None:
        """Have parameters hold values from now on; the default of one is no edit of it any more.

        Args:
            values: Parameter → its value.
            known: What the notebook declares.

        Raises:
            DurableError: One could not be recorded; then all are as they were.
        """
        self.read()
        before = dict(self.held)
        try:
            for name, value in values.items():
                if equal(value, known[name].default):
                    self._unset(name)
                else:
                    set_parameter(self._place.store, self._place.notebook, name, value)
        except BaseException:
            self.put_back({name: before.get(name) for name in values})
            raise
        self.read()

    def put_back(self, edits: Mapping[str, Edit | None]) -> None:
        """Have the edits of some parameters hold again that held before.

        Raises:
            DurableError: One could not be recorded.
        """
        self.read()
        for name, edit in edits.items():
            if edit is None:
                self._unset(name)
            elif name not in self.held or not equal(self.held[name].value, edit.value):
                set_parameter(self._place.store, self._place.notebook, name, edit.value)
        self.read()

    def _unset(self, name: str) -> None:
        if name in self.held:
            unset_parameter(self._place.store, self._place.notebook, name)

    def values(self, known: Mapping[str, Parameter]) -> dict[str, Any]:
        """Parameter → the value of the edit that holds; without those that the notebook does not take."""
        found: dict[str, Any] = {}
        for name, edit in self.held.items():
            try:
                found |= {name: check(known[name], edit.value)} if name in known else {}
            except UsageError:
                continue  # `unfit` tells of it
        return found

    def unfit(self, known: Mapping[str, Parameter]) -> str:
        """Which edits the notebook does not take as it is now, so that its runs are refused."""
        lost = [name for name in self.held if name not in self.values(known)]
        if not lost:
            return ""
        names = ", ".join(
            f"{name} = {self.held[name].value!r}, set by {self.held[name].user}" for name in lost
        )
        return (
            f"The notebook does not take what was set for its runs, so that they are refused: {names}. Take "
            f"it back: durable_nb.batch.unset_parameter(durable_nb.open_store(), NOTEBOOK, {lost[0]!r})"
        )
