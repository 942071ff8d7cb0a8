"""The search for wordpieces, against the `tokenizers` library on whole texts and `str.find`."""

from __future__ import annotations

import bz2
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from assets_tests.corpora.cleaning import clean
from assets_tests.text.tokenizer_kinds import (
    KINDS,
    MARK,
    SENTENCES,
    SPLIT,
    tokenizer_json,
    trained_wordpiece,
    wordpiece_of,
)
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces
from factroots_dagster.errors import InputError
from factroots_dagster.sandbox.vocabulary import build_vocabulary, make_tokenizer, save_tokenizer
from factroots_dagster.text.wordpieces.search import CHUNK_PIECES, PieceSearch, piece_search, read_tokenizer
from factroots_dagster.text.wordpieces.word_tokenizer import PIECE_MARK, WordTokenizer

LETTERS = sorted(
    {*"".join(SENTENCES)}
    | {*"\0\1\x07\x0b\x1c\x7f\x85\t\r\n  \u00a0\u00ad\u200b\u200c\u200d\u2028\u3000\ufeff\ufffd\ue000\uffff"}
    | {
        *"\u0301\u0338\u0327\u09c7\u09be\u09df\u302e\u1b44\u0345\u0600\u1100\u1161\u11a8\u0130\u1e9e\u2260\u1fef"
    }
    | {*"漢\uf900\U00020000\U0002f800👩🏽‍🚀🇫🇷\U000e0061[]#_^`=<>«」・ーΣσς①ﬁＡ´"}
)
WILD_TEXT = st.lists(
    st.sampled_from(
        ["New York", "New Yorker", "東京", " ", "\n", "[UNK]", "[MASK]", "<mask>", "<s>", *SENTENCES]
    )
    | st.text(st.sampled_from(LETTERS), max_size=6)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    max_size=12,
).map("".join)


def without_lines(text: str, lines: list[int]) -> str:
    return "\n".join(line for number, line in enumerate(text.split("\n")) if number not in lines)


def expected_matches(
    tokenizer: Tokenizer, texts: list[str], lines: list[list[int]], labels: list[str]
) -> Counter:
    """How many matches there are by (text, label, chunk), from a search in each chunk from every position."""
    matches: Counter = Counter()
    patterns = [
        " ".join(tokenizer.encode(label.strip(), add_special_tokens=False).tokens) for label in labels
    ]
    for number, (text, listed) in enumerate(zip(texts, lines, strict=True)):
        tokens = tokenizer.encode(without_lines(text, listed), add_special_tokens=False).tokens
        for chunk in range(0, len(tokens), CHUNK_PIECES):
            window = " ".join(tokens[chunk : chunk + CHUNK_PIECES])
            for label, pattern in enumerate(patterns):
                start = window.find(pattern) if pattern else -1
                while start >= 0:
                    matches[number, label, chunk // CHUNK_PIECES] += 1
                    start = window.find(pattern, start + 1)
    return matches


def assert_same_as_library(kind: str, texts: list[str], lines: list[list[int]], labels: list[str]) -> None:
    search = piece_search(tokenizer_json(kind), labels)
    text_number, label, start, end, chunk = search.find(texts, lines)
    tokenizer = Tokenizer.from_str(tokenizer_json(kind))
    matches = Counter(zip(text_number.tolist(), label.tolist(), chunk.tolist(), strict=True))
    assert matches == expected_matches(tokenizer, texts, lines, labels)
    assert (start < end).all()
    for number, (text, listed) in enumerate(zip(texts, lines, strict=True)):
        line_ends = [position for position, character in enumerate(text) if character == "\n"]
        in_text = text_number == number
        for positions in (start[in_text], end[in_text] - 1):
            assert (positions >= 0).all() and (positions < len(text)).all()
            assert not set(np.searchsorted(line_ends, positions).tolist()) & {*listed}
    unknown = tokenizer.token_to_id("<unk>" if search.tokenizer.marks_words else "[UNK]")
    ids = [tokenizer.encode(label.strip(), add_special_tokens=False).ids for label in labels]
    assert search.unknown.tolist() == [unknown in ids_of_label for ids_of_label in ids]


@pytest.mark.parametrize("kind", KINDS)
@given(st.lists(WILD_TEXT, max_size=4), st.lists(WILD_TEXT, max_size=4), st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@example(["a[MASK]b New York\nx", "[UNK", "New\x00 York", ""], ["New York", "[MASK]", "☃", ""], None)
@example(["a \u3000b \u00a0", "\u3000 New York \u00b4x y \u0007 New"], ["a", "New York", "y"], None)
@example(
    ["=\u0338 \u0301!\u0301 \u302e\u1b44", " New  York ", "\r\n New\r\nYork\u3000\u0301x"],
    ["New York", "x"],
    None,
)
def test_matches_in_wild_texts_equal_those_of_the_library(
    kind: str, texts: list[str], labels: list[str], data: st.DataObject | None
) -> None:
    lines = [
        sorted(data.draw(st.sets(st.integers(0, text.count("\n"))))) if data is not None else []
        for text in texts
    ]
    # Parts of the texts are labels, too: random labels hardly ever match.
    labels = labels + [text[len(text) // 3 : len(text) // 2 + 1] for text in texts]
    if "UNK" not in tokenizer_json(
        kind
    ):  # XLM-R's kind keeps control characters in words, but no XML has NUL
        texts, labels = ([value.replace("\0", "") for value in values] for values in (texts, labels))
    assert_same_as_library(kind, texts, lines, labels)


@pytest.mark.parametrize("kind", ["cased", "uncased", "not normalized", "xlm-r"])
def test_every_character_is_cut_as_by_the_library(kind: str) -> None:
    """Code points between letters, next to themselves, and next to a space: all of those in the first blocks
    of Unicode and in the presentation forms, a sample of the others."""
    tokenizer = Tokenizer.from_str(tokenizer_json(kind))
    word_tokenizer = WordTokenizer(tokenizer_json(kind))
    codes = [
        *range(1, 0x3400),
        *range(0x3400, 0xF900, 53),
        *range(0xF900, 0x10000),
        *range(0x10000, 0x110000, 97),
    ]
    characters = [chr(code) for code in codes if not 0xD800 <= code < 0xE000]
    texts = [" ".join(f"a{one}b{one}{one}c {one}" for one in characters[first::100]) for first in range(100)]
    ends = np.cumsum([len(text) + 1 for text in texts]) - 1
    words = word_tokenizer.split("\n".join(texts), ends[:-1])
    pieces = np.array(word_tokenizer.tokenize(words.distinct), dtype=object)[words.distinct_index].sum()
    encodings = tokenizer.encode_batch(texts, add_special_tokens=False)
    assert pieces.split(PIECE_MARK)[1:] == [token for encoding in encodings for token in encoding.tokens]


def test_chunks_end_after_512_pieces_even_inside_a_word() -> None:
    tokenizer = wordpiece_of(["[UNK]", "a", "##b", "x", "y"])
    search = piece_search(tokenizer.to_str(), ["ab", "ab y", "y"])
    for before in range(505, 516):
        text = "x " * before + "ab y " + "x " * 600 + "ab"
        columns = search.find([text] * 2, [[]] * 2)
        matches = sorted(zip(*map(np.ndarray.tolist, columns), strict=True))
        first, last = 2 * before, len(text) - 2
        candidates = [  # label, start, end, chunk, number of the last piece
            (0, first, first + 2, before // 512, before + 1),
            (0, last, last + 2, (before + 603) // 512, before + 604),
            (1, first, first + 4, before // 512, before + 2),
            (2, first + 3, first + 4, (before + 2) // 512, before + 2),
        ]
        in_one_chunk = [row[:4] for row in candidates if row[3] == row[4] // 512]
        assert matches == [(number, *row) for number in (0, 1) for row in in_one_chunk]


def test_a_label_is_a_plain_substring() -> None:
    tokenizer = wordpiece_of(
        ["[UNK]", "New", "York", "##er", "cab", "ab", "(", ")", ",", "Par", "##is", "中", "国"]
    )
    labels = ["New York", "ab", " Paris ", "☃", "中国", "国中", "New York", "\u200b", ""]
    text = "Pa\u00adris\n* New York\n(New Yorker), cab: Ελλάδα中国\u3000中"
    search = piece_search(tokenizer.to_str(), labels)
    assert search.unknown.tolist() == [False, False, False, True, False, False, False, False, False]
    columns = search.find(["", text, text], [[], [1], []])
    text_number, label, start, end, chunk = columns
    matches: dict[int, list[tuple[str, str]]] = {0: [], 1: [], 2: []}
    for number, index, first, last in zip(text_number, label, start, end, strict=True):
        matches[number].append((labels[index], text[first:last]))
    without_list = [
        (" Paris ", "Pa\u00adris"),
        ("New York", "New Yorker"),
        ("New York", "New Yorker"),
        ("ab", "cab"),
        ("☃", ":"),
        ("☃", "Ελλάδα"),
        ("中国", "中国"),
        ("国中", "国\u3000中"),
    ]
    with_list = [("☃", "*"), *[("New York", "New York")] * 2]
    assert {number: sorted(rows) for number, rows in matches.items()} == {
        0: [],
        1: without_list,
        2: sorted([*without_list, *with_list]),
    }
    assert not chunk.any() and all(column.dtype == np.int64 for column in columns)


@pytest.mark.parametrize(("labels", "are_found"), [(100, True), (101, False)])
def test_labels_in_a_script_that_the_tokenizer_does_not_know(labels: int, are_found: bool) -> None:
    """Each matches every unknown word; all matches of thousands of labels would not fit into memory."""
    tokenizer = wordpiece_of(["[UNK]", "New", "York", ","])
    words = [f"πόλη{number}" for number in range(labels)]
    search = piece_search(tokenizer.to_str(), [*words, "New York", "New πόλη"])
    assert search.unknown.tolist() == [True] * labels + [False, True]
    _, label, *_ = search.find(["ένα δύο New York, New ένα"], [[]])
    matches = Counter(label.tolist())
    assert matches[labels] == matches[labels + 1] == 1  # these have a known piece
    assert {matches[number] for number in range(labels)} == ({3} if are_found else {0})


def test_a_match_continues_after_a_list() -> None:
    """Matches are those of the text without its list items, at their positions in the whole text."""
    text = "* x\nin New\n* old\n* older\nYork, New\n* y"
    lines = [0, 2, 3, 5]
    _, _, start, end, _ = piece_search(tokenizer_json("cased"), ["New York"]).find([text], [lines])
    assert [text[first:last] for first, last in zip(start, end, strict=True)] == ["New\n* old\n* older\nYork"]


@pytest.mark.parametrize("kind", ["cased", "uncased"])
def test_too_long_words_are_unknown(kind: str) -> None:
    """The limit of these tokenizers is 20 characters of a normalized word."""
    texts = ["New" * 6 + "Ne" + "w" * more + hidden for more in (0, 1) for hidden in ("", "\u200b")]
    assert_same_as_library(kind, texts, [[]] * 4, ["Ne", "New" * 6 + "Ne", "☃"])


def test_positions_in_marked_words_are_those_of_the_pieces() -> None:
    vocabulary = [("<unk>", 0.0), ("▁", -3.0), ("▁Paris", -1.0), (",", -2.0), ("東京", -1.0), ("は", -2.0)]
    raw = Tokenizer(models.Unigram(vocabulary, unk_id=0))
    raw.pre_tokenizer = pre_tokenizers.Sequence([SPLIT, MARK])
    text = "* Paris\nParis, ははは東京は Paris"
    labels = ["Paris", "東京", "は東京", "Paris,"]
    _, label, start, end, _ = piece_search(raw.to_str(), labels).find([text], [[0]])
    matches = sorted(
        (labels[index], int(first), text[first:last])
        for index, first, last in zip(label, start, end, strict=True)
    )
    # A label begins with the mark of a word, so that 東京 within the line is no match.
    assert matches == [("Paris", 8, "Paris"), ("Paris", 22, "Paris"), ("Paris,", 8, "Paris,")]


def test_the_cache_of_pieces_is_bounded() -> None:
    for kind in ("cased", "uncased", "xlm-r"):
        tokenizer = WordTokenizer(tokenizer_json(kind))
        labels = ["Paris", "東京", "столиця"]
        unbounded = PieceSearch(tokenizer, labels)
        search = PieceSearch(tokenizer, labels, max_cached_characters=200)
        for sentence in SENTENCES * 2:
            columns = zip(search.find([sentence], [[]]), unbounded.find([sentence], [[]]), strict=True)
            assert all(np.array_equal(ours, expected) for ours, expected in columns)
        assert 0 < len(search._cache.pieces_of_word) < 30 < len(unbounded._cache.pieces_of_word)


def bz2_texts(path: Path, language: str, characters: int) -> list[str]:
    """Cleaned articles of a dump, until their total length exceeds `characters`."""
    texts, length, namespaces = [], 0, Namespaces.for_wiki(language, [])
    with bz2.open(path) as dump:
        for _, element in ET.iterparse(dump):
            if element.tag.endswith("}text") and element.text and "#" not in element.text[:1]:
                texts.append(clean(element.text, namespaces))
                length += len(texts[-1])
                element.clear()
                if length > characters:
                    return texts
    return texts


@pytest.mark.parametrize("kind", ["cased", "uncased", "latin only", "xlm-r", "only marked"])
def test_matches_in_real_articles_equal_those_of_the_library(real_data: Path, kind: str) -> None:
    for language in ("bn", "el", "en", "hy", "uk"):
        (path,) = (real_data / "wikipedia").glob(f"{language}wiki-*.xml.bz2")
        texts = bz2_texts(path, language, 20_000)
        words = Counter(word for text in texts for word in text.split())
        labels = sorted(words, key=lambda word: (-words[word], word))[:45:3]
        labels += [" ".join(text.split()[n : n + 2]) for text in texts[:4] for n in range(0, 60, 20)]
        lines = [list(range(1, text.count("\n") + 1, 3)) for text in texts]
        assert_same_as_library(kind, texts, lines, labels)


def test_tokenizers_that_cannot_be_applied_word_by_word(tmp_path: Path) -> None:
    bytelevel = Tokenizer(models.BPE())
    bytelevel.pre_tokenizer = pre_tokenizers.ByteLevel()
    unsplit = Tokenizer(models.BPE())
    unmarked = Tokenizer(models.Unigram([("<unk>", 0.0)], unk_id=0))
    unmarked.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    replacing = trained_wordpiece(False, SENTENCES)
    replacing.normalizer = normalizers.Sequence([normalizers.Replace(" ", "_"), normalizers.NFC()])
    for raw, problem in (
        (bytelevel, "cuts texts by ByteLevel"),
        (unsplit, "cuts texts by nothing"),
        (unmarked, "not cut texts at spaces alone"),
        (replacing, "normalizes texts by NFC and Replace"),
    ):
        (tmp_path / "tokenizer.json").write_text(raw.to_str(), "utf-8")
        with pytest.raises(InputError, match=f"(?s){re.escape(str(tmp_path))}.*{problem}.*To fix it, "):
            read_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": 1}), "utf-8")
    with pytest.raises(InputError, match=r"not a tokenizer\.json.*To fix it, "):
        read_tokenizer(tmp_path)
    with pytest.raises(InputError, match=r"has no tokenizer\.json\. To fix it, "):
        read_tokenizer(tmp_path / "none")


def test_a_saved_tokenizer_is_read_unchanged(tmp_path: Path) -> None:
    save_tokenizer(make_tokenizer(build_vocabulary(SENTENCES, 300)), tmp_path)
    text = read_tokenizer(tmp_path)
    assert text == (tmp_path / "tokenizer.json").read_text("utf-8")
    assert piece_search(text, ["Paris"]).find(SENTENCES, [[]] * len(SENTENCES))[0].tolist() == [1]
    assert piece_search(text, ["Paris"]) is piece_search(text, ["Paris"])
