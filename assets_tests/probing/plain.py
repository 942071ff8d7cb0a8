"""What plain transformers answers, one sentence at a time: no batch, no cache, no padding."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import transformers
from safetensors.torch import load_file

from assets_tests.models import tiny
from assets_tests.models.mlps import MLPS, neurons_by_formula
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


def assert_decoder_equals_plain_transformers(
    folder: Path, split: pa.Table, activations: Path, family: str, least: int = 6
) -> None:
    """Fail unless probing a decoder gives what the model of its folder gives, called in the plainest way.

    family: by whose formula neurons are computed; without one they are not compared. least: so many rows must
    be predicted, and so many generated.
    """
    predictions = probe(load(str(folder), device="cpu"), split, activations)
    assert predictions.schema.equals(PREDICTIONS)
    assert predictions.column("uuid").equals(split.column("uuid"))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = tiny.load_plain(folder)
    start = tiny.start_ids(tokenizer)

    def read(text: str) -> list[int]:
        return start + tokenizer(text, add_special_tokens=False)["input_ids"]

    def bare(ids: list[int]) -> list[int]:
        return [token for token in ids if tokenizer.convert_ids_to_tokens(token) not in ("▁", "Ġ")]

    @cache
    def token_logprobs(text: str) -> list[float]:
        """The log-probability of every token of a text, the start token's left out."""
        ids = read(text)
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([ids])).logits[0].double()
        return torch.log_softmax(logits[:-1], dim=1)[range(len(ids) - 1), ids[1:]].tolist()

    def sums_of(before: str, after: str, relation: str) -> dict[str, float]:
        return {label: sum(token_logprobs(before + label + after)) for label in labels_of(split, relation)}

    def first(row: dict[str, str]) -> str | None:
        """The label that ranks first, if it leads by more than without the subject."""
        sums = sums_of(*row["template"].replace("[X]", row["subject"]).split("[Y]"), row["relation"])
        best = max(sums, key=sums.__getitem__)
        prior = sums_of(*without_subject(row["relation"]), row["relation"])
        return best if tiny.lead(sums, best) > tiny.lead(prior, best) else None

    saved = saved_activations(activations)
    got_of = {row["uuid"]: row for row in predictions.to_pylist()}
    assert saved.keys() == {uuid for uuid, row in got_of.items() if row["full_match"]}
    assert len(saved) >= least
    assert sum(bool(row["greedy_match"]) for row in got_of.values()) >= least
    firsts = {row["uuid"]: first(row) for row in split.to_pylist()}
    for row in split.to_pylist():
        got = got_of[row["uuid"]]
        before, after = row["template"].replace("[X]", row["subject"]).split("[Y]")
        prior_before, prior_after = without_subject(row["relation"])
        prompt = read(before.rstrip())
        written = read(before + row["object"])[len(prompt) :]
        labels = labels_of(split, row["relation"])
        scores = {label: token_logprobs(before + label + after) for label in labels}
        priors = {label: token_logprobs(prior_before + label + prior_after) for label in labels}
        sums = sums_of(before, after, row["relation"])
        prior_sums = sums_of(prior_before, prior_after, row["relation"])
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
            if family not in MLPS:
                continue
            with neurons_by_formula(family, model) as neurons, torch.inference_mode():
                model(input_ids=torch.tensor([ids]))
            predicting = slice(len(ids) - 1 - len(got["object_ids"]), len(ids) - 1)
            own = [layer.reshape(len(ids), -1)[predicting].mean(dim=0) for layer in neurons]
            widest = max(map(len, own))
            expected = torch.stack([torch.nn.functional.pad(each, (0, widest - len(each))) for each in own])
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
