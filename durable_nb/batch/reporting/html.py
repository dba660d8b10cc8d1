"""Pieces of HTML for reports: every text is escaped here, and nowhere else."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape
from pathlib import Path
from typing import NewType
from urllib.parse import quote

from durable_nb.core.model import State

Html = NewType("Html", str)
"""Text that is markup already."""

_MARKS: Mapping[State, str] = {
    State.PENDING: "·",
    State.RUNNING: "▸",
    State.COMPLETED: "✓",
    State.REUSED: "↺",
    State.FAILED: "✗",
    State.BLOCKED: "◦",
    State.INTERRUPTED: "!",
    State.CANCELLED: "–",
    State.WAITING: "?",
}
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_LONGEST = 20_000
"""Characters of one block of text; the middle of a longer one is left out."""


def text(words: object) -> Html:
    """Escaped text, without what a page cannot show."""
    return Html(escape(_CONTROL.sub("�", _ANSI.sub("", str(words)))))


def join(*parts: Html, between: str = "") -> Html:
    """Pieces one after the other."""
    return Html(between.join(parts))


def element(tag: str, *parts: Html, **attributes: str) -> Html:
    """An element; ``class_`` stands for ``class``, and attributes without a value are left out."""
    named = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    written = "".join(f' {name}="{escape(value)}"' for name, value in named.items() if value)
    return Html(f"<{tag}{written}>{''.join(parts)}</{tag}>")


def pill(state: State) -> Html:
    """A state, told by its mark, its word and its colour."""
    mark = element("i", text(_MARKS[state]), aria_hidden="true")
    return element("span", mark, text(state.value), class_=f"pill {state.value}")


def block(words: str, kind: str = "") -> Html:
    """Text as it was printed."""
    if len(words) > _LONGEST:
        half = _LONGEST // 2
        left_out = f"\n… {len(words) - _LONGEST:,} characters left out …\n"
        words = words[:half] + left_out + words[-half:]
    return element("pre", text(words.replace("\r\n", "\n")), class_=kind)


def diff(lines: Iterable[str]) -> Html:
    """The lines of a unified diff."""
    kinds = {"+": "add", "-": "del", "@": "at", " ": ""}
    shown = [element("span", text(f"{line}\n"), class_=kinds.get(line[:1], "head")) for line in lines]
    return element("pre", *shown, class_="diff") if shown else Html("")


def details(summary: Html, *parts: Html, opened: bool = False) -> Html:
    """Something that opens on a click; nothing where there is nothing in it."""
    if not any(parts):
        return Html("")
    inner = "".join([element("summary", summary), *parts])
    return Html(f"<details{' open' if opened else ''}>{inner}</details>")


def pairs(facts: Mapping[str, Html], kind: str = "facts") -> Html:
    """Names and what they stand for; those without anything are left out."""
    rows = [
        element("div", element("dt", text(name)), element("dd", value))
        for name, value in facts.items()
        if value
    ]
    return element("dl", *rows, class_=kind) if rows else Html("")


def section(title: str, *parts: Html, anchor: str = "", note: str = "") -> Html:
    """A part of the page under a heading; nothing where there is nothing in it."""
    if not any(parts):
        return Html("")
    heading = element("h2", text(title), element("small", text(note)) if note else Html(""))
    return element("section", heading, *parts, id=anchor)


def moment(at: datetime) -> Html:
    """A point in time, in the time zone of the machine that makes the report."""
    here = at.astimezone()
    return element("time", text(f"{here:%Y-%m-%d %H:%M:%S}"), datetime=here.isoformat(timespec="seconds"))


def file_link(path: str, page: Path | None) -> Html:
    """A file's name that leads to it, from where the page will be; only its name where no link can."""
    name = text(Path(path).name or path)
    if re.match(r"https?://", path):
        return element("a", text(path), href=path)
    if page is None or not path.startswith("/"):
        return element("code", text(path))
    return element("a", name, href=_relative(path, page), title=path)


def _relative(path: str, page: Path) -> str:
    relative = quote(os.path.relpath(path, page.absolute().parent))
    return relative if "/" in relative.partition(":")[0] or ":" not in relative else f"./{relative}"
