"""Whether somebody watches while lines are drawn over again."""

from __future__ import annotations

import os
from typing import TextIO

_OF_A_KERNEL = "JPY_PARENT_PID"


def can_repaint(stream: TextIO) -> bool:
    """Whether lines that are drawn over again are seen as such on a stream.

    A Jupyter kernel gives ``!command`` a terminal too, but the notebook keeps everything that comes out.
    """
    return stream.isatty() and _OF_A_KERNEL not in os.environ
