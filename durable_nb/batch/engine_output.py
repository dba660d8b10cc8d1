"""Where papermill wants the output notebook, and how it gets there whole."""

from __future__ import annotations

import os
from pathlib import Path

from papermill.iorw import LocalHandler, papermill_io

from durable_nb.batch.notebook_file import LocalTarget, NoTarget, Target


class ForeignTarget:
    """A place only papermill can write to, such as ``s3://``: not written for every cell."""

    every_cell = False

    def __init__(self, path: str) -> None:
        self._path = path

    def write(self, pieces: list[bytes]) -> None:
        """Hand the notebook to papermill's writer for this kind of path."""
        papermill_io.write(b"".join(pieces).decode(), self._path)

    def sync(self) -> None:
        """Nothing to do: papermill's writers are done when they return."""


class WholeFileHandler:
    """Makes papermill's own last write as safe as ours: a full disk or a kill keeps the old file."""

    def read(self, path: str) -> str:
        """The file's text."""
        return local_path(path).read_text(encoding="utf-8")

    def write(self, buf: str, path: str) -> None:
        """Replace the file."""
        target = LocalTarget(local_path(path))
        target.write([buf.encode()])
        target.sync()

    def pretty_path(self, path: str) -> str:
        """The path as papermill shows it."""
        return path


def target_of(output_path: str | None) -> Target:
    """The target for papermill's `output_path`; None and pipes are written by papermill alone."""
    if not output_path or output_path == "-":
        return NoTarget()
    if not is_local(output_path):
        return ForeignTarget(output_path)
    path = local_path(output_path)
    if path.exists() and not path.is_file():
        return ForeignTarget(output_path)
    if isinstance(papermill_io.get_handler(output_path, None), LocalHandler):
        papermill_io.register(output_path, WholeFileHandler())
    return LocalTarget(path)


def local_path(path: str) -> Path:
    """An absolute path without links, as papermill resolves relative ones: from where it was called."""
    handler = papermill_io.get_handler("local", None)
    base = handler.cwd(None)
    handler.cwd(base)
    return Path(os.path.realpath(Path(base or Path.cwd()) / path))


def is_local(path: str) -> bool:
    """Whether `path` names a local file to papermill."""
    return isinstance(papermill_io.get_handler(path, None), LocalHandler | WholeFileHandler)
