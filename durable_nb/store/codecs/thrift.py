"""The Thrift compact protocol, as far as a Parquet footer needs it: read a struct, change it, write it again.

Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
_NUMBERS: Final = frozenset({I16, I32, I64})
_LONG_LIST: Final = 15


@dataclass(slots=True)
class Struct:
    """Fields by their number, in the order in which they were written."""

    fields: dict[int, tuple[int, Any]] = field(default_factory=dict)
    """Number → (type, value)."""

    def get(self, number: int) -> Any:
        """A field's value; None where it is not set."""
        return self.fields[number][1] if number in self.fields else None

    def replace(self, number: int, value: Any) -> None:
        """Set a field that is there already."""
        self.fields[number] = self.fields[number][0], value


@dataclass(slots=True)
class Items:
    """A list or a set."""

    type: int
    values: list[Any]


def read_struct(data: bytes) -> Struct:
    """The struct that the bytes begin with."""
    return _Reader(data).struct()


def write_struct(struct: Struct) -> bytes:
    """The bytes of a struct."""
    out = bytearray()
    _write_struct(out, struct)
    return bytes(out)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def struct(self) -> Struct:
        found = Struct()
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._number()
            kind = head & 15
            value = kind == TRUE if kind in (TRUE, FALSE) else self._value(kind)
            found.fields[number] = kind, value
        return found

    def _value(self, kind: int) -> Any:
        if kind in _NUMBERS:
            return self._number()
        if kind == STRUCT:
            return self.struct()
        if kind in (LIST, SET):
            return self._items()
        if kind == BINARY:
            return self._take(self._varint())
        if kind == DOUBLE:
            return self._take(8)
        if kind in (BYTE, TRUE, FALSE):
            return self._byte()
        raise ValueError(f"a Parquet footer has no Thrift type {kind}")

    def _items(self) -> Items:
        head = self._byte()
        size = head >> 4 if head >> 4 != _LONG_LIST else self._varint()
        return Items(head & 15, [self._value(head & 15) for _ in range(size)])

    def _number(self) -> int:
        folded = self._varint()
        return (folded >> 1) ^ -(folded & 1)

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _take(self, size: int) -> bytes:
        self._at += size
        return self._data[self._at - size : self._at]


def _write_struct(out: bytearray, struct: Struct) -> None:
    last = 0
    for number, (kind, value) in struct.fields.items():
        written = (TRUE if value else FALSE) if kind in (TRUE, FALSE) else kind
        if 0 < number - last < _LONG_LIST + 1:
            out.append((number - last) << 4 | written)
        else:
            out.append(written)
            _write_number(out, number)
        last = number
        if kind not in (TRUE, FALSE):
            _write_value(out, kind, value)
    out.append(0)


def _write_value(out: bytearray, kind: int, value: Any) -> None:
    if kind in _NUMBERS:
        _write_number(out, value)
    elif kind == STRUCT:
        _write_struct(out, value)
    elif kind in (LIST, SET):
        _write_items(out, value)
    elif kind == BINARY:
        _write_varint(out, len(value))
        out += value
    elif kind == DOUBLE:
        out += value
    else:
        out.append(value)


def _write_items(out: bytearray, items: Items) -> None:
    size = len(items.values)
    out.append(min(size, _LONG_LIST) << 4 | items.type)
    if size >= _LONG_LIST:
        _write_varint(out, size)
    for value in items.values:
        _write_value(out, items.type, value)


def _write_number(out: bytearray, value: int) -> None:
    _write_varint(out, value << 1 if value >= 0 else (-value << 1) - 1)


def _write_varint(out: bytearray, value: int) -> None:
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
