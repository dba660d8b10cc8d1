"""Cells that declare parameters: they run as they are; of the secrets among them the kernel takes note."""

from __future__ import annotations

import json

from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

from durable_nb.core.errors import UsageError
from durable_nb.core.parameter_cells import (
    comment_out_parameters,
    declares_parameters,
    find_parameters,
)
from durable_nb.core.parameter_reading import read_parameters
from durable_nb.core.protocol import SECRETS_MIME
from durable_nb.kernel.ending_cells import with_body
from durable_nb.kernel.results.recording import show_line
from durable_nb.kernel.secret_values import SECRETS
from durable_nb.kernel.told import tags_of, told_of

_NOWHERE = "durable_nb-secrets"
"""A display id under which nothing was ever shown: whoever is no engine of ours passes over it."""


def rewrite_parameters(lines: list[str]) -> list[str]:
    """Input transformer: ``%%params`` becomes a comment, so that IPython runs the cell's body itself."""
    source = "".join(lines)
    marker = find_parameters(source)
    if marker is None or not marker.magic:
        return lines
    return with_body(comment_out_parameters(source), marker.line)


# As for a step's marker: whether such a cell is complete must be seen from its cell magic.
rewrite_parameters.has_side_effects = True  # type: ignore[attr-defined]


def note_secrets(shell: InteractiveShell, result: ExecutionResult) -> None:
    """What a cell that declares parameters has bound to a secret's name is kept out of all that is written.

    The default may be an expression: ``token = os.environ["TOKEN"]``. An engine is told of it too.
    """
    info = result.info
    if info is None or not declares_parameters(str(info.raw_cell), tags_of(info)):
        return
    try:
        names = [parameter.name for parameter in read_parameters(str(info.raw_cell)) if parameter.secret]
    except UsageError:  # an engine refuses such a cell; elsewhere it just runs
        return
    found = {name: shell.user_ns.get(name) for name in names}
    found = {name: value for name, value in found.items() if value and not isinstance(value, bool)}
    if found and told_of(info):
        show_line(shell, {SECRETS_MIME: json.loads(json.dumps(found, default=str))}, _NOWHERE, again=True)
    for name, value in found.items():
        SECRETS.add(name, value)
