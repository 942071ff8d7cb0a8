"""Optional protocols, the choice of the prober, precision, and the settings of probing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch
from safetensors.torch import load_file

from assets_tests.models import tiny
from factroots_dagster.errors import InputError
from factroots_dagster.models.checkpoint import LoadedModel, load
from factroots_dagster.probing.causal import probe_causal
from factroots_dagster.probing.filling import fill_masks
from factroots_dagster.probing.pll import pseudo_log_likelihoods
from factroots_dagster.probing.predictions import typed_rank
from factroots_dagster.probing.probe import probe
from factroots_dagster.probing.prompts import build_prompts
from factroots_dagster.probing.schema import PREDICTIONS
from factroots_dagster.settings import Settings, load_settings


@pytest.mark.parametrize("family", tiny.MASKED)
def test_protocols_give_what_their_modules_give(
    family: str, checkpoint_of: Callable[[str], Path], split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    model, split = load(str(checkpoint_of(family)), device="cpu"), split_of(family)
    messages: list[str] = []
    protocols = ("pll", "left_to_right", "confidence")
    predictions = probe(model, split, tmp_path, protocols=protocols, progress=messages.append)
    assert messages[-1].startswith(f"{len(split)} of {len(split)} rows")
    assert predictions.column("pll_rank").null_count == 0
    for relation in tiny.TEMPLATES:
        rows = [index for index, row in enumerate(split.to_pylist()) if row["relation"] == relation]
        part, got = split.take(pa.array(rows)), predictions.take(pa.array(rows)).to_pylist()
        labels = sorted(set(part["object"].to_pylist()))
        questions = list(zip(part["template"].to_pylist(), part["subject"].to_pylist(), strict=True))
        scores = pseudo_log_likelihoods(model, questions, labels, 4096)
        for row, label, own in zip(got, part["object"].to_pylist(), scores, strict=True):
            assert abs(row["pll_rank"] - typed_rank(own, labels.index(label))) <= 1  # ties in the last digit
        built = build_prompts(model.tokenizer, part, space_id=model.space_id, max_length=model.max_length)
        first_pass = {}
        for prompt in built.prompts:
            template, subject = built.questions[prompt.question]
            logits = tiny.mask_logits(model.model, model.tokenizer, template, subject, prompt.k)[-prompt.k :]
            best = logits.log_softmax(dim=1).max(dim=1)
            first_pass[prompt.question, prompt.k] = (best.indices.numpy(), best.values.numpy())
        prompts = [prompt for prompt in built.prompts if prompt.question in built.row_question]
        for order in ("left_to_right", "confidence"):
            answers = fill_masks(model, prompts, first_pass, order, 4096)
            for row, question in zip(got, built.row_question, strict=True):
                bare = [
                    [token for token in answers[question, k].tolist() if token != model.space_id]
                    for k in built.mask_counts
                ]
                assert row[f"{order}_match"] == (row["object_ids"] in bare)
    assert pc.sum(predictions["left_to_right_match"]).as_py() > 4


def test_the_columns_of_protocols_that_are_not_run_are_null(
    bert: LoadedModel, split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    predictions = probe(bert, split_of("bert"), tmp_path, protocols=("confidence",))
    for name in ("pll_rank", "left_to_right_match"):
        assert predictions.column(name).null_count == len(predictions)
    assert predictions.column("confidence_match").null_count == 0


def test_decoders_get_their_own_prober(checkpoint_of: Callable[[str], Path], tmp_path: Path) -> None:
    folder = checkpoint_of("llama")
    model, split = load(str(folder), device="cpu"), tiny.decoder_split(folder)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    predictions = probe(model, split, tmp_path / "a", protocols=("pll",))
    assert predictions.equals(probe_causal(model, split, tmp_path / "b"))
    assert predictions.column("pll_rank").null_count == len(predictions)


def test_bfloat16_changes_log_probabilities_a_little_and_no_type(
    checkpoint_of: Callable[[str], Path], split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    tables = [
        probe(load(str(checkpoint_of("bert")), device="cpu", dtype=dtype), split_of("bert"), tmp_path / name)
        for name, dtype in (("a", "float32"), ("b", "bfloat16"))
    ]
    assert tables[1].schema.equals(PREDICTIONS)
    exact, rounded = (np.array(table.column("object_logprob")) for table in tables)
    assert 0 < np.abs(exact - rounded).max() < 0.5
    saved = load_file(next((tmp_path / "b").glob("*.safetensors")))["activations"]
    assert saved.dtype == torch.float32


def test_the_settings_of_probing_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().precision == "auto"
    assert Settings().protocols == ()
    monkeypatch.setenv("FACTROOTS_PRECISION", "bf16")
    monkeypatch.setenv("FACTROOTS_PROTOCOLS", "pll, confidence")
    assert load_settings().precision == "bf16"
    assert load_settings().protocols == ("pll", "confidence")
    monkeypatch.setenv("FACTROOTS_PROTOCOLS", "pll,beam")
    with pytest.raises(InputError, match="PROTOCOLS"):
        load_settings()
