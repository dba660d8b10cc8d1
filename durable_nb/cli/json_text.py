"""What the command prints for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from durable_nb.core.model import Json


def print_json(value: Json) -> None:
    """One JSON document; a number that JSON lacks, NaN or infinite, is null."""
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    except ValueError:
        plain = json.loads(json.dumps(value), parse_constant=lambda _: None)
        text = json.dumps(plain, indent=2, ensure_ascii=False)
    click.echo(text)
