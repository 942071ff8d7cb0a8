"""Facts asked by further templates: as a split with these templates would be."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import torch
import transformers

from assets_tests.models.tiny import TEMPLATES, split, wordpiece
from factroots_dagster.facts.schema import FURTHER_TEMPLATES
from factroots_dagster.models.checkpoint import load
from factroots_dagster.probing.further_prompts import ask_further_prompts
from factroots_dagster.probing.probe import probe
from factroots_dagster.probing.schema import PROMPT_ANSWERS

FURTHER = [("P36", 2, "[Y] is the capital of [X]"), ("P19", 2, "[X] is in [Y] ."), ("P36", 3, "[X] [Y] city")]


def test_each_prompt_is_asked_as_if_it_were_the_splits(tmp_path: Path) -> None:
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 40}
    torch.manual_seed(3)
    config = transformers.BertConfig(vocab_size=len(wordpiece(tmp_path)), **shape)
    transformers.BertForMaskedLM(config).save_pretrained(tmp_path)
    model, facts = load(str(tmp_path), device="cpu"), split(tmp_path)
    rows = [
        {"language": "qaa", "relation": relation, "prompt": prompt, "template": template}
        for relation, prompt, template in FURTHER
    ]
    further = pa.Table.from_pylist(rows, schema=FURTHER_TEMPLATES)

    def ask(table: pa.Table, name: str) -> pa.Table:
        (tmp_path / name).mkdir()
        return probe(model, table, tmp_path / name)

    predictions = ask(facts, "first")
    answers = ask_further_prompts(model, facts, further, predictions)
    assert answers.schema.equals(PROMPT_ANSWERS)
    found = {(row["uuid"], row["prompt"]): (row["answer"], row["full_match"]) for row in answers.to_pylist()}
    expected = {}
    for relation, prompt, template in [*FURTHER, ("P36", 1, TEMPLATES["P36"]), ("P19", 1, TEMPLATES["P19"])]:
        own = [row | {"template": template} for row in facts.to_pylist() if row["relation"] == relation]
        for row in ask(pa.Table.from_pylist(own), f"{relation}-{prompt}").to_pylist():
            expected[row["uuid"], prompt] = (row["ranking"][0], row["full_match"])
    assert found == expected and len(found) == answers.num_rows == 5 * 14
    assert len({found[uuid, 1] == found[uuid, 2] for uuid, prompt in found if prompt == 2}) == 2
