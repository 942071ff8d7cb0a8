"""The tokenizer of a checkpoint, loaded where its weights cannot be."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import transformers

from assets_tests.models import tiny
from factroots_dagster.errors import InputError
from factroots_dagster.models.checkpoint import load
from factroots_dagster.models.files import resolve_checkpoint
from factroots_dagster.models.tokenizer import load_tokenizer
from factroots_dagster.probing.slots import object_token_ids

LABELS = ["oslo", "lima river", "qx", "東京", " ", ""]


def remove(weights: Path) -> None:
    weights.unlink()


def spoil(weights: Path) -> None:
    weights.write_bytes(b"these are no weights")


def replace_by_folder(weights: Path) -> None:
    """Whatever opens the file fails, also for root, whom file permissions do not stop."""
    weights.unlink()
    weights.mkdir()


@pytest.mark.parametrize("damage", [remove, spoil, replace_by_folder])
@pytest.mark.parametrize("family", ["bert", "xlm-roberta", "llama", "gemma"])
def test_the_tokenizer_needs_no_weights(
    family: str, damage: Callable[[Path], None], checkpoint_of: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(checkpoint_of(family), tmp_path / family))
    model = load(str(folder), device="cpu")
    resolved = resolve_checkpoint(str(folder))
    damage(folder / "model.safetensors")
    with pytest.raises(InputError):
        load(dataclasses.replace(resolved, revision="another"), device="cpu")
    checkpoint = load_tokenizer(resolved)
    assert checkpoint.space_id == model.space_id
    ids = object_token_ids(checkpoint.tokenizer, LABELS, checkpoint.space_id)
    assert ids == object_token_ids(model.tokenizer, LABELS, model.space_id)
    assert checkpoint.decode(iter(ids)) == model.tokenizer.batch_decode([list(run) for run in ids])


@pytest.mark.parametrize("family", [*tiny.MASKED, *tiny.CAUSAL])
def test_the_space_token_is_sentencepieces(family: str, checkpoint_of: Callable[[str], Path]) -> None:
    checkpoint = load_tokenizer(resolve_checkpoint(str(checkpoint_of(family))))
    expected = "▁" if family in ("xlm-roberta", "gemma") else None
    space_id = checkpoint.space_id
    space = None if space_id is None else checkpoint.tokenizer.convert_ids_to_tokens(space_id)
    assert space == expected


def test_a_tokenizer_that_cannot_be_probed_is_rejected(
    checkpoint_of: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(checkpoint_of("bert"), tmp_path / "bert"))
    tiny.wordpiece(folder, mask_token="")
    with pytest.raises(InputError, match="no mask token"):
        load_tokenizer(resolve_checkpoint(str(folder)))
    for file in folder.glob("tokenizer*"):
        file.unlink()
    transformers.ByT5Tokenizer().save_pretrained(folder)
    with pytest.raises(InputError, match="slow tokenizer"):
        load_tokenizer(resolve_checkpoint(str(folder)))
