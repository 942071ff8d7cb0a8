"""Encoder-decoders fill the object's gap as plain transformers does, one sentence at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
import transformers

from assets_tests.models import tiny
from assets_tests.models.families import BART, FILLERS, T5, save_filler, sentinels
from assets_tests.models.mlps import neurons_by_formula
from assets_tests.probing.plain import ranks, saved_activations
from factroots_dagster.errors import InputError
from factroots_dagster.models.checkpoint import describe, load
from factroots_dagster.models.files import resolve_checkpoint
from factroots_dagster.models.inspection import inspect_checkpoint
from factroots_dagster.probing.answer_likelihood import Question, answer_logprobs
from factroots_dagster.probing.answer_neurons import Answer, read_answer_neurons
from factroots_dagster.probing.probe import probe
from factroots_dagster.report.asking import describe_asking

LABELS = ["paris", "oslo", "accra", "sofia xy", "riga"]
LANGUAGE = "fr"


class Plain:
    """A checkpoint in transformers, called for a sentence at a time."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        self.model = tiny.load_plain(folder)
        self.sentinels = self.tokenizer.convert_tokens_to_ids(["<extra_id_0>", "<extra_id_1>"])
        self.whole = self.tokenizer.mask_token is not None
        if hasattr(self.tokenizer, "src_lang"):
            self.tokenizer.src_lang = "fr_XX"

    def _ids(self, text: str, special: bool = False) -> list[int]:
        return self.tokenizer(text, add_special_tokens=special)["input_ids"]

    def source(self, template: str) -> list[int]:
        mark = self.tokenizer.mask_token if self.whole else "<extra_id_0>"
        return self._ids(template.replace("[Y]", mark), special=True)

    def decoded(self, template: str, label: str) -> tuple[list[int], list[int]]:
        """What the decoder reads and predicts, and the positions at which the object is predicted."""
        if not self.whole:
            ids = [self.model.config.decoder_start_token_id, self.sentinels[0], *self._ids(label)]
            return [*ids, self.sentinels[1]], list(range(1, len(ids) - 1))
        labels = self._ids(template.replace("[Y]", label), special=True)
        shifted = self.model.prepare_decoder_input_ids_from_labels(torch.tensor([labels]))[0].tolist()
        special = 1 if labels[0] == self.tokenizer.bos_token_id else 0
        first = special + len(self._ids(template.partition("[Y]")[0].rstrip()))
        return [*shifted, labels[-1]], list(range(first, first + len(self._ids(label))))

    def run(self, template: str, decoded: list[int]) -> torch.Tensor:
        with torch.inference_mode():
            output = self.model(
                input_ids=torch.tensor([self.source(template)]), decoder_input_ids=torch.tensor([decoded])
            )
        return output.logits[0].double().log_softmax(dim=1)

    def score(self, template: str, label: str) -> tuple[float, float]:
        """The log-likelihood of all that is written, and the mean over the object's tokens."""
        ids, positions = self.decoded(template, label)
        logprobs = self.run(template, ids[:-1])[range(len(ids) - 1), ids[1:]]
        return float(logprobs.sum()), float(logprobs[positions].mean())

    def scores(self, template: str) -> dict[str, float]:
        return {label: self.score(template, label)[0] for label in LABELS}


def split(plain: Plain) -> tuple[pa.Table, dict[str, str | None]]:
    """Rows, half of which ask for what ranks first; and what is predicted, by fact."""
    random = torch.Generator().manual_seed(0)
    rows, firsts = [], {}
    for relation, template in tiny.TEMPLATES.items():
        prior = plain.scores(tiny.WITHOUT_SUBJECT[template])
        for number in range(5):
            subject = tiny._random_subject(random, 1 + number % 3)
            sums = plain.scores(template.replace("[X]", subject))
            best = max(sums, key=sums.__getitem__)
            label = best if number % 2 else LABELS[number % len(LABELS)]
            rows.append(tiny._row(LANGUAGE, relation, template, subject, label, number))
            firsts[rows[-1]["uuid"]] = best if tiny.lead(sums, best) > tiny.lead(prior, best) else None
    return pa.Table.from_pylist(rows), firsts


@pytest.fixture(scope="module")
def filler_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folders: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in folders:
            folders[family] = save_filler(tmp_path_factory.mktemp(family) / "model", family)
        return folders[family]

    return folder


@pytest.mark.parametrize("family", FILLERS)
def test_fillers_of_gaps_equal_plain_transformers(
    family: str, filler_of: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = filler_of(family)
    inspect_checkpoint(str(folder))
    plain, model = Plain(folder), load(str(folder), device="cpu")
    assert (model.family, model.ffn.layers, model.continued) == ("encoder-decoder", 3, False)
    table, firsts = split(plain)
    candidates = dict.fromkeys(tiny.TEMPLATES, LABELS)
    predictions = probe(model, table, tmp_path, candidates=candidates).to_pylist()
    saved = saved_activations(tmp_path)
    assert saved.keys() == {row["uuid"] for row in predictions if row["full_match"]}
    assert len(saved) >= 3
    for row, got in zip(table.to_pylist(), predictions, strict=True):
        template = row["template"].replace("[X]", row["subject"])
        ids, positions = plain.decoded(template, row["object"])
        sums = plain.scores(template)
        assert got["object_ids"] == [ids[at + 1] for at in positions]
        assert got["object_logprob"] == pytest.approx(plain.score(template, row["object"])[1], abs=1e-4)
        assert got["typed_rank"] in ranks(sums, row["object"])
        prior = plain.scores(tiny.WITHOUT_SUBJECT[row["template"]])
        margin = tiny.lead(sums, row["object"]) - tiny.lead(prior, row["object"])
        assert got["margin"] == pytest.approx(margin, abs=1e-3)
        assert got["full_match"] is (firsts[row["uuid"]] == row["object"])
        tokens = len(got["predicted_ids"])
        assert tokens >= 1
        begun = ids[: positions[0] + 1]
        for _ in range(tokens):
            begun.append(int(plain.run(template, begun)[-1].argmax()))
        assert got["predicted_ids"][-1] == begun[-tokens:]
        assert got["greedy_match"] is any(answer == got["object_ids"] for answer in got["predicted_ids"])
        if got["full_match"]:
            with neurons_by_formula("bart" if plain.whole else "t5", plain.model) as neurons:
                plain.run(template, ids[:-1])
            expected = torch.stack([layer[0][positions].mean(dim=0) for layer in neurons])
            torch.testing.assert_close(saved[row["uuid"]], expected, rtol=1e-4, atol=1e-5)
            answer = Answer(row["template"], row["subject"], row["object"], got["object_ids"], LANGUAGE)
            (again,) = read_answer_neurons(model, [answer])
            torch.testing.assert_close(again, expected, rtol=1e-4, atol=1e-5)
    questions = [
        Question(row["template"], row["subject"], row["object"], LANGUAGE) for row in table.to_pylist()
    ]
    logprobs = [row["object_logprob"] for row in predictions]
    np.testing.assert_allclose(answer_logprobs(model, questions), logprobs, atol=1e-4)


def test_batches_do_not_change_answers(filler_of: Callable[[str], Path], tmp_path: Path) -> None:
    folder = filler_of("mt5")
    model = load(str(folder), device="cpu")
    table, _ = split(Plain(folder))
    tables = []
    for budget in (1, 10_000):
        (tmp_path / str(budget)).mkdir()
        tables.append(probe(model, table, tmp_path / str(budget), token_budget=budget))
    whole = probe(dataclasses.replace(model, head=None), table, make(tmp_path / "whole"))
    for other in (tables[1], whole):
        for name in ("typed_rank", "full_match", "predicted_ids"):
            assert other[name].equals(tables[0][name])


def make(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_the_language_of_a_sentence_is_set_where_the_vocabulary_has_its_code(
    filler_of: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = filler_of("mbart")
    model = load(str(folder), device="cpu")
    table, _ = split(Plain(folder))
    french = probe(model, table, make(tmp_path / "fr"))
    languages = pa.array(["qaa"] * len(table))  # without a code: the tokenizer's own setting
    other = probe(model, table.set_column(1, "language", languages), make(tmp_path / "qaa"))
    assert not french["object_logprob"].equals(other["object_logprob"])
    assert model.tokenizer.src_lang == "en_XX"


def test_what_was_found_is_described(filler_of: Callable[[str], Path]) -> None:
    (row,) = describe("key", resolve_checkpoint(str(filler_of("umt5"))), device="cpu").to_pylist()
    found = [row[name] for name in ("family", "layers", "objects", "start", "continued")]
    assert found == ["encoder-decoder", 3, "label", "<pad><extra_id_0>", False]
    assert describe_asking(row).startswith("as an encoder-decoder, after <pad><extra_id_0>")


def test_a_gap_that_the_vocabulary_does_not_know_inside_a_word_is_still_one_token(
    filler_of: Callable[[str], Path],
) -> None:

    frame = load(str(filler_of("mt5")), device="cpu").frame("ja")
    (ids,) = frame.sources([("osl", "o")])
    assert ids.count(frame.blank.token) == 1
    assert frame.tokenizer.convert_ids_to_tokens(ids[-1:]) == ["</s>"]


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (
            lambda v: transformers.M2M100ForConditionalGeneration(
                transformers.M2M100Config(vocab_size=v, **BART)
            ),
            "neither sentinels .* nor a mask token",
        ),
        (
            lambda v: transformers.WhisperForConditionalGeneration(
                transformers.WhisperConfig(vocab_size=v, **BART, pad_token_id=0)
            ),
            "WhisperForConditionalGeneration reads input_features, not text",
        ),
        (
            lambda v: transformers.SwitchTransformersForConditionalGeneration(
                transformers.SwitchTransformersConfig(vocab_size=v, **T5, num_experts=4)
            ),
            "routes tokens to its experts is not known",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words_that_are_true_of_it(
    build: Callable[[int], Any], words: str, tmp_path: Path
) -> None:
    tokenizer = sentinels(tmp_path) if "experts" in words else tiny.byte_level(tmp_path)
    build(len(tokenizer)).save_pretrained(tmp_path)
    for look in (lambda: inspect_checkpoint(str(tmp_path)), lambda: load(str(tmp_path), device="cpu")):
        with pytest.raises(InputError, match=words):
            look()
