"""Sentences run as tries have the likelihoods of plain transformers; the best are never left out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from assets_tests.models import tiny
from factroots_dagster.models.checkpoint import LoadedModel, load
from factroots_dagster.models.driving import longest_in_trie
from factroots_dagster.probing import candidate_tries
from factroots_dagster.probing.candidate_tries import score_sentences
from factroots_dagster.probing.causal import probe_causal
from factroots_dagster.probing.causal_likelihood import Sentences

BEST = 4


def random_questions(seed: int) -> list[Sentences]:
    """Questions whose sentences share beginnings of all lengths; one of them is the beginning of others."""
    random = np.random.default_rng(seed)
    questions = []
    for number in range(7):
        beginning = [2, *random.integers(10, 60, 3 + number % 2).tolist()]
        rests = [tuple(random.integers(10, 14, random.integers(1, 5)).tolist()) for _ in range(40)]
        rests += [(10, 11), (10, 11, 12), (10, 11, 12, 13, 10)]
        ids = [[*beginning, *rest] for rest in dict.fromkeys(rests)]
        given = random.choice(len(ids), 2, replace=False).tolist()
        positions = {index: list(range(len(beginning), len(ids[index]))) for index in given}
        questions.append(Sentences(ids, positions, best=BEST if number % 3 else None))
    return questions


def plain_logprobs(model: LoadedModel, ids: list[int]) -> np.ndarray:
    with torch.inference_mode():
        logits = model.model(input_ids=torch.tensor([ids])).logits[0, :-1].double()
    return logits.log_softmax(dim=1)[range(len(ids) - 1), ids[1:]].numpy()


@pytest.mark.parametrize("family", ["gpt2", "llama", "qwen", "gemma", "bloom"])
def test_likelihoods_are_those_of_one_sentence_at_a_time(
    family: str, checkpoint_of: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(str(checkpoint_of(family)), device="cpu")
    assert (model.longest_in_trie == 64) == (family != "bloom")  # which takes no positions
    questions = random_questions(0)
    for nodes, budget in ((1_024, 1), (1_024, 10_000), (12, 200)):
        monkeypatch.setattr(candidate_tries, "ROW_NODES", nodes)
        monkeypatch.setattr(candidate_tries, "SENTENCES", 3)
        with torch.inference_mode():
            sums, means = score_sentences(model, questions, budget)
        left_out = 0
        for question, found, of_objects in zip(questions, sums, means, strict=True):
            logprobs = [plain_logprobs(model, ids) for ids in question.ids]
            expected = np.array([values[question.shared - 1 :].sum() for values in logprobs])
            known = np.isfinite(found)
            np.testing.assert_allclose(found[known], expected[known], atol=1e-4)
            assert of_objects.keys() == question.object_positions.keys()
            for index, positions in question.object_positions.items():
                own = logprobs[index][np.array(positions) - 1].mean()
                assert of_objects[index] == pytest.approx(own, abs=1e-4)
                assert (found > found[index]).sum() == (expected > expected[index]).sum()
            assert known.all() or question.best
            assert known[np.argsort(-expected)[:BEST]].all()
            left_out += (~known).sum()
        assert (left_out > 0) == (family != "bloom")


def test_nodes_that_cannot_be_among_the_best_are_not_run(checkpoint_of: Callable[[str], Path]) -> None:
    model = load(str(checkpoint_of("llama")), device="cpu")
    run: list[int] = []
    counted = dataclasses.replace(model, head=lambda hidden: run.append(len(hidden)) or model.head(hidden))
    counts = []
    with torch.inference_mode():
        for best in (None, 2):
            run.clear()
            questions = [dataclasses.replace(q, best=best, object_positions={}) for q in random_questions(1)]
            score_sentences(counted, questions, 1)
            counts.append(sum(run))
    nodes = sum(
        len({tuple(ids[:end]) for ids in q.ids for end in range(q.shared, len(ids))})
        for q in random_questions(1)
    )
    assert counts[0] == nodes and counts[1] < nodes


def test_an_attention_window_is_noticed(checkpoint_of: Callable[[str], Path]) -> None:
    """Nodes that share a row see each other's ancestors, however far: a window would be lost."""
    for family, longest in (("gemma3", 0), ("gemma", 64)):
        model = load(str(checkpoint_of(family)), device="cpu")
        assert longest_in_trie(model.model, range(10, 60), 64) == longest


def test_ranks_by_the_object_leave_out_what_follows(
    checkpoint_of: Callable[[str], Path], tmp_path: Path
) -> None:
    """As with a template that ends there; where the subject follows, the sentence stays whole."""
    model, split = load(str(checkpoint_of("llama")), device="cpu"), tiny.decoder_split(checkpoint_of("llama"))
    rows = split.to_pylist()
    shortened = pa.Table.from_pylist(
        [
            row
            | {
                "template": row["template"].removesuffix(" .")
                if row["relation"] == "P36"
                else row["template"]
            }
            for row in rows
        ]
    )
    columns = ["typed_rank", "prior_rank", "full_match", "margin", "object_ids", "ranking"]
    tables = []
    for name, table, ranked_by in (
        ("object", split, "object"),
        ("shortened", shortened, "sentence"),
        ("whole", split, "sentence"),
    ):
        (tmp_path / name).mkdir()
        tables.append(probe_causal(model, table, tmp_path / name, ranked_by=ranked_by).select(columns))
    by_object, expected, whole = (table.to_pylist() for table in tables)
    for found, wanted in zip(by_object, expected, strict=True):
        assert found["margin"] == pytest.approx(wanted["margin"], abs=1e-4)
        assert {**found, "margin": 0} == {**wanted, "margin": 0}
    assert by_object != whole
