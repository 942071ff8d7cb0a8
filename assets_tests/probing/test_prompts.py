"""Which prompts a relation's rows give, and that leaving some of them out does not change the answers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file
from tokenizers import pre_tokenizers

from assets_tests.models import tiny
from assets_tests.probing.rows import table_of
from factroots_dagster.models.checkpoint import LoadedModel, load
from factroots_dagster.probing.masking import mask_prompts
from factroots_dagster.probing.probe import probe
from factroots_dagster.probing.prompts import build_prompts, needed_mask_counts


def test_counts_that_no_object_needs_are_not_run(
    bert: LoadedModel, split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    rows = [row for row in split_of("bert").to_pylist() if row["relation"] == "P36"]
    for row in rows:
        row["object"] = "oslo" if row["uuid"] != "P36-0" else "rome lima paris riga"
    got = probe(bert, pa.Table.from_pylist(rows, schema=split_of("bert").schema), tmp_path).to_pylist()
    assert {tuple(map(len, row["predicted_ids"])) for row in got} == {(1, 0, 0, 4)}
    assert all(row["typed_rank"] for row in got)


def test_with_a_space_token_no_count_between_the_lengths_is_left_out() -> None:
    candidates = [(5, 6), (7, 8, 9, 10, 11), ()]
    assert needed_mask_counts(candidates, None) == (2, 5)
    assert needed_mask_counts(candidates, 4) == (2, 3, 4, 5)
    assert needed_mask_counts([()], 4) == needed_mask_counts([], None) == ()


TEMPLATES = ("[X] is in [Y] .", "[Y]:[X]", "[X][Y]", "the [Y], of[X]", "([Y])[X]", "[X]は[Y]の")


@pytest.mark.parametrize("family", tiny.MASKED)
@pytest.mark.parametrize("template", TEMPLATES)
def test_prompts_equal_the_tokenized_texts_of_every_mask_count(
    family: str, template: str, checkpoint_of: Callable[[str], Path]
) -> None:
    tokenizer = load(str(checkpoint_of(family)), device="cpu").tokenizer
    subjects = ["lima", "oslo rome", "東京", tokenizer.mask_token, f"a {tokenizer.mask_token}", " x ", "[Y]"]
    rows = [(template, subject, label) for subject in subjects for label in ("oslo", "a b c")]
    split = table_of(rows)
    relation = build_prompts(tokenizer, split, space_id=None, max_length=64)
    assert len(relation.mask_counts) == 2
    for k in relation.mask_counts:
        tokenized = list(mask_prompts(tokenizer, relation.questions, k))
        built = [prompt for prompt in relation.prompts if prompt.k == k]
        assert len(built) == len(tokenized) == len(relation.questions)
        for one, other in zip(built, tokenized, strict=True):
            assert one.question == other.question
            assert one.ids.tolist() == other.ids.tolist()
            assert one.positions.tolist() == other.positions.tolist()


def test_a_tokenizer_that_keeps_the_spaces_between_masks_is_called_for_every_count(
    checkpoint_of: Callable[[str], Path],
) -> None:
    tokenizer = copy.deepcopy(load(str(checkpoint_of("bert")), device="cpu").tokenizer)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "isolated")  # a space is a token
    rows = [("[X] is [Y]", "lima", "oslo rome"), ("[X] is [Y]", "x", "oslo")]
    split = table_of(rows)
    relation = build_prompts(tokenizer, split, space_id=None, max_length=64)
    longest = [prompt for prompt in relation.prompts if prompt.k == max(relation.mask_counts)]
    for prompt, other in zip(
        longest, mask_prompts(tokenizer, relation.questions, max(relation.mask_counts)), strict=True
    ):
        assert np.diff(prompt.positions).tolist() == [2] * (prompt.k - 1)
        assert prompt.ids.tolist() == other.ids.tolist()


SAME = ("object_ids", "full_match", "matched_mask_count", "any_answer_match", "candidates", "too_long")
LEFT_OUT = ("partial_match", "typed_rank", "prior_rank", "prior_logprob")


@pytest.mark.parametrize("family", tiny.MASKED)
def test_the_objects_own_mask_counts_give_the_same_matches_and_neurons(
    family: str, checkpoint_of: Callable[[str], Path], split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    model, split = load(str(checkpoint_of(family)), device="cpu"), split_of(family)
    folders = {counts: tmp_path / counts for counts in ("relation", "object")}
    for folder in folders.values():
        folder.mkdir()
    every, own = (
        probe(model, split, folder, mask_counts=counts, protocols=("left_to_right",))
        for counts, folder in folders.items()
    )
    assert sum(own["full_match"].to_pylist()) > 8
    for name in (*SAME, "left_to_right_match"):
        assert own[name].equals(every[name]), name
    for name in LEFT_OUT:
        assert own[name].null_count == len(own) and every[name].null_count < len(every), name
    np.testing.assert_allclose(own["object_logprob"], every["object_logprob"], atol=1e-5)
    own_answers, all_answers = own["predicted_ids"].to_pylist(), every["predicted_ids"].to_pylist()
    for one, other in zip(own_answers, all_answers, strict=True):
        assert all(answer in (expected, []) for answer, expected in zip(one, other, strict=True))
    run, run_of_all = (
        sum(bool(ids) for answers in rows for ids in answers) for rows in (own_answers, all_answers)
    )
    assert 0 < run < run_of_all
    index, own_index = (pq.read_table(folder / "data.parquet").to_pylist() for folder in folders.values())
    assert own_index == index
    for file in {row["file"] for row in index}:
        one, other = (load_file(folder / file)["activations"] for folder in folders.values())
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_every_gold_object_of_a_prompt_has_its_mask_counts(checkpoint_of: Callable[[str], Path]) -> None:
    tokenizer = load(str(checkpoint_of("bert")), device="cpu").tokenizer
    rows = [("[X] is [Y]", "lima", "oslo"), ("[X] is [Y]", "lima", "oslo rome"), ("[X] is [Y]", "x", "a b c")]
    split = table_of(rows)

    def asked(space_id: int | None) -> set[tuple[str, int]]:
        relation = build_prompts(tokenizer, split, space_id=space_id, max_length=64, mask_counts="object")
        return {(relation.questions[prompt.question][1], prompt.k) for prompt in relation.prompts}

    assert len(tokenizer("a b c", add_special_tokens=False)["input_ids"]) == 3
    assert asked(None) == {("lima", 1), ("lima", 2), ("x", 3)}
    # where a space token is dropped, an answer at more masks can be correct
    assert asked(tokenizer.sep_token_id) == {("lima", 1), ("lima", 2), ("lima", 3), ("x", 3)}


def test_a_row_is_too_long_by_the_longest_prompt_whatever_is_asked(
    checkpoint_of: Callable[[str], Path],
) -> None:
    tokenizer = load(str(checkpoint_of("bert")), device="cpu").tokenizer
    rows = [("[X] is [Y]", "lima", "oslo"), ("[X] is [Y]", "lima oslo rome", "oslo rome")]
    split = table_of(rows)
    for counts in ("relation", "object"):
        relation = build_prompts(tokenizer, split, space_id=None, max_length=7, mask_counts=counts)
        assert {relation.questions[question][1] for question in relation.too_long} == {"lima oslo rome"}
