"""The bridge from a Great Expectations validation to a Dagster asset check.

A `Suite` says which small frame of an asset is looked at and what is expected of it; `asset_check`
makes the check. Suites live in the sibling modules; nothing here knows an asset.
"""

import html
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from factroots_dagster.errors import InputError
from factroots_dagster.orchestration.assets.base import check_finished_with, partition_keys
from factroots_dagster.orchestration.partitions import parts_of
from factroots_dagster.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

CHECK_NAME = "expectations"
_SHOWN_CHARACTERS = 120
_SHOWN_UNMET = 3
_SHOWN_ROWS = 5
_KEYS = ("uuid", "language", "relation", "entity_uri", "page_id", "file")  # columns that name a row


@dataclass(frozen=True)
class Suite:
    """What is expected of one asset.

    frame: reads the published partition (`store, *parts`) into a small pandas frame; it streams or
        aggregates where the asset is large.
    expectations: makes the list of Great Expectations expectations for a partition (`*parts`). A
        function, because importing Great Expectations takes seconds.
    blocking: whether a failure of an expectation of critical severity stops what comes after.
    says: what the check tells of the frame whether or not it passes.
    """

    frame: Callable[..., "pd.DataFrame"]
    expectations: Callable[..., Sequence[Any]]
    blocking: bool = True
    says: Callable[["pd.DataFrame"], str] | None = None


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
    shown: dict[str, object] = {"result_format": "SUMMARY"}
    if keys := [name for name in _KEYS if name in frame.columns]:
        shown["unexpected_index_column_names"] = keys
    return context.data_sources.pandas_default.read_dataframe(frame).validate(suite, result_format=shown)


def _observed(result: Any) -> object:
    """What was seen: the observed value, the offending rows by their keys, or the reason of an error."""
    seen = result.result or {}
    if seen.get("observed_value") is not None:
        return seen["observed_value"]
    if seen.get("partial_unexpected_list"):
        values = seen["partial_unexpected_list"][:_SHOWN_ROWS]
        rows = seen.get("partial_unexpected_index_list") or [None] * len(values)
        named = "; ".join(_row(row, value) for row, value in zip(rows, values, strict=False))
        return f"{seen['unexpected_count']} unexpected: {named}"
    if result.success:
        return "none unexpected"
    info = result.exception_info or {}
    nested = next((value for value in info.values() if isinstance(value, dict)), {})
    return info.get("exception_message") or nested.get("exception_message") or "not met"


def _row(row: object, value: object) -> str:
    """An offending value with what names its row: the row's keys, or its number in the frame."""
    if isinstance(row, dict):
        return ", ".join(f"{name} {given}" for name, given in row.items())
    return str(value) if row is None else f"row {row}: {value}"


def _cell(value: object) -> str:
    text = str(value).replace("\n", " ")
    text = text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
    return html.escape(text, quote=False).replace("\\", "\\\\").replace("|", "\\|").replace("`", "'")


def _target(result: Any) -> str:
    kwargs = result.expectation_config.kwargs
    columns = kwargs.get("column_list") or [
        kwargs[key] for key in ("column", "column_A", "column_B") if key in kwargs
    ]
    return ", ".join(columns) or "table"


def to_check_result(validation: Any, said: str = "") -> dg.AssetCheckResult:
    """A validation as an asset check result: ERROR when an expectation of critical severity failed.

    `said` is told in the description beside what was met and what was not.
    """
    rows, severities, unmet = [], [], []
    for result in sorted(
        validation.results, key=lambda r: (r.success, r.expectation_config.type, _target(r))
    ):
        config = result.expectation_config
        if not result.success:
            severities.append(config.severity.value)
            unmet.append(f"{config.type} of {_target(result)} (observed: {_observed(result)})")
        hidden = ("batch_id", "column", "column_A", "column_B", "column_list")
        arguments = {key: value for key, value in config.kwargs.items() if key not in hidden}
        mark = "✓" if result.success else "✗"
        cells = (config.type, _target(result), arguments or "", _observed(result))
        rows.append(f"| {mark} | " + " | ".join(_cell(value) for value in cells) + " |")
    statistics = validation.statistics
    header = ["| | expectation | of | arguments | observed |", "|-|-|-|-|-|"]
    return dg.AssetCheckResult(
        passed=bool(validation.success),
        severity=dg.AssetCheckSeverity.ERROR if "critical" in severities else dg.AssetCheckSeverity.WARN,
        description=f"{statistics['successful_expectations']} of {statistics['evaluated_expectations']} "
        "expectations met"
        + "".join(f"; unmet: {text}" for text in unmet[:_SHOWN_UNMET])
        + (f"; {said}" if said else ""),
        metadata={
            "expectations": dg.MetadataValue.md("\n".join(header + rows)),
            "unmet": statistics["unsuccessful_expectations"],
        },
    )


def _merged(results: dict[str, dg.AssetCheckResult]) -> dg.AssetCheckResult:
    """One result for a run of several partitions: passed when all passed, the worst severity."""
    failed = {key: result for key, result in results.items() if not result.passed}
    worst = any(result.severity == dg.AssetCheckSeverity.ERROR for result in failed.values())
    shown = next(iter(failed.values()), next(iter(results.values())))
    return dg.AssetCheckResult(
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if worst else dg.AssetCheckSeverity.WARN,
        description=f"{len(results) - len(failed)} of {len(results)} partitions pass"
        + (f"; failed: {', '.join(failed)}" if failed else ""),
        metadata=shown.metadata,
    )


def evaluate(asset: str, suite: Suite, store: Store, parts: tuple[str, ...]) -> dg.AssetCheckResult:
    """Validate a published partition; one that cannot be read fails, in the words of the error."""
    try:
        frame = suite.frame(store, *parts)
    except InputError as error:
        return dg.AssetCheckResult(passed=False, description=str(error))
    validation = validate(frame, suite.expectations(*parts), name="/".join((asset, *parts)))
    return to_check_result(validation, suite.says(frame) if suite.says else "")


def _each(
    asset: str, suite: Suite, context: Any, store: Store, keys: Iterable[str | None]
) -> dict[str, dg.AssetCheckResult]:
    """Validate several partitions and file each result under its own.

    Dagster files the one result of a run over several partitions under none of them.
    """
    results = {key or "": evaluate(asset, suite, store, parts_of(key)) for key in keys}
    for key, result in results.items():
        context.log_event(
            dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey(asset),
                check_name=CHECK_NAME,
                passed=result.passed,
                metadata=result.metadata or {},
                severity=result.severity,
                description=result.description,
                blocking=suite.blocking,
                partition=key,
            )
        )
    return results


def asset_check(
    asset: str, suite: Suite, store: Store, partitions_def: dg.PartitionsDefinition | None
) -> dg.AssetChecksDefinition:
    """The asset check that validates every partition of the run against the suite.

    Where the step that makes the asset fails, and the check is passed over, what it has finished is checked
    at its end.
    """

    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        operation: Any = context.op_execution_context
        keys = partition_keys(operation)
        if len(keys) == 1:
            return evaluate(asset, suite, store, parts_of(keys[0]))
        return _merged(_each(asset, suite, operation, store, keys))

    check_finished_with(store, asset, partial(_each, asset, suite))
    return dg.asset_check(
        asset=asset,
        name=CHECK_NAME,
        blocking=suite.blocking,
        partitions_def=partitions_def,
        description=f"Great Expectations suite of {asset}",
    )(check)
