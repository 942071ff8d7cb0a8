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
@click.option("--prometheus", is_flag=True, help="Print metrics in the text format of Prometheus.")
def status(world: str | None, as_json: bool, prometheus: bool) -> None:
    """Show what is there, what is out of date, and what failed.

    Exits with 1 when something failed, the disk is nearly full, a daemon's heartbeat is late, a schedule's or
    sensor's last tick failed, the queue does not move, or a run has been under way for two days. What is
    missing or out of date does not count.
    """
    from factroots_dagster.orchestration.partitions import platform_for
    from factroots_dagster.orchestration.status import find_status

    with dagster_instance() as instance:
        overview = find_status(platform_for(load_settings(world=world)), instance)
    if prometheus:
        click.echo(_write_metrics(overview), nl=False)
    elif as_json:
        click.echo(json.dumps(overview.as_json(), ensure_ascii=False))
    else:
        for line in _describe(overview):
            click.echo(line)
    sys.exit(1 if overview.problems else 0)


def _describe(overview: PlatformStatus) -> Iterator[str]:
    from factroots_dagster.orchestration.history import describe_sharing

    cache = " for its cache" if "://" in overview.data_root else ""
    yield f"world {overview.world} in {overview.data_root}, {overview.free_bytes / 1e9:.0f} GB free{cache}"
    width = max(len(one.asset) for one in overview.assets)
    yield f"{'':{width}}  {'there':>11}  {'outdated':>8}  {'failed':>6}"
    for one in overview.assets:
        there = f"{one.materialized:,} of {one.partitions:,}"
        yield f"{one.asset:{width}}  {there:>11}  {len(one.outdated) or '-':>8}  {len(one.failed) or '-':>6}"
    health = overview.health
    if health.queued or health.under_way:
        yield f"runs: {len(health.under_way)} under way, {health.queued} queued"
    if overview.history_shared_with:
        yield f"note: {describe_sharing(overview.history_shared_with)}"
    for problem in overview.problems:
        yield f"problem: {problem}"


def _write_metrics(overview: PlatformStatus) -> str:
    """The status as gauges, in the text format of Prometheus."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry, world = CollectorRegistry(), overview.world

    def gauge(name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"factroots_{name}", text, labels, registry=registry)

    partitions = gauge("partitions", "Partitions of an asset in a state.", "world", "asset", "state")
    for one in overview.assets:
        counts = {"expected": one.partitions, "materialized": one.materialized, "missing": len(one.missing)}
        counts |= {"outdated": len(one.outdated), "failed": len(one.failed)}
        for state, count in counts.items():
            partitions.labels(world, one.asset, state).set(count)
    gauge("free_bytes", "Free bytes on the disk of the data root.").set(overview.free_bytes)
    gauge("problems", "What somebody should look at.", "world").labels(world).set(len(overview.problems))
    health = overview.health
    heartbeat = gauge("heartbeat_seconds", "Seconds since a daemon's last heartbeat.", "daemon")
    for daemon, seconds in health.heartbeat_seconds.items():
        heartbeat.labels(daemon).set(seconds)
    failing = gauge("failing_ticks", "1 for a schedule or sensor whose last tick failed.", "name")
    for name in health.failing_ticks:
        failing.labels(name).set(1)
    runs = gauge("runs", "Runs in a state.", "state")
    runs.labels("queued").set(health.queued)
    runs.labels("under way").set(len(health.under_way))
    gauge("queued_seconds", "How long the first queued run has waited.").set(health.queued_seconds)
    longest = max(health.under_way.values(), default=0.0)
    gauge("longest_run_seconds", "How long the oldest run has been under way.").set(longest)
    return generate_latest(registry).decode()
