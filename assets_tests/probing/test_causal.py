"""Decoders against plain transformers: one sentence at a time, without batches, caches or padding."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from assets_tests.models import tiny
from assets_tests.probing.rows import assert_same_predictions, with_changed_row
from factroots_dagster.errors import InputError
from factroots_dagster.models.checkpoint import LoadedModel, load
from factroots_dagster.models.tokenizer import find_start
from factroots_dagster.probing.causal import ends_in_object, probe_causal, split_at_object
from factroots_dagster.probing.schema import PREDICTIONS


@pytest.fixture
def llama(checkpoint_of: Callable[[str], Path]) -> LoadedModel:
    return load(str(checkpoint_of("llama")), device="cpu")


@pytest.fixture
def decoder_split_of(checkpoint_of: Callable[[str], Path]) -> Callable[[str], pa.Table]:
    return lambda family: tiny.decoder_split(checkpoint_of(family))


@pytest.mark.parametrize("family", tiny.CAUSAL)
def test_batches_do_not_change_answers(
    family: str,
    checkpoint_of: Callable[[str], Path],
    decoder_split_of: Callable[[str], pa.Table],
    tmp_path: Path,
) -> None:
    model = load(str(checkpoint_of(family)), device="cpu")
    tables = []
    for budget in (1, 100, 100_000):
        (tmp_path / str(budget)).mkdir()
        tables.append(
            probe_causal(model, decoder_split_of(family), tmp_path / str(budget), token_budget=budget)
        )
    for name in ("P36", "P19"):
        files = [load_file(tmp_path / str(budget) / f"{name}.safetensors") for budget in (1, 100, 100_000)]
        for file in files[1:]:
            torch.testing.assert_close(file["activations"], files[0]["activations"], rtol=1e-4, atol=1e-5)
    for table in tables[1:]:
        assert_same_predictions(table, tables[0])


def test_without_a_known_head_the_whole_model_is_run(
    llama: LoadedModel, decoder_split_of: Callable[[str], pa.Table], tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    fast = probe_causal(llama, decoder_split_of("llama"), tmp_path / "a")
    slow = probe_causal(dataclasses.replace(llama, head=None), decoder_split_of("llama"), tmp_path / "b")
    assert_same_predictions(fast, slow)


def test_chunks_of_sentences_do_not_change_answers(
    llama: LoadedModel, decoder_split_of: Callable[[str], pa.Table], tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole = probe_causal(llama, decoder_split_of("llama"), tmp_path / "a")
    chunks = probe_causal(llama, decoder_split_of("llama"), tmp_path / "b", chunk=40)
    assert_same_predictions(chunks, whole)


def test_running_out_of_memory_means_smaller_batches(
    llama: LoadedModel, decoder_split_of: Callable[[str], pa.Table], tmp_path: Path
) -> None:
    def small_head(hidden: torch.Tensor) -> torch.Tensor:
        if len(hidden) > 12:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return llama.head(hidden)

    for name in "ab":
        (tmp_path / name).mkdir()
    split = decoder_split_of("llama")
    whole = probe_causal(llama, split, tmp_path / "a")
    assert_same_predictions(
        probe_causal(dataclasses.replace(llama, head=small_head), split, tmp_path / "b"), whole
    )

    def no_head(hidden: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(InputError, match="single prompt"):
        probe_causal(dataclasses.replace(llama, head=no_head), split, tmp_path / "b")


def test_logits_that_are_not_finite_are_rejected(
    llama: LoadedModel, decoder_split_of: Callable[[str], pa.Table], tmp_path: Path
) -> None:
    broken = dataclasses.replace(llama, head=lambda hidden: llama.head(hidden) * float("nan"))
    with pytest.raises(InputError, match="NaN"):
        probe_causal(broken, decoder_split_of("llama"), tmp_path)
    assert not (tmp_path / "data.parquet").exists()


def test_two_runs_give_the_same_bits_and_rows_keep_their_order(
    llama: LoadedModel, decoder_split_of: Callable[[str], pa.Table], tmp_path: Path
) -> None:
    split = decoder_split_of("llama")
    for name in "abc":
        (tmp_path / name).mkdir()
    messages: list[str] = []
    one = probe_causal(llama, split, tmp_path / "a", progress=messages.append)
    assert messages[-1].startswith(f"{len(split)} of {len(split)} rows")
    assert probe_causal(llama, split, tmp_path / "b").equals(one)
    names = sorted(file.name for file in (tmp_path / "a").iterdir())
    assert names == ["P103.safetensors", "P19.safetensors", "P36.safetensors", "data.parquet"]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    order = np.random.default_rng(0).permutation(len(split))
    shuffled = probe_causal(llama, split.take(pa.array(order)), tmp_path / "c")
    assert_same_predictions(shuffled, one.take(pa.array(order)))


def test_a_split_without_rows_gives_empty_tables(
    llama: LoadedModel, decoder_split_of: Callable[[str], pa.Table], tmp_path: Path
) -> None:
    predictions = probe_causal(llama, decoder_split_of("llama").slice(0, 0), tmp_path)
    assert predictions.schema.equals(PREDICTIONS)
    assert len(predictions) == len(pq.read_table(tmp_path / "data.parquet")) == 0


def test_too_long_rows_are_listed_not_truncated(
    llama: LoadedModel, decoder_split_of: Callable[[str], pa.Table], tmp_path: Path
) -> None:
    split = with_changed_row(decoder_split_of("llama"), subject="lima " * 70)
    long, *others = probe_causal(llama, split, tmp_path).to_pylist()
    assert long["too_long"]
    assert long["predicted_ids"] == []
    assert long["full_match"] is False
    assert long["object_logprob"] is None
    assert long["typed_rank"] is None
    assert long["prior_rank"] is not None
    assert not any(row["too_long"] for row in others)
    (alone,) = probe_causal(llama, split.slice(0, 1), tmp_path).to_pylist()
    assert alone["too_long"]
    assert alone["typed_rank"] is None


def test_an_object_that_does_not_fit_keeps_no_other_from_being_asked(
    llama: LoadedModel, decoder_split_of: Callable[[str], pa.Table], tmp_path: Path
) -> None:
    split = decoder_split_of("llama")
    relation = split["relation"][0].as_py()
    plain, beside = (
        probe_causal(llama, split, tmp_path, candidates={relation: labels}).to_pylist()
        for labels in ([], ["lima " * 90])
    )
    assert [row | {"candidates": 0} for row in plain] == [row | {"candidates": 0} for row in beside]
    long, *others = probe_causal(llama, with_changed_row(split, object="lima " * 90), tmp_path).to_pylist()
    assert long["too_long"] and not long["full_match"]
    assert long["object_logprob"] is long["typed_rank"] is None
    assert not any(row["too_long"] for row in others)
    assert all(row["typed_rank"] for row in others)


def test_the_longest_sentence_that_fits_is_asked(
    llama: LoadedModel, decoder_split_of: Callable[[str], pa.Table], tmp_path: Path
) -> None:
    split = decoder_split_of("llama")
    template = split["template"][0].as_py()
    labels = {row["object"] for row in split.to_pylist() if row["template"] == template}

    def longest(subject: str) -> int:
        texts = [template.replace("[X]", subject).replace("[Y]", label) for label in labels]
        return 1 + max(len(ids) for ids in llama.tokenizer(texts)["input_ids"])  # 1: the start token

    subject = "lima"
    while longest(subject) < llama.max_length:
        subject += " lima"
    assert longest(subject) == llama.max_length
    for asked, fits in ((subject, True), (subject + " lima", False)):
        got = probe_causal(llama, with_changed_row(split, subject=asked), tmp_path).to_pylist()[0]
        assert got["too_long"] is not fits
        assert (got["typed_rank"] is not None) is fits


@pytest.mark.parametrize("subject", ["[Y]", "[X]", "</s>", "", "<b>&", "東京"])
def test_slots_and_special_tokens_in_labels_are_plain_text(
    subject: str,
    llama: LoadedModel,
    checkpoint_of: Callable[[str], Path],
    decoder_split_of: Callable[[str], pa.Table],
    tmp_path: Path,
) -> None:
    split = with_changed_row(
        decoder_split_of("llama"), subject=subject, template="[X] was born in [Y]", object="[X]"
    )
    got = probe_causal(llama, split, tmp_path).to_pylist()[0]
    model = transformers.AutoModelForCausalLM.from_pretrained(checkpoint_of("llama")).eval()
    start = tiny.start_ids(llama.tokenizer)
    prompt = start + llama.tokenizer(f"{subject} was born in")["input_ids"]
    assert got["predicted_ids"][-1] == tiny.greedy(model, prompt, len(got["predicted_ids"]))
    ids = start + llama.tokenizer(f"{subject} was born in [X]")["input_ids"]
    assert got["object_ids"] == ids[len(prompt) :]
    with torch.inference_mode():
        logprobs = torch.log_softmax(model(input_ids=torch.tensor([ids])).logits[0].double(), dim=1)
    own = [float(logprobs[index - 1, ids[index]]) for index in range(len(prompt), len(ids))]
    assert got["object_logprob"] == pytest.approx(np.mean(own), abs=1e-4)


def test_an_object_without_tokens_is_never_correct(
    llama: LoadedModel, decoder_split_of: Callable[[str], pa.Table], tmp_path: Path
) -> None:
    got = probe_causal(llama, with_changed_row(decoder_split_of("llama"), object=" "), tmp_path).to_pylist()[
        0
    ]
    assert got["full_match"] is got["greedy_match"] is False
    assert got["margin"] is got["typed_rank"] is got["object_logprob"] is None


@pytest.mark.parametrize(
    ("template", "askable"),
    [
        ("[X] is in [Y]", True),
        ("[X] is in [Y] .", True),
        ("[X] is in [Y].", True),
        ("[X] (born [Y]).", True),
        ("[X]の首都は[Y]。", True),
        ("[X] জন্ম [Y]।", True),
        ("[X] is in [Y] there.", False),
        ("[X]の首都は[Y]です。", False),
        ("[X] জন্ম [Y]\u09c7।", False),  # a vowel sign: a suffix, no punctuation
        ("[Y] is the capital of [X].", False),
        ("In [Y] [X].", False),
        ("[X] is [Y] 2.", False),
    ],
)
def test_a_decoder_generates_objects_at_the_end_of_the_template_only(template: str, askable: bool) -> None:
    assert ends_in_object(template) is askable


@pytest.mark.parametrize(
    ("template", "without", "filled"),
    [
        ("[X] was born in [Y] .", ("was born in ", " ."), ("[Y] was born in ", " .")),
        ("the capital of [X] is [Y]", ("the capital of is ", ""), ("the capital of [Y] is ", "")),
        ("[Y] is what [X] speaks.", ("", " is what speaks."), ("", " is what [Y] speaks.")),
        ("[Y] , [X], is", ("", " ,, is"), ("", " , [Y], is")),
        ("[X]の首都は[Y]。", ("の首都は", "。"), ("[Y]の首都は", "。")),
        ("[Y] [X]", ("", ""), ("", " [Y]")),
    ],
)
def test_the_prior_leaves_the_subject_out(
    template: str, without: tuple[str, str], filled: tuple[str, str]
) -> None:
    assert split_at_object(template, None) == without
    assert split_at_object(template, "[Y]") == filled


def test_broken_templates_are_rejected(
    llama: LoadedModel, decoder_split_of: Callable[[str], pa.Table], tmp_path: Path
) -> None:
    for template in ("[X] is here", "[Y] is here", "[X] [X] [Y]"):
        with pytest.raises(InputError, match=r"\[[XY]\] [02] times"):
            probe_causal(llama, with_changed_row(decoder_split_of("llama"), template=template), tmp_path)


@pytest.mark.parametrize("family", ["llama", "gemma"])
def test_objects_joined_to_a_word_are_tokenized_with_it(
    family: str,
    checkpoint_of: Callable[[str], Path],
    decoder_split_of: Callable[[str], pa.Table],
    tmp_path: Path,
) -> None:
    model = load(str(checkpoint_of(family)), device="cpu")
    split = with_changed_row(
        decoder_split_of(family), template="[X] ist das[Y]。", object="東京", subject="oslo"
    )
    got = probe_causal(model, split, tmp_path).to_pylist()[0]
    prompt = model.tokenizer("oslo ist das", add_special_tokens=False)["input_ids"]
    whole = model.tokenizer("oslo ist das東京", add_special_tokens=False)["input_ids"]
    assert whole[: len(prompt)] == prompt
    assert got["object_ids"] == whole[len(prompt) :]
    assert got["full_match"] is not None


def test_objects_merged_with_the_word_before_have_its_token(
    llama: LoadedModel, decoder_split_of: Callable[[str], pa.Table], tmp_path: Path
) -> None:
    assert len(llama.tokenizer(" oslo")["input_ids"]) == 1  # of which "lo" is no token
    split = with_changed_row(decoder_split_of("llama"), template="[X] os[Y]", object="lo")
    got = probe_causal(llama, split, tmp_path).to_pylist()[0]
    assert got["object_ids"] == llama.tokenizer(" oslo")["input_ids"]
    assert got["object_logprob"] is not None


def test_a_bare_space_token_is_dropped_from_answers(
    checkpoint_of: Callable[[str], Path], decoder_split_of: Callable[[str], pa.Table], tmp_path: Path
) -> None:
    """A checkpoint edited to generate a space token, then 'z', where the object is 'z' without one."""
    source = checkpoint_of("llama")
    tokenizer = transformers.AutoTokenizer.from_pretrained(source)
    model = transformers.AutoModelForCausalLM.from_pretrained(source).eval()
    space, letter = tokenizer.convert_tokens_to_ids(["Ġ", "z"])
    prompt = tiny.start_ids(tokenizer) + tokenizer("oslo was born in")["input_ids"]
    tensors = load_file(source / "model.safetensors")
    with torch.inference_mode():
        for ids, token in ((prompt, space), ([*prompt, space], letter)):
            hidden = model.model(input_ids=torch.tensor([ids])).last_hidden_state[0, -1]
            tensors["lm_head.weight"][token] = 9 * hidden
    folder = tiny.save_checkpoint(tmp_path / "edited", "llama")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    split = decoder_split_of("llama")
    row = next(row for row in split.to_pylist() if row["relation"] == "P19")
    row |= {"template": "[X] was born in[Y]", "subject": "oslo"}
    rows = [{**row, "object": "z"}, {**row, "object": "zz"}]
    (tmp_path / "out").mkdir()
    model = load(str(folder), device="cpu")
    got = probe_causal(model, pa.Table.from_pylist(rows), tmp_path / "out").to_pylist()[0]
    assert got["object_ids"] == [letter]
    assert got["predicted_ids"][:2] == [[space], [space, letter]]
    assert got["greedy_match"]


def test_a_tokenizer_without_a_start_token_is_rejected(checkpoint_of: Callable[[str], Path]) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint_of("llama"))
    tokenizer.bos_token = tokenizer.eos_token = None
    with pytest.raises(InputError, match="bos_token"):
        find_start(tokenizer)


def test_any_answer_match_counts_every_gold_of_the_prompt(
    llama: LoadedModel,
    checkpoint_of: Callable[[str], Path],
    decoder_split_of: Callable[[str], pa.Table],
    tmp_path: Path,
) -> None:
    rows = decoder_split_of("llama").to_pylist()
    model = transformers.AutoModelForCausalLM.from_pretrained(checkpoint_of("llama")).eval()
    template = tiny.TEMPLATES["P19"]
    correct = next(
        row
        for row in rows
        if row["relation"] == "P19"
        and tiny.first_beyond_prior(
            model, llama.tokenizer, template, row["subject"], sorted({row["object"], "accra"})
        )
        == row["object"]
    )
    predictions = probe_causal(
        llama, pa.Table.from_pylist([correct, {**correct, "object": "accra", "uuid": "other"}]), tmp_path
    ).to_pylist()
    assert [row["full_match"] for row in predictions] == [True, False]
    assert [row["any_answer_match"] for row in predictions] == [True, True]


def test_scores_equal_lm_pub_quiz(
    checkpoint_of: Callable[[str], Path], decoder_split_of: Callable[[str], pa.Table], tmp_path: Path
) -> None:
    lm_pub_quiz = pytest.importorskip(
        "lm_pub_quiz", reason="lm-pub-quiz is not installed (the extra `bench`, or pip install lm-pub-quiz)"
    )
    folder, split = checkpoint_of("llama"), decoder_split_of("llama")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.add_bos_token = False  # it wants the attribute, which only some classes have
    evaluator = lm_pub_quiz.Evaluator.from_model(
        transformers.AutoModelForCausalLM.from_pretrained(folder).eval(),
        model_type="CLM",
        tokenizer=tokenizer,
        device="cpu",
        capitalize=False,
    )
    predictions = probe_causal(load(str(folder), device="cpu"), split, tmp_path).to_pylist()
    for relation in tiny.TEMPLATES:
        rows = [
            pair
            for pair in zip(split.to_pylist(), predictions, strict=True)
            if pair[0]["relation"] == relation
        ]
        labels = sorted({row["object"] for row, _ in rows})
        for row, got in rows:
            theirs = evaluator.score_answers(
                template=row["template"],
                subject=row["subject"],
                answers=labels,
                reduction="sum",
                batch_size=8,
            )
            own = theirs[labels.index(row["object"])]
            assert got["typed_rank"] == 1 + sum(score > own for score in theirs)
