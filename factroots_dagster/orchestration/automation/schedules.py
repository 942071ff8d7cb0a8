"""Schedules: a weekly look at registered hub ids, and a monthly one for new Wikipedia snapshots."""

import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import dagster as dg

from factroots_dagster.corpora.wikipedia.dump import find_dump_files
from factroots_dagster.corpora.wikipedia.dump_names import LATEST, DumpName, database_prefix
from factroots_dagster.corpora.wikipedia.remote import newest
from factroots_dagster.errors import InputError
from factroots_dagster.models.registry import registered
from factroots_dagster.orchestration.automation.checkpoint_scan import State, look
from factroots_dagster.orchestration.automation.sensors import requests_for
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
        partitions = context.instance.get_dynamic_partitions(checkpoint_set(settings))
        seen = look(settings, State(), partitions, time.time(), hub_interval=0.0)
        if seen.hub:
            context.log.warning("; ".join(seen.hub))
        known = registered(settings)
        folders = [key for key in seen.wanted if Path(known[key].source).is_absolute()]
        seen.wanted = {key: name for key, name in seen.wanted.items() if key not in folders}
        requests = requests_for(context.instance, seen)
        if not requests:
            return dg.SkipReason("no new revision" + "".join(f"; {words}" for words in seen.hub))
        platform_keys = [key for key in seen.wanted if key not in partitions]
        context.instance.add_dynamic_partitions(checkpoint_set(settings), platform_keys)
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
        if settings.wikipedia_snapshot != LATEST:
            return dg.SkipReason(
                f"FACTROOTS_WIKIPEDIA_SNAPSHOT={settings.wikipedia_snapshot} is what is wanted"
            )
        newer, silent = newer_snapshots(settings, platform.store)
        if silent:
            context.log.warning("; ".join(silent.values()))
        if not newer:
            return dg.SkipReason(
                "no newer snapshot" + (f"; no answer for {', '.join(silent)}" if silent else "")
            )
        return [
            dg.RunRequest(run_key=f"{settings.world}:{language}:{date}", partition_key=language)
            for language, date in newer.items()
        ]

    return [hub_schedule] if settings.generated else [hub_schedule, snapshot_schedule]


def newer_snapshots(settings: Settings, store: Store) -> tuple[dict[str, str], dict[str, str]]:
    """Languages whose source offers a newer snapshot than the published one, and those without an answer.

    Asks for all languages at once, within the time that Dagster gives a schedule.
    """
    have = {
        language: store.read("wikipedia_dump", language, columns=["snapshot"])["snapshot"][0].as_py()
        for language in store.keys("wikipedia_dump")
        if language in settings.active_languages
    }
    newer, silent = {}, {language: f"{language}: no answer in time" for language in have}
    pool = ThreadPoolExecutor(max_workers=8)
    asked = {pool.submit(_newest, settings.wikipedia_source, language): language for language in have}
    done, _ = wait(asked, timeout=ANSWER_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)
    for answer in done:
        language = asked[answer]
        try:
            date = answer.result()
        except InputError as error:
            silent[language] = f"{language}: {error}"
            continue
        del silent[language]
        if have[language] == LATEST or date > have[language]:
            newer[language] = date
    return {language: newer[language] for language in have if language in newer}, silent


def _newest(source: str, language: str) -> str:
    if source.startswith(("http://", "https://")):
        return newest(language, f"{source.rstrip('/')}/{database_prefix(language)}wiki")[0]
    name = DumpName.of(find_dump_files(language, Path(source).expanduser(), LATEST)[0].name)
    assert name is not None
    return name.snapshot
