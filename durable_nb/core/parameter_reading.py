"""Parameters that a cell declares: name, default, type, help, choices and range, read from its code.

::

    %%params
    day = "2026-11-01"           # which day to load
    threshold = 0.5              # drop rows below this; range: 0..1
    method: str = "fast"         # choices: fast, exact
    columns: list[str] = []
    api_key = ""                 # its name says that it is a secret
    pin = ""                     # for the vault; secret

The comment on an assignment's line is its help. Parts of it, set off by ``;``, say more: ``choices: a, b``,
``range: 0..1`` (an end may be left open), ``secret``, ``not secret``. A type that is annotated wins over that
of the default; a default of None, or that is not a literal, takes any value.

A cell that has papermill's tag and no marker was not written for this: its comments are only help,
and a whole number as default takes any number.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from durable_nb.core.cells import parse_loosely
from durable_nb.core.errors import Place, UsageError
from durable_nb.core.parameter_cells import comment_out_parameters, find_parameters
from durable_nb.core.parameters import NOT_LITERAL, TYPES, Parameter, check, from_text
from durable_nb.core.secrets import looks_secret

_NUMBER = r"[-+]?(?:\d[\d_]*\.?[\d_]*|\.\d+)(?:[eE][-+]?\d+)?"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_RANGE = re.compile(rf"\s*(?P<low>(?:{_NUMBER})?)\s*\.\.\s*(?P<high>(?:{_NUMBER})?)\s*")


def read_parameters(source: str) -> tuple[Parameter, ...]:
    """The parameters that a cell declares, in their order; the last of a name counts.

    Raises:
        UsageError: A comment holds choices or a range that cannot be understood, or that exclude the default.
    """
    found, problems = _read(source)
    if problems:
        raise problems[0]
    return found


def parameter_problems(source: str) -> list[UsageError]:
    """All that `read_parameters` refuses of a cell, each with its place in it."""
    return _read(source)[1]


def _read(source: str) -> tuple[tuple[Parameter, ...], list[UsageError]]:
    code = comment_out_parameters(source)
    lines = _Lines(code)
    comments = _comments(code, lines)
    strict = find_parameters(source) is not None
    found: dict[str, Parameter] = {}
    problems: list[UsageError] = []
    for statement in parse_loosely(code).body:
        comment = comments.get(statement.lineno) or comments.get(statement.end_lineno or 0, _NO_COMMENT)
        try:
            for parameter in _declared(statement, comment, lines, strict=strict):
                found[parameter.name] = parameter
        except UsageError as error:
            place = error.place.moved(len(source) - len(code)) if error.place else None
            problems.append(UsageError(error.text, advice=error.advice, place=place))
    return tuple(found.values()), problems


@contextmanager
def _at(place: Place) -> Iterator[None]:
    """What is refused here stands there in the code."""
    try:
        yield
    except UsageError as error:
        raise UsageError(error.text, advice=error.advice, place=place) from None


def _declared(statement: ast.stmt, comment: _Comment, lines: _Lines, *, strict: bool) -> Iterator[Parameter]:
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
            yield _parameter(name, annotation, value, comment, lines, strict=strict)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            yield _parameter(name, None, value, comment, lines, strict=strict)
        case ast.Assign(targets=targets):
            names = (node.id for t in targets for node in ast.walk(t) if isinstance(node, ast.Name))
            yield from (Parameter(name, secret=looks_secret(name)) for name in names)


def _parameter(
    name: str,
    annotation: ast.expr | None,
    value: ast.expr | None,
    comment: _Comment,
    lines: _Lines,
    *,
    strict: bool,
) -> Parameter:
    default = _literal(value)
    with _at(comment.part("range")):
        said = comment.text
        words = _Words.of(name, said) if strict else _Words(said, secret=looks_secret(name))
    hint = _Hint.of(annotation)
    kind = hint.type if annotation is not None else _type_of(default, strict=strict)
    bare = Parameter(
        name,
        type=kind,
        default=default,
        help=words.help,
        low=words.low,
        high=words.high,
        optional=hint.optional or default is None,
        required=value is None,
        secret=words.secret,
        item=hint.item,
    )
    with _at(comment.part("choices")):
        whole = replace(bare, choices=hint.choices or tuple(from_text(bare, text) for text in words.choices))
    if value is not None and default is not NOT_LITERAL and not (bare.secret and not default):
        with _at(lines.place_of(value)):
            check(whole, default)
    return whole


def _type_of(default: Any, *, strict: bool) -> str:
    """What a default says of the type; by 1 a cell that was written for papermill may mean any number."""
    kind = type(default).__name__
    if kind == "int" and not strict:
        return "number"
    return kind if kind in TYPES else ""


def _literal(value: ast.expr | None) -> Any:
    if value is None:
        return NOT_LITERAL
    try:
        return ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return NOT_LITERAL


@dataclass(frozen=True, slots=True)
class _Hint:
    """What an annotation says."""

    type: str = ""
    optional: bool = False
    choices: tuple[Any, ...] = ()
    item: str = ""

    @classmethod
    def of(cls, node: ast.expr | None) -> _Hint:
        match node:
            case ast.Constant(value=str(text)):
                return cls.of(_expression(text))
            case ast.Name(id=name):
                return cls(name if name in TYPES else "")
            case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
                return cls._optional(left)
            case ast.BinOp(left=ast.Constant(value=None), op=ast.BitOr(), right=right):
                return cls._optional(right)
            case ast.Subscript(value=generic, slice=inner):
                return cls._generic(ast.unparse(generic).rpartition(".")[2], inner)
        return cls()

    @classmethod
    def _optional(cls, node: ast.expr) -> _Hint:
        inner = cls.of(node)
        return cls(inner.type, True, inner.choices, inner.item)

    @classmethod
    def _generic(cls, name: str, inner: ast.expr) -> _Hint:
        if name == "Optional":
            return cls._optional(inner)
        if name == "Literal":
            values = _literal(inner)
            choices = values if isinstance(values, tuple) else (values,)
            kinds = {type(choice).__name__ for choice in choices}
            kind = kinds.pop() if len(kinds) == 1 else ""
            return cls(
                kind if kind in TYPES else "", None in choices, () if NOT_LITERAL in choices else choices
            )
        kind = name.lower()
        if kind in ("list", "tuple") and not isinstance(inner, ast.Tuple):
            return cls(kind, item=cls.of(inner).type)
        if isinstance(inner, ast.Tuple) and kind == "tuple" and ast.unparse(inner).endswith("...)"):
            return cls(kind, item=cls.of(inner.elts[0]).type)
        return cls(kind if kind in TYPES else "")


def _expression(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        return None


@dataclass(frozen=True, slots=True)
class _Words:
    """What a comment says."""

    help: str = ""
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    secret: bool = False

    @classmethod
    def of(cls, name: str, comment: str) -> _Words:
        said: dict[str, Any] = {"secret": looks_secret(name)}
        left: list[str] = []
        for part in (part.strip() for part in comment.split(";")):
            word, colon, rest = part.partition(":")
            if colon and word.strip().lower() == "choices":
                said["choices"] = tuple(one.strip() for one in rest.split(",") if one.strip())
            elif colon and word.strip().lower() == "range":
                said["low"], said["high"] = _range(name, rest)
            elif part.lower() in ("secret", "not secret"):
                said["secret"] = part.lower() == "secret"
            elif part:
                left.append(part)
        return cls(help="; ".join(left), **said)


def _range(name: str, text: str) -> tuple[float | None, float | None]:
    found = _RANGE.fullmatch(text)
    if found is None or not (found["low"] or found["high"]):
        raise UsageError(
            f"parameter {name}: found '# range:{text}' in its comment, expected two numbers such as "
            "'# range: 0..1'; one end may be left open: '# range: 0..'"
        )
    low, high = (float(end) if end else None for end in (found["low"], found["high"]))
    return low, high


class _Lines:
    """The lines of a cell's code, as Python counts them."""

    def __init__(self, code: str) -> None:
        self._lines = _LINE.findall(code)
        self._starts = [0, *accumulate(map(len, self._lines))]

    def offset(self, line: int, column: int) -> int:
        """The index in the code of a column, in characters, of a line, from 1."""
        return self._starts[min(line, len(self._starts)) - 1] + column

    def place_of(self, node: ast.expr) -> Place:
        """Where an expression stands; Python counts its columns in bytes of UTF-8."""
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        start, end = ((node.lineno, node.col_offset), (end_line, end_column))
        return Place(*(self.offset(line, self._characters(line, column)) for line, column in (start, end)))

    def _characters(self, line: int, column: int) -> int:
        return len(self._lines[line - 1].encode()[:column].decode(errors="ignore"))


@dataclass(frozen=True, slots=True)
class _Comment:
    """A comment behind code, from its first word on."""

    text: str = ""
    start: int = 0
    """Index of that word in the code."""

    def part(self, word: str) -> Place:
        """Where ``range: 0..1`` stands; all of the comment, where it has no such part."""
        found = re.search(rf"\b{word}\s*:[^;]*", self.text, re.IGNORECASE)
        start, end = found.span() if found else (0, len(self.text))
        return Place(start, start + len(self.text[start:end].rstrip())).moved(self.start)


_NO_COMMENT = _Comment()


def _comments(code: str, lines: _Lines) -> Mapping[int, _Comment]:
    """Line, from 1 → the comment that stands on it behind code."""
    found: dict[int, _Comment] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type == tokenize.COMMENT and token.line[: token.start[1]].strip():
                line, column = token.start
                text = token.string.lstrip("#").strip()
                found[line] = _Comment(text, lines.offset(line, column + token.string.index(text)))
    except (tokenize.TokenError, SyntaxError):
        return found  # code that Python cannot read fails when it is run; what was found until then counts
    return found
