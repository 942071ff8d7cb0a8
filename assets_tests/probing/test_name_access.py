"""Answers' probabilities and what names bring up elsewhere, against plain transformers one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from assets_tests.models import tiny
from factroots_dagster.models.checkpoint import LoadedModel, load
from factroots_dagster.probing.answer_likelihood import Question, answer_logprobs
from factroots_dagster.probing.name_access import measure_name_access
from factroots_dagster.probing.probe import probe
from factroots_dagster.probing.schema import NAME_ACCESS, PREDICTIONS

LANGUAGES = ("qaa", "qab", "qac")


def by_hand(model: LoadedModel, question: Question) -> float:
    """Mean log-probability of the answer at as many masks as it has tokens."""
    ids = model.tokenizer(question.answer, add_special_tokens=False)["input_ids"]
    text = question.template.replace("[X]", question.subject)
    text = text.replace("[Y]", " ".join([model.tokenizer.mask_token] * len(ids)))
    encoded = model.tokenizer(text, return_tensors="pt")
    masks = encoded["input_ids"][0] == model.mask_id
    with torch.inference_mode():
        logits = model.model(**encoded).logits[0, masks]
    return float(torch.log_softmax(logits.double(), -1)[torch.arange(len(ids)), ids].mean())


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_the_likelihood_of_a_facts_own_answer_is_that_of_the_predictions(
    family: str, checkpoint_of: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = checkpoint_of(family)
    split = (tiny.decoder_split if family == "gpt2" else tiny.split)(folder)
    model = load(str(folder), device="cpu")
    predictions = probe(model, split, tmp_path).to_pylist()
    rows = split.to_pylist()
    got = answer_logprobs(model, [Question(row["template"], row["subject"], row["object"]) for row in rows])
    asked = [index for index, row in enumerate(predictions) if row["full_match"] is not None]
    expected = [predictions[index]["object_logprob"] for index in asked]
    np.testing.assert_allclose(got[asked], np.array(expected, float), atol=1e-4)
    assert len(asked) > 20 and np.isfinite(got[asked]).all()


def test_what_cannot_be_asked_is_not_a_number(bert: LoadedModel) -> None:
    words = " ".join(["nila"] * 600)
    got = answer_logprobs(bert, [Question(f"[X] {words} [Y]", "a", "nila"), Question("[X] [Y]", "a", "")])
    assert np.isnan(got).all()
    assert answer_logprobs(bert, []).shape == (0,)


@pytest.fixture(scope="module")
def asked(
    checkpoint_of: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[LoadedModel, dict[str, pa.Table], dict[str, pa.Table], dict[str, set[str]]]:
    """A model, splits, predictions, and every second fact of a language with a source."""
    model = load(str(checkpoint_of("bert")), device="cpu")
    splits = {code: tiny.split(checkpoint_of("bert"), code, 16, seed) for seed, code in enumerate(LANGUAGES)}
    predictions = {code: probe(model, split, tmp_path_factory.mktemp(code)) for code, split in splits.items()}
    sourced = {
        code: {uuid for number, uuid in enumerate(split["uuid"].to_pylist()) if number % 3 != shift}
        for shift, (code, split) in enumerate(splits.items())
    }
    return model, splits, predictions, sourced


def rows_of(tables: Mapping[str, pa.Table]) -> dict[tuple[str, str], dict]:
    return {(row["uuid"], code): row for code, table in tables.items() for row in table.to_pylist()}


def test_names_are_asked_in_every_language_that_knows_and_states_the_fact(asked: tuple) -> None:
    model, splits, predictions, sourced = asked
    facts, answers = rows_of(splits), rows_of(predictions)
    table = measure_name_access(model, splits, predictions, sourced, seed=0)
    assert table.schema.equals(NAME_ACCESS)
    expected = {}
    for (uuid, language), own in facts.items():
        if not answers[uuid, language]["full_match"] and uuid in sourced[language]:
            continue
        for partner in LANGUAGES:
            there = facts.get((uuid, partner))
            if partner == language or there is None or uuid not in sourced[partner]:
                continue
            if answers[uuid, partner]["full_match"]:
                expected[uuid, language, partner] = [
                    Question(own["template"], own["subject"], own["object"])
                ] + [
                    Question(there["template"], subject, answer)
                    for subject, answer in (
                        (there["subject"], there["object"]),
                        (own["subject"], there["object"]),
                        (there["subject"], own["object"]),
                    )
                ]
                expected[uuid, language, partner].append(
                    Question(own["template"], there["subject"], own["object"])
                )
    rows = {(row["uuid"], row["language"], row["partner"]): row for row in table.to_pylist()}
    assert rows.keys() == expected.keys() and len(rows) > 20
    for key, questions in list(expected.items())[:25]:
        columns = [name for name in NAME_ACCESS.names if name.endswith("_logprob")]
        values = [by_hand(model, question) for question in questions]
        np.testing.assert_allclose([rows[key][name] for name in columns], values, atol=1e-4)


def test_partners_and_unstated_facts_are_limited(asked: tuple) -> None:
    model, splits, predictions, sourced = asked
    answers = rows_of(predictions)
    whole = measure_name_access(model, splits, predictions, sourced, seed=0).to_pylist()
    few = measure_name_access(
        model, splits, predictions, sourced, seed=0, most_partners=1, most_unstated=3 * len(LANGUAGES)
    ).to_pylist()
    best: dict[tuple[str, str], tuple[float, str]] = {}
    for row in whole:
        key = (row["uuid"], row["language"])
        logprob = answers[row["uuid"], row["partner"]]["object_logprob"]
        best[key] = max(best.get(key, (-np.inf, "")), (logprob, row["partner"]))
    assert all(best[row["uuid"], row["language"]][1] == row["partner"] for row in few)
    known = {key for key in best if answers[key]["full_match"]}
    kept = {(row["uuid"], row["language"]) for row in few}
    assert known <= kept
    unknown = [language for uuid, language in kept - known]
    assert unknown and all(unknown.count(code) <= 3 for code in LANGUAGES)
    again = measure_name_access(
        model, splits, predictions, sourced, seed=0, most_partners=1, most_unstated=3 * len(LANGUAGES)
    ).to_pylist()
    assert again == few


def test_without_sources_there_is_nothing_to_ask(asked: tuple) -> None:
    model, splits, predictions, _ = asked
    table = measure_name_access(model, splits, predictions, {}, seed=0)
    assert table.num_rows == 0 and table.schema.equals(NAME_ACCESS)
    assert PREDICTIONS.field("object_logprob").type == NAME_ACCESS.field("name_logprob").type
