"""Shell commands of a cell (``!sort data.csv``): the way IPython starts them shows only in the child."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from durable_nb.kernel.depending.observing.commands import command_reads
from durable_nb.kernel.depending.observing.current import observed_now, unobserved

_STARTS = frozenset({"system", "system_piped", "system_raw"})


@contextmanager
def noticing_commands(shell: Any) -> Iterator[None]:
    """Take note of the commands that the shell starts inside the block, their variables filled in."""
    expand = shell.var_expand

    def noticing(command: str, depth: int = 0, *formatter: Any) -> str:
        expanded = str(expand(command, depth + 1, *formatter))
        observed = observed_now()
        if observed is not None and sys._getframe(1).f_code.co_name in _STARTS:
            with unobserved():
                command_reads(observed, expanded, None)
        return expanded

    shell.var_expand = noticing
    try:
        yield
    finally:
        del shell.var_expand
