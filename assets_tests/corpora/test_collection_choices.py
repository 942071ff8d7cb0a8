"""The setting that names the corpora of a world, and the codes of languages."""

from __future__ import annotations

import pytest

from factroots_dagster.corpora.collection.choices import CorpusChoice, Reading, parse_corpora
from factroots_dagster.corpora.collection.files import expand_location
from factroots_dagster.corpora.collection.languages import LANGUAGE_SCRIPTS, all_codes
from factroots_dagster.errors import InputError
from factroots_dagster.languages.geography import MLAMA_PLACES
from factroots_dagster.settings import Settings, load_settings


def test_corpora_are_separated_by_commas_and_options_by_blanks() -> None:
    text = """wikipedia, web=/data/{language_script}/*.parquet shape=fineweb2 weight=minhash_cluster_size,
        "books=/my books/a, b.jsonl" text=content id= duplicates=merge"""
    assert parse_corpora(text) == (
        CorpusChoice("wikipedia"),
        CorpusChoice(
            "web",
            "/data/{language_script}/*.parquet",
            Reading("text", "id", "url", "language", "minhash_cluster_size"),
        ),
        CorpusChoice("books", "/my books/a, b.jsonl", Reading(text="content", id="", duplicates="merge")),
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "names no corpus"),
        (" , ,", "names no corpus"),
        ("wikipedia,wikipedia", "names a corpus twice"),
        ("web=a,web=b", "names a corpus twice"),
        ("wikipedia=/data", "'wikipedia' has a location or options"),
        ("wikipedia shape=plain", "'wikipedia' has a location or options"),
        ("web", "'web' has no location"),
        ("web=s3a://key:secret@bucket/*.parquet", "'web' has credentials in its location"),
        ("web=https://host/a.parquet?X-Amz-Signature=secret", "'web' has credentials in its location"),
        ("web=", "'web' has no location"),
        ("We b=/x", "characters that a name cannot have"),
        ("../x=/data", "characters that a name cannot have"),
        ("web=/x/{lang}/y", r"{lang} in its location stands for nothing"),
        ("web=/x/{}/y", r"{} in its location stands for nothing"),
        ("web=/x column=text", "'column=text' is not an option"),
        ("web=/x text", "'text' is not an option"),
        ("web=/x text=a text=b", "'text=b' is not an option or repeats one"),
        ("web=/x shape=fineweb", "shape is 'fineweb'"),
        ("web=/x duplicates=drop", "duplicates is 'drop'"),
        ("web=/x newlines=n", "newlines is 'n'"),
        ("web=/x text=", "has no column of texts"),
        ("web=/x text=body?", "has no column of texts"),
        ("web='/x", "No closing quotation"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(text: str, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError) as parsed:
        parse_corpora(text)
    assert problem in str(parsed.value) and parsed.value.remedy and "secret" not in str(parsed.value)
    monkeypatch.setenv("FACTROOTS_CORPORA", text)
    with pytest.raises(InputError, match="FACTROOTS_CORPORA"):
        load_settings()


def test_wikipedia_is_the_only_corpus_unless_others_are_named() -> None:
    assert Settings(world="mlama").corpus_choices == (CorpusChoice("wikipedia"),)
    real = Settings(world="mlama", corpora="web=/x")
    assert [choice.name for choice in real.corpus_choices] == ["web"]
    assert Settings(world="sandbox", corpora="web=/x").corpus_choices == (CorpusChoice("wikipedia"),)


def test_every_mlama_language_has_codes_of_its_own_in_its_script() -> None:
    assert LANGUAGE_SCRIPTS.keys() == MLAMA_PLACES.keys()
    every = [code for codes in LANGUAGE_SCRIPTS.values() for code in codes]
    assert len(set(every)) == len(every)
    same = {"Kore": {"Hang", "Kore"}, "Hans": {"Hani", "Hans", "Hant"}}
    for language, codes in LANGUAGE_SCRIPTS.items():
        script = MLAMA_PLACES[language].script
        assert {code.partition("_")[2] for code in codes} <= same.get(script, {script})
        for other in LANGUAGE_SCRIPTS.keys() - {language}:
            assert not all_codes(language) & all_codes(other)


def test_a_location_stands_for_every_code_of_the_language() -> None:
    assert expand_location("/x/{language}/{language_script}.parquet", "he") == [
        "/x/he/heb_Hebr.parquet",
        "/x/iw/heb_Hebr.parquet",
    ]
    assert expand_location("/x/{language_script}", "fa") == ["/x/fas_Arab", "/x/pes_Arab"]
    assert expand_location("/x/*.jsonl", "fa") == ["/x/*.jsonl"]
    assert expand_location("/{language}/{language_script}", "qaa") == ["/qaa/qaa"]
