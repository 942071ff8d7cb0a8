"""Neurons at given answers: those that probing wrote, for the model that gave them; the twin's by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
import torch

from assets_tests.models import tiny
from factroots_dagster.models.activations import read_index, read_relation
from factroots_dagster.models.checkpoint import LoadedModel, load
from factroots_dagster.models.untrained import with_random_weights
from factroots_dagster.probing.answer_neurons import write_answer_neurons
from factroots_dagster.probing.probe import probe


@pytest.mark.parametrize("family", ["bert", "xlm-roberta", "modernbert", "gpt2", "llama"])
def test_a_models_own_answers_have_the_neurons_that_probing_wrote(
    family: str, checkpoint_of: Callable[[str], Path], tmp_path: Path
) -> None:
    rows_of = tiny.decoder_split if family in tiny.CAUSAL else tiny.split
    split, model = rows_of(checkpoint_of(family)), load(str(checkpoint_of(family)), device="cpu")
    probed, again = tmp_path / "probed", tmp_path / "again"
    probed.mkdir()
    again.mkdir()
    predictions = probe(model, split, probed)
    right = split.filter(pc.fill_null(predictions["full_match"], False))
    write_answer_neurons(model, right, predictions, again, token_budget=64)
    index = read_index(probed)
    assert index.num_rows > 5 and read_index(again).equals(index)
    for relation in set(index["relation"].to_pylist()):
        np.testing.assert_allclose(
            read_relation(again, relation), read_relation(probed, relation), atol=1e-4, rtol=1e-3
        )


def by_hand(model: LoadedModel, fact: dict, masks: int) -> np.ndarray:
    """Neurons [layers, neurons] at the masks of one prompt, by plain transformers; their mean."""
    text = fact["template"].replace("[X]", fact["subject"])
    encoded = model.tokenizer(text.replace("[Y]", " ".join(["[MASK]"] * masks)), return_tensors="pt")
    at = (encoded["input_ids"][0] == model.mask_id).nonzero()[:, 0]
    seen: list[torch.Tensor] = []
    handles = [
        layer.output.dense.register_forward_pre_hook(lambda _, args: seen.append(args[0][0, at].mean(dim=0)))
        for layer in model.model.bert.encoder.layer
    ]
    with torch.inference_mode():
        model.model(**encoded)
    for handle in handles:
        handle.remove()
    return torch.stack(seen).numpy()


def test_the_untrained_twin_is_read_where_the_trained_model_was_right(
    checkpoint_of: Callable[[str], Path], tmp_path: Path
) -> None:
    model = load(str(checkpoint_of("bert")), device="cpu")
    split = tiny.split(checkpoint_of("bert"))
    (tmp_path / "probed").mkdir()
    (tmp_path / "twin").mkdir()
    predictions = probe(model, split, tmp_path / "probed")
    twin = with_random_weights(model, seed=3)
    write_answer_neurons(twin, split.filter(predictions["full_match"]), predictions, tmp_path / "twin")
    facts = {row["uuid"]: row for row in split.to_pylist()}
    rows = read_index(tmp_path / "twin").to_pylist()
    assert {row["mask_count"] for row in rows} == {1, 2}
    for row in rows:
        found = read_relation(tmp_path / "twin", row["relation"])[row["row"]]
        np.testing.assert_allclose(found, by_hand(twin, facts[row["uuid"]], row["mask_count"]), atol=1e-5)
