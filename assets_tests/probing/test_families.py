"""Every family end to end against plain transformers, one sequence at a time: no batch, no cache, no padding.

The neurons are compared with a formula of the MLP's own input and weights, not with what a hook on the
down-projection sees.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import transformers
from safetensors.torch import load_file

from assets_tests.models import tiny
from assets_tests.models.mlps import neurons_by_formula
from factroots_dagster.models.checkpoint import load
from factroots_dagster.models.schema import ACTIVATION_INDEX
from factroots_dagster.probing.probe import probe
from factroots_dagster.probing.schema import PREDICTIONS

TIED = 1e-5  # scores nearer to each other than this may rank either way


def ranks(scores: dict[str, float], label: str) -> set[int]:
    """The ranks that a label may have, ties counting half, when scores are known up to TIED."""
    own = scores[label]
    others = [score for name, score in scores.items() if name != label]
    better = sum(score > own + TIED for score in others)
    tied = sum(abs(score - own) <= TIED for score in others)
    return set(range(1 + better, 2 + better + tied))


def labels_of(split: pa.Table, relation: str) -> list[str]:
    rows = split.to_pylist()
    return sorted({row["object"] for row in rows if row["relation"] == relation})


@pytest.mark.parametrize("family", [*tiny.MASKED, *tiny.DEBERTA])
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
    split = tiny.decoder_split(folder)
    predictions = probe(load(str(folder), device="cpu"), split, tmp_path)
    assert predictions.schema.equals(PREDICTIONS)
    assert predictions.column("uuid").equals(split.column("uuid"))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    start = tiny.start_ids(tokenizer)

    def read(text: str) -> list[int]:
        return start + tokenizer(text, add_special_tokens=False)["input_ids"]

    def bare(ids: list[int]) -> list[int]:
        return [token for token in ids if tokenizer.convert_ids_to_tokens(token) not in ("▁", "Ġ")]

    def token_logprobs(text: str) -> list[float]:
        """The log-probability of every token of a text, the start token's left out."""
        ids = read(text)
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([ids])).logits[0].double()
        return torch.log_softmax(logits[:-1], dim=1)[range(len(ids) - 1), ids[1:]].tolist()

    saved = saved_activations(tmp_path)
    got_of = {row["uuid"]: row for row in predictions.to_pylist()}
    assert saved.keys() == {uuid for uuid, row in got_of.items() if row["full_match"]}
    assert len(saved) >= 6
    assert sum(bool(row["greedy_match"]) for row in got_of.values()) >= 6
    firsts = {
        row["uuid"]: tiny.first_beyond_prior(
            model, tokenizer, row["template"], row["subject"], labels_of(split, row["relation"])
        )
        for row in split.to_pylist()
    }
    for row in split.to_pylist():
        got = got_of[row["uuid"]]
        before, after = row["template"].replace("[X]", row["subject"]).split("[Y]")
        prior_before, prior_after = without_subject(row["relation"])
        prompt = read(before.rstrip())
        written = read(before + row["object"])[len(prompt) :]
        labels = labels_of(split, row["relation"])
        scores = {label: token_logprobs(before + label + after) for label in labels}
        priors = {label: token_logprobs(prior_before + label + prior_after) for label in labels}
        sums = {label: sum(values) for label, values in scores.items()}
        prior_sums = {label: sum(values) for label, values in priors.items()}
        begin = len(prompt) - 1
        assert bare(got["object_ids"]) == bare(written)
        own = scores[row["object"]][begin : begin + len(written)][-len(got["object_ids"]) :]
        assert got["object_logprob"] == pytest.approx(np.mean(own), abs=1e-4)
        assert got["typed_rank"] in ranks(sums, row["object"])
        assert got["candidates"] == len(labels)
        begin = len(read(prior_before.rstrip())) - 1
        own = priors[row["object"]][begin : begin + len(written)][-len(got["object_ids"]) :]
        assert got["prior_logprob"] == pytest.approx(np.mean(own), abs=1e-4)
        assert got["prior_rank"] in ranks(prior_sums, row["object"])
        margin = tiny.lead(sums, row["object"]) - tiny.lead(prior_sums, row["object"])
        assert got["margin"] == pytest.approx(margin, abs=1e-3)
        assert got["full_match"] is (firsts[row["uuid"]] == row["object"])
        assert got["matched_mask_count"] == got["full_match"] * len(got["object_ids"])
        others = {
            other["subject"]: firsts[other["uuid"]]
            for other in split.to_pylist()
            if other["relation"] == row["relation"] and other["subject"] != row["subject"]
        }
        assert got["chance"] == pytest.approx(np.mean([first == row["object"] for first in others.values()]))
        assert got["partial_match"] is None
        if got["full_match"]:
            ids = read(before + row["object"])
            with neurons_by_formula(family, model) as neurons, torch.inference_mode():
                model(input_ids=torch.tensor([ids]))
            predicting = slice(len(ids) - 1 - len(got["object_ids"]), len(ids) - 1)
            expected = torch.stack([layer[0][predicting].mean(dim=0) for layer in neurons])
            torch.testing.assert_close(saved[row["uuid"]], expected, rtol=1e-4, atol=1e-5)
        if row["relation"] == "P103":  # its object is followed by the subject
            assert got["greedy_match"] is None
            assert got["predicted_ids"] == []
            continue
        tokens = len(got["predicted_ids"])
        assert tokens == max(len(read(before + label)) for label in labels) - len(prompt)
        answer = tiny.greedy(model, prompt, tokens)
        assert got["predicted_ids"] == [answer[:k] for k in range(1, tokens + 1)]
        matching = [k for k in range(1, tokens + 1) if bare(answer[:k]) == bare(written)]
        assert got["greedy_match"] is bool(matching)


def without_subject(relation: str) -> tuple[str, str]:
    return {"P36": ("the capital of is ", " ."), "P19": ("was born in ", ""), "P103": ("", " , speaks .")}[
        relation
    ]


def saved_activations(folder: Path) -> dict[str, torch.Tensor]:
    """The saved activations by fact, after checking the index against the files."""
    index = pq.read_table(folder / "data.parquet")
    assert index.schema.equals(ACTIVATION_INDEX)
    files: dict[str, torch.Tensor] = {}
    activations = {}
    for row in index.to_pylist():
        if row["file"] not in files:
            files[row["file"]] = load_file(folder / row["file"])["activations"]
        assert files[row["file"]].dtype == torch.float32
        activations[row["uuid"]] = files[row["file"]][row["row"]]
    counts = {file: sum(row["file"] == file for row in index.to_pylist()) for file in files}
    assert counts == {file: len(values) for file, values in files.items()}
    return activations


@pytest.mark.parametrize("family", tiny.DEBERTA)
def test_deberta_is_run_without_its_whole_model_with_either_head(
    family: str, checkpoint_of: Callable[[str], Path]
) -> None:
    model = load(str(checkpoint_of(family)), device="cpu")
    assert model.ffn.neurons == 40
    assert model.head is not None
