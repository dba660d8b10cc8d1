"""Numbers, texts and containers of the language itself."""

from __future__ import annotations

import marshal
import struct
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable
from itertools import chain
from typing import Any, Final

from durable_nb.core.fingerprint.hashing import length
from durable_nb.core.fingerprint.walker import BASES, EXACT, Obstacle, Walker

PLAIN: Final = frozenset({int, float, str, bool, bytes, type(None)})
"""Types whose exact instances marshal writes typed, length-prefixed and the same on every Python version."""
MARSHAL: Final = 2
"""The newest marshal format without references, which would depend on who else holds an object."""
NAN: Final = float("nan")
LARGE: Final = 1 << 15


def plain(values: list[Any]) -> bytes | None:
    """All values at once as bytes, or None when one of them is more than a plain number or text."""
    kinds = set(map(type, values))
    if not kinds <= PLAIN:
        return None
    if float in kinds:
        values = [value if value == value else NAN for value in values]
    return marshal.dumps(values, MARSHAL)


def plain_rows(walker: Walker, values: list[Any]) -> bytes | None:
    """As ``plain``, for tuples, lists or dicts of plain values without NaN, none met before."""
    row = type(values[0]) if len(values) > 1 else None
    if row not in (tuple, list, dict) or set(map(type, values)) != {row}:
        return None
    if not _plain_without_nan(values) or (row is dict and not _plain_without_nan(map(dict.values, values))):
        return None
    if row is not tuple and not walker.all_first(values):
        return None
    return marshal.dumps(values, MARSHAL)


def _plain_without_nan(rows: Iterable[Any]) -> bool:
    leaves = list(chain.from_iterable(rows))
    kinds = set(map(type, leaves))
    return kinds <= PLAIN and not (float in kinds and any(leaf != leaf for leaf in leaves))


def sequence(walker: Walker, values: list[Any]) -> None:
    """Add a number of values in their order."""
    data = plain(values) or plain_rows(walker, values)
    if data is None:
        walker.out += b":"
        walker.size(len(values))
        walker.items(values)
        return
    walker.out += b"!" + length(len(data))
    block(walker, data)


def block(walker: Walker, data: Any) -> None:
    """Add bytes whose length was added before, without a copy when they are many."""
    if len(data) > LARGE:
        walker.raw(data)
    else:
        walker.out += data


def _none(walker: Walker, _: None) -> None:
    walker.out += b"N"


def _bool(walker: Walker, value: bool) -> None:
    walker.out += b"T" if value else b"F"


def _int(walker: Walker, value: int) -> None:
    data = value.to_bytes((value.bit_length() >> 3) + 1, "little", signed=True)
    walker.out += b"i" + length(len(data)) + data


def _double(value: float) -> bytes:
    return struct.pack("<d", value if value == value else NAN)


def _float(walker: Walker, value: float) -> None:
    walker.out += b"f" + _double(value)


def _complex(walker: Walker, value: complex) -> None:
    walker.out += b"c" + _double(value.real) + _double(value.imag)


def _str(walker: Walker, value: str) -> None:
    data = value.encode("utf-8", "surrogatepass")
    walker.out += b"s" + length(len(data))
    block(walker, data)


def _bytes(walker: Walker, value: bytes) -> None:
    walker.out += b"b" + length(len(value))
    block(walker, value)


def _bytearray(walker: Walker, value: bytearray) -> None:
    if walker.first(value):
        walker.out += b"B" + length(len(value))
        block(walker, value)


def _memoryview(walker: Walker, value: memoryview) -> None:
    walker.tag("memoryview")
    walker.walk((value.format, value.shape, value.readonly))
    walker.sized(value.tobytes())


def _ellipsis(walker: Walker, _: object) -> None:
    walker.out += b"E"


def _not_implemented(walker: Walker, _: object) -> None:
    walker.out += b"I"


def _tuple(walker: Walker, value: tuple[Any, ...]) -> None:
    walker.out += b"("
    sequence(walker, list(value))


def _list(walker: Walker, value: list[Any]) -> None:
    if walker.first(value):
        walker.out += b"["
        sequence(walker, value)


def _dict(walker: Walker, value: dict[Any, Any]) -> None:
    if walker.first(value):
        walker.out += b"{"
        mapping(walker, value)


def mapping(walker: Walker, value: dict[Any, Any]) -> None:
    """Add keys and values of a dictionary, in its order."""
    sequence(walker, list(value))
    data = plain(list(value.values()))
    if data is not None:
        walker.out += b"!" + length(len(data))
        block(walker, data)
        return
    walker.out += b":"
    key = None
    try:
        for key, item in value.items():  # noqa: B007 - used on the way out
            walker.walk(item)
    except Obstacle as obstacle:
        raise obstacle.within(f"[{_short(key)}]") from None


def _short(key: object) -> str:
    return repr(key)[:40] if type(key) in PLAIN else f"<{type(key).__name__}>"


def _set(walker: Walker, value: set[Any]) -> None:
    if walker.first(value):
        walker.out += b"U"
        unordered(walker, value)


def _frozenset(walker: Walker, value: frozenset[Any]) -> None:
    walker.out += b"u"
    unordered(walker, value)


def unordered(walker: Walker, values: Iterable[Any]) -> None:
    """Add values whose order does not count."""
    elements = list(values)
    kinds = set(map(type, elements))
    if len(kinds) == 1 and kinds <= {int, str, bytes}:
        sequence(walker, sorted(elements))
        return
    if kinds == {tuple} and _plain_without_nan(elements):
        sequence(walker, sorted(marshal.dumps(element, MARSHAL) for element in elements))
        return
    digests = [(*walker.aside(element), element) for element in elements]
    digests.sort(key=lambda entry: entry[0])
    walker.size(len(digests))
    for digest, holds_mutable, element in digests:
        if holds_mutable:
            walker.walk(element)
        else:
            walker.out += digest


def _set_subclass(walker: Walker, value: Any) -> None:
    from durable_nb.core.fingerprint.definitions import class_of

    if not walker.first(value):
        return
    walker.tag("set of a class")
    class_of(walker, type(value))
    unordered(walker, value)
    state = getattr(value, "__dict__", None) or {}
    walker.walk(sorted(state))
    for name in sorted(state):
        walker.part(f".{name}", state[name])


def _range(walker: Walker, value: range) -> None:
    walker.tag("range")
    walker.walk((value.start, value.stop, value.step))


def _slice(walker: Walker, value: slice) -> None:
    walker.tag("slice")
    walker.walk((value.start, value.stop, value.step))


def _deque(walker: Walker, value: deque[Any]) -> None:
    if walker.first(value):
        walker.tag("deque")
        walker.walk(value.maxlen)
        sequence(walker, list(value))


def _defaultdict(walker: Walker, value: defaultdict[Any, Any]) -> None:
    if walker.first(value):
        walker.tag("defaultdict")
        walker.part(".default_factory", value.default_factory)
        mapping(walker, value)


def _dict_and_attributes(name: str) -> Any:
    def feed(walker: Walker, value: Any) -> None:
        if walker.first(value):
            walker.tag(name)
            mapping(walker, value)
            walker.walk(getattr(value, "__dict__", None) or None)

    return feed


def _view(name: str) -> Any:
    def feed(walker: Walker, value: Any) -> None:
        if walker.first(value):
            walker.tag(name)
            sequence(walker, list(value))

    return feed


def _mappingproxy(walker: Walker, value: Any) -> None:
    if walker.first(value):
        walker.tag("mappingproxy")
        mapping(walker, dict(value))


EXACT.update(
    {
        type(None): _none,
        bool: _bool,
        int: _int,
        float: _float,
        complex: _complex,
        str: _str,
        bytes: _bytes,
        bytearray: _bytearray,
        memoryview: _memoryview,
        type(...): _ellipsis,
        type(NotImplemented): _not_implemented,
        tuple: _tuple,
        list: _list,
        dict: _dict,
        set: _set,
        frozenset: _frozenset,
        range: _range,
        slice: _slice,
        deque: _deque,
        defaultdict: _defaultdict,
        OrderedDict: _dict_and_attributes("OrderedDict"),
        Counter: _dict_and_attributes("Counter"),
        type({}.keys()): _view("dict_keys"),
        type({}.values()): _view("dict_values"),
        type({}.items()): _view("dict_items"),
        type(type.__dict__): _mappingproxy,
    }
)
BASES["builtins.set"] = BASES["builtins.frozenset"] = _set_subclass
