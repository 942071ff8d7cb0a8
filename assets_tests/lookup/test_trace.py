"""The trace command: facts found by label or uuid, their best evidence, and what a terminal is shown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from factroots_dagster.cli.main import main
from factroots_dagster.corpora.schema import WIKIPEDIA_ARTICLES, WIKIPEDIA_COUNTS
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.lookup.terminal import columns, plain, wrapped
from factroots_dagster.lookup.trace import Traced, marked, permalink
from factroots_dagster.models.schema import CHECKPOINT
from factroots_dagster.probing.schema import PREDICTIONS
from factroots_dagster.store.store import Store
from factroots_dagster.tracing.schema import FACT_SOURCES

MATCHERS = ("sentence", "chunk", "article", "sentence_with_aliases")


def fact(uuid: str, subject: str, answer: str, relation: str = "P36") -> dict[str, Any]:
    return {
        "uuid": uuid,
        "relation": relation,
        "template": "[X] [Y]",
        "subject": subject,
        "object": answer,
        "subject_uri": f"s{uuid}",
        "object_uri": f"o{uuid}",
        "object_in_subject": False,
        "line": 1,
    }


def place(text: str, subject: str, answer: str, sentence: str | None = None, **other: Any) -> dict[str, Any]:
    """Evidence in an article `text`, whose sentence is the whole of it unless given."""
    s, o = text.index(subject), text.index(answer)
    return {
        "page_id": 5,
        "title": "Seite",
        "revision_id": 77,
        "subject_start": s,
        "subject_end": s + len(subject),
        "object_start": o,
        "object_end": o + len(answer),
        "sentence": text if sentence is None else sentence,
        **other,
    }


def publish(
    store: Store,
    language: str,
    facts: list[dict[str, Any]],
    found: dict[tuple[str, str], list[dict[str, Any]]] | None = None,
    articles: int | None = 1234,
) -> None:
    """The tables of one language; `found` holds the evidence by (uuid, matcher), None: no sources table."""
    rows = [dict(row, language=language, candidate_set=f"{language}/{row['relation']}") for row in facts]
    with store.write_partition("mlama_split", language, code_version="1") as work:
        work.write(pa.Table.from_pylist(rows, MLAMA_SPLIT), MLAMA_SPLIT)
    if found is None:
        return
    sources = [
        {
            "uuid": row["uuid"],
            "language": language,
            "relation": row["relation"],
            "matcher": matcher,
            "windows": len(found.get((row["uuid"], matcher), [])),
            "unknown_pieces": matcher == "sentence_with_aliases",
            "evidence": found.get((row["uuid"], matcher), []),
        }
        for row in facts
        for matcher in MATCHERS
    ]
    with store.write_partition("fact_sources", language, code_version="1") as work:
        work.write(pa.Table.from_pylist(sources, FACT_SOURCES), FACT_SOURCES)
    if articles is not None:
        counts = dict.fromkeys(WIKIPEDIA_COUNTS.names, 0) | {"articles": articles}
        with store.write_partition("wikipedia_articles", language, code_version="1") as work:
            work.write(WIKIPEDIA_ARTICLES.empty_table(), WIKIPEDIA_ARTICLES)
            work.write(pa.Table.from_pylist([counts], WIKIPEDIA_COUNTS), WIKIPEDIA_COUNTS, side="counts")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """German and Ukrainian facts; Ukrainian sources of one of them, none of the English facts."""
    store = Store(tmp_path / "data", "mlama")
    text = "Paris ist die Hauptstadt von Frankreich."
    found = {
        ("u1", "chunk"): [
            place(text, "Frankreich", "Paris"),
            place(text, "Frankreich", "Paris", revision_id=78),
        ],
        ("u1", "article"): [place(text, "Frankreich", "Paris", title="Zu weit")],
        ("u2", "sentence_with_aliases"): [place("Die Grande Nation ruht.", "Grande", "ruht")],
    }
    publish(
        store,
        "de",
        [fact("u1", "Frankreich", "Paris"), fact("u2", "Straße", "Teer"), fact("u3", "Nirgends", "Nichts")],
        found,
    )
    publish(store, "en", [fact("u1", "France", "Paris")])
    publish(
        store,
        "uk",
        [fact("u1", "Франція", "Париж")],
        {("u1", "sentence"): [place("Париж — у Франції.", "Франції", "Париж")]},
        articles=None,
    )
    return store


def run(store: Store, *arguments: str, world: str = "mlama", width: int = 100) -> Result:
    environment = {
        "FACTROOTS_WORLD": world,
        "FACTROOTS_DATA_ROOT": str(store.root.parent),
        "COLUMNS": str(width),
    }
    return CliRunner().invoke(main, ["trace", *arguments], env=environment)


def rows(store: Store, *arguments: str, world: str = "mlama") -> list[dict[str, Any]]:
    result = run(store, *arguments, "--json", world=world)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.output.splitlines()]


def test_a_label_of_any_language_finds_the_fact_in_all(store: Store) -> None:
    for wanted in ("France", "франція", " FRANKREICH ", "u1"):
        found = rows(store, wanted)
        assert [(row["language"], row["subject"], row["matcher"]) for row in found] == [
            ("de", "Frankreich", "chunk"),
            ("uk", "Франція", "sentence"),
        ]
    german = found[0]
    assert german["windows"] == 2 and german["articles"] == 1234 and found[1]["articles"] is None
    assert [one["link"] for one in german["evidence"]] == [
        "https://de.wikipedia.org/w/index.php?oldid=77",
        "https://de.wikipedia.org/w/index.php?oldid=78",
    ]
    assert german["evidence"][0]["marked"] == "<Paris> ist die Hauptstadt von [Frankreich]."


def test_full_case_folding(store: Store) -> None:
    assert [row["uuid"] for row in rows(store, "STRASSE")] == ["u2"]


def test_a_language_and_a_matcher_can_be_chosen(store: Store) -> None:
    assert [row["language"] for row in rows(store, "France", "--language", "uk")] == ["uk"]
    found = rows(store, "France", "--language", "uk", "--language", "de", "--matcher", "article")
    assert [(row["language"], row["matcher"], row["windows"]) for row in found] == [
        ("uk", None, 0),
        ("de", "article", 1),
    ]


def test_the_table(store: Store) -> None:
    lines = run(store, "France").output.splitlines()
    assert re.fullmatch(r"language +relation +subject — object +matcher +windows", lines[0])
    assert re.fullmatch(r"de +P36 +Frankreich — Paris +chunk +2", lines[2])
    assert lines[3:6] == [
        "    Seite",
        "    https://de.wikipedia.org/w/index.php?oldid=77",
        "        <Paris> ist die Hauptstadt von [Frankreich].",
    ]
    assert lines[-1] == "In the sentences: [subject], <object>."


def test_a_fact_without_a_source_says_how_much_was_searched(store: Store) -> None:
    output = run(store, "Nirgends").output
    assert re.search(r"de +P36 +Nirgends — Nichts +- +0\n +no source found in 1,234 articles\n", output)
    assert "In the sentences" not in output


def categorize(store: Store, checkpoint: str, right: bool = True) -> None:
    """What a checkpoint says to u1 and u3 in German, and the types: u3 wrong, in another order."""
    said = [
        {"uuid": "u3", "full_match": False, "predicted_ids": [[], [8, 9]], "object_ids": [1, 2]},
        {"uuid": "u1", "full_match": right, "predicted_ids": [[7]], "object_ids": [7]},
    ]
    cells = [
        row | {"language": "de", "relation": "P36", "matched_mask_count": 1 if row["full_match"] else 0}
        for row in said
    ]
    kinds = {"u1": ("shared", "2 chunks hold both."), "u3": ("not_predicted", "No number of masks.")}
    with store.write_partition("predictions", checkpoint, "de", code_version="1") as work:
        logs = [row | {"object_logprob": -0.5} for row in cells]
        work.write(pa.Table.from_pylist(logs, PREDICTIONS), PREDICTIONS)
    schema = pa.schema([(name, pa.string()) for name in ("uuid", "language", "type", "reason")])
    with store.write_partition("fact_types", checkpoint, code_version="1") as work:
        rows = [dict(zip(schema.names, (u, "de", *kinds[u]), strict=True)) for u in kinds]
        work.write(pa.Table.from_pylist(rows, schema), schema)


def test_the_only_categorized_checkpoint_is_shown_with_its_types(store: Store) -> None:
    assert "prediction" not in rows(store, "u1")[0]
    categorize(store, "mbert")
    german, ukrainian = rows(store, "u1")
    assert {key: german[key] for key in ("checkpoint", "prediction", "predicted", "type", "reason")} == {
        "checkpoint": "mbert",
        "prediction": "token ids 7",  # its tokenizer is not on this machine
        "predicted": True,
        "type": "shared",
        "reason": "2 chunks hold both.",
    }
    assert german["probability"] == pytest.approx(0.60653, abs=1e-5)
    assert "type" not in ukrainian  # it was not asked in Ukrainian
    output = run(store, "Nirgends", width=120).output
    assert re.search(r"de +P36 +Nirgends — Nichts +✗ token ids 8 9 +not_predicted +- +0\n", output)
    assert "    No number of masks.\n    no source found in 1,234 articles\n" in output
    assert output.endswith("Predictions and types: mbert.\n")
    assert re.search(r"uk .* -  +-  +sentence", run(store, "u1", width=120).output)


def test_of_several_checkpoints_one_is_named(store: Store) -> None:
    categorize(store, "early", right=False)
    categorize(store, "late")
    output = run(store, "u1").output
    assert "✓" not in output
    assert output.endswith("For predictions and types add --checkpoint early or late.\n")
    assert rows(store, "u1", "--checkpoint", "early")[0]["predicted"] is False
    assert rows(store, "u1", "--checkpoint", "late")[0]["predicted"] is True
    result = run(store, "u1", "--checkpoint", "other")
    assert result.exit_code == 1
    assert "checkpoint 'other' has no fact_types; those that have: early, late. Remedy" in result.output


def test_a_prediction_is_told_in_words_where_the_tokenizer_is_at_hand(store: Store, tmp_path: Path) -> None:
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
    categorize(store, "mbert")
    with store.write_partition("checkpoint", "mbert", code_version="1") as work:
        row = dict.fromkeys(CHECKPOINT.names) | {"checkpoint": "mbert", "revision": "abc"}
        work.write(pa.Table.from_pylist([row], CHECKPOINT), CHECKPOINT)
    assert rows(store, "Nirgends")[0]["prediction"] == "Nimmer"
    assert "✗ Nimmer" in run(store, "Nirgends", width=120).output


def test_an_unknown_piece_is_told(store: Store) -> None:
    assert "sentence_with_aliases (a label holds an unknown piece)" in run(store, "u2", width=120).output


def test_a_generated_world_has_no_links(store: Store, tmp_path: Path) -> None:
    generated = Store(tmp_path / "data", "sandbox")
    found = {("u1", "sentence"): [place("Xa yb.", "Xa", "yb")]}
    publish(generated, "qaa", [fact("u1", "Xa", "yb")], found)
    output = run(generated, "xa", world="sandbox").output
    assert "Seite, revision 77" in output and "http" not in output
    assert rows(generated, "xa", world="sandbox")[0]["evidence"][0]["link"] is None


def test_wikis_with_a_hyphen() -> None:
    assert permalink("zh-yue", 7) == "https://zh-yue.wikipedia.org/w/index.php?oldid=7"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Frankreihc"], "near it: Frankreich"),
        (["frank"], "near it: Frankreich"),
        (["Qqqq"], "neither a fact's uuid nor a subject's label in de, en, uk. Remedy"),
        (["Nirgends", "--language", "uk"], "none that was looked for in uk"),
        (
            ["France", "--matcher", "guess"],
            "its matchers are sentence, chunk, article, sentence_with_aliases",
        ),
        (["France", "--language", "en"], "--select fact_sources --partition 'en'"),
        (["France", "--language", "xx"], "--language xx: not in world 'mlama'"),
        (["\x1b[31mred\x07"], "Error: 'red' is neither"),
    ],
)
def test_what_is_refused(store: Store, arguments: list[str], message: str) -> None:
    result = run(store, *arguments)
    assert result.exit_code == 1 and message in result.output


def test_an_empty_store_is_refused(tmp_path: Path) -> None:
    result = run(Store(tmp_path / "data", "mlama"), "France")
    assert result.exit_code == 1 and "fact_sources/af has not been materialized" in result.output


def test_nothing_that_steers_a_terminal_is_printed(tmp_path: Path) -> None:
    store = Store(tmp_path / "data", "mlama")
    evil = "\x1b[2J\x1b]0;title\x07Ev\u202eil\x9b31m\r\n\u2066"
    found = {("u1", "sentence"): [place(f"{evil} in\tB.", evil, "B", title=evil)]}
    publish(store, "en", [fact("u1", evil, "B")], found)
    for arguments in (["u1"], ["u1", "--json"]):
        output = run(store, *arguments).output
        assert "Evil" in output and "title\x07" not in output and "0;title" not in output
        assert all(character == "\n" or character.isprintable() for character in output)


@pytest.mark.parametrize(
    ("article", "labels", "language"),
    [
        ("The [University of <Paris>].", ("University of Paris", "Paris"), "en"),
        ("[<Paris>].", ("Paris", "Paris"), "en"),
        # of several places the one that was matched
        ("Dublin is in [Dublin], <Ireland>.", ("Dublin", "Ireland"), "en"),
        ("England? [York], <England>.", ("York", "England"), "en"),
        # the sentence need not be the article's first, nor hold the subject
        ("Once.|[Dublin] lies in <Ireland>.", ("Dublin", "Ireland"), "en"),
        ("Dublin.|It lies in <Ireland>.", ("Dublin", "Ireland"), "en"),
        # another name of the subject, an inflected object
        ("The capital of the [USA] is <Washington>.", ("United States", "Washington"), "en"),
        ("[Budapest] <Európában> van.", ("Budapest", "Európa"), "hu"),
        # compared in simplified characters, and without a no-break space
        ("[中國]首都是<北京>。", ("中国", "北京"), "zh"),
        ("[New\u00a0York], <USA>", ("New York", "USA"), "en"),
    ],
)
def test_marks(article: str, labels: tuple[str, str], language: str) -> None:
    """The article is written with its marks, `|` before the evidence's sentence."""
    bare = re.sub(r"[\[\]<>|]", "", article)
    sentence = article.rpartition("|")[2]
    places: dict[str, Any] = {"sentence": re.sub(r"[\[\]<>]", "", sentence)}
    for side, signs, label in zip(("subject", "object"), ("[]", "<>"), labels, strict=True):
        if signs[0] in article:
            start, end = (len(re.sub(r"[\[\]<>|]", "", article[: article.index(sign)])) for sign in signs)
        else:
            start = bare.index(label)
            end = start + len(label)
        places |= {f"{side}_start": start, f"{side}_end": end}
    traced = Traced("u", language, "P1", *labels, "sentence", 1, False, None, [])
    assert marked(traced, places) == sentence.replace("\u00a0", " ")


@given(st.text(alphabet=st.sampled_from("ab é日本ก็\u0301 \u200d漢한"), max_size=80), st.integers(2, 30))
def test_wrapped_lines_fit_and_lose_nothing(text: str, width: int) -> None:
    lines = wrapped(plain(text), width)
    assert all(columns(line) <= width for line in lines)
    assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", plain(text))


def test_wide_characters_take_two_columns(tmp_path: Path) -> None:
    assert [columns(text) for text in ("abc", "日本", "한국", "é", "e\u0301", "ｶﾅ", "น้ำ")] == [
        3,
        4,
        4,
        1,
        1,
        2,
        2,
    ]
    store = Store(tmp_path / "data", "mlama")
    subject, sentence = "東京" * 40, "日本の" * 60
    found = {("u1", "sentence"): [place(f"{subject}は{sentence}首都。", subject, "首都")]}
    publish(store, "ja", [fact("u1", subject, "首都")], found)
    lines = run(store, "u1", width=60).output.splitlines()
    assert all(columns(line) <= 60 for line in lines) and max(map(columns, lines)) >= 59
    assert lines[0].index("windows") + len("windows") == 60
    assert subject in "".join(line.strip() for line in lines if line.startswith("        ")).replace("[", "")


@given(st.text())
def test_plain_text_is_one_printable_line(text: str) -> None:
    assert all(
        character.isprintable() or character in "\u200c\u200d" or columns(character)
        for character in plain(text)
    )
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", plain(text))
