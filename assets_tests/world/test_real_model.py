"""A real model on real facts: SmolLM2 on mLAMA in English and French, from its weights to the report."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from assets_tests.corpora.dumps import dump_xml, page_xml, write_dump
from assets_tests.models import tiny
from assets_tests.models.real import smollm_file
from assets_tests.project import MaterializedWorld, make_home, run_factroots, world_environment
from factroots_dagster.facts.mlama.release import acquire_release
from factroots_dagster.facts.mlama.split import read_split
from factroots_dagster.models.registry import registered
from factroots_dagster.probing.causal import split_at_object
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

pytestmark = pytest.mark.slow

LANGUAGES = ("en", "fr")
RELATIONS = {"P30": 6, "P37": 75}
"""Continent and official language, and how many objects they have in both languages."""
FACTS = 5
KEY = "SmolLM2-135M-Instruct.Q4_1"


def write_french_dump(release: Path, folder: Path) -> None:
    """A Wikipedia that states the first facts of each relation: there is no French dump to test with."""
    facts = read_split(release, "fr").to_pylist()
    pages = []
    for relation in RELATIONS:
        for fact in [fact for fact in facts if fact["relation"] == relation][:400]:
            subject, linked = f"'''{fact['subject']}'''", f"[[{fact['object']}]]"
            text = fact["template"].replace("[X]", subject).replace("[Y]", linked)
            pages.append(page_xml(len(pages) + 1, fact["subject"], text))
    write_dump(folder, dump_xml(pages, "fr"), "frwiki-20240101-pages-articles.xml.bz2")


@pytest.fixture(scope="module")
def real_model(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> MaterializedWorld:
    """A sample of two relations, asked and reported by the demo command."""
    folder = tmp_path_factory.mktemp("real-model")
    weights = smollm_file()
    (release := folder / "release").mkdir()
    acquire_release(str(real_data / "mlama1.1.tar.xz"), release)
    (wikipedia := folder / "wikipedia").mkdir()
    (english,) = (real_data / "wikipedia").glob("enwiki-*")
    os.symlink(english, wikipedia / english.name)
    write_french_dump(release, wikipedia)
    settings = Settings(world="mlama", data_root=folder / "data", languages=LANGUAGES)
    home = make_home(folder / "home")
    environment = world_environment(settings, home) | {
        "FACTROOTS_MLAMA_SOURCE": str(release),
        "FACTROOTS_WIKIPEDIA_SOURCE": str(wikipedia),
        "FACTROOTS_RELATIONS": ",".join(RELATIONS),
        "FACTROOTS_SAMPLE": str(FACTS),
    }

    factroots = partial(run_factroots, environment, folder)
    assert factroots("checkpoints", "add", str(weights)) == f"{KEY}\n"
    return MaterializedWorld(settings, Store(settings.data_root, "mlama"), home, factroots("demo"))


def asked(world: MaterializedWorld, language: str) -> list[dict[str, object]]:
    """The facts of a language with what the model answered."""
    split = world.store.read("mlama_split", language)
    answers = world.store.read("predictions", KEY, language)
    columns = ["uuid", "typed_rank", "margin", "full_match"]
    return split.join(answers.select(columns), "uuid", join_type="inner").to_pylist()


def test_the_same_facts_are_asked_in_both_languages(real_model: MaterializedWorld) -> None:
    facts = {language: {row["uuid"] for row in asked(real_model, language)} for language in LANGUAGES}
    assert facts["en"] & facts["fr"] and {len(uuids) for uuids in facts.values()} <= {
        *range(FACTS, len(RELATIONS) * FACTS + 1)
    }


def test_answers_are_those_of_one_sentence_at_a_time(real_model: MaterializedWorld) -> None:
    """Every fact with six candidates, and one with 75."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = registered(real_model.settings)[KEY].source
    tokenizer = AutoTokenizer.from_pretrained(source)
    model = AutoModelForCausalLM.from_pretrained(source, dtype="float32").eval()
    compared = 0
    for language in LANGUAGES:
        rows = sorted(asked(real_model, language), key=lambda row: str(row["uuid"]))
        many = [row for row in rows if row["relation"] == "P37"][: language == "en"]
        for row in [*many, *[row for row in rows if row["relation"] == "P30"]]:
            labels = read_labels(real_model, language, str(row["relation"]))
            assert len(labels) == RELATIONS[str(row["relation"])]
            template = str(row["template"])
            sentence = template.replace("[X]", str(row["subject"]))
            scores = tiny.sentence_scores(model, tokenizer, sentence, labels)
            rank = 1 + sum(score > scores[str(row["object"])] for score in scores.values())
            assert row["typed_rank"] == rank, row
            if rank == 1:
                before, after = split_at_object(template, None)
                prior = tiny.sentence_scores(model, tokenizer, f"{before}[Y]{after}", labels)
                beyond = tiny.lead(scores, str(row["object"])) > tiny.lead(prior, str(row["object"]))
                assert row["full_match"] == beyond, row
            else:
                assert not row["full_match"]
            compared += 1
    assert compared >= 8


def read_labels(world: MaterializedWorld, language: str, relation: str) -> list[str]:
    """The distinct objects of a relation among all facts of the release."""
    split = read_split(world.dagster_home.parent / "release", language)
    objects = split.filter(pc.equal(split["relation"], relation))["object"]
    return sorted(pc.unique(objects).to_pylist())


def test_the_report_says_what_was_asked_and_found(real_model: MaterializedWorld) -> None:
    folder = real_model.store.shown_folder("categorization_report", KEY)
    summary = json.loads((folder / "summary.json").read_text())
    types = real_model.store.read("fact_types", KEY)
    predicted = pc.sum(pc.not_equal(types["type"], "not_predicted")).as_py()
    correct = sum(bool(row["full_match"]) for language in LANGUAGES for row in asked(real_model, language))
    assert summary["predicted"] == predicted == correct > 0
    page = (folder / "index.html").read_text()
    assert "LlamaForCausalLM" in page and "after &lt;|im_start|&gt;" in page
    assert f"at most {FACTS} of a relation" in page and "of P30, P37 only" in page


def test_the_activations_are_those_of_all_layers(real_model: MaterializedWorld) -> None:
    checkpoint: pa.Table = real_model.store.read("checkpoint", KEY)
    row = checkpoint.to_pylist()[0]
    assert (row["layers"], row["neurons"], row["family"]) == (30, 1536, "causal")
