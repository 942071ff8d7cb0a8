"""Which prompts are made of a relation's rows, and that fewer of them answer the same."""

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
from factroots_dagster.models.checkpoint import LoadedModel, load
from factroots_dagster.probing.engine import probe
from factroots_dagster.probing.prompts import build_prompts, mask_counts, mask_prompts


def test_counts_that_no_object_needs_are_not_run(
    bert: LoadedModel, split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    rows = [row for row in split_of("bert").to_pylist() if row["relation"] == "P36"]
    for row in rows:
        row["object"] = "oslo" if row["uuid"] != "P36-0" else "rome lima paris riga"
    got = probe(bert, pa.Table.from_pylist(rows, schema=split_of("bert").schema), tmp_path).to_pylist()
    assert {tuple(map(len, row["predicted_ids"])) for row in got} == {(1, 0, 0, 4)}
    assert all(row["typed_rank"] for row in got)


def test_a_space_token_leaves_no_count_out() -> None:
    candidates = [(5, 6), (7, 8, 9, 10, 11), ()]
    assert mask_counts(candidates, None) == (2, 5)
    assert mask_counts(candidates, 4) == (2, 3, 4, 5)
    assert mask_counts([()], 4) == mask_counts([], None) == ()


TEMPLATES = ("[X] is in [Y] .", "[Y]:[X]", "[X][Y]", "the [Y], of[X]", "[Y]", "([Y])[X]", "[X]は[Y]の")


@pytest.mark.parametrize("family", tiny.MASKED)
@pytest.mark.parametrize("template", [text for text in TEMPLATES if "[X]" in text])
def test_prompts_are_those_that_the_tokenizer_makes(
    family: str, template: str, checkpoint_of: Callable[[str], Path]
) -> None:
    tokenizer = load(str(checkpoint_of(family)), device="cpu").tokenizer
    subjects = ["lima", "oslo rome", "東京", tokenizer.mask_token, f"a {tokenizer.mask_token}", " x ", "[Y]"]
    rows = [(template, subject, label) for subject in subjects for label in ("oslo", "a b c")]
    split = pa.table(dict(zip(("template", "subject", "object"), zip(*rows, strict=True), strict=True)))
    made = build_prompts(tokenizer, split, space_id=None, max_length=64)
    assert len(made.counts) == 2
    for k in made.counts:
        spelled = list(mask_prompts(tokenizer, made.asked, k))
        mine = [prompt for prompt in made.prompts if prompt.k == k]
        assert len(mine) == len(spelled) == made.questions
        for one, other in zip(mine, spelled, strict=True):
            assert one.question == other.question
            assert one.ids.tolist() == other.ids.tolist()
            assert one.positions.tolist() == other.positions.tolist()


def test_prompts_of_a_tokenizer_that_keeps_the_spaces_between_masks(
    checkpoint_of: Callable[[str], Path],
) -> None:
    tokenizer = copy.deepcopy(load(str(checkpoint_of("bert")), device="cpu").tokenizer)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "isolated")  # a space is a token
    rows = [("[X] is [Y]", "lima", "oslo rome"), ("[X] is [Y]", "x", "oslo")]
    split = pa.table(dict(zip(("template", "subject", "object"), zip(*rows, strict=True), strict=True)))
    made = build_prompts(tokenizer, split, space_id=None, max_length=64)
    longest = [prompt for prompt in made.prompts if prompt.k == max(made.counts)]
    for prompt, other in zip(longest, mask_prompts(tokenizer, made.asked, max(made.counts)), strict=True):
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
    asked = [0, 0]
    for one, other in zip(own["predicted_ids"].to_pylist(), every["predicted_ids"].to_pylist(), strict=True):
        assert all(few in (many, []) for few, many in zip(one, other, strict=True))
        asked = [asked[0] + sum(map(bool, one)), asked[1] + sum(map(bool, other))]
    assert 0 < asked[0] < asked[1]
    right, same = (pq.read_table(folder / "data.parquet").to_pylist() for folder in folders.values())
    assert right == same
    for file in {row["file"] for row in right}:
        one, other = (load_file(folder / file)["activations"] for folder in folders.values())
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_every_right_object_of_a_prompt_has_its_mask_counts(checkpoint_of: Callable[[str], Path]) -> None:
    tokenizer = load(str(checkpoint_of("bert")), device="cpu").tokenizer
    rows = [("[X] is [Y]", "lima", "oslo"), ("[X] is [Y]", "lima", "oslo rome"), ("[X] is [Y]", "x", "a b c")]
    split = pa.table(dict(zip(("template", "subject", "object"), zip(*rows, strict=True), strict=True)))

    def asked(space_id: int | None) -> set[tuple[str, int]]:
        made = build_prompts(tokenizer, split, space_id=space_id, max_length=64, counts="object")
        return {(made.asked[prompt.question][1], prompt.k) for prompt in made.prompts}

    assert len(tokenizer("a b c", add_special_tokens=False)["input_ids"]) == 3
    assert asked(None) == {("lima", 1), ("lima", 2), ("x", 3)}
    # a dropped space token lets an answer of more masks be right
    assert asked(tokenizer.sep_token_id) == {("lima", 1), ("lima", 2), ("lima", 3), ("x", 3)}


def test_a_row_is_too_long_by_the_longest_prompt_whatever_is_asked(
    checkpoint_of: Callable[[str], Path],
) -> None:
    tokenizer = load(str(checkpoint_of("bert")), device="cpu").tokenizer
    rows = [("[X] is [Y]", "lima", "oslo"), ("[X] is [Y]", "lima oslo rome", "oslo rome")]
    split = pa.table(dict(zip(("template", "subject", "object"), zip(*rows, strict=True), strict=True)))
    for counts in ("relation", "object"):
        made = build_prompts(tokenizer, split, space_id=None, max_length=7, counts=counts)
        assert {made.asked[question][1] for question in made.too_long} == {"lima oslo rome"}
