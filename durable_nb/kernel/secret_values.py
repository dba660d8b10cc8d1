"""The secrets of this kernel: given by the engine, asked for by name, kept out of what is written.

A value that holds a secret is fingerprinted with the user's key, since of a short secret the plain
fingerprint can be found by trying; and it is not stored, so that the step which makes it executes each time.
"""

from __future__ import annotations

import copyreg
import hashlib
import hmac
import json
import os
import pickle
import types
from pathlib import Path
from typing import Any

from durable_nb.core.errors import UsageError
from durable_nb.core.secrets import MASK, SECRET_VARIABLE, Secrets
from durable_nb.store.signing import user_key

HIDDEN = MASK
"""The summary of a value that holds a secret."""
SECRETS = Secrets()
"""All that this process knows of."""

_ATOMS = (type(None), bool, int, float, complex, str, bytes)
_NUMBERS = frozenset("biufcmM")
"""NumPy's kinds of data that hold no text."""


def receive(described: str) -> None:
    """Take in what the engine sends before the first cell: name → value, as JSON."""
    for name, value in json.loads(described).items():
        SECRETS.add(name, value)


def secret(name: str) -> Any:
    """The value of a secret parameter: of this run, else of the environment.

    Raises:
        UsageError: Nobody gave one.
    """
    if name not in SECRETS:
        variable = SECRET_VARIABLE + name.upper()
        value = os.environ.get(variable)
        if value is None:
            raise UsageError(
                f"the secret {name!r} was not given to this kernel, and no notebook keeps it. Run the "
                f"notebook with -p {name} VALUE, or set the environment variable {variable} before the "
                "kernel starts"
            )
        SECRETS.add(name, value)
    return SECRETS[name]


def holds_secret(value: object) -> bool:
    """Whether a secret is part of a value, however deep."""
    if not SECRETS:
        return False
    if isinstance(value, _ATOMS):
        return SECRETS.is_in(value)
    try:
        _Search().dump(value)
    except _FoundError:
        return True
    except Exception:  # noqa: BLE001 - foreign objects may raise anything: what cannot be searched may hold it
        return True
    return False


def keyed(fingerprint: str) -> str:
    """A fingerprint that tells nothing to who has not the user's key."""
    made = hmac.new(user_key(), b"durable_nb secret\0" + fingerprint.encode(), hashlib.sha256)
    return made.hexdigest()[: len(fingerprint)]


def why_not_stored(value: object) -> str:
    """Why a value that holds a secret keeps its step from being durable; empty where it holds none."""
    if not holds_secret(value):
        return ""
    return (
        "it holds a secret, which is not written to disk; make it in a plain cell, from what the step leaves"
    )


def file_holds_secret(path: Path) -> bool:
    """Whether a secret stands in a file, as text."""
    return bool(SECRETS) and SECRETS.is_in(path.read_bytes())


class _FoundError(Exception):
    """Ends the search."""


class _Nowhere:
    """A file that keeps nothing."""

    def write(self, data: bytes) -> int:
        return len(data)


class _Search(pickle.Pickler):
    """Goes through a value as pickle does, and looks at each text and each piece of memory."""

    def __init__(self) -> None:
        super().__init__(_Nowhere(), 5, buffer_callback=self._look_at_memory)

    def persistent_id(self, obj: Any) -> None:
        if type(obj) in (str, bytes, bytearray, int, float) and SECRETS.is_in(obj):
            raise _FoundError

    def _look_at_memory(self, buffer: pickle.PickleBuffer) -> None:
        with buffer.raw() as memory:
            if SECRETS.is_in(bytes(memory)):
                raise _FoundError

    def reducer_override(self, obj: Any) -> Any:
        parts = _parts_of_code(obj)
        if parts is not None:
            return _as_list(parts)
        if isinstance(obj, type) or type(obj) in copyreg.dispatch_table:
            return NotImplemented
        try:
            return obj.__reduce_ex__(5)
        except _FoundError:
            raise
        except Exception:  # noqa: BLE001 - what pickle cannot take (a lock, a connection) is looked at by its parts
            return _as_list([getattr(obj, "__dict__", None)])


def _parts_of_code(obj: Any) -> list[Any] | None:
    """What to look at of what pickle would take by its name, or that can hold no text; None for the rest."""
    if isinstance(obj, types.FunctionType):
        return _parts_of_function(obj)
    if isinstance(obj, types.ModuleType | types.BuiltinFunctionType):
        return []
    if isinstance(obj, type):
        is_notebooks = obj.__module__ == "__main__" or "<locals>" in obj.__qualname__
        parts = [part for part in vars(obj).values() if isinstance(part, (*_ATOMS, list, dict, tuple))]
        return parts if is_notebooks else None
    is_numbers = (
        type(obj).__module__ == "numpy" and getattr(getattr(obj, "dtype", None), "kind", "") in _NUMBERS
    )
    return [] if is_numbers else None


def _as_list(parts: list[Any]) -> tuple[Any, ...]:
    return list, (parts,)


def _parts_of_function(function: types.FunctionType) -> list[Any]:
    cells = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
    constants = [c for c in function.__code__.co_consts if isinstance(c, _ATOMS)]
    return [function.__defaults__, function.__kwdefaults__, vars(function), cells, constants]


def _is_filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False
