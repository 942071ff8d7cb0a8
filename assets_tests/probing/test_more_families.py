"""Mixtures of experts, recurrent decoders and language models in wrappers, against one sentence at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets_tests.models import tiny
from assets_tests.models.families import MIXTURES, RECURRENT, WRAPPERS, save
from assets_tests.probing.plain import assert_decoder_equals_plain_transformers
from factroots_dagster.models.checkpoint import load


@pytest.mark.parametrize("family", [*MIXTURES, *RECURRENT, *WRAPPERS])
def test_decoders_equal_plain_transformers(family: str, tmp_path: Path) -> None:
    folder = save(tmp_path / "model", (MIXTURES | RECURRENT | WRAPPERS)[family])
    split = tiny.decoder_split(folder, subjects=4, predicted=2)
    (tmp_path / "activations").mkdir()
    assert_decoder_equals_plain_transformers(folder, split, tmp_path / "activations", family, least=2)
    model = load(str(folder), device="cpu")
    assert model.continued is (family not in {*RECURRENT, "qwen3_5"})
