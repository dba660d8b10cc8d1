"""Printed text as a terminal would show it: one output a stream, a redrawn line kept once."""

from __future__ import annotations

import re

from nbformat import NotebookNode

_REDRAWN = re.compile(r"[^\n]*\r(?=[^\r\n])")


def continues(outputs: list[NotebookNode]) -> bool:
    """Whether the last output carries on the stream of the one before it."""
    if len(outputs) < 2:
        return False
    before, last = outputs[-2], outputs[-1]
    return bool(last.output_type == before.output_type == "stream" and last.name == before.name)


def join_last_two(outputs: list[NotebookNode]) -> NotebookNode:
    """Move the last output's text to the end of the one before; returns the output taken off."""
    last = outputs.pop()
    before = outputs[-1]
    start = before.text.rfind("\n") + 1
    line = before.text[start:] + last.text
    before.text = before.text[:start] + (redraw(line) if "\r" in line else line)
    return last


def redraw(text: str) -> str:
    """Drop of each line what a carriage return in it has overwritten."""
    return _REDRAWN.sub("", text)
