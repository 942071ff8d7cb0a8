"""From Great Expectations to Dagster asset checks.

The library is here because the project's users asked for it; this bridge stays thin. An asset has two checks:
a blocking one (expectations of critical severity) and one that warns.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import dagster as dg

from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.orchestration.catalog import SCHEMAS
from factroots_dagster.orchestration.checks.suite import Suite
from factroots_dagster.orchestration.markdown import escape_markdown
from factroots_dagster.orchestration.partitions import Parts, Platform, partition_keys, parts_of
from factroots_dagster.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

BLOCKING, WARNING = "blocking", "warning"
CHECKS = {BLOCKING: "critical", WARNING: "warning"}
"""Name of a check to the severity of its expectations."""
_SHOWN_CHARACTERS = 120
_SHOWN_FAILURES = 3
_SHOWN_ROWS = 5
_ROW_KEYS = ("uuid", "language", "relation", "entity_uri", "page_id", "file")


@dataclass(frozen=True)
class Outcome:
    """The result of one check of one partition; its description is plain text."""

    passed: bool
    description: str
    metadata: dict[str, Any]


@cache
def _context() -> Any:
    """One ephemeral context a process: making it and importing the library is what costs."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    return context


def validate(frame: "pd.DataFrame", expectations: Iterable[Any], name: str) -> Any:
    """Validate a frame; returns the library's suite result."""
    context = _context()
    import great_expectations as gx

    suite = gx.ExpectationSuite(name=name, expectations=list(expectations))
    result_format: dict[str, object] = {"result_format": "SUMMARY"}
    if keys := [key for key in _ROW_KEYS if key in frame.columns]:
        result_format["unexpected_index_column_names"] = keys
    batch = context.data_sources.pandas_default.read_dataframe(frame)
    return batch.validate(suite, result_format=result_format)


def evaluate(asset: str, suite: Suite, store: Store, parts: Parts) -> dict[str, Outcome]:
    """Both checks of a partition, by name; one that cannot be read fails the blocking check."""
    try:
        frame = suite.frame(store.view(SCHEMAS), *parts)
    except UnavailableError:
        raise
    except InputError as error:
        unreadable = Outcome(False, str(error), {})
        return {BLOCKING: unreadable, WARNING: Outcome(True, "not evaluated: the data cannot be read", {})}
    validation = validate(frame, suite.expectations(*parts), name="/".join((asset, *parts)))
    summary = suite.summary(frame) if suite.summary else ""
    return {name: outcome(validation, name, summary if name == WARNING else "") for name in CHECKS}


def outcome(validation: Any, check: str, summary: str = "") -> Outcome:
    """One check's part of a validation: its description names what failed, in words, and the failing rows.

    summary: what is said in the description whether or not the check passes.
    """
    severity = CHECKS[check]
    results = [
        result for result in validation.results if result.expectation_config.severity.value == severity
    ]
    results.sort(key=lambda result: (bool(result.success), meaning_of(result)))
    failed = [result for result in results if not result.success]
    shown = [f"{meaning_of(result)} ({_observation(result)})" for result in failed[:_SHOWN_FAILURES]]
    description = f"{len(results) - len(failed)} of {len(results)} expectations met"
    description += "".join(f"; not met: {text}" for text in shown) + (f"; {summary}" if summary else "")
    metadata: dict[str, Any] = {"not_met": len(failed)}
    if results:
        metadata["expectations"] = dg.MetadataValue.table([_record(result) for result in results])
    return Outcome(not failed, description, metadata)


def meaning_of(result: Any) -> str:
    """The line of words that an expectation carries."""
    return str(result.expectation_config.notes)


def _record(result: Any) -> dg.TableRecord:
    observed = _observation(result).replace("\n", " ")
    if len(observed) > _SHOWN_CHARACTERS:
        observed = observed[: _SHOWN_CHARACTERS - 1] + "…"
    return dg.TableRecord(
        {"met": bool(result.success), "expectation": meaning_of(result), "observed": observed}
    )


def _observation(result: Any) -> str:
    """What was observed: a value, the failing rows by their keys, or the reason of an error."""
    observed = result.result or {}
    if observed.get("observed_value") is not None:
        return f"observed {observed['observed_value']}"
    if observed.get("partial_unexpected_list"):
        values = observed["partial_unexpected_list"][:_SHOWN_ROWS]
        rows = observed.get("partial_unexpected_index_list") or [None] * len(values)
        named = "; ".join(_row(row, value) for row, value in zip(rows, values, strict=False))
        return f"{observed['unexpected_count']} rows: {named}"
    if result.success:
        return "no row fails"
    info = result.exception_info or {}
    nested = next((value for value in info.values() if isinstance(value, dict)), {})
    return info.get("exception_message") or nested.get("exception_message") or "not met"


def _row(row: object, value: object) -> str:
    """A failing value with what names its row: the row's keys, or its number in the frame."""
    if isinstance(row, dict):
        return ", ".join(f"{name} {key}" for name, key in row.items())
    return str(value) if row is None else f"row {row}: {value}"


def log_evaluations(
    context: Any, asset: str, suite: Suite, store: Store, keys: Iterable[str | None]
) -> dict[str, dict[str, Outcome]]:
    """Check several partitions and record each outcome under its own; outcomes by check and key.

    Dagster records the one result of a run over several partitions under none of them.
    """
    outcomes: dict[str, dict[str, Outcome]] = {name: {} for name in CHECKS}
    for key in keys:
        for name, result in evaluate(asset, suite, store, parts_of(key)).items():
            outcomes[name][key or ""] = result
            context.log_event(
                dg.AssetCheckEvaluation(
                    asset_key=dg.AssetKey(asset),
                    check_name=name,
                    passed=result.passed,
                    metadata=result.metadata,
                    severity=_severity(name),
                    description=escape_markdown(result.description),
                    blocking=name == BLOCKING,
                    partition=key,
                )
            )
    return outcomes


def asset_checks(
    platform: Platform, asset: str, suite: Suite, dimensions: tuple[str, ...]
) -> dg.AssetChecksDefinition:
    """The two checks of an asset, which validate every partition of the run.

    dimensions: what the asset is partitioned by.
    """
    partitions_def = platform.partitions_def(dimensions)
    specs = [
        dg.AssetCheckSpec(
            name=name,
            asset=asset,
            blocking=name == BLOCKING,
            partitions_def=partitions_def,
            description=f"What must hold for {asset} to mean anything; holds back what reads it."
            if name == BLOCKING
            else f"What is unusual in {asset} and worth a look.",
        )
        for name in CHECKS
    ]

    @dg.multi_asset_check(
        specs=specs, name=f"{asset}_checks", can_subset=True, required_resource_keys={"store"}
    )
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        operation: Any = context.op_execution_context
        store: Store = operation.resources.store.store()
        selected = {key.name for key in context.selected_asset_check_keys}
        try:
            keys = partition_keys(operation, platform, dimensions)
        except InputError as error:  # "Execute all" in the UI names no partition
            raise dg.Failure(description=str(error), allow_retries=False) from error
        if len(keys) == 1:
            outcomes = {
                name: {keys[0] or "": result}
                for name, result in evaluate(asset, suite, store, parts_of(keys[0])).items()
            }
        else:
            outcomes = log_evaluations(operation, asset, suite, store, keys)
        for name in CHECKS:
            if name in selected:
                yield _check_result(asset, name, outcomes[name])

    return check


def _check_result(asset: str, name: str, outcomes: dict[str, Outcome]) -> dg.AssetCheckResult:
    """One result for all partitions of a run: passed when all passed."""
    failed = {key: result for key, result in outcomes.items() if not result.passed}
    shown = next(iter(failed.values()), next(iter(outcomes.values())))
    description = shown.description
    if len(outcomes) > 1:
        description = f"{len(outcomes) - len(failed)} of {len(outcomes)} partitions pass"
        description += f"; failed: {', '.join(failed)}" if failed else ""
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=name,
        passed=not failed,
        severity=_severity(name),
        description=escape_markdown(description),
        metadata=shown.metadata,
    )


def _severity(check: str) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if check == BLOCKING else dg.AssetCheckSeverity.WARN
