"""What a codec is, and what passes between a codec and the Parquet file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from durable_nb.core.fingerprint import OfCode

if TYPE_CHECKING:
    import pyarrow


Reference = tuple[str, tuple[tuple[str, Any], ...]]
"""A variable of the notebook, and the steps from it down to an object."""


class Unsuitable(Exception):  # noqa: N818 - it never leaves the package
    """This codec cannot keep this value without loss; says why."""


@dataclass(frozen=True, slots=True)
class CodecContext:
    """What a codec needs to know of the place in which values live."""

    key: bytes
    """The user's key: signs and checks what could run code when loaded."""
    namespace: dict[str, Any]
    """The notebook's globals: functions of the notebook get them, its classes are found in them."""
    of_code: OfCode | None = None
    """Fingerprint of the code of a function or class."""
    references: Mapping[int, Reference] = field(default_factory=dict)
    """id of an object of the notebook → what is kept in its place."""
    resolve: Callable[[Reference], Any] | None = None
    """The object that is kept by reference."""
    owners: tuple[Any, ...] = ()
    """NumPy arrays whose memory other arrays may share: those are kept as views of the first that has it."""


@dataclass(frozen=True, slots=True)
class Content:
    """A value as the columns and the description that a Parquet file keeps."""

    table: pyarrow.Table
    layout: dict[str, Any]
    """How to make the value again from the columns; plain JSON."""
    compression: str = "none"
    plain: bool = False
    """The columns are bytes of our own: leave out what only helps other readers."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A value that is proven to come back, ready to be written."""

    codec: str
    fingerprint: str
    write: Callable[[BinaryIO], None] = field(repr=False)


class Codec(Protocol):
    """One way to keep values of some types."""

    name: str

    def accepts(self, value: object) -> bool:
        """Whether this codec is worth trying; cheap, and it never loads a library."""
        ...

    def encode(self, value: Any, context: CodecContext) -> Content:
        """The value as columns; ``Unsuitable`` when something of it would be lost."""
        ...

    def decode(self, table: pyarrow.Table, layout: dict[str, Any], context: CodecContext) -> Any:
        """The value again."""
        ...

    def rehearse(self, content: Content, context: CodecContext) -> Any:
        """What ``decode`` will give for this content once it has been written and read."""
        ...
