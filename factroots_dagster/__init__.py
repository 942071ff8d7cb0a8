"""Tracing the roots of facts in multilingual language models, as a Dagster code location."""

import os
from importlib.metadata import version

__version__ = version("factroots-dagster")

# Turn off the telemetry of libraries before any of them reads these variables, in every process of the
# platform. Dagster's own telemetry is turned off in dagster.yaml.
for _variable, _off in {"HF_HUB_DISABLE_TELEMETRY": "1", "GX_ANALYTICS_ENABLED": "false"}.items():
    os.environ.setdefault(_variable, _off)
