"""The command group `main` and its commands: what `factroots` parses and prints.

Belongs here: one function per command that reads its arguments, calls the package and prints the result.
Errors that a user can fix are InputErrors or StageFailedErrors and are printed in one place, the group.
Modules that import Dagster, PyTorch or PySpark are imported inside the commands that need them, so that the
other commands start at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from factroots_dagster import __version__
from factroots_dagster.cli.checkpoints import checkpoints
from factroots_dagster.cli.completion import completion
from factroots_dagster.cli.dev import dev
from factroots_dagster.cli.facts import facts
from factroots_dagster.cli.instance import dagster_instance
from factroots_dagster.cli.making import demo, run
from factroots_dagster.cli.options import checkpoint_option, world_option
from factroots_dagster.cli.pages import open_page
from factroots_dagster.cli.status import status
from factroots_dagster.cli.storage import gc, verify
from factroots_dagster.cli.tables import data
from factroots_dagster.cli.ui import ui
from factroots_dagster.errors import InputError
from factroots_dagster.settings import load_settings
from factroots_dagster.store.store import Store

if TYPE_CHECKING:
    import dagster as dg


class _Group(click.Group):
    """A group whose commands print the errors that a user can fix as a message, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.Abort):
            raise
        except InputError as error:
            raise click.ClickException(str(error)) from None
        except RuntimeError as error:
            from factroots_dagster.orchestration.stages import StageFailedError

            if not isinstance(error, StageFailedError):
                raise
            raise click.ClickException(str(error)) from None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="factroots")
def main() -> None:
    """Trace where a multilingual language model's facts come from.

    `factroots run` makes everything; `factroots ui` shows it in Dagster, where single assets are made again.
    Settings come from FACTROOTS_* variables and factroots.toml.
    """


@main.command()
@click.argument("subject")
@click.option(
    "--language", "languages", multiple=True, metavar="CODE", help="Show this language; repeatable."
)
@click.option(
    "--matcher", metavar="NAME", help="Show this matcher, such as sentence or article_with_aliases."
)
@checkpoint_option("Show the predictions and types of this checkpoint.  [default: the only one with types]")
@world_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line instead of a table.")
def trace(
    subject: str,
    languages: tuple[str, ...],
    matcher: str | None,
    checkpoint: str | None,
    world: str | None,
    as_json: bool,
) -> None:
    """Show where the facts about SUBJECT come from.

    SUBJECT is a label in any language, perhaps with the object's, or the uuid of a fact. For every language:
    where its texts state the fact, what the checkpoint predicts, and the fact's type.
    """
    from factroots_dagster.lookup.output import json_lines, print_facts
    from factroots_dagster.lookup.terminal import make_console
    from factroots_dagster.lookup.trace import trace_facts

    settings = load_settings(world=world)
    available = settings.world_languages
    if unknown := [code for code in languages if code not in available]:
        raise InputError(
            f"--language {', '.join(unknown)}: not in world {settings.world!r}",
            f"choose from {', '.join(available)}",
        )
    facts, shown_checkpoint = trace_facts(settings, subject, languages, matcher, checkpoint)
    links = not settings.generated
    if as_json:
        for line in json_lines(facts, links=links):
            click.echo(line)
        return
    print_facts(facts, make_console(), links=links)
    keys = Store(settings.data_root, settings.world).keys("fact_types")
    if shown_checkpoint is None and keys:
        click.echo(f"For predictions and types add --checkpoint {' or '.join(keys)}.")


for _command in (run, demo, open_page, data, status, checkpoints, facts, ui, verify, gc, completion, dev):
    main.add_command(_command)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
def doctor(as_json: bool) -> None:
    """Check this machine, the settings and the sources.

    Prints how to fix what is wrong. Exits with 1 when there is a problem; warnings do not count.
    """
    from factroots_dagster.cli.doctor import run_checks

    has_problem = False
    for result in run_checks():
        has_problem |= result.status == "problem"
        click.echo(json.dumps(result.as_json(), ensure_ascii=False) if as_json else result.as_line())
    sys.exit(1 if has_problem else 0)


@main.command()
@click.option(
    "--server", metavar="HOST:PORT", help="Treat all unfinished runs of this code server as killed."
)
@click.option("--history", is_flag=True, help="Record all data that the history lacks, as after its loss.")
def recover(server: str | None, history: bool) -> None:
    """Fail killed runs and record what they had finished.

    A run whose process was killed is reported as failed, and its finished partitions enter the history.
    lost_run_sensor does this regularly. A code server that starts again uses --server: its earlier runs ended
    with it, but their processes cannot be seen from a new container.
    """
    from factroots_dagster.orchestration.partitions import platform_for
    from factroots_dagster.orchestration.process import (
        process_is_gone,
        rebuild_history,
        recover_orphaned_runs,
        started_by,
    )

    orphaned: Callable[[dg.DagsterRun], bool] = process_is_gone
    if server is not None:
        host, _, port = server.rpartition(":")
        if not host or not port.isdigit():
            raise InputError(f"--server {server} is not an address", "write it as host:port")
        orphaned = started_by(host, int(port))
    platform = platform_for(load_settings())
    with dagster_instance() as instance:
        for recovered in recover_orphaned_runs(instance, platform, orphaned):
            click.echo(recovered.describe())
        for name, error in rebuild_history(instance, platform) if history else ():
            click.echo(f"recorded: {name}" if error is None else f"not recorded: {name}: {error}")
