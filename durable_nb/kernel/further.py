"""Subcommands of ``%steps`` that floors above the kernel add; light, so that adding one imports nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from durable_nb.kernel.session import Session

FURTHER: dict[str, Callable[[Session, list[str]], object]] = {}
"""Name → what is called with the words after it; what it returns is displayed."""
