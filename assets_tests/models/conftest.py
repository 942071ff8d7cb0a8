"""One tiny checkpoint and its rows per family, made once a session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from assets_tests.models import tiny
from factroots_dagster.models.checkpoint import LoadedModel, load


@pytest.fixture(scope="session")
def checkpoint_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def of(family: str) -> Path:
        if family not in made:
            made[family] = tiny.save_checkpoint(tmp_path_factory.mktemp(family) / family, family)
        return made[family]

    return of


@pytest.fixture(scope="session")
def split_of(checkpoint_of: Callable[[str], Path]) -> Callable[..., pa.Table]:
    made: dict[tuple[object, ...], pa.Table] = {}

    def of(family: str, language: str = "qaa", subjects: int = 14, seed: int = 0) -> pa.Table:
        key = (family, language, subjects, seed)
        if key not in made:
            made[key] = tiny.split(checkpoint_of(family), language, subjects, seed)
        return made[key]

    return of


@pytest.fixture
def bert(checkpoint_of: Callable[[str], Path]) -> LoadedModel:
    return load(str(checkpoint_of("bert")), device="cpu")
