"""The table of steps without a widget: where the page has no kernel, or the front end no widgets."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from durable_nb.core.wording import duration

_HEAD = ("step", "state", "time", "saved", "why")
_NOTHING = "no steps yet: write %%step NAME above a cell and run it"
_CELL = "text-align:left;vertical-align:top;padding:3px 18px 3px 0;background:none"


def as_text(views: Mapping[str, Any]) -> str:
    """The table as plain text."""
    rows = _rows(views)
    if not rows:
        return _NOTHING
    widths = [max(len(row[i]) for row in [_HEAD, *rows]) for i in range(len(_HEAD))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in [_HEAD, *rows]
    ]
    return "\n".join(line.rstrip() for line in lines)


def as_html(views: Mapping[str, Any]) -> str:
    """The table as HTML, every text escaped."""
    rows = _rows(views)
    if not rows:
        return f"<p>{escape(_NOTHING)}</p>"
    head = "".join(f'<th style="{_CELL};font-weight:400">{escape(name)}</th>' for name in _HEAD)
    lines = ["".join(f'<td style="{_CELL}">{escape(cell)}</td>' for cell in row) for row in rows]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    note = escape(str(views.get("panel", {}).get("notebook") or ""))
    return (
        '<table style="border-collapse:collapse;border:none">'
        f'<caption style="text-align:left">{note}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _rows(views: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            str(row["step"]),
            str(row["state"]),
            duration(row["seconds"]) if row["seconds"] is not None else "",
            duration(row["saved_seconds"]) if row["saved_seconds"] else "",
            str(row["error"] or row["waits"]),
        )
        for row in views.get("steps", {}).get("rows", ())
    ]
