"""Values ↔ Parquet files, without loss or not at all."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from durable_nb.core.errors import DamagedError, NotFingerprintableError, NotStorableError
from durable_nb.core.fingerprint import fingerprint as fingerprint_of
from durable_nb.store.codecs import parquet
from durable_nb.store.codecs.arrays import ArrayCodec
from durable_nb.store.codecs.arrow_tables import ArrowCodec
from durable_nb.store.codecs.contract import Codec, CodecContext, Content, Encoded, Unsuitable
from durable_nb.store.codecs.jsonlike import JsonCodec
from durable_nb.store.codecs.pandas_frames import PandasCodec
from durable_nb.store.codecs.pickled import PickledCodec
from durable_nb.store.codecs.polars_frames import PolarsCodec

__all__ = [
    "CODECS",
    "Codec",
    "CodecContext",
    "Content",
    "Encoded",
    "Unsuitable",
    "decode",
    "encode",
    "register",
]

CODECS: list[Codec] = [JsonCodec(), PandasCodec(), PolarsCodec(), ArrowCodec(), ArrayCodec(), PickledCodec()]
"""Tried in this order; the last one takes anything."""

LOSSES = (
    ArithmeticError,
    AttributeError,
    LookupError,
    NotImplementedError,
    OSError,
    StopIteration,
    TypeError,
    ValueError,
)
"""What libraries raise at a value or a description that they cannot make sense of."""


def register(codec: Codec) -> None:
    """Let a codec of the user's own be tried before the others."""
    CODECS.insert(0, codec)


def encode(value: Any, fingerprint: str, context: CodecContext) -> Encoded:
    """Find the first codec that brings a value back identical.

    Args:
        value: What to store.
        fingerprint: Of the value, made with the same ``context.of_code``.
        context: The user's key and the notebook's namespace.

    Raises:
        NotStorableError: No codec keeps it without loss; says for each one why.
    """
    reasons: list[str] = []
    # References to objects of the notebook, and views, are known to pickles alone.
    shares = bool(context.references or context.owners)
    for codec in CODECS[-1:] if shares else CODECS:
        if not codec.accepts(value):
            continue
        try:
            content = _content(codec, value, context)
            _prove(codec, content, value, fingerprint, context)
        except Unsuitable as reason:
            reasons.append(f"{codec.name}: {reason}")
        else:
            write = partial(_write, codec.name, fingerprint, content)
            return Encoded(codec.name, fingerprint, write)
    raise NotStorableError(f"{type(value).__qualname__} cannot be stored ({'; '.join(reasons)})")


def _content(codec: Codec, value: Any, context: CodecContext) -> Content:
    import pyarrow

    try:
        return codec.encode(value, context)
    except RecursionError:
        raise Unsuitable("nested too deeply") from None
    except (*LOSSES, pyarrow.ArrowException) as error:
        raise Unsuitable(f"{type(error).__name__}: {error}") from error


def _write(codec: str, fingerprint: str, content: Content, sink: Any) -> None:
    parquet.write(sink, codec, fingerprint, content)


def _prove(codec: Codec, content: Content, value: Any, fingerprint: str, context: CodecContext) -> None:
    import pyarrow

    try:
        again = codec.rehearse(content, context)
        found = fingerprint_of(again, of_code=context.of_code)
    except (*LOSSES, pyarrow.ArrowException, DamagedError, NotFingerprintableError) as error:
        raise Unsuitable(f"would not come back ({error})") from error
    if type(again) is not type(value) or found != fingerprint:
        raise Unsuitable("would come back changed")


def decode(path: Path, context: CodecContext) -> Any:
    """Read a stored value.

    Raises:
        DamagedError: The file is missing, cut short, altered, or signed by someone else.
    """
    head, table = parquet.read(path)
    codec = next((codec for codec in CODECS if codec.name == head.get("codec")), None)
    if codec is None:
        raise DamagedError(f"{path}: written by a codec named {head.get('codec')!r}, which is not registered")
    return _decode(codec, table, head, path, context)


def _decode(codec: Codec, table: Any, head: dict[str, Any], path: Path, context: CodecContext) -> Any:
    import pyarrow

    try:
        return codec.decode(table, head["layout"], context)
    except DamagedError as error:
        raise DamagedError(f"{path}: {error}") from error
    except (*LOSSES, pyarrow.ArrowException) as error:
        raise DamagedError(f"{path}: its content does not fit its description ({error!r})") from error
