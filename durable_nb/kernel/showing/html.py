"""Pieces of HTML for what is shown in a notebook: everything escaped, colours of the reader's theme."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from html import escape

GREEN = "var(--jp-success-color0,#2e7d32)"
BLUE = "var(--jp-brand-color1,#1976d2)"
RED = "var(--jp-error-color1,#c62828)"
AMBER = "var(--jp-warn-color0,#b26a00)"
GREY = "var(--jp-ui-font-color2,#757575)"

_FONT = "font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:12.5px;line-height:1.5"
_CODE = "font-family:var(--jp-code-font-family,ui-monospace,monospace);font-size:12px;line-height:1.45"
_RULE = "border-bottom:1px solid var(--jp-border-color2,#bdbdbd66)"
_CELL = "text-align:left;vertical-align:top;padding:3px 18px 3px 0;background:none;white-space:{white};{more}"
_LINE_COLOURS = {
    "+": "background:rgba(46,160,67,.16)",
    "-": "background:rgba(248,81,73,.16)",
    "@": f"color:{GREY}",
    " ": "",
}
_HEADING = f"color:{GREY};font-weight:600"
"""Of the name of a source, above its changed lines."""


def block(*parts: str) -> str:
    """Parts one below the other, in the font of the user interface."""
    return f'<div style="{_FONT};color:var(--jp-ui-font-color1,inherit)">{"".join(parts)}</div>'


def quiet(*parts: str) -> str:
    """As ``block``, for what should not be noticed more than the user's own output."""
    return f'<div style="{_FONT};font-size:12px;color:{GREY}">{"".join(parts)}</div>'


def text(words: str, colour: str = "", *, bold: bool = False) -> str:
    """Escaped text; nothing for none."""
    if not words:
        return ""
    style = f"color:{colour};" if colour else ""
    style += "font-weight:600;" if bold else ""
    return f'<span style="{style}">{escape(words)}</span>' if style else escape(words)


def label(words: str) -> str:
    """A short word before a line; labels below each other are equally wide."""
    return f'<span style="display:inline-block;min-width:3em;color:{GREY}">{escape(words)}</span>'


def line(*parts: str, indent: float = 0.0) -> str:
    """Pieces of HTML on one line.

    Args:
        parts: Already escaped.
        indent: In em.
    """
    return f'<div style="padding:1px 0 1px {indent}em">{"".join(parts)}</div>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, wrapped: Collection[int] = ()) -> str:
    """A table that does not look like a data frame.

    Args:
        head: The names of the columns; a column with nothing in it is left out.
        rows: Cells, already escaped.
        wrapped: The columns whose text may go over several lines.
    """
    rows = list(rows)
    used = [i for i in range(len(head)) if any(row[i] for row in rows)]
    th = f"{_CELL.format(white='nowrap', more=_RULE)};font-weight:400;color:{GREY}"
    heads = "".join(f'<th style="{th}">{escape(head[i])}</th>' for i in used)
    body = "".join(
        '<tr style="background:none">'
        + "".join(
            f'<td style="{_CELL.format(white="normal" if i in wrapped else "nowrap", more="")}">{row[i]}</td>'
            for i in used
        )
        + "</tr>"
        for row in rows
    )
    return (
        '<table style="border-collapse:collapse;margin:4px 0;border:none">'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    )


def diff(lines: Sequence[str], *, indent: float = 0.0) -> str:
    """The lines of a unified diff; nothing for none."""
    if not lines:
        return ""
    shown = "".join(
        f'<div style="padding:0 8px;{_LINE_COLOURS.get(one[:1], _HEADING)}">{escape(one) or "&nbsp;"}</div>'
        for one in lines
    )
    return (
        f'<div style="{_CODE};white-space:pre-wrap;margin:3px 0 6px {indent}em;padding:3px 0;max-width:60em;'
        f'border-left:2px solid var(--jp-border-color2,#bdbdbd66)">{shown}</div>'
    )
