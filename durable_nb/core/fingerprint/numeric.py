"""NumPy arrays, scalars and dtypes, and SciPy's sparse matrices.

Content is dtype, shape and elements in C order; strides, alignment and padding are not, and a NaN is a NaN.
NumPy is reached through the objects it made, never imported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

from durable_nb.core.fingerprint.builtin import sequence
from durable_nb.core.fingerprint.definitions import class_of, definition
from durable_nb.core.fingerprint.walker import BASES, NAMED, Obstacle, Walker

CHUNK: Final = 1 << 18
"""Bytes handled at a time where elements must be looked at or gathered, so that they stay in the cache."""

Sink = Callable[[Any], None]


def describe(dtype: Any) -> Any:
    """A dtype as plain values: everything that makes two dtypes different."""
    metadata = None if dtype.metadata is None else dict(dtype.metadata)
    if dtype.names is not None:
        fields = [(name, describe(dtype.fields[name][0]), *dtype.fields[name][1:]) for name in dtype.names]
        return ("record", dtype.type.__name__, dtype.itemsize, dtype.isalignedstruct, fields, metadata)
    if dtype.subdtype is not None:
        return ("subarray", describe(dtype.subdtype[0]), dtype.subdtype[1], metadata)
    if dtype.kind == "T":
        return ("string", dtype.coerce, getattr(dtype, "na_object", "none"))
    if dtype.kind == "V" or dtype.isbuiltin == 2:
        return (dtype.str, dtype.type.__module__, dtype.type.__qualname__, metadata)
    return dtype.str if metadata is None else (dtype.str, metadata)


def array(walker: Walker, value: Any) -> None:
    """Add an array of exactly the base class."""
    if walker.first(value):
        walker.out += b"A"
        content(walker, value)
        if not walker.inside:
            _overlaps(walker, value)


def _overlaps(walker: Walker, value: Any) -> None:
    """Add how an array shares its memory with others of the same containers: changing one changes the other.

    Arrays within an object of a class are its own affair; it says itself how it is copied.
    """
    owner = value
    while type(getattr(owner, "base", None)) is type(value):
        owner = owner.base
    if owner.base is not None:
        owner = owner.base
    others = walker.memory.setdefault(id(owner), [])
    shares = sys.modules["numpy"].may_share_memory
    for at, other in enumerate(others):
        if shares(value, other) and _same_elements(value, other):
            walker.out += b"~"
            walker.walk((at, _address(value) - _address(other), value.strides, other.strides))
    others.append(value)


def _same_elements(one: Any, other: Any) -> bool:
    numpy = sys.modules["numpy"]
    try:
        return bool(numpy.shares_memory(one, other, max_work=10_000))
    except numpy.exceptions.TooHardError:
        return True


def _address(value: Any) -> int:
    address: int = value.__array_interface__["data"][0]
    return address


def content(walker: Walker, value: Any) -> None:
    """Add dtype, shape and elements."""
    walker.walk(describe(value.dtype))
    walker.walk(value.shape)
    elements(walker, value)


def elements(walker: Walker, value: Any) -> None:
    """Add the elements of an array in C order; dtype and shape were added before."""
    dtype = value.dtype
    if dtype.names is not None:
        for name in dtype.names:
            elements(walker, value[name])
    elif dtype.kind in "OT":
        values = value.reshape(-1).tolist()
        sequence(walker, values)
    else:
        flat_bytes(walker.raw, value)


def flat_bytes(sink: Sink, value: Any) -> None:
    """Pass the canonical bytes of an array without objects or fields to ``sink``, in C order."""
    if value.size == 0:
        return
    if value.dtype.kind in "fc":
        with sys.modules["numpy"].errstate(all="ignore"):
            for chunk in _chunks(value, limit=CHUNK):
                sink(_canonical(chunk))
    elif value.flags.c_contiguous:
        sink(value.reshape(-1).view("u1"))
    else:
        for chunk in _chunks(value, limit=CHUNK):
            sink(chunk.view("u1"))


def _chunks(value: Any, limit: int) -> Iterator[Any]:
    """Contiguous flat pieces of an array, in C order, each of at most ``limit`` bytes (or one element)."""
    if value.ndim == 0 or value.flags.c_contiguous:
        flat = value.reshape(-1)
        step = max(1, limit // value.itemsize)
        for start in range(0, flat.size, step):
            yield flat[start : start + step]
        return
    row = value.nbytes // len(value)
    step = limit // row if row else 1
    if step == 0:
        for part in value:
            yield from _chunks(part, limit)
        return
    for start in range(0, len(value), step):
        yield value[start : start + step].flatten()


def _canonical(chunk: Any) -> Any:
    """A contiguous piece of floats with every NaN as the one NaN, as something with a buffer."""
    dtype = chunk.dtype
    if dtype.kind == "c":
        chunk = chunk.view(f"{dtype.byteorder}f{dtype.itemsize // 2}")
        dtype = chunk.dtype
    if dtype.itemsize > 8:
        return _extended(chunk)
    total = chunk.sum()
    if total == total:  # a NaN would have spread to the sum
        return chunk.view("u1")
    missing = chunk != chunk
    chunk = chunk.copy()
    chunk[missing] = float("nan")
    return chunk.view("u1")


def _extended(chunk: Any) -> Any:
    """Long doubles: x86 keeps ten bytes of value in sixteen, the rest is arbitrary."""
    chunk = chunk.copy()
    chunk[chunk != chunk] = float("nan")
    used = 10 if sys.modules["numpy"].finfo(chunk.dtype).nmant == 63 else chunk.dtype.itemsize
    return chunk.view("u1").reshape(-1, chunk.dtype.itemsize)[:, :used].tobytes()


def _scalar(walker: Walker, value: Any) -> None:
    dtype = value.dtype
    if dtype.kind in "biumM" or (dtype.kind == "f" and dtype.itemsize <= 8 and value == value):
        walker.out += b"S."
        walker.sized(dtype.str.encode())
        walker.out += value.tobytes()
    elif dtype.kind in "US":
        empty: Any = "" if dtype.kind == "U" else b""
        walker.out += b"S_"
        walker.walk((dtype.kind, type(empty).__add__(value, empty)))  # item() drops zeros at the end
    else:
        walker.out += b"S:"
        content(walker, sys.modules["numpy"].asarray(value))


def _array_subclass(walker: Walker, value: Any) -> None:
    if not walker.first(value):
        return
    walker.tag("array of a class")
    class_of(walker, type(value))
    content(walker, value.view(sys.modules["numpy"].ndarray))
    state = getattr(value, "__dict__", None) or {}
    walker.walk(sorted(state))
    for name in sorted(state):
        walker.part(f".{name}", state[name])


def _masked(walker: Walker, value: Any) -> None:
    if not walker.first(value):
        return
    numpy = sys.modules["numpy"]
    walker.tag("masked array")
    content(walker, value.data.view(numpy.ndarray))
    walker.walk(value.mask is numpy.ma.nomask)
    content(walker, numpy.ma.getmaskarray(value))
    walker.walk(value.hardmask)
    content(walker, numpy.asarray(value.view().fill_value, value.dtype))  # asking sets it: on a view
    walker.walk(value._basedict or None)


def _memmap(walker: Walker, value: Any) -> None:
    if not walker.first(value):
        return
    walker.tag("memmap")
    walker.walk((str(value.filename), value.offset, value.mode))
    content(walker, value.view(sys.modules["numpy"].ndarray))


def _dtype(walker: Walker, value: Any) -> None:
    walker.tag("dtype")
    walker.walk(describe(value))


def _ufunc(walker: Walker, value: Any) -> None:
    name: str = value.__name__
    for module in ("numpy", "scipy.special"):
        if getattr(sys.modules.get(module), name, None) is value:
            walker.tag("ufunc")
            walker.walk((module, name))
            return
    raise Obstacle(f"numpy.ufunc {name}")


def _sparse(*names: str) -> Any:
    """A compressed layout: its arrays, without what SciPy remembers about their order."""

    def feed(walker: Walker, value: Any) -> None:
        if not walker.first(value):
            return
        walker.tag("sparse")
        class_of(walker, type(value))
        walker.walk(value.shape)
        for name in names:
            walker.part(f".{name}", getattr(value, name))

    return feed


NAMED.update(
    {
        "numpy.ndarray": array,
        "numpy.memmap": _memmap,
        "numpy.ufunc": _ufunc,
        "numpy._ArrayFunctionDispatcher": definition,
        "numpy.ma.MaskedArray": _masked,
        "numpy.ma.core.MaskedArray": _masked,
        "numpy.dtype": _dtype,
    }
)
BASES["numpy.ndarray"] = _array_subclass
BASES["numpy.generic"] = _scalar
BASES["numpy.dtype"] = _dtype
for _layout, _parts in {
    "csr": ("data", "indices", "indptr"),
    "csc": ("data", "indices", "indptr"),
    "bsr": ("data", "indices", "indptr"),
    "coo": ("data", "coords"),
    "dia": ("data", "offsets"),
}.items():
    for _kind in ("matrix", "array"):
        NAMED[f"scipy.sparse._{_layout}.{_layout}_{_kind}"] = _sparse(*_parts)
