"""The benchmark at mLAMA's full size: its dumps, its model and its settings."""

from __future__ import annotations

import bz2
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from click.testing import CliRunner
from transformers import BertForMaskedLM, BertTokenizerFast

from benchmarks import mbert
from benchmarks.full_mlama import FIGURES, environment, main, write_results
from benchmarks.generated_dumps import generate_pages, write_dump
from benchmarks.load_model import LAYERS, NEURONS, make_load_model
from factroots_dagster.corpora.wikipedia.pages import ByteRange, PageReader
from factroots_dagster.probing.masking import mask_prompts
from factroots_dagster.settings import Settings


def split_of(count: int) -> pa.Table:
    """Facts of two relations about `count` subjects each."""
    return pa.table(
        {
            "subject": [f"Place {number}" for number in range(count)] * 2,
            "template": ["[X] lies in [Y] ."] * count + ["[X] speaks [Y] ."] * count,
            "object": [("Rome", "Oslo")[number % 2] for number in range(count)] + ["Latin"] * count,
        }
    )


def test_a_generated_dump_states_facts_and_leaves_some_out(tmp_path: Path) -> None:
    path = write_dump("la", generate_pages(split_of(200), 1, articles=150), tmp_path)
    pages = list(PageReader(ByteRange(str(path), "bz2", 0, path.stat().st_size)).pages())
    titles = {page.title for page in pages}
    assert len(pages) == len(titles) and 0 < len(titles) - 150 < 40
    with bz2.open(path, "rt", encoding="utf-8") as file:
        text = file.read()
    assert text.count("#REDIRECT") == len(titles) - 150
    stated = text.count(" lies in ") + text.count(" speaks ")
    assert 180 < stated < 270 and 60 < text.count("[[") - text.count("#REDIRECT") < 200
    assert list(generate_pages(split_of(200), 1, 150)) == list(generate_pages(split_of(200), 1, 150))


@pytest.fixture(scope="module")
def tokenizer() -> BertTokenizerFast:
    tokenizer = mbert.tokenizer()
    if tokenizer is None:
        pytest.skip("BlingFire is not installed")
    return tokenizer


@pytest.mark.slow
def test_the_load_model_has_the_size_of_mbert_and_knows_some_facts(
    tokenizer: BertTokenizerFast, tmp_path: Path
) -> None:
    split = split_of(8)
    make_load_model(tokenizer, [split], tmp_path, seed=0, rows=16, steps=150, progress=print)
    model = BertForMaskedLM.from_pretrained(tmp_path)
    assert (model.config.num_hidden_layers, model.config.intermediate_size) == (LAYERS, NEURONS)
    assert model.config.vocab_size == len(tokenizer) == 119_547
    (prompt,) = mask_prompts(tokenizer, [("[X] speaks [Y] .", "Place 3")], 1)
    with torch.inference_mode():
        logits = model(torch.from_numpy(prompt.ids[None].astype(np.int64))).logits[0, prompt.positions]
    assert tokenizer.convert_ids_to_tokens(logits.argmax(-1)) == ["Latin"]


def test_without_a_release_it_is_skipped_with_the_reason(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--mlama", str(tmp_path / "none.zip")])
    assert result.exit_code == 0 and "Skipped: there is no mLAMA release" in result.output


def test_the_settings_are_settings(tmp_path: Path) -> None:
    names = {f"FACTROOTS_{name.upper()}" for name in Settings.model_fields}
    variables = environment(tmp_path, ["cy", "de"])
    assert {name for name in variables if name.startswith("FACTROOTS_")} <= names


def test_figures_of_other_numbers_of_languages_are_kept(tmp_path: Path) -> None:
    def figures(languages: int, seconds: float) -> list[dict[str, object]]:
        row = dict.fromkeys(FIGURES, 1.0) | {"cpu_seconds": seconds, "processor": f"P{languages // 9}"}
        return [{"languages": languages, "assets": name, **row} for name in ("predictions", "fact_types")]

    for languages, seconds in ((12, 30.0), (6, 10.0), (12, 21.0)):
        write_results(tmp_path / "new", figures(languages, seconds), 0.1, ["It is right."])
    page = (tmp_path / "new" / "full_mlama.md").read_text(encoding="utf-8")
    assert "--languages 12`" in page and "- It is right." in page
    assert "| XLM-R large | 98,304 | 33.2 | 16.6 | 4.4 |" in page
    assert "| made | 6 | 12 |" in page and "| predictions | 10 | 21 |" in page
    assert "- 6: P0.\n- 12: P1.\n" in page
    assert len((tmp_path / "new" / "full_mlama.csv").read_text(encoding="utf-8").splitlines()) == 5
