"""Fixtures: one tiny checkpoint per family and the rows that it answers, made once a session.

A plugin of the whole suite (`pytest_plugins` in the topmost conftest), so it imports what is heavy when used.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import pyarrow as pa

    from factroots_dagster.models.checkpoint import LoadedModel


@pytest.fixture(scope="session")
def checkpoint_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """checkpoint_of(family): the folder of a tiny checkpoint of the family."""
    from assets_tests.models import tiny

    folders: dict[str, Path] = {}

    def checkpoint(family: str) -> Path:
        if family not in folders:
            folders[family] = tiny.save_checkpoint(tmp_path_factory.mktemp(family) / family, family)
        return folders[family]

    return checkpoint


@pytest.fixture(scope="session")
def split_of(checkpoint_of: Callable[[str], Path]) -> Callable[..., pa.Table]:
    """split_of(family): MLAMA_SPLIT rows, about half of which the family's masked model answers correctly."""
    from assets_tests.models import tiny

    splits: dict[tuple[object, ...], pa.Table] = {}

    def split(family: str, language: str = "qaa", subjects: int = 14, seed: int = 0) -> pa.Table:
        key = (family, language, subjects, seed)
        if key not in splits:
            splits[key] = tiny.split(checkpoint_of(family), language, subjects, seed)
        return splits[key]

    return split


@pytest.fixture
def bert(checkpoint_of: Callable[[str], Path]) -> LoadedModel:
    """The tiny BERT, loaded."""
    from factroots_dagster.models.checkpoint import load

    return load(str(checkpoint_of("bert")), device="cpu")
