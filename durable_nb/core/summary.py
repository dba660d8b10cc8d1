"""One short line about a value, for people; its size never matters to the cost."""

from __future__ import annotations

from typing import Any, Final

LONGEST: Final = 60
SHORT: Final = 40
SIZED: Final = frozenset({list, tuple, set, frozenset, dict})


def summarise(value: object) -> str:
    """A few words about a value, at most 60 long: ``0.4``, ``DataFrame 336,776 × 19``, ``list of 12``."""
    try:
        text = _summary(value)
    except Exception:  # noqa: BLE001 - foreign attributes may raise anything; a summary is worth no failure
        text = type(value).__name__
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _summary(value: Any) -> str:
    kind = type(value)
    if value is None or kind in (bool, float, complex):
        return repr(value)
    if kind is int:
        return repr(value) if value.bit_length() < 128 else f"int of {value.bit_length():,} bits"
    if kind in (str, bytes, bytearray):
        return repr(value) if len(value) <= SHORT else f"{kind.__name__} of {len(value):,}"
    if kind in SIZED:
        return _container(value)
    return _foreign(value, kind)


def _container(value: Any) -> str:
    simple = len(value) <= 4 and all(type(item) in (int, float, bool, str, type(None)) for item in value)
    if simple and type(value) is not dict:
        text = repr(value)
        if len(text) <= SHORT:
            return text
    return f"{type(value).__name__} of {len(value):,}"


def _foreign(value: Any, kind: type) -> str:
    name, module = kind.__name__, kind.__module__.partition(".")[0]
    if issubclass(kind, type):
        return f"class {value.__name__}"
    if name in ("function", "builtin_function_or_method", "method"):
        return f"function {value.__name__}"
    shape = getattr(value, "shape", None) if module in ARRAYS else None
    if type(shape) is tuple and all(type(size) is int for size in shape):
        return _shaped(value, name, shape)
    if module in ("datetime", "decimal", "fractions", "uuid", "pathlib"):
        return str(value)
    return name


ARRAYS: Final = frozenset({"numpy", "pandas", "polars", "pyarrow", "scipy", "torch"})


def _shaped(value: Any, name: str, shape: tuple[int, ...]) -> str:
    if len(shape) == 0 and name not in ("ndarray", "Tensor"):
        return str(value)
    dtype = getattr(value, "dtype", None)
    if len(shape) == 2 and dtype is None:
        return f"{name} {shape[0]:,} × {shape[1]:,}"
    sizes = ", ".join(f"{size:,}" for size in shape)
    return f"{name} {dtype} ({sizes})"
