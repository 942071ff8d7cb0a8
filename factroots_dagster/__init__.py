"""Tracing the roots of facts in multilingual language models: a Dagster code location, and its Python API."""

import os
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

__version__ = version("factroots-dagster")

# Turn off the telemetry of libraries before any of them reads these variables, in every process of the
# platform. Dagster's own telemetry is turned off in dagster.yaml.
for _variable, _off in {"HF_HUB_DISABLE_TELEMETRY": "1", "GX_ANALYTICS_ENABLED": "false"}.items():
    os.environ.setdefault(_variable, _off)

if TYPE_CHECKING:
    from factroots_dagster.api import load_settings, probe, read, trace, types

__all__ = ["__version__", "load_settings", "probe", "read", "trace", "types"]


def __getattr__(name: str) -> Any:
    """The functions of `api`, imported when one of them is first asked for: every process imports this."""
    if name in __all__:
        from factroots_dagster import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
