"""The command's group, and the one place where errors become a message and an exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import click

from durable_nb.core.errors import DurableError, UsageError

PROGRAM = "durable-nb"
COMPLETE_VARIABLE = "_DURABLE_NB_COMPLETE"
"""Tells click in the environment that a shell asks what may come next."""
COMPLETED, FAILED, WRONG_USAGE, WAITING, INTERRUPTED = 0, 1, 2, 3, 130
_SLOW_AND_UNUSED = "rfc3987_syntax"

_COMMANDS = {
    "run": "durable_nb.cli.run",
    "resume": "durable_nb.cli.resume",
    "sweep": "durable_nb.cli.sweep",
    "status": "durable_nb.cli.inspect",
    "runs": "durable_nb.cli.inspect",
    "show": "durable_nb.cli.inspect",
    "logs": "durable_nb.cli.logs",
    "plan": "durable_nb.cli.explain",
    "why": "durable_nb.cli.explain",
    "graph": "durable_nb.cli.graph",
    "history": "durable_nb.cli.history",
    "diff": "durable_nb.cli.diff",
    "query": "durable_nb.cli.query",
    "report": "durable_nb.cli.report",
    "dashboard": "durable_nb.cli.dashboard",
    "completion": "durable_nb.cli.completion",
    "invalidate": "durable_nb.cli.decide",
    "resolve": "durable_nb.cli.resolve",
    "recover": "durable_nb.cli.repair",
}

_EPILOG = """\b
Exit status: 0 all steps completed, 1 a step failed, 2 wrong usage or unreadable notebook,
3 waiting for a person, 130 interrupted.

\b
Example:
  durable-nb run report.ipynb -p day 2026-11-01
  durable-nb show last
"""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, so that the command starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of their use."""
        return [*_COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(import_module(_COMMANDS[cmd_name]), cmd_name)
        return command


@click.group(
    cls=LazyGroup,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="durable_nb", prog_name=PROGRAM)
def app() -> None:
    """Notebooks that can die at any moment and go on from there."""


def main(args: list[str] | None = None) -> None:
    """Run the command and end the process with its exit status."""
    # jsonschema, by way of nbformat, loads it if it can: seconds, for a format that no notebook has.
    sys.modules.setdefault(_SLOW_AND_UNUSED, None)  # type: ignore[arg-type]  # None: it is not there
    sys.exit(status_of(lambda: app.main(args, prog_name=PROGRAM, standalone_mode=False)))


def status_of(command: Callable[[], Any]) -> int:
    """Run `command`; its exit status, once what went wrong has been said on stderr."""
    try:
        result = command()
    except click.ClickException as error:
        error.show()
        return WRONG_USAGE
    except click.exceptions.Exit as error:
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted. The same command goes on from here.", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has seen enough; Python would complain again when it closes stdout.
        sys.stdout = None
        return COMPLETED
    except DurableError as error:
        click.echo(f"Error: {error}", err=True)
        return WRONG_USAGE if isinstance(error, UsageError) else FAILED
    return result if isinstance(result, int) else COMPLETED
