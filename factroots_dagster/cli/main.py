"""The `factroots` command: what `dagster` itself has no verb for."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from factroots_dagster.errors import InputError
from factroots_dagster.models import registry
from factroots_dagster.settings import Settings, languages_of, load_settings
from factroots_dagster.store.store import Store

if TYPE_CHECKING:
    import dagster as dg


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise click.ClickException(str(error)) from None


@contextmanager
def _instance() -> Iterator[dg.DagsterInstance]:
    """The Dagster instance of DAGSTER_HOME, by default the project's `.dagster` folder."""
    import dagster as dg

    os.environ.setdefault("DAGSTER_HOME", str(Path.cwd() / ".dagster"))
    home = Path(os.environ["DAGSTER_HOME"])
    if not home.is_dir():
        raise InputError(f"DAGSTER_HOME={home} is not a folder; make it, or run from the project's folder")
    with dg.DagsterInstance.get() as instance:
        yield instance


@click.group()
def main() -> None:
    """Tracing the roots of facts in multilingual language models."""


@main.command()
def demo() -> None:
    """Materialize the whole graph of the world in one process and print what came out."""
    from factroots_dagster.cli.run import run_demo
    from factroots_dagster.orchestration.stages import StageFailedError

    with _plain_errors():
        settings = load_settings()
        with _instance() as instance:
            try:
                run_demo(settings, instance, click.echo)
            except StageFailedError as error:
                click.echo(f"Error: {error}", err=True)
                sys.exit(1)


@main.command()
@click.argument("subject")
@click.option("--language", "languages", multiple=True, metavar="CODE", help="only this one; repeatable")
@click.option("--matcher", help="only this one, such as sentence or article_with_aliases")
@click.option("--checkpoint", metavar="KEY", help="whose predictions and types; the only one when left out")
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line instead of a table")
def trace(
    subject: str, languages: tuple[str, ...], matcher: str | None, checkpoint: str | None, as_json: bool
) -> None:
    """Show the roots of the facts of SUBJECT, its label in any language, or a fact's uuid.

    For every language: where its Wikipedia states the fact, what the checkpoint predicts, and its type.
    """
    from factroots_dagster.lookup.answers import choose_checkpoint
    from factroots_dagster.lookup.output import json_lines, print_facts
    from factroots_dagster.lookup.terminal import make_console
    from factroots_dagster.lookup.trace import trace_facts

    with _plain_errors():
        settings = load_settings()
        known = languages_of(settings.world)
        if wrong := [code for code in languages if code not in known]:
            raise InputError(
                f"--language {', '.join(wrong)}: not in world {settings.world!r}; it has {', '.join(known)}"
            )
        store = Store(settings.data_root, settings.world)
        shown_checkpoint = choose_checkpoint(store, checkpoint)
        facts = trace_facts(
            store,
            subject,
            languages or settings.active_languages,
            matcher,
            checkpoint=shown_checkpoint,
            decode=_decoder(settings, store, shown_checkpoint) if shown_checkpoint else None,
        )
    links = not settings.generated
    if as_json:
        for line in json_lines(facts, links=links):
            click.echo(line)
        return
    print_facts(facts, make_console(), links=links)
    if shown_checkpoint is None and (available := store.keys("fact_types")):
        click.echo(f"For predictions and types add --checkpoint {' or '.join(available)}.")


def _decoder(settings: Settings, store: Store, checkpoint: str) -> Callable[[Sequence[int]], str] | None:
    """Token ids to text by the checkpoint's tokenizer; None where it is not on this machine (any more)."""
    from huggingface_hub import try_to_load_from_cache
    from tokenizers import Tokenizer

    try:
        source = registry.lookup(settings, checkpoint).source
        revision = store.read("checkpoint", checkpoint)["revision"][0].as_py()
    except InputError:
        return None
    path = Path(source) / "tokenizer.json"
    if not Path(source).is_dir():
        cached = try_to_load_from_cache(source, "tokenizer.json", revision=revision)
        path = Path(cached) if isinstance(cached, str) else path
    if not path.is_file():
        return None
    tokenizer = Tokenizer.from_file(str(path))
    return lambda ids: tokenizer.decode(list(ids))


@main.command(name="planted-scores")
@click.option("--seeds", default="", metavar="N,N,...", help="seeds of joint worlds")
@click.option("--disjoint", default="", metavar="N,N,...", help="seeds of control worlds")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="JSON file")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="keep the worlds here and reuse what is there; by default they are made anew and removed",
)
def planted_scores(seeds: str, disjoint: str, output: Path, folder: Path | None) -> None:
    """Generate worlds, train and categorize them, and score the types against what was planted."""
    from factroots_dagster.cli.planted_scores import measure, seeds_of
    from factroots_dagster.orchestration.stages import StageFailedError

    with _plain_errors():
        try:
            measure(seeds_of(seeds), seeds_of(disjoint), output, folder, click.echo)
        except StageFailedError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(1)


@main.group()
def checkpoints() -> None:
    """Register checkpoints and list them."""


def _as_partitions(settings: Settings, keys: list[str]) -> None:
    from factroots_dagster.orchestration.partitions import checkpoint_set

    with _instance() as instance:
        instance.add_dynamic_partitions(checkpoint_set(settings), keys)


def _partitions(settings: Settings) -> list[str]:
    from factroots_dagster.orchestration.partitions import checkpoint_set

    with _instance() as instance:
        return list(instance.get_dynamic_partitions(checkpoint_set(settings)))


@checkpoints.command()
@click.argument("source")
@click.option("--revision", help="commit or tag of a hub id; the newest when left out")
def add(source: str, revision: str | None) -> None:
    """Register SOURCE, a hub id or a folder in Hugging Face layout, as a checkpoint partition."""
    with _plain_errors():
        settings = load_settings()
        entry = registry.add(settings, source, revision)
        _as_partitions(settings, [entry.key])
    click.echo(entry.key)


@checkpoints.command(name="list")
def list_checkpoints() -> None:
    """List the registered checkpoints and make sure that each is a partition; name what is left out."""
    with _plain_errors():
        settings = load_settings()
        known = registry.registered(settings)
        _as_partitions(settings, list(known))
        gone = [key for key in _partitions(settings) if key not in known]
        left = {key: why for key, why in registry.incomplete_folders(settings).items() if key not in known}
    for entry in known.values():
        there = not Path(entry.source).is_absolute() or Path(entry.source).is_dir()
        revision = f"@{entry.revision}" if entry.revision else ""
        click.echo(
            f"{entry.key}\t{entry.source}{revision}" + ("" if there else "\tgone: its folder is not there")
        )
    for key, why in left.items():
        click.echo(f"{key}\t-\tleft until it is complete: {why}")
    for key in gone:
        if key not in left:
            click.echo(f"{key}\t-\tgone: no longer registered, its results are kept")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
def doctor(as_json: bool) -> None:
    """Check this machine, the settings and the sources, and say what to do; exits with 1 on a problem."""
    from factroots_dagster.cli.doctor import diagnose

    problems = 0
    for finding in diagnose():
        problems += finding.status == "problem"
        click.echo(json.dumps(asdict(finding), ensure_ascii=False) if as_json else finding.line())
    sys.exit(1 if problems else 0)


@main.command()
@click.option("--server", metavar="HOST:PORT", help="also the unfinished runs of this code server")
def recover(server: str | None) -> None:
    """Report runs whose process is gone as failed, and record which partitions they had finished.

    lost_run_sensor does this by itself; a code server does it when it starts again.
    """
    from factroots_dagster.orchestration.partitions import platform_for
    from factroots_dagster.orchestration.process import process_is_gone, started_by
    from factroots_dagster.orchestration.recovery import recover_orphaned_runs

    with _plain_errors(), _instance() as instance:
        orphaned: Callable[[dg.DagsterRun], bool] = process_is_gone
        if server is not None:
            host, _, port = server.rpartition(":")
            if not port.isdigit():
                raise InputError(f"--server {server} is not an address", "write it as host:port")
            orphaned = started_by(host, int(port))
        for run, finished in recover_orphaned_runs(instance, platform_for(load_settings()), orphaned):
            click.echo(f"run {run.run_id} failed; finished: {', '.join(finished) or 'nothing'}")
