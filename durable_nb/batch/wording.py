"""Times in words, the same in every table and message."""

from __future__ import annotations

from datetime import UTC, datetime


def duration(seconds: float) -> str:
    """``8 ms``, ``4.1 s``, ``41 s``, ``3 min 12 s``, ``2 h 5 min``, ``3 d 4 h``."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, size, smaller, smaller_size in _UNITS:
        if whole >= size:
            rest = whole % size // smaller_size
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


_UNITS = (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1))


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
