"""The Spark session and real data of the Wikipedia tests."""

from __future__ import annotations

from assets_tests.wikipedia.conftest import greek, real_data, spark

__all__ = ["greek", "real_data", "spark"]
