"""Sources of facts against a brute-force search of the same text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from assets_tests.tracing.brute_force import candidate_pairs, is_nested, mentions_by_brute_force, split_of
from factroots_dagster.corpora.schema import WIKIPEDIA_ARTICLES
from factroots_dagster.roots.markup import BY_PAGE
from factroots_dagster.text.sentences.boundaries import sentence_starts
from factroots_dagster.text.tokens import character_classes, token_starts
from factroots_dagster.tracing.candidates import find_candidates
from factroots_dagster.tracing.matchers import WITH_ALIASES, WITH_SUFFIXES, matchers_for
from factroots_dagster.tracing.mentions import write_mentions
from factroots_dagster.tracing.passages import (
    MAX_CANDIDATES,
    PASSAGE_COLUMNS,
    concatenate_rows,
    select_best,
    take_rows,
)
from factroots_dagster.tracing.schema import FACT_SOURCES
from factroots_dagster.tracing.sources import write_sources
from factroots_dagster.tracing.windows import MAX_EVIDENCE

TEXTS = {
    1: "Lyon is in France. Paris is big. It is in France.\n" + "word " * 600 + "\nLyon again.",
    2: "France, a country, holds Lyon and Paris. France.",
    3: "Parisian France.",
    4: "Paris.\n" + "word " * 600 + "\nFrance.",
    5: "𝔘 Lyon, France.",
    6: "In France lies Lyon, they say.",
    7: "Lyon! France!",
    8: "Lutetia lay in what is France now.",
}
FACTS = [
    ("f1", "Q1", "Lyon", "Q9", "France"),
    ("f2", "Q2", "Paris", "Q9", "France"),
    ("f3", "Q3", "Nice", "Q9", "France"),
    ("f4", "Q2", "Paris", "Q1", "Lyon"),
]


def trace_sources(spark, folder: Path, articles: pa.Table, split: pa.Table) -> pa.Table:  # type: ignore[no-untyped-def]
    for name in ("articles", "mentions", "sources"):
        (folder / name).mkdir()
    # Two files, so that the results of several tasks are merged.
    half = articles.num_rows // 2
    for number, part in enumerate((articles.slice(0, half), articles.slice(half))):
        pq.write_table(part, folder / "articles" / f"part-0000{number}-000.parquet")
    write_mentions(spark, folder / "articles", split, folder / "mentions")
    table = write_sources(spark, folder / "articles", folder / "mentions", split, folder / "sources")
    assert table.equals(pq.read_table(folder / "sources" / "data.parquet"))
    assert table.schema == FACT_SOURCES
    matchers = matchers_for(split["language"][0].as_py(), has_tokenizer=False)
    assert table["uuid"].to_pylist() == [uuid for uuid in split["uuid"].to_pylist() for _ in matchers]
    assert table["matcher"].to_pylist() == list(matchers) * split.num_rows
    assert table["unknown_pieces"].null_count == table.num_rows
    assert sorted(path.name for path in (folder / "sources").iterdir()) == ["_errors.parquet", "data.parquet"]
    return table


def sources_by_loops(
    articles: list[dict], split: list[dict], language: str, aliases: dict[str, list[str]]
) -> dict[tuple[str, str], tuple[int, list]]:
    """(uuid, matcher) to the number of windows and the shortest passages, by loops over everything.

    By the matchers for which labels count, or with `aliases` those for which labels and aliases count.
    """
    results: dict[tuple[str, str], list] = {}
    for article in articles:
        text = article["text"]
        edges = [*sentence_starts(text, language).tolist(), len(text)]
        tokens = np.maximum(np.cumsum(token_starts(character_classes(text))) - 1, 0)
        entities = {(fact[f"{side}_uri"], fact[side]) for fact in split for side in ("subject", "object")}
        positions: dict[tuple[str, str], list[tuple[int, int, int, int, bool]]] = {}
        names = {(entity, name) for entity in entities for name in [entity[1], *aliases.get(entity[1], [])]}
        present = {(entity, name) for entity, name in names if name[1:] in text}
        for entity, name, start, end in sorted(
            mentions_by_brute_force(text, present, language), key=lambda m: (m[2], m[3])
        ):
            assert name
            sentence = int(np.searchsorted(edges[:-1], start, side="right")) - 1
            chunk = int(tokens[start]) // 512
            positions.setdefault(entity, []).append((start, end, sentence, chunk, name == entity[1]))
        for fact in split:
            named = [positions.get((fact[f"{side}_uri"], fact[side]), []) for side in ("subject", "object")]
            if not all(named):
                continue
            spans = [[(mention[:2], mention[4]) for mention in side] for side in named]
            sides = [
                [m for m in named[side] if not is_nested(m[:2], m[4], spans[1 - side])] for side in (0, 1)
            ]

            def candidates(window, sides=sides) -> dict:  # type: ignore[no-untyped-def]
                keys = {window(mention) for side in sides for mention in side}
                groups = {key: [[m for m in side if window(m) == key] for side in sides] for key in keys}
                return {key: candidate_pairs(*group, lambda m: m[:2]) for key, group in groups.items()}

            within = [pair for pairs in candidates(lambda mention: mention[2]).values() for pair in pairs]
            for matcher, window in {
                "sentence": lambda mention: mention[2],
                "chunk": lambda mention: mention[3],
                "article": lambda mention: 0,
            }.items():
                for key, pairs in candidates(window).items():
                    if not pairs:
                        continue
                    best = min(
                        (
                            max(edges[s[2] + 1], edges[o[2] + 1]) - min(edges[s[2]], edges[o[2]]),
                            article["page_id"],
                            s[0],
                            o[0],
                            text[edges[o[2]] : edges[o[2] + 1]][:1000].rstrip(" \n"),
                        )
                        for s, o in [*pairs, *(p for p in within if window(p[0]) == window(p[1]) == key)]
                    )
                    name = f"{matcher}_with_aliases" if aliases else matcher
                    results.setdefault((fact["uuid"], name), []).append(best)
    return {key: (len(passages), sorted(passages)[:MAX_CANDIDATES]) for key, passages in results.items()}


def compare_with_loops(
    table: pa.Table, articles: pa.Table, split: pa.Table, language: str, aliases: dict[str, list[str]]
) -> int:
    """Compare a table with the loops; returns the number of facts and matchers with windows."""
    expected = {
        **sources_by_loops(articles.to_pylist(), split.to_pylist(), language, {}),
        **sources_by_loops(articles.to_pylist(), split.to_pylist(), language, aliases or {"": []}),
    }
    titles = dict(zip(articles["page_id"].to_pylist(), articles["title"].to_pylist(), strict=True))
    texts = dict(zip(articles["page_id"].to_pylist(), articles["text"].to_pylist(), strict=True))
    facts = {fact["uuid"]: fact for fact in split.to_pylist()}
    for row in table.to_pylist():
        # There are no anchors that would tell forms.
        matcher = row["matcher"].removesuffix("_with_forms")
        if matcher in BY_PAGE:  # see test_cells
            continue
        windows, shortest = expected.get((row["uuid"], matcher), (0, []))
        assert row["windows"] == windows
        evidence = row["evidence"]
        assert len(evidence) == min(windows, MAX_EVIDENCE)
        probabilities = [e["stated_probability"] for e in evidence]
        assert probabilities == sorted(probabilities, reverse=True)
        assert np.isclose(row["stated_probability"], 1 - np.prod(1 - np.array(probabilities)))
        candidates = {passage[1:4]: passage for passage in shortest}
        for e in evidence:
            length, *_, sentence = candidates.pop((e["page_id"], e["subject_start"], e["object_start"]))
            fact, text = facts[row["uuid"]], texts[e["page_id"]]
            assert e["title"] == titles[e["page_id"]]
            for side in ("subject", "object"):
                forms = {fact[side]}
                if row["matcher"] in WITH_ALIASES:
                    forms |= set(aliases.get(fact[side], ()))
                assert text[e[f"{side}_start"] : e[f"{side}_end"]] in forms
                assert text[e[f"{side}_start"] : e[f"{side}_end"]] in e["sentence"]
            assert all(piece in text.replace("\n", " ") for piece in e["sentence"].split(" … "))
            assert len(e["sentence"]) <= min(length, 1003)
            assert length > 1000 or sentence.replace("\n", " ") in e["sentence"]
    return len(expected)


def articles_of(texts: dict[int, str]) -> pa.Table:
    rows = [
        {
            "page_id": page,
            "revision_id": page + 100,
            "title": "Paris" if page == 2 else f"T{page}",
            "text": text,
            "wikitext_bytes": 1,
        }
        for page, text in texts.items()
    ]
    redirect = {"page_id": 99, "revision_id": 1, "title": "Lutetia", "redirect_to": "Paris", "text": ""}
    rows.append(redirect | {"wikitext_bytes": 1})
    rows = [row | {"list_lines": [], "names": [], "words": 0} for row in rows]
    return pa.Table.from_pylist(rows, WIKIPEDIA_ARTICLES)


def test_windows_and_evidence_are_those_counted_by_hand(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    articles, split = articles_of(TEXTS), split_of(FACTS)
    table = trace_sources(spark, tmp_path, articles, split)
    windows = dict(
        zip(
            zip(table["uuid"].to_pylist(), table["matcher"].to_pylist(), strict=True),
            table["windows"].to_pylist(),
            strict=True,
        )
    )
    assert [windows["f1", matcher] for matcher in ("sentence", "chunk", "article")] == [4, 5, 5]
    assert [windows["f2", matcher] for matcher in ("sentence", "chunk", "article")] == [1, 2, 3]
    assert [windows["f2", matcher] for matcher in WITH_ALIASES] == [2, 3, 4]
    assert [windows["f1", matcher] for matcher in WITH_ALIASES] == [4, 5, 5]
    assert [windows["f3", matcher] for matcher in ("sentence", "chunk", "article")] == [0, 0, 0]
    first = table.to_pylist()[0]
    by_page = {e["page_id"]: e for e in first["evidence"]}
    assert by_page[1]["sentence"] == "Lyon is in France."
    assert by_page[5] | {"stated_probability": None} == {
        "stated_probability": None,
        "page_id": 5,
        "title": "T5",
        "revision_id": 105,
        "subject_start": 2,
        "subject_end": 6,
        "object_start": 8,
        "object_end": 14,
        "sentence": "𝔘 Lyon, France.",
        "url": None,
    }
    rows = {(row["uuid"], row["matcher"]): row for row in table.to_pylist()}
    apart = {e["page_id"]: e["sentence"] for e in rows["f2", "chunk"]["evidence"]}
    assert apart[1] == "Lyon is in France. Paris is big."
    compare_with_loops(table, articles.slice(0, len(TEXTS)), split, "en", {"Paris": ["Lutetia"]})


def test_articles_without_mentions_give_rows_without_windows(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    table = trace_sources(spark, tmp_path, articles_of({1: "Nothing."}), split_of(FACTS[:1]))
    assert set(table["windows"].to_pylist()) == {0}
    assert not any(table["evidence"].to_pylist())


def test_sources_of_real_facts_are_those_of_brute_force(spark, tmp_path: Path, greek) -> None:  # type: ignore[no-untyped-def]
    articles, split = greek.articles.slice(0, 150), greek.split.slice(2000, 2500)
    table = trace_sources(spark, tmp_path, articles, split)
    aliases: dict[str, list[str]] = {}
    for row in pq.read_table(tmp_path / "mentions" / "_aliases.parquet").to_pylist():
        aliases.setdefault(row["label"], []).append(row["alias"])
    assert len(aliases) > 10
    assert compare_with_loops(table, articles, split, "el", aliases) > 200


def test_spark_merges_the_passages_of_many_files_as_they_are_merged_here(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """With every page in two files, of which the first counts."""
    for name in ("articles", "mentions"):
        (tmp_path / name).mkdir()
    articles, split = articles_of(TEXTS), split_of(FACTS)
    for number in range(6):
        part = articles.slice(number % 3 * 3, 3)
        pq.write_table(part, tmp_path / "articles" / f"part-0000{number}-000.parquet")
    write_mentions(spark, tmp_path / "articles", split, tmp_path / "mentions")
    here, there = (
        find_candidates(spark, tmp_path / "articles", tmp_path / "mentions", split, merged_parts=parts)
        for parts in (6, 5)
    )
    assert len(here.windows) > 50 and here.windows.tolist() == there.windows.tolist()
    assert {n: v.tolist() for n, v in here.places.items()} == {n: v.tolist() for n, v in there.places.items()}
    assert here.texts.equals(there.texts)


def test_suffixed_labels_count_for_their_own_matchers(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    facts = [("f1", "Q1", "Párizs", "Q2", "Európa"), ("f2", "Q3", "Nizza", "Q2", "Európa")]
    split = split_of(facts, "hu")
    texts = {1: "Párizs Európában van.", 2: "Párizs és Európa. Nizzában.", 3: "Nizza Ázsiában."}
    table = trace_sources(spark, tmp_path, articles_of(texts), split)
    rows = {(row["uuid"], row["matcher"]): row for row in table.to_pylist()}
    assert rows["f1", "sentence"]["windows"] == 1 and rows["f1", "sentence_with_suffixes"]["windows"] == 2
    assert rows["f1", "sentence_with_aliases"]["windows"] == 1
    assert rows["f1", "sentence_with_forms"]["windows"] == 2
    assert [rows["f2", matcher]["windows"] for matcher in WITH_SUFFIXES] == [0, 1, 1]
    best = rows["f1", "sentence_with_suffixes"]["evidence"]
    shown = {texts[e["page_id"]][e["object_start"] : e["object_end"]] for e in best}
    assert shown == {"Európa", "Európában"}


def test_wordpieces_count_for_their_own_matcher(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Labels match as substrings of pieces, outside list items; labels with unknown pieces are flagged."""
    pieces = ["[UNK]", "Ly", "##on", "Lyon", "France", ".", "in", "is", "Par", "##is", "##ian"]
    tokenizer = Tokenizer(WordPiece({piece: n for n, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = BertNormalizer(lowercase=False), BertPreTokenizer()
    for name in ("articles", "mentions", "sources"):
        (tmp_path / name).mkdir()
    texts = {1: "Parisian is in France.", 2: "Lyon in France.\nParis in France.", 3: "Xyz in France."}
    articles = articles_of(texts).to_pylist()
    articles[1]["list_lines"] = [0]
    table = pa.Table.from_pylist(articles, WIKIPEDIA_ARTICLES)
    pq.write_table(table, tmp_path / "articles" / "part-00000-000.parquet")
    split = split_of([*FACTS, ("f5", "Q7", "Nice", "Q9", "France")])
    write_mentions(
        spark, tmp_path / "articles", split, tmp_path / "mentions", tokenizer_json=tokenizer.to_str()
    )
    sources = write_sources(spark, tmp_path / "articles", tmp_path / "mentions", split, tmp_path / "sources")
    rows = {row["uuid"]: row for row in sources.to_pylist() if row["matcher"] == "wordpiece_chunk"}
    results = {uuid: (row["windows"], row["unknown_pieces"]) for uuid, row in rows.items()}
    assert results == {"f1": (0, False), "f2": (2, False), "f3": (1, True), "f4": (0, False), "f5": (1, True)}
    (first,) = (e for e in rows["f2"]["evidence"] if e["page_id"] == 1)
    assert first["sentence"] == "Parisian is in France."
    assert texts[1][first["subject_start"] : first["subject_end"]] == "Parisian"


def test_results_of_parts_are_merged_as_if_found_together() -> None:
    """The best of the best passages of several parts are the best of all, and windows add up."""
    random = np.random.default_rng([0, 1])
    count = 3000
    columns = {name: random.integers(0, 5, count) for name in PASSAGE_COLUMNS}
    columns["page_id"] = random.permutation(count)
    whole, windows = select_best(columns, np.ones(count, dtype=np.int64))
    pieces = [
        select_best(take_rows(columns, rows), np.ones(len(rows), dtype=np.int64))
        for rows in np.array_split(random.permutation(count), 7)
    ]
    again, totals = select_best(
        concatenate_rows([piece for piece, _ in pieces], PASSAGE_COLUMNS),
        np.concatenate([part for _, part in pieces]),
    )
    assert windows.sum() == count and np.array_equal(totals, windows)
    for name in PASSAGE_COLUMNS:
        assert np.array_equal(whole[name], again[name])
    groups = {}
    for fact, matcher, *rest in zip(*(columns[name].tolist() for name in PASSAGE_COLUMNS[:6]), strict=True):
        groups.setdefault((fact, matcher), []).append(tuple(rest))
    expected = [(*key, *row) for key in sorted(groups) for row in sorted(groups[key])[:MAX_CANDIDATES]]
    assert list(zip(*(whole[name].tolist() for name in PASSAGE_COLUMNS[:6]), strict=True)) == expected
