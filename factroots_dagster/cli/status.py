"""`factroots status`: what is there, out of date or failed, and whether disk and daemon are well."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from factroots_dagster.cli.instance import dagster_instance
from factroots_dagster.cli.options import world_option
from factroots_dagster.settings import load_settings

if TYPE_CHECKING:
    from factroots_dagster.orchestration.status import PlatformStatus


@click.command()
@world_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(world: str | None, as_json: bool) -> None:
    """Show what is there, what is out of date, and what failed.

    Exits with 1 when something failed, the disk is nearly full, or a daemon's heartbeat is late. What is
    missing or out of date does not count.
    """
    from factroots_dagster.orchestration.partitions import platform_for
    from factroots_dagster.orchestration.status import find_status

    with dagster_instance() as instance:
        overview = find_status(platform_for(load_settings(world=world)), instance)
    if as_json:
        click.echo(json.dumps(overview.as_json(), ensure_ascii=False))
    else:
        for line in _describe(overview):
            click.echo(line)
    sys.exit(1 if overview.problems else 0)


def _describe(overview: PlatformStatus) -> Iterator[str]:
    yield f"world {overview.world} in {overview.data_root}, {overview.free_bytes / 1e9:.0f} GB free"
    width = max(len(one.asset) for one in overview.assets)
    yield f"{'':{width}}  {'there':>11}  {'outdated':>8}  {'failed':>6}"
    for one in overview.assets:
        there = f"{one.materialized:,} of {one.partitions:,}"
        yield f"{one.asset:{width}}  {there:>11}  {len(one.outdated) or '-':>8}  {len(one.failed) or '-':>6}"
    if overview.runs_under_way:
        yield f"runs queued or under way: {overview.runs_under_way}"
    for problem in overview.problems:
        yield f"problem: {problem}"
