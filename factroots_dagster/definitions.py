"""The code location: everything that the UI, the command line and the daemon see."""

from __future__ import annotations

from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.command_errors import report_partition_errors
from factroots_dagster.settings import load_settings

settings = load_settings()
defs = build_defs(settings)
report_partition_errors(settings)
