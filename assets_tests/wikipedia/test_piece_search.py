"""The wordpiece matcher against the tokenizer itself run over whole texts."""

from __future__ import annotations

import bz2
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE, Unigram, WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer, ByteLevel, Metaspace, WhitespaceSplit
from tokenizers.trainers import WordPieceTrainer

from factroots_dagster.errors import InputError
from factroots_dagster.wikipedia import piece_search as wordpieces
from factroots_dagster.wikipedia.namespaces import Namespaces
from factroots_dagster.wikipedia.wikitext import prose, without_lines
from factroots_dagster.wikipedia.piece_search import PieceSearch, piece_search, read_tokenizer

LETTERS = "abcdeéABZ ж東京のタ한.,-!'\t\n\u3000\u00ad\u200d\u0301\u0903🙂\ue000\u0378(«。1٣"
LABELS = ["ab", "a", "a b", "東京", "é", "AB a", "ж", "🙂", ".", "b-a", "のタ", "  a ", "한", "12", "\u00ad"]


def bert(lowercase: bool = False, lacking: str = "") -> Tokenizer:
    """Pieces of one and two letters, but for the letters in `lacking`."""
    letters = [letter for letter in LETTERS if letter not in lacking and not letter.isspace()]
    pieces = ["[UNK]", *letters, *(f"##{letter}" for letter in letters), "ab", "##ab", "のタ", "##ba", "zz"]
    tokenizer = Tokenizer(
        WordPiece({piece: n for n, piece in enumerate(dict.fromkeys(pieces))}, unk_token="[UNK]")
    )
    tokenizer.normalizer = BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.add_special_tokens(["[MASK]"])
    tokenizer.enable_truncation(8)
    return tokenizer


def unigram() -> Tokenizer:
    letters = [letter for letter in LETTERS if not letter.isspace()]
    tokenizer = Tokenizer(
        Unigram(
            [("<unk>", -9.0), ("▁", -3.0), ("▁ab", -2.0), *((letter, -4.0) for letter in letters[3:])],
            unk_id=0,
        )
    )
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([WhitespaceSplit(), Metaspace()])
    return tokenizer


TOKENIZERS = {
    "cased": bert(),
    "uncased": bert(lowercase=True),
    "lacking scripts": bert(lacking="東京жのタ한"),
    "unigram": unigram(),
}


def expected(tokenizer: Tokenizer, texts: list[str], labels: list[str]) -> list[tuple[int, int, int]]:
    """(page, chunk, label) of every place, by the tokenizer on whole texts and `str.find`."""
    tokenizer = Tokenizer.from_str(tokenizer.to_str())
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = True

    def pieces(text: str) -> list[str]:
        return [tokenizer.id_to_token(n) for n in tokenizer.encode(text, add_special_tokens=False).ids]

    forms = [" ".join(pieces(label.strip())) for label in labels]
    found = []
    for page, text in enumerate(texts):
        all_pieces = pieces(text)
        for chunk in range(0, len(all_pieces), wordpieces.CHUNK_PIECES):
            line = " ".join(all_pieces[chunk : chunk + wordpieces.CHUNK_PIECES])
            for label, form in enumerate(forms):
                at = line.find(form) if form else -1
                while at >= 0:
                    found.append((page, chunk // wordpieces.CHUNK_PIECES, label))
                    at = line.find(form, at + 1)
    return sorted(found)


def found(search: PieceSearch, texts: list[str], list_lines: list[list[int]]) -> list[tuple[int, int, int]]:
    page, label, start, end, chunk = search.find(texts, list_lines)
    for p, s, e in zip(page.tolist(), start.tolist(), end.tolist(), strict=True):
        assert 0 <= s < e <= len(texts[p])
    return sorted(zip(page.tolist(), chunk.tolist(), label.tolist(), strict=True))


@pytest.mark.parametrize("kind", TOKENIZERS)
@given(st.lists(st.text(LETTERS, max_size=60), min_size=1, max_size=3), st.sampled_from([2, 3, 7, 512]))
@settings(max_examples=150, deadline=None)
def test_every_place_that_the_tokenizer_gives(kind: str, texts: list[str], size: int) -> None:
    before, wordpieces.CHUNK_PIECES = wordpieces.CHUNK_PIECES, size
    try:
        search = PieceSearch(TOKENIZERS[kind].to_str(), LABELS)
        assert found(search, texts, [[] for _ in texts]) == expected(TOKENIZERS[kind], texts, LABELS)
    finally:
        wordpieces.CHUNK_PIECES = before


@given(st.lists(st.text(LETTERS, max_size=30), max_size=8), st.sets(st.integers(0, 7)))
@settings(max_examples=100, deadline=None)
def test_list_lines_do_not_count(lines: list[str], lists: set[int]) -> None:
    text = "\n".join(line.replace("\n", " ") for line in lines)
    numbers = sorted(number for number in lists if number < max(1, len(lines)))
    search = PieceSearch(TOKENIZERS["cased"].to_str(), LABELS)
    kept = without_lines(text, numbers)
    assert found(search, [text, "ab"], [numbers, []]) == expected(TOKENIZERS["cased"], [kept, "ab"], LABELS)
    for start in search.find([text], [numbers])[2].tolist():
        assert text[:start].count("\n") not in numbers


def test_places_are_those_of_the_words_that_hold_the_match() -> None:
    """As the paper's: `ab` is also found inside `cab`, and a label with an unknown piece in any unknown."""
    search = PieceSearch(TOKENIZERS["lacking scripts"].to_str(), ["ab", "東京", "zz"])
    assert search.unknown.tolist() == [False, True, False]
    # The pieces of "cab" are c and ##ab, those of "東京" two unknown ones, as those of "жж 한" are.
    text = "cab, abe. жж 한 zz"
    _, label, start, end, _ = search.find([text], [[]])
    places = [(n, text[s:e]) for n, s, e in zip(label.tolist(), start.tolist(), end.tolist(), strict=True)]
    assert places == [(0, "cab"), (0, "abe"), (1, "жж 한"), (2, "zz")]


def test_a_word_over_several_chunks() -> None:
    letters = "ab" * 2000
    tokenizer = unigram()
    search = PieceSearch(tokenizer.to_str(), ["b", "ab"])
    assert found(search, [letters, f"x {letters}"], [[], []]) == expected(
        tokenizer, [letters, f"x {letters}"], ["b", "ab"]
    )


def test_the_search_is_made_once() -> None:
    text = TOKENIZERS["cased"].to_str()
    assert piece_search(text, ["a"]) is piece_search(text, ["a"])
    assert piece_search(text, ["b"]) is not piece_search(text, ["a"])
    assert [len(column) for column in piece_search(text, ["b"]).find(["", "x"], [[], []])] == [0] * 5
    assert [len(column) for column in piece_search(text, ["b"]).find([], [])] == [0] * 5


def test_the_cache_of_words_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordpieces, "CACHED_WORDS", 3)
    search = PieceSearch(TOKENIZERS["cased"].to_str(), ["ab"])
    for text in ("a b c d e", "ab ab", "zz a ab"):
        assert found(search, [text], [[]]) == expected(TOKENIZERS["cased"], [text], ["ab"])
    assert len(search.index) < 8


def test_tokenizers_that_cannot_be_used_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no tokenizer\.json"):
        read_tokenizer(tmp_path)
    byte_level = Tokenizer(BPE())
    byte_level.pre_tokenizer = ByteLevel()
    byte_level.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(InputError, match="ByteLevel"):
        read_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text("[]")
    with pytest.raises(InputError, match="no tokenizer.json"):
        read_tokenizer(tmp_path)
    for tokenizer in TOKENIZERS.values():
        tokenizer.save(str(tmp_path / "tokenizer.json"))
        assert read_tokenizer(tmp_path)


@pytest.mark.parametrize("language", ["bn", "el", "en", "hy", "uk"])
def test_real_articles(real_data: Path, language: str) -> None:
    """Trained on a little of the language, so that unknown pieces occur; lists left out."""
    (dump,) = (real_data / "wikipedia").glob(f"{language}wiki*")
    with bz2.open(dump, "rt", encoding="utf-8") as stream:
        xml = stream.read(3_000_000)
    pages = re.findall(r"<text[^>]*>([^<]{2000,20000})", xml)[:40]
    found_prose = [prose(page, Namespaces.of(language)) for page in pages]
    texts = [each.text for each in found_prose]
    tokenizer = Tokenizer(WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = BertNormalizer(lowercase=False), BertPreTokenizer()
    trainer = WordPieceTrainer(vocab_size=2000, special_tokens=["[UNK]"], show_progress=False)
    tokenizer.train_from_iterator(texts[:5], trainer)
    labels = sorted(set(re.findall(r"[^\W\d]{3,}", " ".join(texts[::7]))))[::5]
    assert len(texts) > 10 and len(labels) > 100
    search = PieceSearch(tokenizer.to_str(), labels)
    list_lines = [each.list_lines for each in found_prose]
    kept = [without_lines(each.text, each.list_lines) for each in found_prose]
    assert found(search, texts, list_lines) == expected(tokenizer, kept, labels)
