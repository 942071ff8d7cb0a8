"""Objects have as many tokens as the paper reports, with the vocabularies of mBERT and XLM-R.

A test and not a figure of the report: it needs mLAMA, which is not part of the project, but no model.
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
from factroots_dagster.probing.slots import object_token_ids

XLMR_SPACE, XLMR_UNKNOWN = 6, 3  # ids of "▁" and "<unk>"


@pytest.fixture(scope="module")
def objects(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    """Labels of the distinct pairs of object and label of a language: what the authors counted."""
    folder = tmp_path_factory.mktemp("mlama")
    acquire_release(str(real_data / "mlama1.1.tar.xz"), folder)

    def labels(language: str) -> list[str]:
        rows = read_split(folder, language).to_pylist()
        return [label for _, label in {(row["object_uri"], row["object"]) for row in rows}]

    return labels


@pytest.fixture(scope="module")
def published(real_data: Path) -> dict[str, Any]:
    path = real_data.parent / "reference" / "paper_results.json"
    if not path.is_file():
        pytest.skip(f"no published numbers at {path}")
    numbers: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return numbers


def count_lengths(tokenizer: Any, labels: Sequence[str], space_id: int | None = None) -> Counter[int]:
    return Counter(map(len, object_token_ids(tokenizer, labels, space_id)))


def test_objects_have_the_published_number_of_mbert_tokens(
    objects: Callable[[str], list[str]], published: dict[str, Any]
) -> None:
    tokenizer = mbert.tokenizer()
    if tokenizer is None:
        pytest.skip("BlingFire is not installed (the extra 'test')")
    english = count_lengths(tokenizer, objects("en"))
    expected = published["mbert_objects_by_token_count_en"]
    assert {str(tokens): count for tokens, count in english.items()} == expected
    for language, count in published["one_token_objects"]["mbert"].items():
        assert count_lengths(tokenizer, objects(language))[1] == count, language


def test_as_many_objects_as_published_have_one_xlmr_token(
    objects: Callable[[str], list[str]], published: dict[str, Any]
) -> None:
    blingfire = pytest.importorskip("blingfire", reason="BlingFire is not installed (the extra 'test')")
    model = blingfire.load_model(str(Path(blingfire.__file__).with_name("xlm_roberta_base.bin")))

    def tokenizer(labels: Sequence[str], add_special_tokens: bool) -> dict[str, list[list[int]]]:
        assert not add_special_tokens
        encoded = (blingfire.text_to_ids(model, label, 99, XLMR_UNKNOWN, no_padding=True) for label in labels)
        return {"input_ids": [ids.tolist() for ids in encoded]}

    for language, count in published["one_token_objects"]["xlmr"].items():
        labels = objects(language)
        assert count_lengths(tokenizer, labels, XLMR_SPACE)[1] == count, language
        assert count_lengths(tokenizer, labels)[1] < count, language  # the bare space token has to be dropped
