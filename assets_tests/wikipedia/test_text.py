"""Normal forms, words, sentences: against slow twins and cases by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factroots_dagster.wikipedia.normalization import normalized, normalized_with_places
from factroots_dagster.wikipedia.sentences import sentence_starts
from factroots_dagster.wikipedia.tokens import (
    CHUNK_TOKENS,
    at_word_borders,
    character_classes,
    chunk_numbers,
    token_starts,
    word_count,
)

WILD = st.text(
    st.sampled_from(
        "abÉe\u0301\u0323\u030a \u00a0\u200b\u200d\u200e\ufeff\u00ad"
        "\u09c7\u09be\u09dfক가\u1100\u1161\u11a8東漢汉.-'0\U00020000"
    )
    | st.characters(),
    max_size=30,
)


@given(WILD)
@settings(max_examples=500, deadline=None)
def test_places_lead_back_to_the_source(text: str) -> None:
    seen, places = normalized_with_places(text)
    assert seen == normalized(text)
    if places is None:
        assert seen == text
        return
    starts, ends = places
    assert len(starts) == len(ends) == len(seen)
    assert (starts < ends).all() and (np.diff(starts) >= 0).all()
    for at in range(len(seen)):
        if at == 0 or starts[at] != starts[at - 1]:
            same = [index for index in range(len(seen)) if starts[index] == starts[at]]
            assert normalized(text[starts[at] : ends[at]]) == "".join(seen[index] for index in same)


def test_what_matching_overlooks() -> None:
    assert normalized("Sa\u0303o\u00a0Pau\u00adlo\u200e\ufeff") == "São Paulo"
    assert normalized("می\u200cخواهم") == "می\u200cخواهم"
    assert normalized("臺灣", "zh") == normalized("台湾", "zh-yue")
    assert normalized("漢", "ja") == "漢"


def slow_tokens(text: str) -> list[str]:
    """Words and single marks, character by character."""
    found: list[str] = []
    inside = False
    for character in text:
        kind = character_classes(character)[0]
        if kind == 0:
            inside = False
        elif kind == 1 and inside:
            found[-1] += character
        else:
            found.append(character)
            inside = kind == 1
    return found


@given(st.text(max_size=40) | WILD)
@settings(max_examples=300, deadline=None)
def test_tokens_equal_a_slow_twin(text: str) -> None:
    kinds = character_classes(text)
    assert int(token_starts(kinds).sum()) == len(slow_tokens(text))
    marks = [token for token in slow_tokens(text) if character_classes(token)[0] == 2]
    assert word_count(kinds) == len(slow_tokens(text)) - len(marks)


def test_words_of_many_scripts() -> None:
    for text, words in {
        "Ça va, l'été?": ["Ça", "va", ",", "l", "'", "été", "?"],
        "বাংলা ভাষা।": ["বাংলা", "ভাষা", "।"],
        "東京タワー": list("東京タワー"),
        "ไทย ok": ["ไ", "ท", "ย", "ok"],
        "Հայաստան։": ["Հայաստան", "։"],
        "서울은": ["서울은"],
    }.items():
        assert slow_tokens(text) == words
        assert int(token_starts(character_classes(text)).sum()) == len(words)


def test_chunks_hold_512_tokens() -> None:
    text = "  " + "ab, " * CHUNK_TOKENS
    chunks = chunk_numbers(character_classes(text))
    assert chunks[0] == 0 and chunks[-1] == 1
    assert chunks[2 + 4 * (CHUNK_TOKENS // 2) - 2] == 0
    assert chunks[2 + 4 * (CHUNK_TOKENS // 2)] == 1


@pytest.mark.parametrize(
    ("text", "label", "kept"),
    [
        ("New Yorker", "New York", False),
        ("in New York.", "New York", True),
        ("cab", "ab", False),
        ("l'Aigle", "Aigle", True),
        ("ভারতের", "ভারত", False),
        ("東京都", "東京", True),
        ("Sony製", "Sony", True),
        ("กรุงเทพมหานคร", "กรุงเทพ", True),
        ("C++", "C", True),
        ("U2", "U", False),
    ],
)
def test_word_borders(text: str, label: str, kept: bool) -> None:
    start = text.index(label)
    kinds = character_classes(text)
    assert at_word_borders(kinds, np.array([start]), np.array([start + len(label)])).tolist() == [kept]


SENTENCES = [
    ("en", 'He met Alfred L. Kroeber. |Dr. Smith left. |He died in 1900. |"Why?" |She asked e.g. him.'),
    ("en", "It is 3.5 km. |Yahoo! was here? |Yes.\n|A new line"),
    ("en", "J. R. R. Tolkien was born. |He wrote."),
    ("de", "Am 3. Oktober 1990 war es so. |Danach nicht."),
    ("uk", "Народився у м. Київ. |Помер 1900 р. в Одесі."),
    ("ru", "А. С. Пушкин родился в Москве. |Он писал стихи."),
    ("el", "Τι είναι; |Είναι η Αθήνα. |Τέλος."),
    ("hy", "Երևանը քաղաք է։ |Այն մեծ է: |Վերջ։"),
    ("bn", "ঢাকা শহর। |এটি বড়।|হ্যাঁ।"),
    ("hi", "दिल्ली राजधानी है। |यह बड़ी है।"),
    ("ja", "東京は首都です。|「本当？」|はい。"),
    ("zh", "北京是首都。|上海呢？|是的！"),
    ("ar", "ما هذا؟ |هذه مدينة."),
    ("ur", "یہ شہر ہے۔ |یہ بڑا ہے۔"),
    ("am", "ይህ ከተማ ነው። |ትልቅ ነው።"),
    ("th", "ก" * 90 + " |" + "ข" * 10 + " ค"),
]


@pytest.mark.parametrize(("language", "marked"), SENTENCES)
def test_sentences(language: str, marked: str) -> None:
    pieces = marked.split("|")
    starts = [sum(map(len, pieces[:number])) for number in range(len(pieces))]
    assert sentence_starts("".join(pieces), language).tolist() == starts


@given(st.text(max_size=200), st.sampled_from(["", "en", "el", "hy", "th", "ja", "de"]))
@settings(max_examples=300, deadline=None)
def test_sentences_cover_any_text(text: str, language: str) -> None:
    starts = sentence_starts(text, language)
    assert starts[0] == 0
    assert (np.diff(starts) > 0).all() and (len(text) == 0 or starts[-1] < len(text))
    for start in starts[1:]:
        assert text[start - 1] == "\n" or not text[start].islower() or not text[start - 1].isspace()
