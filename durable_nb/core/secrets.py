"""Values that must not be written down: which names hold them, and how text is freed of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

MASK = "[secret]"
"""What stands where a secret would."""
SECRET_VARIABLE = "DURABLE_NB_SECRET_"  # noqa: S105 - its name, not its value
"""Begins the environment variable that gives a secret parameter its value, where no option does."""
SHORT = 6
"""Characters; a shorter secret is only masked where it stands by itself, or each "1" would be one."""

_SECRET = re.compile(
    r"secret|token|passw|passphrase|credential|private_?key|api_?key|access_?key|(?:^|_)pwd(?:$|_)",
    re.IGNORECASE,
)
_LANGUAGE = re.compile(
    r"tokeni[sz]"
    r"|(?:max|min|num|n|total|new|stop|pad|bos|eos|unk|sep|cls|mask|special|prompt|completion|input|output)"
    r"_?(?:new_?)?tokens?"
    r"|tokens?_?(?:count|limit|size|length|len|budget|id|ids|type|types|per)(?=$|_)"
    r"|^tokens$",
    re.IGNORECASE,
)
"""What language models call tokens: no secrets."""
_STRUCTURE = frozenset(
    {"cell_id", "cell_type", "codec", "fingerprint", "id", "kind", "notebook", "of"}
    | {"operation", "output_type", "run_id", "state", "step", "trace_id"}
)
"""Fields by which records are found again; none of them is made of what a cell computes."""
_RECORDS = frozenset({"data", "dependencies", "facts", "outputs", "trace"})
"""Fields that hold records of ours."""
_NAME = re.compile(r"[\w.]+")
_LINE = 8
"""Characters from which one line of a longer secret is a secret too."""

Value = TypeVar("Value")


def looks_secret(name: str) -> bool:
    """Whether what has this name is probably a password, a key or the like."""
    return _SECRET.search(_LANGUAGE.sub("", name)) is not None


class Secrets:
    """The secrets of one run or one kernel. Those that are added later count from then on."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._values: dict[str, Any] = {}
        self._forms: frozenset[str] = frozenset()
        self._text: re.Pattern[str] | None = None
        self._in_memory: tuple[bytes, ...] = ()
        for name, value in (values or {}).items():
            self.add(name, value)

    def __bool__(self) -> bool:
        return self._text is not None

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    @property
    def names(self) -> tuple[str, ...]:
        """What the secrets are called."""
        return tuple(self._values)

    @property
    def values(self) -> Mapping[str, Any]:
        """Name → secret."""
        return dict(self._values)

    def add(self, name: str, value: Any) -> None:
        """Take in a secret; of a container everything in it is one."""
        self._values[name] = value
        # A value that was replaced may still be somewhere: it stays a secret.
        self._forms |= {form for text in _texts(value) for form in _forms(text)}
        if self._forms:
            self._text = _pattern(self._forms)
            self._in_memory = tuple(_in_memory(self._forms))

    def mask(self, text: str) -> str:
        """The text with every secret in it made unreadable."""
        return text if self._text is None else self._text.sub(MASK, text)

    def masked(self, value: Value) -> Value:
        """The same of every text in lists, mappings and records, except what records are found by."""
        return value if self._text is None else cast("Value", self._masked(value, outer=True))

    def _masked(self, value: Any, *, outer: bool = False) -> Any:
        if type(value) is str:
            return self.mask(value)
        if isinstance(value, Mapping):
            made = {key: self._item(key, item, outer=outer) for key, item in value.items()}
            return made if type(value) is dict else type(value)(made)  # type: ignore[call-arg]
        if type(value) in (list, tuple):
            return type(value)(self._masked(item, outer=outer) for item in value)
        if is_dataclass(value) and not isinstance(value, type):
            made = {f.name: self._item(f.name, getattr(value, f.name), outer=True) for f in fields(value)}
            return replace(value, **made)
        return value

    def _item(self, name: object, value: Any, *, outer: bool) -> Any:
        """One field; what the user's own nested data call ``key`` or ``id`` is no structure of ours."""
        if type(value) is not str:
            return self._masked(value, outer=outer and name in _RECORDS)
        if outer and (name in _STRUCTURE or (name == "name" and _NAME.fullmatch(value))):
            return value
        return value if name == "output_type" else self.mask(value)

    def is_in(self, leaf: object) -> bool:
        """Whether a text, a number or a piece of memory holds a secret."""
        if isinstance(leaf, str):
            return any(form in leaf and _stands_in(form, leaf) for form in self._forms)
        if isinstance(leaf, bytes | bytearray):
            return any(form in leaf and _stands_in_bytes(form, leaf) for form in self._in_memory)
        return type(leaf) in (int, float) and str(leaf) in self._forms

    def beginning_at_end(self, text: str) -> int:
        """How many of the last characters may be the beginning of a secret that is not all there yet."""
        longest = max(map(len, self._forms), default=0) - 1
        for size in range(min(longest, len(text)), 0, -1):
            end = text[-size:]
            if any(form.startswith(end) for form in self._forms if len(form) > size):
                return size
        return 0


class MaskedStream:
    """Text that comes in pieces, in which a secret may be cut in two."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._held = ""

    def take(self, piece: str) -> str:
        """What can be shown now; the beginning of what may become a secret waits."""
        text = self._held + piece
        held = self._secrets.beginning_at_end(text)
        self._held = text[len(text) - held :]
        return self._secrets.mask(text[: len(text) - held])

    def rest(self) -> str:
        """What waits, when nothing more comes."""
        text, self._held = self._held, ""
        return self._secrets.mask(text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        lines = [line.strip() for line in value.splitlines()]
        yield from (line for line in lines if len(line) >= _LINE)
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "backslashreplace")
    elif type(value) in (int, float):
        yield str(value)
    elif isinstance(value, Mapping):
        yield from (text for item in value.values() for text in _texts(item))
    elif isinstance(value, list | tuple | set | frozenset):
        yield from (text for item in value for text in _texts(item))


def _forms(text: str) -> set[str]:
    """The text as it stands in code, JSON, HTML and URLs; nothing of a blank one."""
    if not text.strip():
        return set()
    import html
    from urllib.parse import quote, quote_plus  # with sockets and the like, where there is a secret at all

    in_code = {repr(text)[1:-1], json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    twice = {json.dumps(form)[1:-1] for form in in_code}  # JSON as text in JSON
    in_html = {html.escape(text), html.escape(text, quote=False)}
    return {text, quote(text, safe=""), quote_plus(text)} | in_code | twice | in_html


def _pattern(forms: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(_part(form) for form in _longest_first(forms)))


def _in_memory(forms: Iterable[str]) -> Iterator[bytes]:
    for form in _longest_first(forms):
        yield form.encode("utf-8", "replace")
        if len(form) >= SHORT:
            yield form.encode("utf-32-le", "replace")  # as NumPy keeps texts


def _stands_in(form: str, text: str) -> bool:
    return len(form) >= SHORT or re.search(_part(form), text) is not None


def _stands_in_bytes(form: bytes, memory: bytes | bytearray) -> bool:
    pattern = rb"(?<!\w)" + re.escape(form) + rb"(?!\w)"
    return len(form) >= SHORT or re.search(pattern, memory) is not None


def _part(form: str) -> str:
    return re.escape(form) if len(form) >= SHORT else rf"(?<!\w){re.escape(form)}(?!\w)"


def _longest_first(forms: Iterable[str]) -> list[str]:
    return sorted(forms, key=lambda form: (-len(form), form))
