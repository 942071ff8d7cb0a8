"""The trace command: which facts it finds, their sources, a checkpoint's answers, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow as pa
import pytest

from assets_tests.lookup.stores import evidence, fact, trace, trace_as_json, write_checkpoint, write_language
from factroots_dagster.lookup.output import permalink
from factroots_dagster.models.schema import CHECKPOINT
from factroots_dagster.store.store import Store
from factroots_dagster.tracing.schema import FACT_SOURCES

SEARCHES = json.loads((Path(__file__).parents[1] / "text" / "search_cases.json").read_text("utf-8"))["found"]


def test_a_label_of_any_language_finds_the_fact_in_all(store: Store) -> None:
    for query in ("France", "франція", " FRANKREICH ", "u1"):
        rows = trace_as_json(store, query)
        assert [(row["language"], row["subject"], row["matcher"]) for row in rows] == [
            ("de", "Frankreich", "chunk"),
            ("uk", "Франція", "sentence"),
        ]
    german = rows[0]
    assert german["windows"] == 2 and german["articles"] == 1234 and rows[1]["articles"] is None
    assert [one["link"] for one in german["evidence"]] == [
        "https://de.wikipedia.org/w/index.php?oldid=77",
        "https://de.wikipedia.org/w/index.php?oldid=78",
    ]
    assert german["evidence"][0]["marked"] == "<Paris> ist die Hauptstadt von [Frankreich]."


def test_sources_of_several_corpora_are_shown_together(tmp_path: Path) -> None:
    store = Store(tmp_path, "mlama")
    text = "Paris ist die Hauptstadt von Frankreich."
    write_language(store, "de", [fact("u1", "Frankreich", "Paris")], sources={})
    (row,) = store.read("mlama_split", "de", columns=["uuid", "language", "relation"]).to_pylist()
    place = evidence(text, "Frankreich", "Paris")
    web = evidence(text, "Frankreich", "Paris", title="doc 7", revision_id=None, url="https://x/7?a=b")
    own = [
        row | {"corpus": "wikipedia", "matcher": "sentence", "windows": 1, "evidence": [place]},
        row | {"corpus": "web", "matcher": "sentence", "windows": 40, "evidence": [web, web | {"url": None}]},
        row | {"corpus": "books", "matcher": "sentence", "windows": 0, "evidence": []},
    ]
    with store.write_partition("fact_sources", "de", code_version="1") as work:
        work.write(pa.Table.from_pylist(own, FACT_SOURCES), FACT_SOURCES)
    (found,) = trace_as_json(store, "u1")
    assert found["windows"] == 41 and found["corpora"] == {"wikipedia": 1, "web": 40, "books": 0}
    wiki = "https://de.wikipedia.org/w/index.php?oldid=77"
    assert [passage["link"] for passage in found["evidence"]] == [wiki, "https://x/7?a=b", None]
    lines = trace(store, "u1").output.splitlines()
    assert "    windows: 1 in wikipedia, 40 in web, 0 in books" in lines
    assert lines.count("    doc 7") == 2 and "    https://x/7?a=b" in lines


def test_letter_case_does_not_count(store: Store) -> None:
    assert [row["uuid"] for row in trace_as_json(store, "STRASSE")] == ["u2"]


@pytest.mark.parametrize(("query", "subject", "target", "found"), SEARCHES)
def test_a_fact_is_found_as_readers_type_its_names(
    tmp_path: Path, query: str, subject: str, target: str, found: bool
) -> None:
    store = Store(tmp_path, "mlama")
    sources = {("u1", "sentence"): [evidence(f"{subject} {target}", subject, target)]}
    write_language(store, "de", [fact("u1", subject, target), fact("u2", "Zzz", "Yyy")], sources)
    result = trace(store, query, "--json")
    assert (result.exit_code == 0) == found
    assert not found or [json.loads(line)["uuid"] for line in result.output.splitlines()] == ["u1"]


def test_relations_are_named_in_words(store: Store) -> None:
    assert trace_as_json(store, "u1")[0]["relation_name"] == "capital"
    assert re.search(r"de +capital \(P36\) +Frankreich", trace(store, "u1", width=120).output)


def test_a_language_and_a_matcher_can_be_chosen(store: Store) -> None:
    assert [row["language"] for row in trace_as_json(store, "France", "--language", "uk")] == ["uk"]
    rows = trace_as_json(store, "France", "--language", "uk", "--language", "de", "--matcher", "article")
    assert [(row["language"], row["matcher"], row["windows"]) for row in rows] == [
        ("uk", None, 0),
        ("de", "article", 1),
    ]


def test_the_table_shows_the_evidence_below_each_fact(store: Store) -> None:
    lines = trace(store, "France").output.splitlines()
    assert re.fullmatch(r"language +relation +subject — object +matcher +windows", lines[0])
    assert re.fullmatch(r"de +capital \(P36\) +Frankreich — Paris +chunk +2", lines[2])
    assert lines[3:6] == [
        "    Seite",
        "    https://de.wikipedia.org/w/index.php?oldid=77",
        "        <Paris> ist die Hauptstadt von [Frankreich].",
    ]
    assert lines[-1] == "In the sentences: [subject], <object>."


def test_a_fact_without_sources_is_shown_with_the_number_of_articles(store: Store) -> None:
    output = trace(store, "Nirgends").output
    assert re.search(
        r"de +capital \(P36\) +Nirgends — Nichts +- +0\n +no source found in 1,234 articles\n", output
    )
    assert "In the sentences" not in output


def test_the_only_categorized_checkpoint_is_shown_with_its_types(store: Store) -> None:
    assert "prediction" not in trace_as_json(store, "u1")[0]
    write_checkpoint(store, "mbert")
    german, ukrainian = trace_as_json(store, "u1")
    assert {key: german[key] for key in ("checkpoint", "prediction", "predicted", "type", "reason")} == {
        "checkpoint": "mbert",
        "prediction": "token ids 7",  # its tokenizer is not on this machine
        "predicted": True,
        "type": "shared",
        "reason": "2 chunks hold both.",
    }
    assert german["probability"] == pytest.approx(0.60653, abs=1e-5)
    assert (german["verdict"], german["verdict_reason"]) == ("independent", "P(stated here) = 0.90.")
    assert "    known from: independent. P(stated here) = 0.90.\n" in trace(store, "u1", width=120).output
    assert "type" not in ukrainian  # it was not asked in Ukrainian
    output = trace(store, "Nirgends", width=120).output
    assert re.search(r"de +capital \(P36\) +Nirgends — Nichts +✗ token ids 8 9 +not_predicted +-", output)
    assert "known from" not in output
    assert "    No number of masks.\n    no source found in 1,234 articles\n" in output
    assert output.endswith("Predictions and types: mbert.\n")
    assert re.search(r"uk .* -  +-  +sentence", trace(store, "u1", width=120).output)


def test_of_several_checkpoints_one_is_named(store: Store) -> None:
    write_checkpoint(store, "early", correct=False)
    write_checkpoint(store, "late")
    output = trace(store, "u1").output
    assert "✓" not in output
    assert output.endswith("For predictions and types add --checkpoint early or late.\n")
    assert trace_as_json(store, "u1", "--checkpoint", "early")[0]["predicted"] is False
    assert trace_as_json(store, "u1", "--checkpoint", "late")[0]["predicted"] is True
    result = trace(store, "u1", "--checkpoint", "other")
    assert result.exit_code == 1
    assert (
        "checkpoint 'other' has no fact_types; those that have: early, late. To fix it, choose"
        in result.output
    )


def test_a_prediction_is_text_where_the_tokenizer_is_at_hand(store: Store, tmp_path: Path) -> None:
    from tokenizers import Tokenizer
    from tokenizers.decoders import WordPiece as Decoder
    from tokenizers.models import WordPiece

    folder = tmp_path / "model"
    folder.mkdir()
    vocabulary = {"[UNK]": 0, **{f"x{i}": i for i in range(1, 8)}, "Nim": 8, "##mer\x1b[2J": 9}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.decoder = Decoder()
    tokenizer.save(str(folder / "tokenizer.json"))
    registry = store.root / "checkpoint" / "_registry.json"
    registry.parent.mkdir(parents=True)
    registry.write_text(json.dumps({"mbert": {"source": str(folder), "revision": None}}))
    write_checkpoint(store, "mbert")
    with store.write_partition("checkpoint", "mbert", code_version="1") as work:
        row = dict.fromkeys(CHECKPOINT.names) | {"checkpoint": "mbert", "revision": "abc"}
        work.write(pa.Table.from_pylist([row], CHECKPOINT), CHECKPOINT)
    assert trace_as_json(store, "Nirgends")[0]["prediction"] == "Nimmer"
    assert "✗ Nimmer" in trace(store, "Nirgends", width=120).output


def test_an_unknown_wordpiece_is_mentioned(store: Store) -> None:
    assert "sentence_with_aliases (a label has an unknown wordpiece)" in trace(store, "u2", width=120).output


def test_a_generated_world_has_no_links(store: Store, tmp_path: Path) -> None:
    generated = Store(tmp_path / "data", "sandbox")
    sources = {("u1", "sentence"): [evidence("Xa yb.", "Xa", "yb")]}
    write_language(generated, "en", [fact("u1", "Xa", "yb")], sources)
    output = trace(generated, "xa", world="sandbox").output
    assert "Seite, revision 77" in output and "http" not in output
    assert trace_as_json(generated, "xa", world="sandbox")[0]["evidence"][0]["link"] is None


def test_permalinks_of_wikis_with_a_hyphen_keep_it() -> None:
    assert permalink("zh-yue", 7) == "https://zh-yue.wikipedia.org/w/index.php?oldid=7"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Frnakreixy"], "similar ones: Frankreich"),
        (["frank"], "similar ones: Frankreich"),
        (["Qqqq"], "neither the uuid of a fact nor the label of a subject in de, en, uk. To fix it"),
        (["Nirgends", "--language", "uk"], "none that was searched for in uk"),
        (
            ["France", "--matcher", "guess"],
            "choose a matcher: sentence, chunk, article, sentence_with_aliases",
        ),
        (["France", "--language", "en"], "--select fact_sources --partition 'en'"),
        (["France", "--language", "xx"], "--language xx: not in world 'mlama'"),
        (["\x1b[31mred\x07"], ": 'red' is neither"),
        (["Frank\udcff"], "similar ones: Frankreich"),  # bytes of the command line that are no UTF-8
    ],
)
def test_a_query_without_a_match_is_refused_with_advice(
    store: Store, arguments: list[str], message: str
) -> None:
    result = trace(store, *arguments)
    assert result.exit_code == 1 and message in result.output


def test_an_empty_store_is_refused(tmp_path: Path) -> None:
    result = trace(Store(tmp_path / "data", "mlama"), "France")
    assert result.exit_code == 1 and "fact_sources/af has not been materialized" in result.output
