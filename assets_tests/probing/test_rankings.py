"""The rankings of candidates that predictions keep: names, ties, and what a real model's scores say."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
import transformers

from assets_tests.models import tiny
from factroots_dagster.models.checkpoint import load
from factroots_dagster.probing.predictions import CandidateRanking
from factroots_dagster.probing.probe import probe
from factroots_dagster.probing.schema import RANKED


def candidates(*pairs: tuple[str, str], language: str = "qaa") -> CandidateRanking:
    """pairs: Wikidata id and label of the objects of one relation; the labels are scored in their order."""
    uris, labels = zip(*pairs, strict=True)
    rows = pa.table({"language": [language] * len(pairs), "object_uri": uris, "object": labels})
    return CandidateRanking(rows, sorted(set(labels)))


def test_candidates_are_named_best_first_and_those_without_a_score_are_left_out() -> None:
    ranking = candidates(("Q1", "Bern"), ("Q2", "Aarau"), ("Q3", "Chur"), ("Q1", "Bern"))
    assert ranking.name_best(np.array([-2.0, -1.0, -3.0])) == ["Q1", "Q2", "Q3"]
    assert ranking.name_best(np.array([-2.0, -1.0, -np.inf])) == ["Q1", "Q2"]
    assert ranking.name_best(np.full(3, -np.inf)) is None
    assert ranking.name_best(None) is None


def test_entities_with_one_label_are_equally_good_and_one_with_two_counts_with_the_better() -> None:
    ranking = candidates(("Q1", "Georgia"), ("Q2", "Georgia"), ("Q3", "Peru"), ("Q3", "Republic of Peru"))
    named = ranking.name_best(np.array([-2.0, -3.0, -1.0]))
    assert named is not None and named[0] == "Q3" and sorted(named[1:]) == ["Q1", "Q2"]


def test_what_is_equally_good_is_ordered_otherwise_in_every_language() -> None:
    pairs = [(f"Q{i}", f"label {i:02}") for i in range(30)]
    orders = {
        language: candidates(*pairs, language=language).name_best(np.zeros(30)) for language in ("qaa", "qab")
    }
    assert orders["qaa"] == candidates(*pairs[::-1], language="qaa").name_best(np.zeros(30))
    one, other = (np.argsort(np.argsort([f"{name}" for name in order or []])) for order in orders.values())
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.5


def test_the_best_are_kept() -> None:
    pairs = [(f"Q{i}", f"label {i:03}") for i in range(3 * RANKED)]
    scores = np.random.default_rng(0).permutation(3 * RANKED).astype(np.float64)
    best = [f"Q{index}" for index in np.argsort(-scores)[:RANKED]]
    assert candidates(*pairs).name_best(scores) == best


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_a_masked_models_ranking_is_that_of_plain_transformers(
    family: str, checkpoint_of: Callable[[str], Path], split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    folder, split = checkpoint_of(family), split_of(family)
    rankings = probe(load(str(folder), device="cpu"), split, tmp_path)["ranking"].to_pylist()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
    space = tokenizer.convert_tokens_to_ids("▁") if family == "xlm-roberta" else None
    rows = split.to_pylist()
    objects: dict[str, dict[str, list[int]]] = {}  # by relation and Wikidata id, the tokens of the label
    for row in rows:
        ids = tokenizer(row["object"], add_special_tokens=False)["input_ids"]
        bare = [token for token in ids if token != space]
        objects.setdefault(row["relation"], {})[row["object_uri"]] = bare
    for row, ranking in zip(rows, rankings, strict=True):
        logprobs = {
            k: torch.log_softmax(
                tiny.mask_logits(model, tokenizer, row["template"], row["subject"], k), dim=1
            )
            for k in {len(ids) for ids in objects[row["relation"]].values()}
        }
        scores = {
            uri: float(np.mean([logprobs[len(ids)][at, token] for at, token in enumerate(ids)]))
            for uri, ids in objects[row["relation"]].items()
        }
        assert sorted(ranking) == sorted(scores)
        assert all(scores[one] > scores[next_] - 1e-4 for one, next_ in pairwise(ranking))


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_decoders_ranking_agrees_with_its_typed_rank(
    family: str, checkpoint_of: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = checkpoint_of(family)
    rows = [
        {"uuid": f"u{i}", "language": "qaa", "relation": "P36", "template": tiny.TEMPLATES["P36"],
         "subject": word, "object": tiny.WORDS[16 + i], "subject_uri": f"S{i}", "object_uri": f"Q{i}"}
        for i, word in enumerate(("north", "green", "stone", "city", "born"))
    ]  # fmt: skip
    predictions = probe(load(str(folder), device="cpu"), pa.Table.from_pylist(rows), tmp_path)
    for row, got in zip(rows, predictions.to_pylist(), strict=True):
        assert sorted(got["ranking"]) == [f"Q{i}" for i in range(5)]
        assert got["ranking"].index(row["object_uri"]) + 1 == got["typed_rank"]


def test_without_ranks_there_is_no_ranking(
    checkpoint_of: Callable[[str], Path], split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    model = load(str(checkpoint_of("bert")), device="cpu")
    predictions = probe(model, split_of("bert"), tmp_path, mask_counts="object")
    assert predictions["ranking"].null_count == len(predictions)
