"""What floors above the kernel add to it; light, so that adding something imports nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from durable_nb.kernel.session import Session

FURTHER: dict[str, Callable[[Session, list[str]], object]] = {}
"""Subcommand of ``%steps`` → what is called with the words after it; what it returns is displayed."""
AT_LOAD: list[Callable[[Session], Callable[[], None]]] = []
"""Called when the extension was loaded into a shell; what each returns is called when it is taken out."""
