"""Wordpieces as a plain substring: against the `tokenizers` library on whole texts and `str.find`."""

from __future__ import annotations

import bz2
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, trainers

from factroots_dagster.corpora.wikipedia.markup.wikitext import clean
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces
from factroots_dagster.errors import InputError
from factroots_dagster.sandbox.vocabulary import build_vocabulary, make_tokenizer, save_tokenizer
from factroots_dagster.text.wordpieces import word_tokenizer
from factroots_dagster.text.wordpieces.search import CHUNK_PIECES, PieceSearch, piece_search, read_tokenizer
from factroots_dagster.text.wordpieces.word_tokenizer import PIECE, WordTokenizer

SENTENCES = [
    "New York City lies on the Hudson; New Yorkers say so.",
    "Lyon (France) is a city, Paris another one: 2,000 years old!",
    "Αθήνα είναι η πρωτεύουσα της Ελλάδας.",
    "Київ — столиця України, об'єднаної держави.",
    "Երևանը Հայաստանի մայրաքաղաքն է։",
    "ঢাকা বাংলাদেশের রাজধানী।",
    "東京は日本の首都です。ニューヨークではない。",
    "Ünïcödé café naïve São Paulo Zürich, Ångström.",
    "서울은 대한민국의 수도이다.",
]
LETTERS = sorted(
    {*"".join(SENTENCES)}
    | {*"\0\1\x07\x0b\x1c\x7f\x85\t\r\n  \u00a0\u00ad\u200b\u200c\u200d\u2028\u3000\ufeff\ufffd\ue000\uffff"}
    | {
        *"\u0301\u0338\u0327\u09c7\u09be\u09df\u302e\u1b44\u0345\u0600\u1100\u1161\u11a8\u0130\u1e9e\u2260\u1fef"
    }
    | {*"漢\uf900\U00020000\U0002f800👩🏽‍🚀🇫🇷\U000e0061[]#_^`=<>«」・ーΣσς①ﬁＡ´"}
)
WILD = st.lists(
    st.sampled_from(
        ["New York", "New Yorker", "東京", " ", "\n", "[UNK]", "[MASK]", "<mask>", "<s>", *SENTENCES]
    )
    | st.text(st.sampled_from(LETTERS), max_size=6)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    max_size=12,
).map("".join)


def trained_wordpiece(
    lowercase: bool, sentences: list[str], size: int = 400, **normalizer: bool
) -> Tokenizer:
    raw = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=20))
    raw.normalizer = normalizers.BertNormalizer(lowercase=lowercase, **normalizer)
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    raw.train_from_iterator(
        sentences, trainers.WordPieceTrainer(vocab_size=size, special_tokens=special, show_progress=False)
    )
    return raw


def trained_unigram(
    steps: list[pre_tokenizers.PreTokenizer], normalizer: normalizers.Normalizer | None
) -> Tokenizer:
    raw = Tokenizer(models.Unigram())
    if normalizer is not None:
        raw.normalizer = normalizer
    raw.pre_tokenizer = pre_tokenizers.Sequence(steps) if len(steps) > 1 else steps[0]
    raw.train_from_iterator(
        SENTENCES,
        trainers.UnigramTrainer(
            vocab_size=300, special_tokens=["<s>", "<unk>"], unk_token="<unk>", show_progress=False
        ),
    )
    raw.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False)])
    return raw


def bare_bert() -> Tokenizer:
    raw = trained_wordpiece(False, SENTENCES)
    made = Tokenizer(raw.model)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made


def in_sequence(raw: Tokenizer) -> Tokenizer:
    raw.normalizer = normalizers.Sequence([raw.normalizer])
    return raw


SPLIT, MARK = pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()
KINDS: dict[str, Callable[[], Tokenizer]] = {
    "cased": lambda: trained_wordpiece(False, SENTENCES, strip_accents=False),
    "uncased": lambda: trained_wordpiece(True, SENTENCES),
    "lowercase with accents": lambda: trained_wordpiece(True, SENTENCES, strip_accents=False),
    "without ideographs alone": lambda: trained_wordpiece(False, SENTENCES, handle_chinese_chars=False),
    "uncased in a sequence": lambda: in_sequence(trained_wordpiece(True, SENTENCES)),
    "not cleaned": lambda: trained_wordpiece(False, SENTENCES, clean_text=False),
    "latin only": lambda: trained_wordpiece(False, SENTENCES[:2], 90),
    "not normalized": bare_bert,
    "sandbox": lambda: make_tokenizer(build_vocabulary(SENTENCES, 300)).backend_tokenizer,
    "xlm-r": lambda: trained_unigram(
        [SPLIT, MARK], normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    ),
    "only marked": lambda: trained_unigram([MARK], normalizers.NFKC()),
    "neither split nor normalized": lambda: trained_unigram([MARK], None),
}
MADE: dict[str, str] = {}


def tokenizer_json(kind: str) -> str:
    """Trained once a run: training is not the same twice, nor need it be."""
    return MADE.setdefault(kind, KINDS[kind]().to_str())


def without(text: str, lines: list[int]) -> str:
    return "\n".join(line for number, line in enumerate(text.split("\n")) if number not in lines)


def expected(tokenizer: Tokenizer, texts: list[str], lines: list[list[int]], labels: list[str]) -> Counter:
    """(text, label, chunk) of every match, each chunk searched from every place."""
    found: Counter = Counter()
    patterns = [
        " ".join(tokenizer.encode(label.strip(), add_special_tokens=False).tokens) for label in labels
    ]
    for page, (text, listed) in enumerate(zip(texts, lines, strict=True)):
        tokens = tokenizer.encode(without(text, listed), add_special_tokens=False).tokens
        for chunk in range(0, len(tokens), CHUNK_PIECES):
            window = " ".join(tokens[chunk : chunk + CHUNK_PIECES])
            for label, pattern in enumerate(patterns):
                at = window.find(pattern) if pattern else -1
                while at >= 0:
                    found[page, label, chunk // CHUNK_PIECES] += 1
                    at = window.find(pattern, at + 1)
    return found


def same_as_expected(kind: str, texts: list[str], lines: list[list[int]], labels: list[str]) -> None:
    search = piece_search(tokenizer_json(kind), labels)
    page, label, start, end, chunk = search.find(texts, lines)
    tokenizer = Tokenizer.from_str(tokenizer_json(kind))
    found = Counter(zip(page.tolist(), label.tolist(), chunk.tolist(), strict=True))
    assert found == expected(tokenizer, texts, lines, labels)
    assert (start < end).all()
    for number, (text, listed) in enumerate(zip(texts, lines, strict=True)):
        breaks = [at for at, character in enumerate(text) if character == "\n"]
        of_text = page == number
        for edge in (start[of_text], end[of_text] - 1):
            assert (edge >= 0).all() and (edge < len(text)).all()
            assert not set(np.searchsorted(breaks, edge).tolist()) & {*listed}
    unknown = tokenizer.token_to_id("<unk>" if search.tokenizer.marked else "[UNK]")
    told = [unknown in tokenizer.encode(name.strip(), add_special_tokens=False).ids for name in labels]
    assert search.unknown.tolist() == told


@pytest.mark.parametrize("kind", KINDS)
@given(st.lists(WILD, max_size=4), st.lists(WILD, max_size=4), st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@example(["a[MASK]b New York\nx", "[UNK", "New\x00 York", ""], ["New York", "[MASK]", "☃", ""], None)
@example(["a \u3000b \u00a0", "\u3000 New York \u00b4x y \u0007 New"], ["a", "New York", "y"], None)
@example(
    ["=\u0338 \u0301!\u0301 \u302e\u1b44", " New  York ", "\r\n New\r\nYork\u3000\u0301x"],
    ["New York", "x"],
    None,
)
def test_wild_texts_as_the_library_takes_them(
    kind: str, texts: list[str], labels: list[str], data: st.DataObject | None
) -> None:
    lines = [
        sorted(data.draw(st.sets(st.integers(0, text.count("\n"))))) if data is not None else []
        for text in texts
    ]
    # A text's own stretches as labels, too: strangers hardly ever match.
    labels = labels + [text[len(text) // 3 : len(text) // 2 + 1] for text in texts]
    if "UNK" not in tokenizer_json(kind):  # words of XLM-R's kind keep control characters, but no XML has NUL
        texts, labels = ([value.replace("\0", "") for value in values] for values in (texts, labels))
    same_as_expected(kind, texts, lines, labels)


@pytest.mark.parametrize("kind", ["cased", "uncased", "not normalized", "xlm-r"])
def test_every_character_is_cut_as_the_library_cuts_it(kind: str) -> None:
    """Code points between letters, two of a kind side by side, and beside a space: all of the scripts and
    marks that are at the front of Unicode and of the presentation forms, some of the others."""
    tokenizer, words = Tokenizer.from_str(tokenizer_json(kind)), WordTokenizer(tokenizer_json(kind))
    codes = [
        *range(1, 0x3400),
        *range(0x3400, 0xF900, 53),
        *range(0xF900, 0x10000),
        *range(0x10000, 0x110000, 97),
    ]
    characters = [chr(code) for code in codes if not 0xD800 <= code < 0xE000]
    pieces = [" ".join(f"a{one}b{one}{one}c {one}" for one in characters[at::100]) for at in range(100)]
    text, ends = "\n".join(pieces), np.cumsum([len(piece) + 1 for piece in pieces])
    cut = words.words(text, ends[:-1] - 1)
    ours = np.array(words.pieces(cut.distinct), dtype=object)[cut.number].sum()
    encodings = tokenizer.encode_batch(pieces, add_special_tokens=False)
    theirs = [token for encoding in encodings for token in encoding.tokens]
    assert ours.split(PIECE)[1:] == theirs


def test_chunks_end_after_512_pieces_even_inside_a_word() -> None:
    vocabulary = ["[UNK]", "a", "##b", "x", "y"]
    raw = Tokenizer(models.WordPiece({piece: n for n, piece in enumerate(vocabulary)}, unk_token="[UNK]"))
    raw.normalizer, raw.pre_tokenizer = (
        normalizers.BertNormalizer(lowercase=False),
        pre_tokenizers.BertPreTokenizer(),
    )
    for before in range(505, 516):
        text = "x " * before + "ab y " + "x " * 600 + "ab"
        page, label, start, end, chunk = piece_search(raw.to_str(), ["ab", "ab y", "y"]).find(
            [text] * 2, [[]] * 2
        )
        seen = sorted(
            zip(page.tolist(), label.tolist(), start.tolist(), end.tolist(), chunk.tolist(), strict=True)
        )
        at, last = 2 * before, len(text) - 2
        wanted = [
            (0, at, at + 2, before // 512, before + 1),
            (0, last, last + 2, (before + 603) // 512, before + 604),
            (1, at, at + 4, before // 512, before + 2),
            (2, at + 3, at + 4, (before + 2) // 512, before + 2),
        ]
        whole = [row[:4] for row in wanted if row[3] == row[4] // 512]
        assert seen == [(page, *row) for page in (0, 1) for row in whole]


def test_a_label_is_a_plain_substring() -> None:
    vocabulary = ["[UNK]", "New", "York", "##er", "cab", "ab", "(", ")", ",", "Par", "##is", "中", "国"]
    raw = Tokenizer(models.WordPiece({piece: n for n, piece in enumerate(vocabulary)}, unk_token="[UNK]"))
    raw.normalizer, raw.pre_tokenizer = (
        normalizers.BertNormalizer(lowercase=False),
        pre_tokenizers.BertPreTokenizer(),
    )
    labels = ["New York", "ab", " Paris ", "☃", "中国", "国中", "New York", "\u200b", ""]
    text = "Pa\u00adris\n* New York\n(New Yorker), cab: Ελλάδα中国\u3000中"
    search = piece_search(raw.to_str(), labels)
    assert search.unknown.tolist() == [False, False, False, True, False, False, False, False, False]
    page, label, start, end, chunk = search.find(["", text, text], [[], [1], []])
    seen = {
        number: sorted(
            (labels[n], text[a:b]) for p, n, a, b in zip(page, label, start, end, strict=True) if p == number
        )
        for number in (0, 1, 2)
    }
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
    assert seen == {0: [], 1: without_list, 2: sorted([*without_list, *with_list])}
    assert not chunk.any() and all(values.dtype == np.int64 for values in (page, label, start, end, chunk))


@pytest.mark.parametrize(("labels", "found"), [(100, True), (101, False)])
def test_labels_in_a_script_that_the_tokenizer_does_not_know(labels: int, found: bool) -> None:
    """Each stands at every unknown word; of thousands of labels no memory could hold all places."""
    vocabulary = ["[UNK]", "New", "York"]
    raw = Tokenizer(models.WordPiece({piece: n for n, piece in enumerate(vocabulary)}, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words = [f"πόλη{number}" for number in range(labels)]
    search = piece_search(raw.to_str(), [*words, "New York", "New πόλη"])
    assert search.unknown.tolist() == [True] * labels + [False, True]
    _, label, *_ = search.find(["ένα δύο New York, New ένα"], [[]])
    seen = Counter(label.tolist())
    assert seen[labels] == seen[labels + 1] == 1  # what has a known piece is looked for all the same
    assert {seen[number] for number in range(labels)} == ({4} if found else {0})


def test_a_match_goes_on_behind_a_list() -> None:
    """The text without its list items is what counts; the places are those of the whole text."""
    text = "* x\nin New\n* old\n* older\nYork, New\n* y"
    lines = [0, 2, 3, 5]
    _, _, start, end, _ = piece_search(tokenizer_json("cased"), ["New York"]).find([text], [lines])
    assert [text[a:b] for a, b in zip(start, end, strict=True)] == ["New\n* old\n* older\nYork"]


@pytest.mark.parametrize("kind", ["cased", "uncased"])
def test_words_too_long_are_unknown(kind: str) -> None:
    """The limit of these tokenizers is 20 characters of a word, after it is normalized."""
    texts = ["New" * 6 + "Ne" + "w" * more + hidden for more in (0, 1) for hidden in ("", "\u200b")]
    same_as_expected(kind, texts, [[]] * 4, ["Ne", "New" * 6 + "Ne", "☃"])


def test_places_of_marked_words_are_those_of_their_pieces() -> None:
    vocabulary = [("<unk>", 0.0), ("▁", -3.0), ("▁Paris", -1.0), (",", -2.0), ("東京", -1.0), ("は", -2.0)]
    raw = Tokenizer(models.Unigram(vocabulary, unk_id=0))
    raw.pre_tokenizer = pre_tokenizers.Sequence([SPLIT, MARK])
    text = "* Paris\nParis, ははは東京は Paris"
    labels = ["Paris", "東京", "は東京", "Paris,"]
    _, label, start, end, _ = piece_search(raw.to_str(), labels).find([text], [[0]])
    seen = sorted((labels[n], int(a), text[a:b]) for n, a, b in zip(label, start, end, strict=True))
    # A label has the mark of a word's beginning, so that 東京 within the line is none.
    assert seen == [("Paris", 8, "Paris"), ("Paris", 22, "Paris"), ("Paris,", 8, "Paris,")]


def test_pieces_of_more_words_than_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_tokenizer, "KEPT_CHARACTERS", 200)
    for kind in ("cased", "uncased", "xlm-r"):
        search = PieceSearch(WordTokenizer(tokenizer_json(kind)), ["Paris", "東京"])
        found = [[search.find([sentence], [[]])[1].tolist() for sentence in SENTENCES] for _ in range(2)]
        assert found[0] == found[1]
        assert 0 < len(search._pieces.kept) < 30


def bz2_texts(path: Path, language: str, characters: int) -> list[str]:
    """Articles of a dump, cleaned, until they are so long together."""
    texts, length, namespaces = [], 0, Namespaces.of(language, [])
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
def test_real_articles_as_the_library_takes_them(real_data: Path, kind: str) -> None:
    for language in ("bn", "el", "en", "hy", "uk"):
        (path,) = (real_data / "wikipedia").glob(f"{language}wiki-*.xml.bz2")
        texts = bz2_texts(path, language, 20_000)
        words = Counter(word for text in texts for word in text.split())
        labels = sorted(words, key=lambda word: (-words[word], word))[:45:3]
        labels += [" ".join(text.split()[n : n + 2]) for text in texts[:4] for n in range(0, 60, 20)]
        lines = [list(range(1, text.count("\n") + 1, 3)) for text in texts]
        same_as_expected(kind, texts, lines, labels)


def test_tokenizers_that_cannot_be_applied_word_by_word(tmp_path: Path) -> None:
    bytelevel = Tokenizer(models.BPE())
    bytelevel.pre_tokenizer = pre_tokenizers.ByteLevel()
    unsplit = Tokenizer(models.BPE())
    unmarked = Tokenizer(models.Unigram([("<unk>", 0.0)], unk_id=0))
    unmarked.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    replacing = trained_wordpiece(False, SENTENCES)
    replacing.normalizer = normalizers.Sequence([normalizers.Replace(" ", "_"), normalizers.NFC()])
    for raw, what in (
        (bytelevel, "cuts texts by ByteLevel"),
        (unsplit, "cuts texts by nothing"),
        (unmarked, "not cut texts at spaces alone"),
        (replacing, "normalizes texts by NFC and Replace"),
    ):
        (tmp_path / "tokenizer.json").write_text(raw.to_str(), "utf-8")
        with pytest.raises(InputError, match=f"(?s){re.escape(str(tmp_path))}.*{what}.*Remedy: "):
            read_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": 1}), "utf-8")
    with pytest.raises(InputError, match=r"not a tokenizer\.json.*Remedy: "):
        read_tokenizer(tmp_path)
    with pytest.raises(InputError, match=r"has no tokenizer\.json.*Remedy: "):
        read_tokenizer(tmp_path / "none")


def test_a_saved_tokenizer_is_read_as_it_stands(tmp_path: Path) -> None:
    save_tokenizer(make_tokenizer(build_vocabulary(SENTENCES, 300)), tmp_path)
    text = read_tokenizer(tmp_path)
    assert text == (tmp_path / "tokenizer.json").read_text("utf-8")
    assert piece_search(text, ["Paris"]).find(SENTENCES, [[]] * len(SENTENCES))[0].tolist() == [1]
    assert piece_search(text, ["Paris"]) is piece_search(text, ["Paris"])
