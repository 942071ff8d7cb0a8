"""Tracing the roots of facts in multilingual language models, as a Dagster code location."""
