"""Files that commands name: other programs open them, unseen by the interpreter."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from durable_nb.kernel.depending.observing.observed import Observed

LONGEST_TEXT = 20_000
"""Characters; a longer text is data rather than a command."""
WORDS = re.compile(r"""[^\s'"`(),;=<>|&]+""")
_QUOTED = re.compile(r"""'([^']+)'|"([^"]+)\"""")


def command_reads(observed: Observed, command: object, folder: str | None) -> None:
    """Take note of the files that a command line or a list of arguments names.

    Args:
        observed: Where they are noted.
        command: A text as a shell gets it, or the program and its arguments.
        folder: Where the command runs; the working directory by default.
    """
    for word in dict.fromkeys(_words(command)):
        observed.reads_if_there(os.path.join(folder or os.getcwd(), word))


def _words(command: object) -> Iterator[str]:
    if isinstance(command, bytes | os.PathLike):
        command = os.fsdecode(command)
    if isinstance(command, str):
        yield from _words_within(command)
    elif isinstance(command, Sequence):
        for number, part in enumerate(command):
            text = os.fsdecode(part) if isinstance(part, str | bytes | os.PathLike) else ""
            if number or os.sep in text:
                yield text
                yield from _words_within(text)


def _words_within(text: str) -> Iterator[str]:
    if len(text) <= LONGEST_TEXT:
        yield from (word for words in _QUOTED.findall(text) for word in words if word)
        yield from WORDS.findall(text)
