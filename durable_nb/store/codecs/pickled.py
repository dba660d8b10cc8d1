"""Any other value: a signed pickle, with large buffers beside it in a binary column.

A pickle can run code when it is loaded, so it is loaded only when it carries the signature of this user's
key. Functions of the notebook are kept as code and get the notebook's globals again; its classes are found by
name.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import pickle
import sys
from typing import TYPE_CHECKING, Any, Final

from durable_nb.core.errors import DamagedError
from durable_nb.store.codecs import notebook_code
from durable_nb.store.codecs.contract import CodecContext, Content, Unsuitable
from durable_nb.store.codecs.parquet import bytes_column
from durable_nb.store.codecs.shared_objects import SharingPickler

if TYPE_CHECKING:
    import pyarrow

PIECE: Final = 16 << 20
"""Bytes in one row; a buffer of more takes several."""


class PickledCodec:
    """Whatever can be pickled and unpickled."""

    name = "pickle"

    def accepts(self, value: object) -> bool:
        """Anything is worth trying."""
        return True

    def encode(self, value: Any, context: CodecContext) -> Content:
        """The pickle in the first part, its out-of-band buffers in the others."""
        import pyarrow

        parts = _dumps(value, context)
        sizes = [part.nbytes for part in parts]
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        layout: dict[str, Any] = {"python": python, "sizes": sizes}
        layout["signature"] = _signature(context.key, layout, parts)
        pieces = [part[at : at + PIECE] for part in parts for at in range(0, part.nbytes, PIECE)]
        column = bytes_column(pieces, pyarrow.large_binary())
        return Content(pyarrow.table({"data": column}), layout, plain=True)

    def decode(self, table: pyarrow.Table, layout: dict[str, Any], context: CodecContext) -> Any:
        """The value again, if the signature is right."""
        parts = _parts(table.column(0), layout["sizes"])
        expected = _signature(context.key, layout, parts)
        if not hmac.compare_digest(expected, str(layout.get("signature", ""))):
            raise DamagedError("a pickle that this user's key did not sign is not loaded")
        return _loads(parts, layout, context)

    def rehearse(self, content: Content, context: CodecContext) -> Any:
        """Parquet keeps bytes as they are; loading may still fail, so it is tried."""
        parts = _parts(content.table.column(0), content.layout["sizes"])
        return _loads(parts, content.layout, context)


def _dumps(value: Any, context: CodecContext) -> list[memoryview]:
    buffers: list[pickle.PickleBuffer] = []
    sink = io.BytesIO()
    try:
        pickler = SharingPickler if context.references or context.owners else notebook_code.Pickler
        pickler(sink, context, buffers.append).dump(value)
    except RecursionError:
        raise Unsuitable("nested too deeply to be pickled") from None
    except Exception as error:  # a foreign __reduce__ may raise anything to say no
        raise Unsuitable(f"cannot be pickled: {error}") from error
    return [sink.getbuffer(), *(buffer.raw() for buffer in buffers)]


def _loads(parts: list[Any], layout: dict[str, Any], context: CodecContext) -> Any:
    unpickler = notebook_code.Unpickler(io.BytesIO(parts[0]), context, parts[1:], python=layout["python"])
    try:
        return unpickler.load()
    except Exception as error:  # a foreign constructor may raise anything
        raise DamagedError(f"the stored value cannot be made again here: {error}") from error


def _parts(column: pyarrow.ChunkedArray, sizes: list[int]) -> list[bytearray]:
    """Each part in memory of its own, so that arrays made on it can be written to."""
    pieces = (piece.as_buffer() for chunk in column.chunks for piece in chunk)
    parts = []
    for size in sizes:
        part, at = bytearray(size), 0
        while at < size:
            piece = next(pieces)
            part[at : at + piece.size] = piece
            at += piece.size
        parts.append(part)
    return parts


def _signature(key: bytes, layout: dict[str, Any], parts: list[Any]) -> str:
    signed = {name: part for name, part in layout.items() if name != "signature"}
    signature = hmac.new(key, json.dumps(signed, sort_keys=True).encode(), hashlib.sha256)
    for part in parts:
        signature.update(part)
    return signature.hexdigest()
