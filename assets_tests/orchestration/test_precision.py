"""The number format in which a checkpoint was described is the one in which it is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from assets_tests.orchestration.bodies import run_body
from factroots_dagster.errors import InputError
from factroots_dagster.models.registry import add
from factroots_dagster.orchestration.assets import sources
from factroots_dagster.orchestration.resources import ModelResource
from factroots_dagster.report.asking import describe_asking
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store


def test_auto_is_what_the_describing_machine_made_of_it_and_other_formats_are_refused(
    checkpoint_of: Callable[[str], Path], tmp_path: Path
) -> None:
    auto = Settings(world="mlama", data_root=tmp_path, device="cpu")
    half, whole = (auto.model_copy(update={"precision": name}) for name in ("bf16", "fp32"))
    key = add(auto, str(checkpoint_of("llama"))).key
    for settings, dtype, words in (
        (auto, torch.float32, "in 32 bits"),
        (half, torch.bfloat16, "in bfloat16"),  # as on a GPU
    ):
        run_body(settings, "checkpoint", sources.checkpoint, key)
        (row,) = Store(tmp_path, "mlama").read("checkpoint", key).to_pylist()
        assert words in describe_asking(row)
        assert getattr(torch, row["precision"]) == dtype
        assert ModelResource.from_settings(auto).load(key).model.dtype == dtype
    assert ModelResource.from_settings(half).load(key).model.dtype == torch.bfloat16
    with pytest.raises(InputError, match=r"described in bfloat16.*FACTROOTS_PRECISION=fp32"):
        ModelResource.from_settings(whole).load(key)
