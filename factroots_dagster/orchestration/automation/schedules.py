"""Schedules: a weekly look at registered hub ids, and a monthly one for new Wikipedia snapshots."""

import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import dagster as dg

from factroots_dagster.corpora.wikipedia.dump import find_dump_files
from factroots_dagster.corpora.wikipedia.dump_names import LATEST, DumpName, database_prefix
from factroots_dagster.corpora.wikipedia.remote import find_newest_snapshot
from factroots_dagster.errors import InputError
from factroots_dagster.models.registry import registered
from factroots_dagster.orchestration.automation.checkpoint_scan import ScanState, scan_checkpoints
from factroots_dagster.orchestration.automation.sensors import run_requests
from factroots_dagster.orchestration.partitions import Platform, checkpoint_set
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

ANSWER_SECONDS = 45.0


def platform_schedules(platform: Platform) -> list[dg.ScheduleDefinition]:
    """`hub_schedule`, and in a world of real dumps `snapshot_schedule`."""
    settings = platform.settings

    @dg.schedule(
        name="hub_schedule",
        job_name="describe_checkpoint",
        cron_schedule="0 5 * * 1",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Every Monday: has a new revision of a registered hub id described and probed, where "
        "checkpoint_sensor does not do it already.",
    )
    def hub_schedule(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        partitions = context.instance.get_dynamic_partitions(checkpoint_set(settings.world))
        scan = scan_checkpoints(settings, ScanState(), partitions, time.time(), hub_interval=0.0)
        if scan.hub_errors:
            context.log.warning("; ".join(scan.hub_errors))
        known = registered(settings)
        scan.requests = {
            key: name for key, name in scan.requests.items() if not Path(known[key].source).is_absolute()
        }
        requests = run_requests(context.instance, scan)
        if not requests:
            return dg.SkipReason("; ".join(["no new revision", *scan.hub_errors]))
        new = [key for key in scan.requests if key not in partitions]
        context.instance.add_dynamic_partitions(checkpoint_set(settings.world), new)
        return requests

    @dg.schedule(
        name="snapshot_schedule",
        job_name="fetch_dump",
        cron_schedule="0 6 5 * *",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="On the 5th of a month: has a newer Wikipedia snapshot fetched; refresh_sensor carries "
        "it downstream.",
    )
    def snapshot_schedule(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        wanted = settings.wikipedia_snapshot
        if wanted != LATEST:
            return dg.SkipReason(f"FACTROOTS_WIKIPEDIA_SNAPSHOT={wanted} is what is wanted")
        newer, unanswered = newer_snapshots(settings, platform.store)
        if unanswered:
            context.log.warning("; ".join(unanswered.values()))
        if not newer:
            reason = f"; no answer for {', '.join(unanswered)}" if unanswered else ""
            return dg.SkipReason("no newer snapshot" + reason)
        return [
            dg.RunRequest(run_key=f"{settings.world}:{language}:{date}", partition_key=language)
            for language, date in newer.items()
        ]

    return [hub_schedule] if settings.generated else [hub_schedule, snapshot_schedule]


def newer_snapshots(settings: Settings, store: Store) -> tuple[dict[str, str], dict[str, str]]:
    """Languages whose source offers a newer snapshot than the one on disk, and those without an answer.

    All languages are looked up at once, within the time that Dagster gives a schedule. Returns the date by
    language, and the reason by language.
    """
    snapshots = {
        language: store.read("wikipedia_dump", language, columns=["snapshot"])["snapshot"].drop_null()
        for language in store.keys("wikipedia_dump")
        if language in settings.active_languages
    }
    dates = {language: dates[0].as_py() for language, dates in snapshots.items() if len(dates)}
    newer, unanswered = {}, {}
    pool = ThreadPoolExecutor(max_workers=8)
    lookups = {pool.submit(_newest, settings.wikipedia_source, language): language for language in dates}
    done, _ = wait(lookups, timeout=ANSWER_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)
    for lookup, language in lookups.items():
        try:
            if lookup not in done:
                unanswered[language] = f"{language}: no answer in time"
            elif dates[language] == LATEST or lookup.result() > dates[language]:
                newer[language] = lookup.result()
        except InputError as error:
            unanswered[language] = f"{language}: {error}"
    return newer, unanswered


def _newest(source: str, language: str) -> str:
    if source.startswith(("http://", "https://")):
        return find_newest_snapshot(language, f"{source.rstrip('/')}/{database_prefix(language)}wiki")[0]
    name = DumpName.parse(find_dump_files(language, Path(source).expanduser(), LATEST)[0].name)
    assert name is not None
    return name.snapshot
