"""What a cell has shown, as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def shown_text(outputs: Iterable[Mapping[str, Any]]) -> str:
    """The text of nbformat outputs, in their order; of a picture what stands for it in a terminal."""
    return "".join(_joined(o["text"]) if o["output_type"] == "stream" else _plain(o) for o in outputs)


def _plain(output: Mapping[str, Any]) -> str:
    text = _joined(output.get("data", {}).get("text/plain", ""))
    return f"{text}\n" if text else ""


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)
