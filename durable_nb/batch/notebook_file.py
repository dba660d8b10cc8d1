"""The output notebook on disk: whole at every moment, and cheap to save after every cell."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Protocol

from nbformat import NotebookNode
from nbformat.v4.nbjson import writes as to_json

from durable_nb.core.errors import StoreError
from durable_nb.store.files import write_durably

_MARK = '"cells": []'


class NotebookText:
    """A notebook as the JSON text that ``nbformat.writes`` makes, kept cell by cell.

    Only cells named to `touch` since the last `encode` are serialised again, so that encoding after
    one cell costs one cell, however long the notebook is.
    """

    def __init__(self, nb: NotebookNode) -> None:
        self._nb = nb
        self._cells: list[bytes | None] = [None] * len(nb.cells)

    def touch(self, index: int) -> None:
        """Say that the cell at `index` is no longer what it was at the last `encode`."""
        self._cells[index] = None

    def encode(self) -> list[bytes]:
        """The notebook's text as UTF-8, in pieces to be written one after the other."""
        for index, text in enumerate(self._cells):
            if text is None:
                self._cells[index] = _cell_text(self._nb.cells[index])
        return [*self._assemble()]

    def _assemble(self) -> Iterable[bytes]:
        frame = to_json(NotebookNode({**self._nb, "cells": [], "metadata": {**self._nb.metadata}}))
        head, _, tail = frame.partition(_MARK)
        if not self._cells:
            yield frame.encode()
            return
        yield (head + '"cells": [\n  ').encode()
        for number, text in enumerate(self._cells):
            if number:
                yield b",\n  "
            yield text or b""
        yield ("\n ]" + tail).encode()


def _cell_text(cell: NotebookNode) -> bytes:
    text: str = to_json(NotebookNode(cells=[cell], metadata=NotebookNode()))
    return text[_BEFORE:-_AFTER].encode()


_EMPTY = to_json(NotebookNode(cells=[NotebookNode(cell_type="raw", metadata={})], metadata=NotebookNode()))
_BEFORE = _EMPTY.index("[") + len("[\n  ")
_AFTER = len(_EMPTY) - _EMPTY.rindex("\n ]")


class Target(Protocol):
    """Where an output notebook goes."""

    every_cell: bool
    """Whether it is cheap enough to be written after each cell."""

    def write(self, pieces: list[bytes]) -> None:
        """Replace what is there by the notebook made of `pieces`."""


class LocalTarget:
    """A local file that is replaced whole: a reader, or a crash, finds the old notebook or the new one."""

    every_cell = True

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, pieces: list[bytes]) -> None:
        """Stage the notebook beside the file, then rename it into place.

        Raises:
            StoreError: the disk is full, or the folder does not allow it; the message names the file.
        """

        def pour(file: BinaryIO) -> None:
            file.writelines(pieces)

        try:
            write_durably(self.path, pour)
        except StoreError as error:
            reason = getattr(error.__cause__, "strerror", None) or str(error)
            raise type(error)(
                f"the output notebook {self.path} cannot be saved: {reason}. Completed steps are in "
                "the store: make room or name another OUT, then run again."
            ) from error


class NoTarget:
    """For a run whose notebook is not kept by the engine."""

    every_cell = False

    def write(self, pieces: list[bytes]) -> None:
        """Do nothing."""


class NotebookFile:
    """A notebook that is being executed, and its copy on disk."""

    def __init__(self, nb: NotebookNode, target: Target) -> None:
        self.nb = nb
        self._text = NotebookText(nb)
        self._target = target
        self._changed = True

    def touch(self, index: int) -> None:
        """Say that the cell at `index` has changed."""
        self._text.touch(index)
        self._changed = True

    def save(self) -> None:
        """Write the notebook as it is now."""
        self._target.write(self._text.encode())
        self._changed = False

    def save_cell(self) -> None:
        """Write the notebook if its target takes a write for every cell."""
        if self._target.every_cell:
            self.save()

    def autosave(self) -> None:
        """Write the notebook if a cell has changed since the last time."""
        if self._changed:
            self.save()
