"""The prober of masked models against plain transformers, one prompt at a time."""

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
from safetensors.torch import load_file

from assets_tests.models import tiny
from assets_tests.probing.rows import assert_same_predictions, with_changed_row
from factroots_dagster.errors import InputError
from factroots_dagster.models.checkpoint import LoadedModel, load
from factroots_dagster.models.schema import ACTIVATION_INDEX
from factroots_dagster.probing.masked import probe_masked
from factroots_dagster.probing.probe import probe
from factroots_dagster.probing.schema import PREDICTIONS


def load_plain(folder: Path) -> tuple[torch.nn.Module, object]:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    return transformers.AutoModelForMaskedLM.from_pretrained(folder).eval(), tokenizer


def object_ids(tokenizer: object, label: str, space_id: int | None) -> list[int]:
    ids = tokenizer(label, add_special_tokens=False)["input_ids"]
    return [token for token in ids if token != space_id]


def rows_of(split: pa.Table, relation: str) -> list[dict[str, str]]:
    return [row for row in split.to_pylist() if row["relation"] == relation]


@pytest.mark.parametrize("family", tiny.MASKED)
def test_predictions_equal_one_prompt_at_a_time(
    family: str, checkpoint_of: Callable[[str], Path], split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    folder, split = checkpoint_of(family), split_of(family)
    predictions = probe(load(str(folder), device="cpu"), split, tmp_path)
    assert predictions.schema.equals(PREDICTIONS)
    assert predictions.column("uuid").equals(split.column("uuid"))
    assert 8 < sum(predictions.column("full_match").to_pylist()) < len(split)
    model, tokenizer = load_plain(folder)
    space = tokenizer.convert_tokens_to_ids("▁") if family == "xlm-roberta" else None
    lengths = {
        relation: {len(object_ids(tokenizer, row["object"], space)) for row in rows_of(split, relation)}
        for relation in tiny.TEMPLATES
    }
    largest = {relation: max(counts) for relation, counts in lengths.items()}
    for row, got in zip(split.to_pylist(), predictions.to_pylist(), strict=True):
        gold = object_ids(tokenizer, row["object"], space)
        answers: list[list[int]] = []
        logprobs = {}
        for k in range(1, largest[row["relation"]] + 1):
            if k not in lengths[row["relation"]] and space is None:  # no object can need it
                answers.append([])
                continue
            logits = tiny.mask_logits(model, tokenizer, row["template"], row["subject"], k)
            answers.append(logits.argmax(dim=1).tolist())
            logprobs[k] = torch.log_softmax(logits.double(), dim=1)
        matching = [k for k, ids in enumerate(answers, 1) if [i for i in ids if i != space] == gold]
        assert got["object_ids"] == gold
        assert got["predicted_ids"] == answers
        assert got["full_match"] == bool(matching)
        assert got["matched_mask_count"] == (matching[0] if matching else 0)
        assert got["partial_match"] == any(set(gold) <= set(ids) for ids in answers)
        labels = {other["object"] for other in rows_of(split, row["relation"])}
        scores = {}
        for label in labels:
            ids = object_ids(tokenizer, label, space)
            scores[label] = float(np.mean([logprobs[len(ids)][at, token] for at, token in enumerate(ids)]))
        own = scores.pop(row["object"])
        better = sum(score > own + 1e-5 for score in scores.values())
        tied = sum(abs(score - own) <= 1e-5 for score in scores.values())
        assert got["object_logprob"] == pytest.approx(own, abs=1e-4)
        assert got["typed_rank"] == 1 + better + (tied + 1) // 2
        assert got["candidates"] == len(labels)


def test_any_answer_match_counts_every_gold_of_the_prompt(
    bert: LoadedModel, split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    split = split_of("bert")
    rows = {(row["relation"], row["subject"]): [] for row in split.to_pylist()}
    predictions = probe(bert, split, tmp_path)
    for row, got in zip(split.to_pylist(), predictions.to_pylist(), strict=True):
        rows[row["relation"], row["subject"]].append(got)
    several = [group for group in rows.values() if len({row["full_match"] for row in group}) == 2]
    assert several, "no prompt with both a correct and a wrong gold answer: the test shows nothing"
    for group in rows.values():
        assert {row["any_answer_match"] for row in group} == {any(row["full_match"] for row in group)}


@pytest.mark.parametrize("family", tiny.MASKED)
def test_activations_are_those_of_the_correct_prompt(
    family: str, checkpoint_of: Callable[[str], Path], split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    folder, split = checkpoint_of(family), split_of(family)
    loaded = load(str(folder), device="cpu")
    predictions = probe(loaded, split, tmp_path)
    index = pq.read_table(tmp_path / "data.parquet")
    assert index.schema.equals(ACTIVATION_INDEX)
    correct = {row["uuid"]: row["matched_mask_count"] for row in predictions.to_pylist() if row["full_match"]}
    assert {row["uuid"]: row["mask_count"] for row in index.to_pylist()} == correct
    facts = {row["uuid"]: row for row in split.to_pylist()}
    model, tokenizer = load_plain(folder)
    linear = [module for module in model.modules() if type(module) is torch.nn.Linear]
    projections = [module for module in linear if (module.in_features, module.out_features) == (40, 16)]
    for row in index.to_pylist():
        saved = load_file(tmp_path / row["file"])["activations"][row["row"]]
        inputs: list[torch.Tensor] = []
        hooks = [
            projection.register_forward_hook(
                lambda _module, args, _output, inputs=inputs: inputs.append(args[0][0])
            )
            for projection in projections
        ]
        fact = facts[row["uuid"]]
        tiny.mask_logits(model, tokenizer, fact["template"], fact["subject"], row["mask_count"])
        for hook in hooks:
            hook.remove()
        text = fact["template"].replace("[Y]", " ".join([tokenizer.mask_token] * row["mask_count"]))
        ids = torch.tensor(tokenizer(text.replace("[X]", fact["subject"]))["input_ids"])
        expected = torch.stack([layer[ids == tokenizer.mask_token_id].mean(dim=0) for layer in inputs])
        assert saved.dtype == torch.float32
        assert saved.shape == (loaded.ffn.layers, loaded.ffn.neurons)
        torch.testing.assert_close(saved, expected, rtol=1e-4, atol=1e-5)


def test_two_runs_give_the_same_bits(
    bert: LoadedModel, split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    tables = []
    for folder in folders:
        folder.mkdir()
        tables.append(probe(bert, split_of("bert"), folder))
    assert tables[0].equals(tables[1])
    names = [sorted(file.name for file in folder.iterdir()) for folder in folders]
    assert names[0] == names[1] == sorted(["data.parquet", *(f"{r}.safetensors" for r in tiny.TEMPLATES)])
    for name in names[0]:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


@pytest.mark.parametrize("family", tiny.MASKED)
def test_batches_do_not_change_answers(
    family: str, checkpoint_of: Callable[[str], Path], split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    model = load(str(checkpoint_of(family)), device="cpu")
    tables = []
    for budget in (1, 100, 100_000):
        (tmp_path / str(budget)).mkdir()
        tables.append(probe(model, split_of(family), tmp_path / str(budget), token_budget=budget))
    for table in tables[1:]:
        assert_same_predictions(table, tables[0])


def test_rows_keep_their_order(bert: LoadedModel, split_of: Callable[..., pa.Table], tmp_path: Path) -> None:
    split = split_of("bert")
    order = np.random.default_rng(0).permutation(len(split))
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    straight = probe(bert, split, tmp_path / "a").take(pa.array(order))
    shuffled = probe(bert, split.take(pa.array(order)), tmp_path / "b")
    assert_same_predictions(shuffled, straight)


def test_the_prior_is_asked_with_one_mask_for_the_subject(
    bert: LoadedModel, checkpoint_of: Callable[[str], Path], split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    model, tokenizer = load_plain(checkpoint_of("bert"))
    split = split_of("bert")
    predictions = probe(bert, split, tmp_path)
    for row, got in list(zip(split.to_pylist(), predictions.to_pylist(), strict=True))[:12]:
        gold, template = got["object_ids"], row["template"]
        logits = tiny.mask_logits(model, tokenizer, template, tokenizer.mask_token, len(gold))
        first = 1 if template.index("[X]") < template.index("[Y]") else 0
        logprobs = torch.log_softmax(logits[first : first + len(gold)].double(), dim=1)
        of_gold = logprobs[torch.arange(len(gold)), torch.tensor(gold)]
        assert got["prior_logprob"] == pytest.approx(float(of_gold.mean()), abs=1e-4)


def test_too_long_rows_are_listed_not_truncated(
    bert: LoadedModel, split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    long, *others = probe(
        bert, with_changed_row(split_of("bert"), subject="lima " * 70), tmp_path
    ).to_pylist()
    assert long["too_long"]
    assert long["predicted_ids"] == []
    assert not long["full_match"]
    assert long["object_logprob"] is None
    assert long["typed_rank"] is None
    assert not any(row["too_long"] for row in others)


def test_an_object_that_does_not_fit_keeps_no_other_from_being_asked(
    bert: LoadedModel, split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    split = with_changed_row(split_of("bert"))  # of one relation
    relation = split["relation"][0].as_py()
    plain, beside = (
        probe(bert, split, tmp_path, candidates={relation: labels}).to_pylist()
        for labels in ([], ["oslo " * 90])
    )
    assert [row["candidates"] + 1 for row in plain] == [row["candidates"] for row in beside]
    assert [row | {"candidates": 0} for row in plain] == [row | {"candidates": 0} for row in beside]
    long, *others = probe(bert, with_changed_row(split, object="oslo " * 90), tmp_path).to_pylist()
    assert long["too_long"] and not long["full_match"]
    assert long["object_logprob"] is long["typed_rank"] is None
    assert not any(row["too_long"] for row in others)
    compared = ("predicted_ids", "object_logprob", "full_match")
    assert [[row[name] for name in compared] for row in others] == [
        [row[name] for name in compared] for row in plain
    ]


@pytest.mark.parametrize("subject", ["[MASK]", "oslo [MASK] lima", "[Y]", "[X]", "[SEP]", "", "<b>&"])
def test_slots_and_special_tokens_in_subjects_are_plain_text(
    subject: str,
    bert: LoadedModel,
    checkpoint_of: Callable[[str], Path],
    split_of: Callable[..., pa.Table],
    tmp_path: Path,
) -> None:
    template = "[X] was born in [Y]"
    split = with_changed_row(split_of("bert"), subject=subject, template=template)
    got = probe(bert, split, tmp_path).to_pylist()[0]
    model, tokenizer = load_plain(checkpoint_of("bert"))
    text = f"{subject} was born in {tokenizer.mask_token}"
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        answer = int(model(input_ids=ids).logits[0, -2].argmax())  # the mask before [SEP]
    assert got["predicted_ids"][0] == [answer]


def test_an_object_without_tokens_is_never_correct(
    bert: LoadedModel, split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    got = probe(bert, with_changed_row(split_of("bert"), object=" "), tmp_path).to_pylist()[0]
    assert got["object_ids"] == []
    assert not got["full_match"]
    assert not got["partial_match"]
    assert got["typed_rank"] is None


def test_the_space_token_is_dropped_from_objects_and_answers(
    checkpoint_of: Callable[[str], Path], split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    model = load(str(checkpoint_of("xlm-roberta")), device="cpu")
    split = with_changed_row(split_of("xlm-roberta"), object="東京")
    first, *others = probe(model, split, tmp_path).to_pylist()
    assert first["object_ids"] == [model.tokenizer.convert_tokens_to_ids("東京")]
    # The model's first answer at two masks is declared the space token: the second alone is the object.
    space, second = next(
        row["predicted_ids"][1]
        for row in [first, *others]
        if row["predicted_ids"][1][0] != row["predicted_ids"][1][1] != row["predicted_ids"][0][0]
        and row["uuid"] == "changed"
    )
    label = model.tokenizer.convert_ids_to_tokens(second).replace("▁", "")
    if [second] != object_ids(model.tokenizer, label, model.space_id):
        pytest.skip("the random model's second answer is no label of one token")
    (tmp_path / "b").mkdir()
    changed = dataclasses.replace(model, space_id=space)
    got = probe(changed, with_changed_row(split_of("xlm-roberta"), object=label), tmp_path / "b").to_pylist()[
        0
    ]
    assert got["full_match"]
    assert got["matched_mask_count"] == 2


def test_other_runtime_errors_are_not_hidden(
    bert: LoadedModel, split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    def broken(hidden: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("index out of range")

    with pytest.raises(RuntimeError, match="index out of range"):
        probe(dataclasses.replace(bert, head=broken), split_of("bert"), tmp_path)


def test_logits_that_are_not_finite_are_rejected(
    bert: LoadedModel, split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    def overflowing(hidden: torch.Tensor) -> torch.Tensor:
        logits = bert.head(hidden).clone()
        logits[-1, 3] = float("nan")
        return logits

    with pytest.raises(InputError, match="NaN"):
        probe(dataclasses.replace(bert, head=overflowing), split_of("bert"), tmp_path)
    assert not (tmp_path / "data.parquet").exists()


def test_without_a_known_head_the_whole_model_is_run(
    bert: LoadedModel, split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    fast = probe(bert, split_of("bert"), tmp_path / "a")
    slow = probe(dataclasses.replace(bert, head=None), split_of("bert"), tmp_path / "b")
    assert slow.column("predicted_ids").equals(fast.column("predicted_ids"))
    assert slow.column("typed_rank").equals(fast.column("typed_rank"))


def test_broken_templates_are_rejected(
    bert: LoadedModel, split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    for template in ("[X] is here", "[Y] is here", "[X] [X] [Y]"):
        with pytest.raises(InputError, match=r"\[[XY]\] [02] times"):
            probe(bert, with_changed_row(split_of("bert"), template=template), tmp_path)


def test_a_split_without_rows_gives_empty_tables(
    bert: LoadedModel, split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    predictions = probe(bert, split_of("bert").slice(0, 0), tmp_path)
    assert predictions.schema.equals(PREDICTIONS)
    assert len(predictions) == 0
    assert len(pq.read_table(tmp_path / "data.parquet")) == 0


def test_progress_ends_with_all_rows(
    bert: LoadedModel, split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    messages: list[str] = []
    probe(bert, split_of("bert"), tmp_path, progress=messages.append)
    assert messages[-1].startswith(f"{len(split_of('bert'))} of {len(split_of('bert'))} rows")
    assert all("rows/s" in message and message.endswith("s left") for message in messages)


def test_windows_do_not_change_answers(
    bert: LoadedModel, split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    together = probe_masked(bert, split_of("bert"), tmp_path / "a")
    messages: list[str] = []
    alone = probe_masked(
        bert, split_of("bert"), tmp_path / "b", progress=messages.append, window=1
    )  # every relation alone
    assert_same_predictions(alone, together)
    assert messages[-1].startswith(f"{len(alone)} of {len(alone)} rows")
