"""``durable-nb completion``: what a shell needs to complete commands, runs, steps and notebooks."""

from __future__ import annotations

import click

_EPILOG = """\b
Example:
  echo 'eval "$(durable-nb completion bash)"' >> ~/.bashrc
  echo 'eval "$(durable-nb completion zsh)"' >> ~/.zshrc      # below compinit
  durable-nb completion fish > ~/.config/fish/completions/durable-nb.fish
"""


@click.command(epilog=_EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of SHELL.

    It completes commands, options, runs, steps and notebooks.
    """
    from click.shell_completion import get_completion_class

    from durable_nb.cli.app import COMPLETE_VARIABLE, PROGRAM

    found = get_completion_class(shell)
    assert found is not None, "the choice names those that click knows"
    root = ctx.find_root().command
    # click's source() asks the shell for its version first: the script may be made on another machine
    made = found(root, {}, PROGRAM, COMPLETE_VARIABLE)
    click.echo(made.source_template % made.source_vars())
