"""mLAMA 1.1 and real dumps through the whole graph, with a small checkpoint made by the test."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from pathlib import Path

import pyarrow.compute as pc
import pytest

from assets_tests.project import MaterializedWorld, make_home, run_factroots, world_environment
from factroots_dagster.orchestration.checks.data import summarize_losses, volume_frame
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store
from factroots_dagster.text.inflection.suffixes import stems
from factroots_dagster.text.letter_case import capitalize
from factroots_dagster.text.normalization import normalize
from factroots_dagster.tracing.matchers import MATCHERS, SURFACE, WITH_ALIASES, WITH_SUFFIXES, WORDPIECE_CHUNK

LANGUAGES = ("bn", "hy")


def save_small_checkpoint(folder: Path, texts: list[str]) -> Path:
    """Save a one-layer BERT that always predicts the most frequent first word of the `texts`.

    Its vocabulary is their letters and most frequent words.
    """
    import torch
    from transformers import BertConfig, BertForMaskedLM

    from factroots_dagster.sandbox.vocabulary import make_tokenizer, save_tokenizer

    letters = sorted({letter for text in texts for letter in text if not letter.isspace()})
    words = [word for word, _ in Counter(word for text in texts for word in text.split()).most_common(3000)]
    pieces = dict.fromkeys([*letters, *(f"##{letter}" for letter in letters), *words])
    tokenizer = make_tokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces], 128)
    torch.manual_seed(0)
    model = BertForMaskedLM(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=128,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    with torch.no_grad():
        favourite = tokenizer.convert_tokens_to_ids(Counter(texts).most_common(1)[0][0].split()[0])
        model.cls.predictions.bias[favourite] = 20.0
    model.save_pretrained(folder)
    save_tokenizer(tokenizer, folder)
    return folder


@pytest.fixture(scope="module")
def real_world(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> MaterializedWorld:
    """Two languages of the real data, materialized by the demo command."""
    from factroots_dagster.facts.mlama.release import acquire_release
    from factroots_dagster.facts.mlama.split import read_split

    folder = tmp_path_factory.mktemp("real")
    release = folder / "release"
    release.mkdir()
    acquire_release(str(real_data / "mlama1.1.tar.xz"), release)
    texts = [label for language in LANGUAGES for label in read_split(release, language)["object"].to_pylist()]
    checkpoint = save_small_checkpoint(folder / "small-bert", texts)
    settings = Settings(world="mlama", data_root=folder / "data", languages=LANGUAGES)
    home = make_home(folder / "home")
    environment = world_environment(settings, home) | {
        "FACTROOTS_MLAMA_SOURCE": str(release),
        "FACTROOTS_WIKIPEDIA_SOURCE": str(real_data / "wikipedia"),
        "FACTROOTS_WORDPIECE_CHECKPOINT": "small-bert",
    }

    factroots = partial(run_factroots, environment, folder)
    assert factroots("checkpoints", "add", str(checkpoint)) == "small-bert\n"
    output = factroots("demo")
    (folder / "traced.jsonl").write_text(factroots("trace", "জার্মানি", "--json"))
    return MaterializedWorld(settings, Store(settings.data_root, "mlama"), home, output)


def test_the_release_is_the_published_one(real_world: MaterializedWorld) -> None:
    inventory = real_world.store.read("mlama_release")
    assert pc.sum(inventory["rows"]).as_py() == 843_143
    assert pc.count_distinct(inventory["language"]).as_py() == 53


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_number_of_articles_is_that_of_an_independent_count(
    real_world: MaterializedWorld, real_data: Path, language: str
) -> None:
    counts = json.loads((real_data / "counts.json").read_text())
    (name,) = [name for name in counts if name.startswith(f"{language}wiki")]
    pages = real_world.store.read("wikipedia_articles", language, columns=["page_id", "redirect_to"])
    redirects = pc.sum(pc.is_valid(pages["redirect_to"])).as_py()
    assert (len(pages) - redirects, redirects) == (
        counts[name]["articles"],
        counts[name]["redirects_in_namespace_0"],
    )
    volume = real_world.store.read("wikipedia_volume", language).to_pylist()[0]
    assert volume["pages"] == counts[name]["complete_pages"]
    assert volume["damaged_pages"] == 1 and volume["lost_bytes"] > 0  # the dump ends in mid-page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_check_of_a_cut_dump_passes_and_says_what_was_lost(
    real_world: MaterializedWorld, language: str
) -> None:
    assert "warning: wikipedia_volume" not in real_world.output
    lost = real_world.store.read("wikipedia_volume", language)["lost_bytes"][0].as_py()
    summary = summarize_losses(volume_frame(real_world.store, language))
    assert summary.startswith(f"1 damaged pages ({lost:,} bytes lost), 0 unfinished")


@pytest.mark.parametrize("language", LANGUAGES)
def test_evidence_points_at_the_labels(real_world: MaterializedWorld, language: str) -> None:
    """Exact matches are the label, suffixed ones begin with a stem of it; aliases are not checked."""
    store = real_world.store
    texts = {row["page_id"]: row["text"] for row in store.read("wikipedia_articles", language).to_pylist()}
    facts = {row["uuid"]: row for row in store.read("mlama_split", language).to_pylist()}
    checked: Counter[str] = Counter()
    for row in store.read("fact_sources", language).to_pylist():
        if row["matcher"] not in (*SURFACE, *WITH_SUFFIXES):
            continue
        for evidence in row["evidence"]:
            text, fact = texts[evidence["page_id"]], facts[row["uuid"]]
            for side in ("subject", "object"):
                form = normalize(fact[side], language).strip()  # some labels hold invisible characters
                match = normalize(text[evidence[f"{side}_start"] : evidence[f"{side}_end"]], language)
                forms = (form, capitalize(form, language))
                if row["matcher"] in SURFACE:
                    assert match in forms
                else:
                    assert match.startswith(
                        (*forms, *(stem for name in forms for stem in stems(name, language)))
                    )
                checked[row["matcher"]] += 1
    assert min(checked[matcher] for matcher in (*SURFACE, *WITH_SUFFIXES)) > 100


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_matcher_has_its_own_row(real_world: MaterializedWorld, language: str) -> None:
    table = real_world.store.read("fact_sources", language, columns=["matcher", "windows", "unknown_pieces"])
    rows = table.to_pylist()
    facts = Counter(row["matcher"] for row in rows)
    assert set(facts) == set(MATCHERS) and len(set(facts.values())) == 1
    facts_with_source = Counter(row["matcher"] for row in rows if row["windows"])
    for wider, narrower in zip((*WITH_ALIASES, *WITH_SUFFIXES), SURFACE * 2, strict=True):
        assert facts_with_source[wider] > facts_with_source[narrower]
    assert {row["unknown_pieces"] for row in rows if row["matcher"] == WORDPIECE_CHUNK} >= {False}
    assert all(row["unknown_pieces"] is None for row in rows if row["matcher"] != WORDPIECE_CHUNK)


def test_a_fact_is_traced_to_its_sentence(real_world: MaterializedWorld) -> None:
    lines = (real_world.dagster_home.parent / "traced.jsonl").read_text().splitlines()
    traced = [json.loads(line) for line in lines]
    assert {row["language"] for row in traced} == set(LANGUAGES)
    links = [evidence["link"] for row in traced for evidence in row["evidence"]]
    assert links and all(".wikipedia.org/w/index.php?oldid=" in link for link in links)


def test_the_rest_of_the_graph_runs(real_world: MaterializedWorld) -> None:
    folder = real_world.store.shown_folder("categorization_report", "small-bert")
    summary = json.loads((folder / "summary.json").read_text())
    assert set(summary["p_at_1"]) == {*LANGUAGES, "overall"} and summary["predicted"] > 0
    assert summary["planted_agreement"] is None
    assert (folder / "index.html").stat().st_size > 10_000
