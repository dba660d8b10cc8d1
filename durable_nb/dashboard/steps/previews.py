"""What a stored output looks like: the first rows of a table, the beginning of a text, a picture."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from durable_nb.core.errors import DamagedError, UnknownStepError, UsageError
from durable_nb.core.model import Json, Output, OutputKind, Trace
from durable_nb.core.shown import shown_text
from durable_nb.store.store import Store

_ROWS, _COLUMNS = 20, 60
_LONGEST_TEXT = 20_000
"""Characters."""
_LARGEST_TEXT = 20_000_000
"""Bytes of an artifact that is read whole to show its beginning."""
_LARGEST_IMAGE = 4_000_000
"""Characters of base64."""
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml")
"""What a browser shows as a picture, and runs nothing of."""
_TEXTS = frozenset({"json"})


def preview(store: Store, trace: Trace | None, step: str, output: Output | None) -> dict[str, Json]:
    """An output as a front end shows it.

    Args:
        store: Where its artifact is.
        trace: The execution that it is of; None for a value that was set by hand.
        step: Name of the step.
        output: The output.

    Raises:
        UnknownStepError: There is no such output.
        DamagedError: Its artifact is missing or damaged.
    """
    if output is None:
        raise UnknownStepError(f"step {step!r} has left no such output")
    stored = _stored(trace, output)
    if stored.kind is OutputKind.PART:
        return _none(f"stored together with others that share its objects: {_load(step, output)}")
    if stored.kind is not OutputKind.VALUE:
        return _none(_WHY_NOT.get(stored.kind, "nothing is stored of it"))
    return _of_artifact(store, step, stored)


def shown(display: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Json]]:
    """What a cell has shown, piece by piece: texts and pictures in their order."""
    texts: list[Mapping[str, Any]] = []
    for output in display:
        image = _image(output.get("data", {}))
        if image is None:
            texts.append(output)
            continue
        yield from _text_of(texts)
        texts = []
        yield image
    yield from _text_of(texts)


def text_preview(text: str) -> dict[str, Json]:
    """The beginning of a text."""
    return {"kind": "text", "text": text[:_LONGEST_TEXT], "more": len(text) > _LONGEST_TEXT}


def _stored(trace: Trace | None, output: Output) -> Output:
    """The output itself, or the one whose other name it is."""
    if output.kind is not OutputKind.ALIAS or trace is None:
        return output
    return next((other for other in trace.outputs if other.name == output.of), output)


def _of_artifact(store: Store, step: str, output: Output) -> dict[str, Json]:
    from durable_nb.store.codecs import previews  # with pyarrow

    path = store.artifacts.path(output.fingerprint)
    codec = output.codec or previews.codec_of(path)
    if codec in previews.TABLES:
        head = previews.table_head(path, _ROWS, _COLUMNS)
        return {
            "kind": "table",
            "columns": [{"name": name, "type": kind} for name, kind in head.columns],
            "rows": [list(row) for row in head.rows],
            "shape": [head.row_count, head.column_count],
        }
    if codec not in _TEXTS:
        return _none(f"a {output.type.rpartition('.')[2]} is read by Python only: {_load(step, output)}")
    if output.bytes > _LARGEST_TEXT:
        return _none(f"too large to be shown: {_load(step, output)}")
    return text_preview(_in_words(store.artifacts.get(output.fingerprint, store.context())))


def _in_words(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, indent=2, ensure_ascii=False, default=repr)
    except (TypeError, ValueError):  # keys that JSON does not have
        return repr(value)


def _image(data: Mapping[str, Any]) -> dict[str, Json] | None:
    for mime in _IMAGES:
        content = data.get(mime)
        content = "".join(content) if isinstance(content, list) else content
        if isinstance(content, str) and len(content) <= _LARGEST_IMAGE:
            return {"kind": "image", "mime": mime, "data": _base64(mime, content)}
    return None


def _base64(mime: str, content: str) -> str:
    import base64

    if mime != "image/svg+xml":
        return content.replace("\n", "")
    return base64.b64encode(content.encode()).decode()


def _text_of(outputs: list[Mapping[str, Any]]) -> Iterator[dict[str, Json]]:
    text = shown_text(outputs)
    if text.strip():
        yield text_preview(text)


def _none(why: str) -> dict[str, Json]:
    return {"kind": "none", "why": why}


def _load(step: str, output: Output) -> str:
    return f"durable_nb.load({step!r}, {output.name!r})"


_WHY_NOT = {
    OutputKind.DEFINITION: "made again by the cell's own import, def or class statement",
    OutputKind.MODULE: "an imported module, found again by its name",
    OutputKind.DELETED: "the step deletes this name",
    OutputKind.ALIAS: "the same object as another output",
    OutputKind.STATE: "state of the process, set again when the step is reused",
    OutputKind.FILE: "a file that the step writes; it is put back where it is missing or another",
}


def check_found(trace: Trace | None, step: str, trace_id: str) -> Trace:
    """The trace, if there is one.

    Raises:
        UsageError: The step has left nothing yet.
        DamagedError: It cannot be read.
    """
    if trace is None and trace_id:
        raise DamagedError(f"step {step!r} has no result {trace_id} that can be read")
    if trace is None:
        raise UsageError(f"step {step!r} has left nothing yet: run it first")
    return trace
