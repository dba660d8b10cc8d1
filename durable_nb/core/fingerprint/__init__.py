"""Content hashes of values: equal fingerprints mean equal values, on any day and in any process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from durable_nb.core.errors import NotFingerprintableError
from durable_nb.core.fingerprint import (
    arrow,
    builtin,
    files,
    matplotlib,
    numeric,
    objects,
    pandas,
    polars,
    standard,
    torch,
)
from durable_nb.core.fingerprint.hashing import digest
from durable_nb.core.fingerprint.walker import STAND_INS, Obstacle, OfCode, Walker, type_name
from durable_nb.core.model import SCHEME

__all__ = ["FAMILIES", "OfCode", "digest", "fingerprint", "register"]

FAMILIES = (builtin, standard, files, objects, numeric, arrow, pandas, polars, matplotlib, torch)
"""The modules whose import fills the registries."""

_PREFIX = b"durable_nb value %d" % SCHEME


def fingerprint(value: object, *, of_code: OfCode | None = None, name: str = "value") -> str:
    """The fingerprint of a value's content, as 32 hexadecimal characters.

    Args:
        value: Anything. Types, order, dtypes, names and sharing of mutable parts all count; the order of a
            set, of instance attributes, and the memory layout of arrays and tables do not.
        of_code: Gives the fingerprint of a function or class met on the way. Without it they go by their
            importable name.
        name: What the value is called, for the error.

    Raises:
        NotFingerprintableError: Something inside has no content to hash; the message names the way to it,
            such as ``conn.socket: _socket.socket``.
    """
    walker = Walker(of_code)
    walker.out += _PREFIX
    try:
        walker.walk(value)
    except Obstacle as obstacle:
        raise obstacle.error(name) from obstacle.__cause__
    except RecursionError:
        raise Obstacle("nested too deeply").error(name) from None
    except NotFingerprintableError:
        raise
    except Exception as error:  # foreign classes may raise anything when they are looked at
        raise Obstacle(f"{type_name(type(value))} cannot be read ({error!r})").error(name) from error
    return walker.hexdigest()


def register(name: str, function: Callable[[Any], object]) -> None:
    """Fingerprint values of a type by a stand-in.

    Args:
        name: ``module.qualname`` of the exact type.
        function: Gives, for a value, another value that holds all of its content: a tuple of its parts, say.
    """
    STAND_INS[name] = function
