"""Tracing the roots of facts in multilingual language models, as a Dagster code location."""

import os

# Set before any library reads them, in every process of the platform: libraries tell their makers nothing
# about their use. What Dagster's webserver and daemon tell is turned off in dagster.yaml.
for _variable, _off in {"HF_HUB_DISABLE_TELEMETRY": "1", "GX_ANALYTICS_ENABLED": "false"}.items():
    os.environ.setdefault(_variable, _off)
