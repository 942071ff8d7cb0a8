"""A whole world made in one process, stage by stage: what `factroots demo` and the job `everything` run.

Every stage is an ordinary Dagster run on the instance, so the UI shows its history. One process imports Great
Expectations, starts Spark and loads each model once, however many languages there are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from factroots_dagster.errors import InputError
from factroots_dagster.models.registry import lookup, registered
from factroots_dagster.orchestration.catalog import AssetRow, rows_in
from factroots_dagster.orchestration.outdated import find_current
from factroots_dagster.orchestration.partitions import (
    BLOCK,
    CELL,
    CHECKPOINT,
    LANGUAGE,
    Platform,
    checkpoint_set,
)
from factroots_dagster.sandbox.blocks import block_names

_QUIET = {"loggers": {"console": {"config": {"log_level": "INFO"}}}}


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


@dataclass(frozen=True)
class StageRunner:
    """Runs selections of the world's assets, with their checks, in this process.

    definitions: the world's assets and checks. say: prints a line for people.
    """

    platform: Platform
    definitions: Sequence[Any]
    resources: Mapping[str, Any]
    instance: dg.DagsterInstance
    say: Callable[[str], None]

    def run(
        self, title: str, assets: Iterable[str], first: str | None = None, last: str | None = None
    ) -> None:
        """Materialize assets in the partitions from `first` to `last`; raises StageFailedError."""
        started = time.monotonic()
        self.say(title)
        tags = {}
        if first is not None and last is not None:
            tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        result = dg.materialize(
            self.definitions,
            selection=dg.AssetSelection.assets(*assets),
            instance=self.instance,
            resources=self.resources,
            partition_key=first if last is None else None,
            tags=tags,
            run_config=_QUIET,
            raise_on_error=False,
        )
        if not result.success:
            raise StageFailedError(f"{title}: {_reasons(result)}")
        for check in result.get_asset_check_evaluations():
            if not check.passed and (check.partition or first is None or last is None):
                partition = f" [{check.partition}]" if check.partition else ""
                self.say(f"  warning: {check.asset_key.to_user_string()}{partition}: {check.description}")
        self.say(f"  {time.monotonic() - started:.1f} s")

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
            return False
        languages = self.platform.settings.active_languages
        names = ", ".join(assets)
        if stage.partitioned_by == (LANGUAGE,):
            self.run(f"{names} in {len(languages)} languages", assets, languages[0], languages[-1])
        elif stage.partitioned_by == (BLOCK,):
            blocks = block_names(self.platform.settings.sandbox_blocks)
            self.run(f"{names} of {len(blocks)} blocks", assets, blocks[0], blocks[-1])
        elif stage.partitioned_by == CELL:
            ends = (f"{checkpoint}|{languages[0]}", f"{checkpoint}|{languages[-1]}")
            self.run(f"{names} of {checkpoint} in {len(languages)} languages", assets, *ends)
        elif stage.partitioned_by == (CHECKPOINT,):
            self.run(f"{names} of {checkpoint}", assets, checkpoint)
        else:
            self.run(names, assets)
        return True


def materialize_world(runner: StageRunner, *, only_outdated: bool = False) -> list[str]:
    """Materialize every asset that is not made on demand, for every checkpoint; returns the checkpoints.

    only_outdated: but for what is up to date; a line says so where that is everything. Raises InputError when
    no checkpoint is registered (only possible outside generated worlds), and StageFailedError when a run
    fails.
    """
    settings = runner.platform.settings
    # Elsewhere training makes them. A model that cannot be asked is refused before any dump is read.
    described = [] if settings.generated else _registered_partitions(runner)
    if described and settings.wordpiece_checkpoint:
        lookup(settings, settings.wordpiece_checkpoint)
    did_anything = [
        runner.run_stage(Stage((CHECKPOINT,), ("checkpoint",)), key, only_outdated=only_outdated)
        for key in described
    ]
    before, of_checkpoint, after = divide(stages([row for row in rows_in(settings) if not row.on_demand]))
    did_anything += [runner.run_stage(stage, only_outdated=only_outdated) for stage in before]
    checkpoints = described or _registered_partitions(runner)
    skip = ["checkpoint"] if described else []
    for key in checkpoints:
        for stage in of_checkpoint:
            did_anything.append(runner.run_stage(stage, key, skip=skip, only_outdated=only_outdated))
    did_anything += [runner.run_stage(stage, only_outdated=only_outdated) for stage in after]
    if not any(did_anything):
        runner.say("nothing has changed: every asset is up to date")
    return checkpoints


def divide(plan: Sequence[Stage]) -> tuple[list[Stage], list[Stage], list[Stage]]:
    """The stages before any checkpoint is asked, those of a checkpoint, and those over all checkpoints."""
    of_checkpoint = [stage for stage in plan if CHECKPOINT in stage.partitioned_by]
    first = plan.index(of_checkpoint[0])
    rest = [stage for stage in plan[first:] if CHECKPOINT not in stage.partitioned_by]
    return list(plan[:first]), of_checkpoint, rest


def _registered_partitions(runner: StageRunner) -> list[str]:
    """The registered checkpoints, each of which is made a partition; raises InputError when there is none."""
    settings = runner.platform.settings
    checkpoints = list(registered(settings))
    if not checkpoints:
        raise InputError("no checkpoint is registered", "run: factroots checkpoints add <hub id or folder>")
    runner.instance.add_dynamic_partitions(checkpoint_set(settings.world), checkpoints)
    return checkpoints


def _reasons(result: dg.ExecuteInProcessResult) -> str:
    """Why a run failed: the words of its failed steps and checks."""
    lines = []
    for event in [event for event in result.all_events if event.is_step_failure]:
        data = event.step_failure_data
        failure = data.user_failure_data.description if data.user_failure_data else None
        cause = data.error.cause if data.error and data.error.cause else data.error
        lines.append(f"{event.step_key}: {failure or (cause.message if cause else event.message)}".strip())
    lines += [
        f"{check.asset_key.to_user_string()} {check.partition or ''}: {check.description}"
        for check in result.get_asset_check_evaluations()
        if not check.passed
    ]
    return "; ".join(lines) or "the run failed"
