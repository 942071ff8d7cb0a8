"""Pseudo-log-likelihoods against a loop over single sentences in plain transformers, and lm-pub-quiz."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from assets_tests.models import tiny
from factroots_dagster.errors import InputError
from factroots_dagster.models.checkpoint import LoadedModel, load
from factroots_dagster.probing.pll import pseudo_log_likelihoods
from factroots_dagster.probing.predictions import typed_rank

LABELS = ["lima", "oslo xy", "paris", "quux", "the city", "zy"]  # words of one piece and of several
QUESTIONS = [
    (template, subject) for template in tiny.TEMPLATES.values() for subject in ("rome", "cairo qx", "bcd")
]


def one_sentence(folder: Path) -> Callable[[str], float]:
    """Mask a token and the rest of its word, read the token's log-probability, add up."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()

    def score(text: str) -> float:
        encoded = tokenizer(text, return_tensors="pt", return_special_tokens_mask=True)
        ids, words = encoded["input_ids"], encoded.word_ids(0)
        total = 0.0
        for at in range(ids.shape[1]):
            if encoded["special_tokens_mask"][0, at]:
                continue
            masked = ids.clone()
            end = at
            while end < ids.shape[1] and words[end] == words[at]:
                masked[0, end] = tokenizer.mask_token_id
                end += 1
            with torch.inference_mode():
                logits = model(input_ids=masked).logits[0, at].double()
            total += float(torch.log_softmax(logits, dim=0)[ids[0, at]])
        return total

    return score


def sentence(template: str, subject: str, label: str) -> str:
    return template.replace("[X]", subject).replace("[Y]", label)


@pytest.mark.parametrize("family", tiny.MASKED)
def test_scores_equal_one_sentence_at_a_time(family: str, checkpoint_of: Callable[[str], Path]) -> None:
    folder = checkpoint_of(family)
    scores = pseudo_log_likelihoods(load(str(folder), device="cpu"), QUESTIONS, LABELS, 300)
    assert scores.shape == (len(QUESTIONS), len(LABELS))
    score = one_sentence(folder)
    expected = [[score(sentence(*question, label)) for label in LABELS] for question in QUESTIONS]
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-3)


def test_it_is_the_within_word_variant(bert: LoadedModel, checkpoint_of: Callable[[str], Path]) -> None:
    """`zy` is one word of two pieces: with only one of them masked, its score would differ."""
    folder = checkpoint_of("bert")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
    ids = tokenizer("lima is zy", return_tensors="pt")["input_ids"]
    total = 0.0
    for at in range(1, ids.shape[1] - 1):
        masked = ids.clone()
        masked[0, at] = tokenizer.mask_token_id
        with torch.inference_mode():
            total += float(torch.log_softmax(model(input_ids=masked).logits[0, at], dim=0)[ids[0, at]])
    (scores,) = pseudo_log_likelihoods(bert, [("[X] is [Y]", "lima")], ["zy"], 300)
    assert len(ids[0]) == 6
    assert scores[0] != pytest.approx(total, abs=0.01)


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_scores_and_ranks_equal_lm_pub_quiz(family: str, checkpoint_of: Callable[[str], Path]) -> None:
    lm_pub_quiz = pytest.importorskip(
        "lm_pub_quiz", reason="lm-pub-quiz is not installed (the extra `bench`, or pip install lm-pub-quiz)"
    )
    folder = checkpoint_of(family)
    evaluator = lm_pub_quiz.Evaluator.from_model(
        transformers.AutoModelForMaskedLM.from_pretrained(folder).eval(),
        model_type="MLM",
        tokenizer=transformers.AutoTokenizer.from_pretrained(folder),
        device="cpu",
        capitalize=False,
    )
    assert evaluator.pll_metric == "within_word_l2r", "lm-pub-quiz has another default now"
    scores = pseudo_log_likelihoods(load(str(folder), device="cpu"), QUESTIONS, LABELS, 4096)
    for (template, subject), own in zip(QUESTIONS, scores, strict=True):
        theirs = np.array(
            evaluator.score_answers(
                template=template, subject=subject, answers=LABELS, reduction="sum", batch_size=8
            )
        )
        np.testing.assert_allclose(own, theirs, rtol=1e-5, atol=1e-3)
        ranks = [typed_rank(own, candidate) for candidate in range(len(LABELS))]
        assert ranks == [1 + int((theirs > score).sum()) for score in theirs]


def test_batches_chunks_and_scarce_memory_change_nothing(bert: LoadedModel) -> None:
    def small_head(hidden: torch.Tensor) -> torch.Tensor:
        if len(hidden) > 7:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return bert.head(hidden)

    whole = pseudo_log_likelihoods(bert, QUESTIONS, LABELS, 100_000)
    for budget in (1, 77):
        np.testing.assert_allclose(pseudo_log_likelihoods(bert, QUESTIONS, LABELS, budget), whole, atol=1e-4)
    halved = pseudo_log_likelihoods(dataclasses.replace(bert, head=small_head), QUESTIONS, LABELS, 4096)
    np.testing.assert_allclose(halved, whole, atol=1e-4)
    finished: list[int] = []
    chunks = pseudo_log_likelihoods(bert, QUESTIONS, LABELS, 4096, finished.append, chunk=2 * len(LABELS))
    np.testing.assert_allclose(chunks, whole, atol=1e-4)
    assert finished == [2, 2, 2, 2, 1]


def test_equal_masked_copies_run_once(bert: LoadedModel) -> None:
    sequences: list[int] = []

    def counting(_module: torch.nn.Module, _args: object, inputs: dict[str, torch.Tensor]) -> None:
        sequences.append(len(inputs["input_ids"]))

    hook = bert.model.base_model.register_forward_pre_hook(counting, with_kwargs=True)
    questions = [("[X] is [Y]", "lima"), ("[X] is [Y]", "lima")]
    pseudo_log_likelihoods(bert, questions, ["oslo", "rome", "paris"], 4096)
    hook.remove()
    # Subject and "is" are masked in each of three sentences, which are the same where the object is masked.
    assert sum(sequences) == 3 * 2 + 1


def test_too_long_and_empty_labels_have_no_score(bert: LoadedModel) -> None:
    labels = ["lima", " ", "oslo " * 62]
    scores = pseudo_log_likelihoods(
        bert, [("[X] is [Y]", "rome"), ("[X] is [Y]", "rome " * 70)], labels, 4096
    )
    assert np.isfinite(scores[0]).tolist() == [True, False, False]
    assert not np.isfinite(scores[1]).any()
    assert typed_rank(scores[0], 0) == 1
    assert typed_rank(scores[0], 1) is None
    for question, label in ((("[X] is [Y]", "rome"), " "), (("[X] is [Y]", "rome " * 70), "lima")):
        assert pseudo_log_likelihoods(bert, [question], [label], 4096).tolist() == [[-np.inf]]


def test_half_of_the_tied_rank_first() -> None:
    scores = np.array([-1.0, -2.0, -2.0, -2.0, -3.0])
    assert [typed_rank(scores, candidate) for candidate in range(5)] == [1, 3, 3, 3, 5]


def test_broken_templates_are_rejected(bert: LoadedModel) -> None:
    with pytest.raises(InputError, match=r"\[Y\] 0 times"):
        pseudo_log_likelihoods(bert, [("[X] is here", "lima")], ["oslo"], 4096)


def test_slots_in_labels_are_plain_text(bert: LoadedModel, checkpoint_of: Callable[[str], Path]) -> None:
    labels = ["[Y]", "[X]", "<b>&"]
    (scores,) = pseudo_log_likelihoods(bert, [("[X] is [Y]", "[Y]")], labels, 4096)
    score = one_sentence(checkpoint_of("bert"))
    np.testing.assert_allclose(scores, [score(f"[Y] is {label}") for label in labels], atol=1e-3)


def test_logits_that_are_not_finite_are_rejected(bert: LoadedModel) -> None:
    broken = dataclasses.replace(bert, head=lambda hidden: bert.head(hidden) * float("nan"))
    with pytest.raises(InputError, match="NaN"):
        pseudo_log_likelihoods(broken, [("[X] is [Y]", "lima")], ["oslo"], 4096)
