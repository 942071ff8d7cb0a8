"""`factroots completion`: commands, options and keys completed by the shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes words in SHELL.

    For bash: eval "$(factroots completion bash)", in a shell or in ~/.bashrc.
    """
    group = context.find_root().command
    kind = get_completion_class(shell)
    assert kind is not None  # click has all of SHELLS
    click.echo(kind(group, {}, "factroots", "_FACTROOTS_COMPLETE").source())
