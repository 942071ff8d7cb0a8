"""A sample's rows are answered as among all facts, because its answers compete with all objects."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets_tests.models import tiny
from factroots_dagster.facts.objects import count_objects, labels_by_relation
from factroots_dagster.models.checkpoint import load
from factroots_dagster.probing.probe import probe


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_a_sample_is_answered_as_among_all_facts(tmp_path: Path, family: str) -> None:
    checkpoint = tiny.save_checkpoint(tmp_path / "model", family)
    make = tiny.split if family == "bert" else tiny.decoder_split
    split = make(checkpoint)
    kept = split.slice(0, 2)
    model = load(str(checkpoint), device="cpu")
    answers = {}
    for name, rows, candidates in (
        ("all", split, None),
        ("sample", kept, labels_by_relation(count_objects(split))),
        ("alone", kept, None),
    ):
        (tmp_path / name).mkdir()
        table = probe(model, rows, tmp_path / name, candidates=candidates)
        answers[name] = {row["uuid"]: row for row in table.to_pylist()}
    for uuid, row in answers["sample"].items():
        for of_asked_facts in ("ranking", "predicted_ids", "chance"):
            del row[of_asked_facts]
        assert row == {name: close(answers["all"][uuid][name]) for name in row}
    assert all(
        row["candidates"] < answers["all"][uuid]["candidates"] for uuid, row in answers["alone"].items()
    )


def close(value: object) -> object:
    """Numbers up to rounding, which depends on what shares a batch."""
    return pytest.approx(value, abs=1e-5) if isinstance(value, float) else value
