"""Every family end to end against plain transformers, one sequence at a time: no batch, no cache, no padding.

The neurons are compared with a formula of the MLP's own input and weights, not with what a hook on the
down-projection sees.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
import transformers

from assets_tests.models import tiny
from assets_tests.models.mlps import neurons_by_formula
from assets_tests.probing.plain import (
    assert_decoder_equals_plain_transformers,
    labels_of,
    ranks,
    saved_activations,
)
from factroots_dagster.models.checkpoint import load
from factroots_dagster.probing.probe import probe
from factroots_dagster.probing.schema import PREDICTIONS


@pytest.mark.parametrize("family", [*tiny.MASKED, *tiny.DEBERTA, tiny.ALBERT])
def test_masked_models_equal_plain_transformers(
    family: str, checkpoint_of: Callable[[str], Path], split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    folder, split = checkpoint_of(family), split_of(family)
    predictions = probe(load(str(folder), device="cpu"), split, tmp_path)
    assert predictions.schema.equals(PREDICTIONS)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
    space = tokenizer.convert_tokens_to_ids("▁")
    drop = {space} - {tokenizer.unk_token_id, None}

    def bare(label: str) -> list[int]:
        return [i for i in tokenizer(label, add_special_tokens=False)["input_ids"] if i not in drop]

    saved = saved_activations(tmp_path)
    assert saved.keys() == {row["uuid"] for row in predictions.to_pylist() if row["full_match"]}
    assert 6 <= len(saved) < len(split)
    for row, got in zip(split.to_pylist(), predictions.to_pylist(), strict=True):
        labels = {label: bare(label) for label in labels_of(split, row["relation"])}
        gold = labels[row["object"]]
        lengths = {len(ids) for ids in labels.values()}
        passes: dict[int, tuple[torch.Tensor, list[torch.Tensor]]] = {}  # k -> logits, neurons by layer
        for k in lengths if not drop else range(min(lengths), max(lengths) + 1):  # what an object can need
            with neurons_by_formula(family, model) as neurons:
                logits = tiny.mask_logits(model, tokenizer, row["template"], row["subject"], k)
            passes[k] = (logits, neurons)
        answers = [
            passes[k][0].argmax(dim=1).tolist() if k in passes else [] for k in range(1, max(lengths) + 1)
        ]
        matching = [k for k, ids in enumerate(answers, 1) if [i for i in ids if i not in drop] == gold]
        assert got["object_ids"] == gold
        assert got["predicted_ids"] == answers
        assert got["matched_mask_count"] == (matching[0] if matching else 0)
        assert got["full_match"] is bool(matching)
        assert got["partial_match"] is any(set(gold) <= set(ids) for ids in answers)
        scores = {}
        for label, ids in labels.items():
            logprobs = torch.log_softmax(passes[len(ids)][0].double(), dim=1)
            scores[label] = float(np.mean([logprobs[at, token] for at, token in enumerate(ids)]))
        assert got["object_logprob"] == pytest.approx(scores[row["object"]], abs=1e-4)
        assert got["typed_rank"] in ranks(scores, row["object"])
        if matching:
            text = row["template"].replace("[Y]", " ".join([tokenizer.mask_token] * matching[0]))
            ids = torch.tensor(tokenizer(text.replace("[X]", row["subject"]))["input_ids"])
            masks = ids == tokenizer.mask_token_id
            expected = torch.stack([layer[0][masks].mean(dim=0) for layer in passes[matching[0]][1]])
            torch.testing.assert_close(saved[row["uuid"]], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", [*tiny.CAUSAL, *tiny.LATER])
def test_decoders_equal_plain_transformers(
    family: str, checkpoint_of: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = checkpoint_of(family)
    assert_decoder_equals_plain_transformers(folder, tiny.decoder_split(folder), tmp_path, family)


@pytest.mark.parametrize("family", tiny.DEBERTA)
def test_deberta_is_run_without_its_whole_model_with_either_head(
    family: str, checkpoint_of: Callable[[str], Path]
) -> None:
    model = load(str(checkpoint_of(family)), device="cpu")
    assert model.ffn.neurons == 40
    assert model.head is not None
