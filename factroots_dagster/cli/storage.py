"""`factroots verify` and `factroots gc`: whether the data are what was written, and what can be removed."""

from __future__ import annotations

import json
import sys
from collections import Counter

import click

from factroots_dagster.errors import InputError
from factroots_dagster.settings import load_settings
from factroots_dagster.store.store import Store
from factroots_dagster.store.sweep import KEEP_SECONDS

HOUR = 3600.0


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per partition.")
def verify(as_json: bool) -> None:
    """Check that all data are what was written.

    Reads every file of the world. Prints what is damaged, missing or of another release, and how to repair
    it. Exits with 1 when anything is.
    """
    from factroots_dagster.orchestration.catalog import SCHEMAS

    settings = load_settings()
    store = Store(settings.data_root, settings.world)
    if store.is_empty():
        raise InputError(
            f"{store.location} does not exist", "run: factroots run, or correct FACTROOTS_DATA_ROOT"
        )
    partitions, size, wrong = 0, 0, 0
    for found in store.verify(SCHEMAS):
        partitions, size, wrong = partitions + 1, size + found.bytes, wrong + (found.error is not None)
        if as_json:
            problem, remedy = (found.error.problem, found.error.remedy) if found.error else (None, None)
            click.echo(json.dumps({"partition": found.name, "problem": problem, "remedy": remedy}))
        elif found.error is not None:
            click.echo(str(found.error))
    if not as_json:
        click.echo(f"{partitions - wrong} of {partitions} partitions are whole, {size / 1e9:.2f} GB read")
    sys.exit(1 if wrong else 0)


@click.command()
@click.option(
    "--older-than",
    type=click.FloatRange(min=0),
    default=KEEP_SECONDS / HOUR,
    show_default=True,
    metavar="HOURS",
    help="Remove versions that were replaced at least this many hours ago; runs that still read them fail.",
)
@click.option(
    "--drafts",
    is_flag=True,
    help="Remove the work of all failed runs, too, which the next runs would continue.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would be removed.")
def gc(older_than: float, drafts: bool, dry_run: bool) -> None:
    """Remove replaced versions of the data.

    Removes the versions of partitions that were replaced at least a day ago, and the work of failed runs that
    no other run has continued for a week. Partitions that are being written are passed over.
    """
    settings = load_settings()
    options = {"keep_draft_seconds": 0.0} if drafts else {}
    freed: Counter[str] = Counter()
    store = Store(settings.data_root, settings.world)
    for swept in store.sweep(keep_seconds=older_than * HOUR, dry_run=dry_run, **options):
        freed[swept.what] += swept.bytes
        click.echo(f"{swept.bytes / 1e6:12.3f} MB  {swept.what}  {swept.path}")
    verb = "would be freed" if dry_run else "freed"
    click.echo(f"{sum(freed.values()) / 1e9:.3f} GB {verb}")
