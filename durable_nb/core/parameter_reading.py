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
from dataclasses import dataclass, replace
from typing import Any

from durable_nb.core.cells import parse_loosely
from durable_nb.core.errors import UsageError
from durable_nb.core.parameter_cells import comment_out_parameters, find_parameters
from durable_nb.core.parameters import NOT_LITERAL, TYPES, Parameter, check, from_text
from durable_nb.core.secrets import looks_secret

_NUMBER = r"[-+]?(?:\d[\d_]*\.?[\d_]*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"\s*(?P<low>(?:{_NUMBER})?)\s*\.\.\s*(?P<high>(?:{_NUMBER})?)\s*")


def read_parameters(source: str) -> tuple[Parameter, ...]:
    """The parameters that a cell declares, in their order; the last of a name counts.

    Raises:
        UsageError: A comment holds choices or a range that cannot be understood, or that exclude the default.
    """
    code = comment_out_parameters(source)
    comments = _comments(code)
    strict = find_parameters(source) is not None
    found: dict[str, Parameter] = {}
    for statement in parse_loosely(code).body:
        text = comments.get(statement.lineno) or comments.get(statement.end_lineno or 0, "")
        for parameter in _declared(statement, text, strict=strict):
            found[parameter.name] = parameter
    return tuple(found.values())


def _declared(statement: ast.stmt, comment: str, *, strict: bool) -> Iterator[Parameter]:
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
            yield _parameter(name, annotation, value, comment, strict=strict)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            yield _parameter(name, None, value, comment, strict=strict)
        case ast.Assign(targets=targets):
            names = (node.id for t in targets for node in ast.walk(t) if isinstance(node, ast.Name))
            yield from (Parameter(name, secret=looks_secret(name)) for name in names)


def _parameter(
    name: str, annotation: ast.expr | None, value: ast.expr | None, comment: str, *, strict: bool
) -> Parameter:
    default = _literal(value)
    words = _Words.of(name, comment) if strict else _Words(comment, secret=looks_secret(name))
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
    return _with_choices(bare, words.choices, hint.choices)


def _type_of(default: Any, *, strict: bool) -> str:
    """What a default says of the type; by 1 a cell that was written for papermill may mean any number."""
    kind = type(default).__name__
    if kind == "int" and not strict:
        return "number"
    return kind if kind in TYPES else ""


def _with_choices(bare: Parameter, written: tuple[str, ...], annotated: tuple[Any, ...]) -> Parameter:
    choices = annotated or tuple(from_text(bare, text) for text in written)
    whole = replace(bare, choices=choices)
    if bare.default is not NOT_LITERAL and not (bare.secret and not bare.default):
        check(whole, bare.default)
    return whole


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


def _comments(code: str) -> Mapping[int, str]:
    """Line, from 1 → the comment that stands on it behind code."""
    found: dict[int, str] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type == tokenize.COMMENT and token.line[: token.start[1]].strip():
                found[token.start[0]] = token.string.lstrip("#").strip()
    except (tokenize.TokenError, SyntaxError):
        return found  # code that Python cannot read fails when it is run; what was found until then counts
    return found
