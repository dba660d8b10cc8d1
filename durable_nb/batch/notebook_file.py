"""The output notebook on disk: whole at every moment, and cheap to save after every cell."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import psutil
from nbformat import NotebookNode
from nbformat.v4.nbjson import writes as to_json

from durable_nb.core.secrets import Secrets
from durable_nb.store.files import STAGE_MARK, make_folder, store_error, sync_folder

_MARK = '"cells": []'


class NotebookText:
    """A notebook as the JSON text that ``nbformat.writes`` makes, kept cell by cell.

    Only cells named to `touch` since the last `encode` are serialised again, so that encoding after
    one cell costs one cell, however long the notebook is.
    """

    def __init__(self, nb: NotebookNode, secrets: Secrets | None = None) -> None:
        self._nb = nb
        self._secrets = secrets if secrets is not None else Secrets()
        self._cells: list[bytes | None] = [None] * len(nb.cells)

    def touch(self, index: int) -> None:
        """Say that the cell at `index` is no longer what it was at the last `encode`."""
        self._cells[index] = None

    def encode(self) -> list[bytes]:
        """The notebook's text as UTF-8, in pieces to be written one after the other."""
        for index, text in enumerate(self._cells):
            if text is None:
                self._cells[index] = _cell_text(self._secrets.masked(self._nb.cells[index]))
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

    def sync(self) -> None:
        """Make sure that what was written survives a power cut."""


class LocalTarget:
    """A local file that is replaced whole: a reader, or a crash, finds the old notebook or the new one.

    Writing survives the death of this process at once, and a power cut from the next `sync` on: an fsync
    can cost more than all else that a short cell does.
    """

    every_cell = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begun = False
        self._synced = True
        self._stage = path.with_name(f".{path.name[:100]}{STAGE_MARK}{os.getpid()}")

    def write(self, pieces: list[bytes]) -> None:
        """Stage the notebook beside the file, then rename it into place.

        Raises:
            StoreError: the disk is full, or the folder does not allow it; the message names the file.
        """
        with self._translated():
            if not self._begun:
                self._begin()
            try:
                with self._stage.open("wb") as file:
                    file.writelines(pieces)
                self._stage.rename(self.path)
            except BaseException:
                self._stage.unlink(missing_ok=True)
                raise
        self._synced = False

    def sync(self) -> None:
        """Flush file and folder to the disk, if they were written since the last time.

        Raises:
            StoreError: the disk refused.
        """
        if self._synced:
            return
        self._synced = True
        with self._translated(), suppress(FileNotFoundError):  # removed by someone: nothing is left to flush
            with self.path.open("rb") as file:
                os.fsync(file.fileno())
            sync_folder(self.path.parent)

    def _begin(self) -> None:
        """Make the folder, and remove what a process that was killed has left in it."""
        make_folder(self.path.parent)
        beginning = self._stage.name.removesuffix(str(os.getpid()))
        for left in self.path.parent.glob(f"{glob.escape(beginning)}*"):
            if not psutil.pid_exists(int(left.name.removeprefix(beginning))):
                left.unlink(missing_ok=True)
        self._begun = True

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise type(store_error(error, self.path))(
                f"the output notebook {self.path} cannot be saved: {error.strerror}. Completed steps are in "
                "the store: make room or name another OUT, then run again."
            ) from error


class NoTarget:
    """For a run whose notebook is not kept by the engine."""

    every_cell = False

    def write(self, pieces: list[bytes]) -> None:
        """Do nothing."""

    def sync(self) -> None:
        """Do nothing."""


class NotebookFile:
    """A notebook that is being executed, and its copy on disk, in which no secret stands."""

    def __init__(self, nb: NotebookNode, target: Target, secrets: Secrets | None = None) -> None:
        self.nb = nb
        self._text = NotebookText(nb, secrets)
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

    def sync(self) -> None:
        """Make sure that what was saved survives a power cut."""
        self._target.sync()

    def autosave(self) -> None:
        """Write the notebook if a cell has changed since the last time."""
        if self._changed:
            self.save()
