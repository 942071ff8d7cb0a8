"""A whole world made in one process, stage by stage: what `factroots run` and the job `everything` run.

Every stage is an ordinary Dagster run on the instance, so the UI shows its history. One process imports Great
Expectations, starts Spark and loads each model once, however many languages there are.
"""

from __future__ import annotations

import difflib
import sys
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import dagster as dg

from factroots_dagster.errors import InputError
from factroots_dagster.models.devices import devices_of, release_device
from factroots_dagster.models.registry import lookup, registered
from factroots_dagster.orchestration.catalog import AssetRow, needed_for, rows_in
from factroots_dagster.orchestration.history import TAGS as RUN_TAGS
from factroots_dagster.orchestration.history import claim_run
from factroots_dagster.orchestration.markdown import unescape_markdown
from factroots_dagster.orchestration.outdated import find_current
from factroots_dagster.orchestration.partitions import (
    BLOCK,
    CELL,
    CHECKPOINT,
    LANGUAGE,
    Platform,
    checkpoint_set,
    parts_of,
)
from factroots_dagster.orchestration.progress import Reporter, find_made
from factroots_dagster.sandbox.blocks import block_names
from factroots_dagster.settings import Settings

_QUIET = {"loggers": {"console": {"config": {"log_level": "INFO"}}}}

STOPPED = "it was stopped; what is finished is kept, and the next run goes on from there"


class StageFailedError(RuntimeError):
    """A run of a stage failed; the message says what and why."""


@dataclass(frozen=True)
class Stage:
    """Assets with the same partitions that one run can make."""

    partitioned_by: tuple[str, ...]
    assets: tuple[str, ...]


def stages(rows: Sequence[AssetRow]) -> list[Stage]:
    """The order in which a whole world is made, in as few stages as the partitions allow.

    A stage holds everything of one kind of partition whose parents are in earlier stages or in itself.
    """
    names = {row.name for row in rows}
    remaining = list(rows)
    done: set[str] = set()
    plan: list[Stage] = []
    while remaining:
        for dimensions in ((), (LANGUAGE,), (CHECKPOINT,), CELL, (BLOCK,)):
            stage: list[str] = []
            for row in remaining:  # each comes after those that it reads
                if row.partitioned_by == dimensions and names.intersection(row.reads) <= {*done, *stage}:
                    stage.append(row.name)
            if stage:
                plan.append(Stage(dimensions, tuple(stage)))
                done.update(stage)
                remaining = [row for row in remaining if row.name not in done]
                break
        else:
            unordered = ", ".join(row.name for row in remaining)
            raise ValueError(f"{unordered}: read one another, or an unknown asset")
    return plan


Range = tuple[str, str]
"""The first and the last partition of a run."""


RangeRunner = Callable[
    [Settings, dg.DagsterInstance, str, Sequence[str], Sequence[Range], Reporter], list[str]
]
"""Materializes assets in ranges of partitions side by side; returns what failed (`parallel.run_ranges`)."""


def divide_languages(languages: Sequence[str], processes: int) -> list[tuple[str, str]]:
    """The first and the last language of each process's share: neighbours, as many for each as possible."""
    count = min(processes, len(languages))
    edges = [round(number * len(languages) / count) for number in range(count + 1)]
    return [(languages[begin], languages[end - 1]) for begin, end in pairwise(edges)]


@dataclass(frozen=True)
class StageRunner:
    """Runs selections of the world's assets, with their checks, in this process.

    job: holds the world's assets and checks. reporter: is told what happens.
    run_ranges: divides a checkpoint's languages among several devices; None: this process makes all.
    """

    platform: Platform
    job: dg.JobDefinition
    instance: dg.DagsterInstance
    reporter: Reporter
    run_ranges: RangeRunner | None = None

    def run(
        self, title: str, assets: Iterable[str], first: str | None = None, last: str | None = None
    ) -> None:
        """Materialize assets in the partitions from `first` to `last`; raises StageFailedError."""
        names = list(assets)
        self.reporter.begin(title, names, len(names) * self._width(first, last))
        tags = dict(RUN_TAGS)
        if first is not None and last is not None:
            tags |= {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        run_id = str(uuid.uuid4())
        self.instance.add_event_listener(run_id, self._listen)
        try:
            result = self.job.execute_in_process(
                asset_selection=[dg.AssetKey(name) for name in names],
                instance=self.instance,
                run_id=run_id,
                partition_key=first if last is None else None,
                tags=tags,
                run_config=_QUIET,
                raise_on_error=False,
            )
        except BaseException as error:
            self._end_run(run_id)
            if isinstance(error, KeyboardInterrupt):
                raise StageFailedError(f"{title}: {STOPPED}") from None
            raise
        if not result.success:
            raise StageFailedError(f"{title}: {_reasons(result)}")
        for check in result.get_asset_check_evaluations():
            if not check.passed and (check.partition or first is None or last is None):
                partition = f" [{check.partition}]" if check.partition else ""
                description = unescape_markdown(check.description or "")
                self.reporter.warn(f"{check.asset_key.to_user_string()}{partition}: {description}")
        self.reporter.end()

    def _end_run(self, run_id: str) -> None:
        """Report a run as failed that was left before or after its steps, where nobody would notice."""
        run = self.instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            self.instance.report_run_failed(run, STOPPED)

    def _listen(self, event: dg.EventLogEntry) -> None:
        """Pass on what a run in this process logs."""
        claim_run(self.instance, event.run_id)
        if event.dagster_event is None:
            if name := find_made(event.user_message):
                self.reporter.finish_partition(name)
            else:
                self.reporter.say(event.user_message)

    def _width(self, first: str | None, last: str | None) -> int:
        """How many languages, or blocks, a range of partitions has."""
        if first is None or last is None:
            return 1
        settings = self.platform.settings
        for keys in (settings.active_languages, block_names(settings.sandbox_blocks)):
            ends = [parts_of(end)[-1] for end in (first, last)]
            if all(end in keys for end in ends):
                return 1 + keys.index(ends[1]) - keys.index(ends[0])
        return 1

    def run_stage(
        self,
        stage: Stage,
        checkpoint: str | None = None,
        *,
        skip: Iterable[str] = (),
        only_outdated: bool = False,
    ) -> bool:
        """Materialize a stage's assets in all languages or blocks, and of one checkpoint where it has any.

        skip: assets of the stage that are left out. only_outdated: so are those that are up to date in all of
        these partitions. Returns whether there was anything to do.
        """
        assets = [name for name in stage.assets if name not in set(skip)]
        if only_outdated:
            current = find_current(self.platform, self.instance, assets, checkpoint)
            assets = [name for name in assets if name not in current]
        if not assets:
            self.reporter.skip()
            return False
        languages = self.platform.settings.active_languages
        names = ", ".join(assets)
        if stage.partitioned_by == (LANGUAGE,):
            self.run(f"{names} in {len(languages)} languages", assets, languages[0], languages[-1])
        elif stage.partitioned_by == (BLOCK,):
            blocks = block_names(self.platform.settings.sandbox_blocks)
            self.run(f"{names} of {len(blocks)} blocks", assets, blocks[0], blocks[-1])
        elif stage.partitioned_by == CELL:
            self._run_cells(f"{names} of {checkpoint} in {len(languages)} languages", assets, str(checkpoint))
        elif stage.partitioned_by == (CHECKPOINT,):
            self.run(f"{names} of {checkpoint}", assets, checkpoint)
        else:
            self.run(names, assets)
        return True

    def _run_cells(self, title: str, assets: list[str], checkpoint: str) -> None:
        """Materialize assets of a checkpoint in all languages, in as many processes as there are devices."""
        settings = self.platform.settings
        shares = divide_languages(settings.active_languages, len(devices_of(settings.device)))
        ranges = [(f"{checkpoint}|{first}", f"{checkpoint}|{last}") for first, last in shares]
        if self.run_ranges is None or len(ranges) == 1:
            self.run(title, assets, ranges[0][0], ranges[-1][-1])
            return
        self.reporter.begin(title, assets, len(assets) * len(settings.active_languages))
        _give_back_device()
        try:
            failures = self.run_ranges(settings, self.instance, title, assets, ranges, self.reporter)
        except KeyboardInterrupt:
            raise StageFailedError(f"{title}: {STOPPED}") from None
        if failures:
            raise StageFailedError("; ".join(failures))
        self.reporter.end()


def _give_back_device() -> None:
    """Leave the device to other processes, with the memory of the model that was described on it."""
    if (models := sys.modules.get("factroots_dagster.models.checkpoint")) is not None:
        models.forget_model()
    release_device()


@dataclass(frozen=True)
class Choice:
    """Which part of a world is made.

    checkpoint: that of this one only. until: these assets only, and what they cannot be made without;
    everything that is not made on demand where it is empty.
    """

    checkpoint: str | None = None
    until: tuple[str, ...] = ()

    def rows(self, settings: Settings) -> list[AssetRow]:
        """The assets that are made; raises InputError for one that the world does not have."""
        rows = rows_in(settings)
        if not self.until:
            return [row for row in rows if not row.on_demand]
        names = [row.name for row in rows]
        for name in self.until:
            if name not in names:
                nearest = difflib.get_close_matches(name, names, n=1)
                remedy = f"write {nearest[0]}" if nearest else f"choose from {', '.join(names)}"
                raise InputError(f"world {settings.world!r} has no asset {name!r}", remedy)
        wanted = set(self.until).union(*(needed_for(name, settings) for name in self.until))
        return [row for row in rows if row.name in wanted]


EVERYTHING = Choice()

DESCRIPTION = Stage((CHECKPOINT,), ("checkpoint",))
"""Comes first where the checkpoints are there already."""


def materialize_world(
    runner: StageRunner, choice: Choice = EVERYTHING, *, only_outdated: bool = False
) -> list[str]:
    """Materialize the chosen part of a world; returns the checkpoints of which something was chosen.

    only_outdated: but for what is up to date. Raises InputError when no checkpoint is registered (only
    possible outside generated worlds), or not the chosen one, and StageFailedError when a run fails.
    """
    settings, reporter = runner.platform.settings, runner.reporter
    rows = choice.rows(settings)
    before, of_checkpoint, after = divide(stages(rows))
    # In a generated world training makes them. A model that cannot be asked is refused before a dump is read.
    asked: list[str] = []
    described: list[str] = []
    if not settings.generated:
        asked = _registered_partitions(runner, choice.checkpoint) if of_checkpoint else []
        tokenizer = settings.wordpiece_checkpoint if any(row.tokenizer_setting for row in rows) else ""
        described = [*asked, *(_registered_partitions(runner, tokenizer) if tokenizer else [])]
        described = list(dict.fromkeys(described))
    expected = len(asked) or _expected_checkpoints(settings, choice.checkpoint)
    plan = [*[DESCRIPTION] * len(described), *before, *of_checkpoint * expected, *after]
    reporter.expect([stage.assets for stage in plan])
    for key in described:
        runner.run_stage(DESCRIPTION, key, only_outdated=only_outdated)
    for stage in before:
        runner.run_stage(stage, only_outdated=only_outdated)
    if of_checkpoint and not asked:
        asked = _registered_partitions(runner, choice.checkpoint)
    skip = ["checkpoint"] if described else []
    for key in asked:
        for stage in of_checkpoint:
            runner.run_stage(stage, key, skip=skip, only_outdated=only_outdated)
    for stage in after:
        runner.run_stage(stage, only_outdated=only_outdated)
    return asked


def divide(plan: Sequence[Stage]) -> tuple[list[Stage], list[Stage], list[Stage]]:
    """The stages before any checkpoint is asked, those of a checkpoint, and those over all checkpoints."""
    of_checkpoint = [stage for stage in plan if CHECKPOINT in stage.partitioned_by]
    first = plan.index(of_checkpoint[0]) if of_checkpoint else len(plan)
    rest = [stage for stage in plan[first:] if CHECKPOINT not in stage.partitioned_by]
    return list(plan[:first]), of_checkpoint, rest


def _expected_checkpoints(settings: Settings, chosen: str | None) -> int:
    """How many checkpoints there will be, those that a training has yet to save among them."""
    from factroots_dagster.sandbox.training import checkpoint_steps

    if chosen is not None:
        return 1
    return len(registered(settings)) or len(checkpoint_steps(settings.dials.steps))


def _registered_partitions(runner: StageRunner, chosen: str | None) -> list[str]:
    """The registered checkpoints, or the chosen one, each made a partition; raises InputError without any."""
    settings = runner.platform.settings
    checkpoints = list(registered(settings))
    if not checkpoints:
        raise InputError("no checkpoint is registered", "run: factroots checkpoints add <hub id or folder>")
    runner.instance.add_dynamic_partitions(checkpoint_set(settings.world), checkpoints)
    return checkpoints if chosen is None else [lookup(settings, chosen).key]


def _reasons(result: dg.ExecuteInProcessResult) -> str:
    """Why a run failed: the words of its failed steps and checks."""
    lines = []
    for event in [event for event in result.all_events if event.is_step_failure]:
        data = event.step_failure_data
        failure = data.user_failure_data.description if data.user_failure_data else None
        cause = data.error.cause if data.error and data.error.cause else data.error
        if cause and cause.cls_name == "DagsterExecutionInterruptedError":
            failure = STOPPED
        lines.append(f"{event.step_key}: {failure or (cause.message if cause else event.message)}".strip())
    lines += [
        f"{check.asset_key.to_user_string()} {check.partition or ''}: "
        + unescape_markdown(check.description or "")
        for check in result.get_asset_check_evaluations()
        if not check.passed
    ]
    return "; ".join(lines) or "the run failed"
