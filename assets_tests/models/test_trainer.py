"""A training with Hugging Face's Trainer registers its checkpoints while it runs."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
import transformers
from transformers import Trainer, TrainingArguments

from assets_tests.models.tiny import save_checkpoint
from factroots_dagster.models.registry import registered
from factroots_dagster.models.trainer import RegisterCheckpoints
from factroots_dagster.settings import Settings


def train(folder: Path, settings: Settings, *, with_tokenizer: bool = True) -> None:
    """Three steps, with a checkpoint after each."""
    start = save_checkpoint(folder / "start", "bert")
    ids = torch.tensor([2, 5, 4, 3])
    arguments = TrainingArguments(
        output_dir=str(folder / "run"), max_steps=3, save_steps=1, report_to=[], use_cpu=True,
        disable_tqdm=True, logging_strategy="no",
    )  # fmt: skip
    Trainer(
        model=transformers.AutoModelForMaskedLM.from_pretrained(start),
        args=arguments,
        train_dataset=[{"input_ids": ids, "labels": ids}] * 8,
        processing_class=transformers.AutoTokenizer.from_pretrained(start) if with_tokenizer else None,
        callbacks=[RegisterCheckpoints(settings)],
    ).train()


def test_every_saved_step_is_registered_in_its_order(tmp_path: Path) -> None:
    settings = Settings(world="mlama", data_root=tmp_path / "data")
    train(tmp_path / "one", settings)
    train(tmp_path / "two", settings)
    assert {key: entry.source for key, entry in registered(settings).items()} == {
        f"{name}checkpoint-{step}": str(tmp_path / of_run / "run" / f"checkpoint-{step}")
        for of_run, name in (("one", ""), ("two", "run-"))
        for step in (1, 2, 3)
    }


def test_a_training_that_saves_no_tokenizer_is_told_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(world="mlama", data_root=tmp_path / "data")
    with caplog.at_level(logging.WARNING, logger="factroots_dagster"):
        train(tmp_path, settings, with_tokenizer=False)
    assert registered(settings) == {}
    assert "checkpoint-3 is not registered: its tokenizer is missing" in caplog.text
