"""Where lines are drawn over again."""

from __future__ import annotations

import io
import os
import pty
from collections.abc import Iterator
from typing import TextIO

import pytest

from durable_nb.batch.terminal import can_repaint


@pytest.fixture
def terminal() -> Iterator[TextIO]:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as stream:
        yield stream
    os.close(ours)


def test_a_terminal(terminal: TextIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person at a terminal sees lines change."""
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)

    assert can_repaint(terminal)
    assert not can_repaint(io.StringIO())


def test_a_terminal_that_a_notebook_keeps(terminal: TextIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs by ``!command`` in a notebook prints plain lines, though it is given a terminal."""
    monkeypatch.setenv("JPY_PARENT_PID", "1")

    assert not can_repaint(terminal)
