"""Copies of a notebook's outputs for a log, as papermill's ``--log-output`` and ``--stdout-file`` ask."""

from __future__ import annotations

import logging
from typing import TextIO

from nbformat import NotebookNode

_log = logging.getLogger("papermill")


class OutputLog:
    """Writes each output, as it comes, to papermill's log and to open files."""

    def __init__(self, log: bool, stdout: TextIO | None, stderr: TextIO | None) -> None:
        self._log = log
        self._files = {"stdout": stdout, "stderr": stderr}
        self._levels = {"stdout": logging.INFO, "stderr": logging.WARNING}

    def write(self, output: NotebookNode) -> None:
        """Copy one output to wherever it was asked for."""
        if output.output_type == "stream":
            self._write_stream(output.name, output.text)
        elif self._log and "text/plain" in output.get("data", {}):
            _log.info("%s", output.data["text/plain"])

    def _write_stream(self, name: str, text: str) -> None:
        if self._log:
            _log.log(self._levels[name], "%s", text)
        file = self._files[name]
        if file is not None:
            file.write(text)
            file.flush()
