"""A release whose relations have several templates, from its files to the consistency of answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from assets_tests.facts.releases import fact, write_release
from assets_tests.models.tiny import WORDS, wordpiece
from assets_tests.orchestration.bodies import write_scores
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

LINES = [fact(f"u{number}", WORDS[number], WORDS[20 + number], obj_uri=f"Q{number}") for number in range(6)]
OTHERS = [fact(f"v{number}", WORDS[number], WORDS[9 + number], obj_uri=f"Q{number}") for number in range(5)]


@pytest.mark.parametrize("further", [True, False])
def test_further_templates_add_tables_and_change_none(tmp_path: Path, further: bool) -> None:
    release = write_release(tmp_path / "release", {"cy": {"P36": LINES, "P19": OTHERS}})
    if further:
        rows = [{"relation": "P36", "template": template} for template in ("[Y] is [X]", "the [X] , [Y]")]
        lines = "\n".join(json.dumps(row) for row in rows)
        (release / "cy" / "further_templates.jsonl").write_text(lines, encoding="utf-8")
    folder = tmp_path / "checkpoints" / "tiny"
    folder.mkdir(parents=True)
    torch.manual_seed(1)
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 40}
    config = transformers.BertConfig(vocab_size=len(wordpiece(folder)), **shape)
    transformers.BertForMaskedLM(config).save_pretrained(folder)
    settings = Settings(
        world="mlama", data_root=tmp_path / "data", mlama_source=str(release), languages=("cy",),
        checkpoints=tmp_path / "checkpoints",
    )  # fmt: skip
    write_scores(settings, "tiny", "cy")
    store = Store(settings.data_root, "mlama")
    assert store.read("mlama_split", "cy")["template"].unique().to_pylist() == [
        "[X] P19 [Y] .",
        "[X] P36 [Y] .",
    ]
    assert store.read("predictions", "tiny", "cy").num_rows == 11
    places: list[Any] = [("predictions", "tiny", "cy"), ("probing_scores", "tiny")]
    if not further:
        assert not store.has_side("further_templates", "mlama_split", "cy")
        assert not any(store.has_side("prompts", *place) for place in places)
        return
    answers, consistency = (store.read_side("prompts", *place).to_pylist() for place in places)
    assert {(row["relation"], row["prompt"]) for row in answers} == {("P36", 1), ("P36", 2), ("P36", 3)}
    assert len(answers) == 18
    assert [(row["relation"], row["prompts"], row["compared"]) for row in consistency] == [
        ("*", 3, 6),
        ("P36", 3, 6),
    ]
