"""JSON-like values, and the exact values of the standard library that JSON lacks, as JSON text."""

from __future__ import annotations

import base64
import datetime
import json
import math
import pathlib
import uuid
import zoneinfo
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from durable_nb.store.codecs.contract import CodecContext, Content, Unsuitable
from durable_nb.store.codecs.parquet import bytes_column

if TYPE_CHECKING:
    import pyarrow

TAG: Final = "$type"
LARGEST_TEXT: Final = 64 << 20
"""Beyond this many characters a signed pickle is the quicker way."""
LONGEST_INT: Final = 10**4000
"""Python refuses to read longer numbers from a text."""

NATIVE: Final = frozenset({str, int, bool, type(None)})


def to_json(value: Any) -> Any:
    """A value as plain JSON types; what JSON lacks becomes ``{"$type": …, "value": …}``."""
    kind = type(value)
    writer = WRITERS.get(kind)
    if writer is None:
        raise Unsuitable(f"JSON has no {kind.__qualname__}")
    return writer(value)


def from_json(data: Any) -> Any:
    """The value that ``to_json`` was given."""
    if type(data) is list:
        return data if set(map(type, data)) <= LEAVES else [from_json(item) for item in data]
    if type(data) is not dict:
        return data
    if TAG in data:
        return READERS[data[TAG]](data.get("value"))
    return {key: from_json(item) for key, item in data.items()}


LEAVES: Final = frozenset({str, int, bool, float, type(None)})


def _same(value: Any) -> Any:
    return value


def _int(value: int) -> Any:
    if -LONGEST_INT < value < LONGEST_INT:
        return value
    return _tagged("int", hex(value))


def _float(value: float) -> Any:
    return value if math.isfinite(value) else _tagged("float", repr(value))


def _tagged(name: str, value: Any) -> dict[str, Any]:
    return {TAG: name, "value": value}


def _list(values: list[Any]) -> list[Any]:
    return [to_json(value) for value in values]


def _dict(value: dict[Any, Any]) -> Any:
    if set(map(type, value)) <= {str} and TAG not in value:
        return {key: to_json(item) for key, item in value.items()}
    return _tagged("dict", [[to_json(key), to_json(item)] for key, item in value.items()])


def _pairs(data: list[list[Any]]) -> dict[Any, Any]:
    return {from_json(key): from_json(item) for key, item in data}


def _items(name: str) -> Callable[[Any], Any]:
    return lambda value: _tagged(name, [to_json(item) for item in value])


def _parts(name: str, *attributes: str) -> Callable[[Any], Any]:
    return lambda value: _tagged(name, [to_json(getattr(value, attribute)) for attribute in attributes])


def _text(name: str) -> Callable[[Any], Any]:
    return lambda value: _tagged(name, str(value))


def _bytes(name: str) -> Callable[[Any], Any]:
    return lambda value: _tagged(name, base64.b64encode(value).decode("ascii"))


def _timezone(value: datetime.timezone) -> Any:
    name = value.__getinitargs__()[1:]  # type: ignore[attr-defined] # its only way to tell a given name
    return _tagged("timezone", [to_json(value.utcoffset(None)), *name])


def _zone(value: zoneinfo.ZoneInfo) -> Any:
    if value.key is None:
        raise Unsuitable("a time zone without a name")
    return _tagged("ZoneInfo", value.key)


def _moment(value: datetime.datetime) -> Any:
    zone = None if value.tzinfo is None else to_json(value.tzinfo)
    return _tagged("datetime", [value.replace(tzinfo=None, fold=0).isoformat(), value.fold, zone])


def _to_moment(data: Any) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(data[0])
    return moment.replace(fold=data[1], tzinfo=None if data[2] is None else from_json(data[2]))


def _clock(value: datetime.time) -> Any:
    zone = None if value.tzinfo is None else to_json(value.tzinfo)
    return _tagged("time", [value.replace(tzinfo=None, fold=0).isoformat(), value.fold, zone])


def _to_clock(data: Any) -> datetime.time:
    clock = datetime.time.fromisoformat(data[0])
    return clock.replace(fold=data[1], tzinfo=None if data[2] is None else from_json(data[2]))


def _uuid(value: uuid.UUID) -> Any:
    return _tagged("UUID", [str(value), value.is_safe.name])


WRITERS: Final[dict[type, Callable[[Any], Any]]] = {
    type(None): _same,
    bool: _same,
    str: _same,
    int: _int,
    float: _float,
    list: _list,
    dict: _dict,
    tuple: _items("tuple"),
    set: _items("set"),
    frozenset: _items("frozenset"),
    bytes: _bytes("bytes"),
    bytearray: _bytes("bytearray"),
    complex: _parts("complex", "real", "imag"),
    range: _parts("range", "start", "stop", "step"),
    slice: _parts("slice", "start", "stop", "step"),
    type(...): lambda _: _tagged("Ellipsis", None),
    datetime.date: lambda value: _tagged("date", value.isoformat()),
    datetime.datetime: _moment,
    datetime.time: _clock,
    datetime.timedelta: _parts("timedelta", "days", "seconds", "microseconds"),
    datetime.timezone: _timezone,
    zoneinfo.ZoneInfo: _zone,
    Decimal: _text("Decimal"),
    Fraction: _parts("Fraction", "numerator", "denominator"),
    uuid.UUID: _uuid,
    type(pathlib.Path()): _text("Path"),
    pathlib.PurePosixPath: _text("PurePosixPath"),
    pathlib.PureWindowsPath: _text("PureWindowsPath"),
}
READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "int": lambda data: int(data, 16),
    "float": float,
    "dict": _pairs,
    "tuple": lambda data: tuple(from_json(data)),
    "set": lambda data: set(from_json(data)),
    "frozenset": lambda data: frozenset(from_json(data)),
    "bytes": base64.b64decode,
    "bytearray": lambda data: bytearray(base64.b64decode(data)),
    "complex": lambda data: complex(*from_json(data)),
    "range": lambda data: range(*from_json(data)),
    "slice": lambda data: slice(*from_json(data)),
    "Ellipsis": lambda _: ...,
    "date": datetime.date.fromisoformat,
    "datetime": _to_moment,
    "time": _to_clock,
    "timedelta": lambda data: datetime.timedelta(*data),
    "timezone": lambda data: datetime.timezone(*from_json(data)),
    "ZoneInfo": zoneinfo.ZoneInfo,
    "Decimal": Decimal,
    "Fraction": lambda data: Fraction(*from_json(data)),
    "UUID": lambda data: uuid.UUID(data[0], is_safe=uuid.SafeUUID[data[1]]),
    "Path": pathlib.Path,
    "PurePosixPath": pathlib.PurePosixPath,
    "PureWindowsPath": pathlib.PureWindowsPath,
}


def dumps(value: Any) -> str:
    """A value as JSON text."""
    data = to_json(value)
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if not text.isascii() and not text.isprintable():
        text = _encodable(text, data)
    return text


def _encodable(text: str, data: Any) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half a surrogate pair: Python allows it, UTF-8 does not
        return json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text


def loads(text: str) -> Any:
    """The value that ``dumps`` was given."""
    return from_json(json.loads(text))


class JsonCodec:
    """Numbers, texts, lists, dictionaries and the like, as one JSON text."""

    name = "json"

    def accepts(self, value: object) -> bool:
        """Only exact types; a subclass carries more than its base."""
        return type(value) in WRITERS

    def encode(self, value: Any, context: CodecContext) -> Content:
        """One row with one text."""
        import pyarrow

        text = dumps(value)
        if len(text) > LARGEST_TEXT:
            raise Unsuitable("too long for JSON")
        column = bytes_column([text.encode("utf-8")], pyarrow.large_string())
        return Content(pyarrow.table({"value": column}), {}, plain=True)

    def decode(self, table: pyarrow.Table, layout: dict[str, Any], context: CodecContext) -> Any:
        """The value again."""
        return loads(table.column(0)[0].as_py())

    def rehearse(self, content: Content, context: CodecContext) -> Any:
        """Parquet keeps a text as it is."""
        return self.decode(content.table, content.layout, context)
