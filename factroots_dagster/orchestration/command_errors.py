"""Errors of partitions on the command line: one line that names the keys, instead of a traceback.

`dagster asset materialize` and `dg launch` check partitions before a run begins, in words that name no key,
and take a range that ends before it starts for an empty one. In a run, and so in the UI and in
`dagster job execute`, `partitions.partition_keys` refuses the same.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import dagster as dg

from factroots_dagster.errors import InputError
from factroots_dagster.orchestration.partitions import Platform, checkpoint_set, parts_of, platform_for
from factroots_dagster.settings import Settings

COMMANDS = ("dagster", "dg")
PROBLEMS = {
    "no '--partition' option": "the selected assets have partitions, and no --partition is given",
    "none of the assets are partitioned": "the selected assets have no partitions, and --partition is given",
    "no PartitionsDefinition shared": "the selected assets have different kinds of partitions",
    "must share the same PartitionsDefinition": "the selected assets have different kinds of partitions",
    "containing the passed partition key": "there is no such partition",
    "Could not find a partition": "there is no such partition",
    "Invalid partition range": "a range of partitions is written FIRST...LAST",
}
"""A part of Dagster's message to what is wrong."""


def partition_error(platform: Platform, message: str, instance: dg.DagsterInstance) -> InputError | None:
    """The error to show for one of Dagster's messages; None where it is not about partitions."""
    problem = next((problem for part, problem in PROBLEMS.items() if part in message), None)
    if problem is None:
        return None
    key = re.search("partition key `(.*?)`", message)
    return InputError(f"{problem}: {key[1]}" if key else problem, _remedy(platform, instance))


def range_error(platform: Platform, keys: str, instance: dg.DagsterInstance) -> InputError | None:
    """The error to show for a range FIRST...LAST that ends before it starts; None for any other."""
    first, _, last = keys.partition("...")
    checkpoints = list(instance.get_dynamic_partitions(checkpoint_set(platform.settings.world)))
    orders: Sequence[Sequence[str]] = (platform.settings.active_languages, checkpoints)
    for one, other in zip(parts_of(first), parts_of(last), strict=False):
        for order in orders:
            if one in order and other in order and order.index(one) > order.index(other):
                problem = f"the range {keys} ends before it starts ({other} comes before {one})"
                return InputError(problem, _remedy(platform, instance))
    return None


def _remedy(platform: Platform, instance: dg.DagsterInstance) -> str:
    settings = platform.settings
    checkpoints = ", ".join(instance.get_dynamic_partitions(checkpoint_set(settings.world))) or "none yet"
    return (
        "give --partition KEY or --partition-range FIRST...LAST of the assets' kind: "
        f"languages {', '.join(settings.active_languages)}; checkpoints {checkpoints}; "
        "or both, as <checkpoint>|<language>"
    )


def report_partition_errors(settings: Settings) -> None:
    """In a process of the `dagster` or `dg` command, show errors of partitions in one line."""
    if Path(sys.argv[0]).stem not in COMMANDS:
        return
    platform, hook = platform_for(settings), sys.excepthook
    if "--partition-range" in sys.argv[:-1]:
        keys = sys.argv[sys.argv.index("--partition-range") + 1]
        with dg.DagsterInstance.get() as instance:
            if error := range_error(platform, keys, instance):
                sys.exit(f"Error: {error}")

    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        with dg.DagsterInstance.get() as instance:
            known = (
                error if isinstance(error, InputError) else partition_error(platform, str(error), instance)
            )
        if known is None:
            hook(kind, error, trace)
        else:
            print(f"Error: {known}", file=sys.stderr)

    sys.excepthook = show
