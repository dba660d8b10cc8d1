"""Pickling objects that several values share: by reference to the notebook, or as views of one array."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable
from typing import Any

from durable_nb.store.codecs.contract import CodecContext, Reference
from durable_nb.store.codecs.notebook_code import Pickler


class SharingPickler(Pickler):
    """Keeps objects of the notebook by reference, and arrays that share memory as views."""

    def __init__(self, sink: io.BytesIO, context: CodecContext, buffers: Callable[[Any], Any]) -> None:
        super().__init__(sink, context, buffers)
        self._references = context.references
        # A view can only be written to if the array that it is made from can.
        owners = sorted(
            context.owners, key=lambda a: not a.flags.writeable and id(a) not in context.references
        )
        self._owners = [(_bounds(array), array) for array in owners if _may_be_viewed(array)]

    def persistent_id(self, value: Any) -> Reference | None:
        """What stands in the pickle for an object of the notebook."""
        return self._references.get(id(value))

    def reducer_override(self, value: Any) -> Any:
        """Views of a shared array are made again from that array."""
        if type(value).__module__ == "numpy" and type(value).__name__ == "ndarray":
            owner = self._owner_of(value)
            if owner is not value:
                return _view_of(value, owner)
        return super().reducer_override(value)

    def _owner_of(self, view: Any) -> Any:
        """The first of the shared arrays in whose memory a view lies; itself where it lies in none."""
        if not self._owners or view.size == 0 or view.dtype.hasobject:
            return view
        first, last = _bounds(view)
        covering = (array for (begin, end), array in self._owners if begin <= first and last <= end)
        return next(covering, view)


def _may_be_viewed(owner: Any) -> bool:
    return bool(owner.flags.c_contiguous and owner.size > 0 and not owner.dtype.hasobject)


def _bounds(array: Any) -> tuple[int, int]:
    begin, end = importlib.import_module("numpy").lib.array_utils.byte_bounds(array)
    return int(begin), int(end)


def _view_of(view: Any, owner: Any) -> Any:
    offset = view.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
    return make_view, (owner, view.shape, view.dtype, offset, view.strides, view.flags.writeable)


def make_view(
    owner: Any, shape: tuple[int, ...], dtype: Any, offset: int, strides: tuple[int, ...], writeable: bool
) -> Any:
    """An array in the memory of another.

    Args:
        owner: The array that owns the memory.
        shape: Of the view.
        dtype: Of the view.
        offset: Bytes from the beginning of the owner's memory.
        strides: Of the view, in bytes.
        writeable: Whether the view may be written to.
    """
    view = importlib.import_module("numpy").ndarray(shape, dtype, owner, offset, strides)
    view.flags.writeable = writeable
    return view
