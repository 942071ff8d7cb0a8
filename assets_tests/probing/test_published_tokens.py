"""Objects have as many tokens as the paper's authors printed, with the vocabularies of mBERT and XLM-R.

A test, and not a figure of the report: it needs no model, and mLAMA is given from outside.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import mbert
from factroots_dagster.facts.mlama.release import acquire_release
from factroots_dagster.facts.mlama.split import read_split
from factroots_dagster.probing.prompts import object_token_ids

XLMR_SPACE, XLMR_UNKNOWN = 6, 3  # ids of "▁" and "<unk>"


@pytest.fixture(scope="module")
def objects(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    """Labels of the distinct pairs of object and label of a language: what the authors counted."""
    folder = tmp_path_factory.mktemp("mlama")
    acquire_release(str(real_data / "mlama1.1.tar.xz"), folder)

    def of(language: str) -> list[str]:
        split = read_split(folder, language)
        return [label for _, label in {(r["object_uri"], r["object"]) for r in split.to_pylist()}]

    return of


@pytest.fixture(scope="module")
def published(real_data: Path) -> dict[str, Any]:
    path = real_data.parent / "reference" / "paper_results.json"
    if not path.is_file():
        pytest.skip(f"no published numbers at {path}")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def lengths(tokenizer: Any, labels: Sequence[str], space_id: int | None = None) -> Counter[int]:
    return Counter(map(len, object_token_ids(tokenizer, labels, space_id)))


def test_mbert(objects: Callable[[str], list[str]], published: dict[str, Any]) -> None:
    tokenizer = mbert.tokenizer()
    if tokenizer is None:
        pytest.skip("BlingFire is not installed (the extra 'test')")
    english = lengths(tokenizer, objects("en"))
    printed = published["mbert_objects_by_token_count_en"]
    assert {str(tokens): count for tokens, count in english.items()} == printed
    for language, count in published["one_token_objects"]["mbert"].items():
        assert lengths(tokenizer, objects(language))[1] == count, language


def test_xlmr(objects: Callable[[str], list[str]], published: dict[str, Any]) -> None:
    blingfire = pytest.importorskip("blingfire", reason="BlingFire is not installed (the extra 'test')")
    model = blingfire.load_model(str(Path(blingfire.__file__).with_name("xlm_roberta_base.bin")))

    def tokenizer(labels: Sequence[str], add_special_tokens: bool) -> dict[str, list[list[int]]]:
        assert not add_special_tokens
        found = (blingfire.text_to_ids(model, label, 99, XLMR_UNKNOWN, no_padding=True) for label in labels)
        return {"input_ids": [ids.tolist() for ids in found]}

    for language, count in published["one_token_objects"]["xlmr"].items():
        labels = objects(language)
        assert lengths(tokenizer, labels, XLMR_SPACE)[1] == count, language
        assert lengths(tokenizer, labels)[1] < count, language  # the bare space token has to be dropped
