"""Moments in words, the same in every table and message."""

from __future__ import annotations

from datetime import UTC, datetime


def ago(moment: datetime, now: datetime | None = None) -> str:
    """``just now``, ``3 min ago``, ``yesterday 14:05``, ``2026-11-20 14:05``, in local time."""
    here = moment.astimezone()
    today = (now or datetime.now(UTC)).astimezone()
    seconds = (today - here).total_seconds()
    if seconds < 10:
        return "just now"
    if seconds < 60:
        return f"{seconds:.0f} s ago"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min ago"
    days = (today.date() - here.date()).days
    if days < 2:
        return f"{'yesterday' if days else 'today'} {here:%H:%M}"
    return f"{here:%Y-%m-%d %H:%M}"
