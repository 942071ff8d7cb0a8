"""Fixtures: a small release, and mLAMA 1.1 where it is at hand."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from assets_tests.facts.releases import fact, write_release
from factroots_dagster.facts.mlama.release import acquire_release


@pytest.fixture
def small_release(tmp_path: Path) -> Path:
    """Two languages, two relations, three lines."""
    return write_release(
        tmp_path / "small",
        {
            "qaa": {"P19": [fact("u1"), fact("u2", "Port Oslo", "Oslo")], "P36": []},
            "qab": {"P19": [fact("u1", "Ада", "Осло")]},
        },
    )


@pytest.fixture(scope="session")
def published_release(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pa.Table]:
    """The folder of mLAMA 1.1 as acquired from its archive, and its inventory; skips where there is none."""
    folder = tmp_path_factory.mktemp("published") / "release"
    folder.mkdir()
    return folder, acquire_release(str(real_data / "mlama1.1.tar.xz"), folder)
