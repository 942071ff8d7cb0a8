"""How texts and labels are normalized, and where the characters of the result come from."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets_tests.text.strategies import COMPOSABLE, WILD_TEXT
from factroots_dagster.text.folding import (
    FOLDS,
    SEQUENCES,
    fold_characters,
    folding_table,
    is_chinese,
    simplified_characters,
)
from factroots_dagster.text.normalization import (
    INVISIBLE,
    find_possible_changes,
    is_composed,
    may_join_previous,
    normalize,
    normalize_all,
    normalize_with_positions,
)


@pytest.mark.parametrize(
    ("language", "chinese"),
    [
        *((code, True) for code in ("zh", "zh-yue", "zh_min_nan", "yue", "cdo")),
        *((code, False) for code in ("ja", "", "zha", "en-zh")),
    ],
)
def test_chinese_is_compared_in_simplified_characters(language: str, chinese: bool) -> None:
    assert is_chinese(language) is chinese
    assert (normalize("漢", language) == "汉") is chinese
    assert (normalize_with_positions("漢", language)[0] == "汉") is chinese


def test_simplified_characters_replace_one_character_each() -> None:
    table = simplified_characters()
    assert len(table) > 3000 and table[ord("漢")] == "汉" and ord("a") not in table
    assert all(len(character) == 1 for character in table.values())
    assert fold_characters("a漢\U00020000\ud800", "zh") == "a汉\U00020000\ud800"


def test_only_texts_that_composition_changes_are_not_composed() -> None:
    assert is_composed("") and is_composed("São Paulo\n漢") and is_composed("می\u200cخواهم")
    assert not any(is_composed(f"a{character}b") for character in INVISIBLE)
    assert not is_composed("Sa\u0303o") and not is_composed("Ки\u0301їв") and not is_composed("مِصر")


@pytest.mark.parametrize(
    ("text", "expected", "spans"),
    [
        ("ab", "ab", None),
        ("a\u200bb", "ab", [(0, 1), (2, 3)]),
        ("\u200bab\u00ad", "ab", [(1, 2), (2, 3)]),
        ("x Sa\u0303o y", "x São y", [(0, 1), (1, 2), (2, 3), (3, 5), (5, 6), (6, 7), (7, 8)]),
        ("a\u00a0b", "a b", None),
        ("Ки\u0301їв", "Київ", [(0, 1), (1, 3), (3, 4), (4, 5)]),
        ("мост\u0301", "мост", [(0, 1), (1, 2), (2, 3), (3, 5)]),
        ("مـــص", "مص", [(0, 1), (4, 5)]),
        ("יְרוּ", "ירו", [(0, 2), (2, 3), (3, 5)]),
        ("one\ntw\u00ado\nthree", "one\ntwo\nthree", None),
        ("e\u0323\u0301", unicodedata.normalize("NFC", "e\u0323\u0301"), None),
        ("\u1112\u1161\u11ab", "한", [(0, 3)]),
        ("가\u11a8", "각", [(0, 2)]),
    ],
)
def test_source_positions_by_hand(text: str, expected: str, spans: list[tuple[int, int]] | None) -> None:
    result, positions = normalize_with_positions(text)
    assert result == expected == normalize(text)
    if positions is None:
        assert len(text) == len(expected)
    elif spans is not None:
        every = np.arange(len(expected))
        assert list(zip(positions.start(every).tolist(), positions.end(every).tolist(), strict=True)) == spans


def test_every_character_that_joins_the_previous_one_is_known() -> None:
    """Wherever NFC composes two characters or reorders them, the second is known to join the first."""
    for code in range(0x110000):
        character = chr(code)
        if 0xD800 <= code < 0xE000:
            continue
        parts = unicodedata.normalize("NFD", character)
        if len(parts) > 1 and unicodedata.normalize("NFC", parts) == character:
            assert may_join_previous(parts[-1]), f"{code:04X}"
        if unicodedata.combining(character):
            assert may_join_previous(character), f"{code:04X}"
    assert not any(may_join_previous(character) for character in "abcÉ漢字가 \u115f.")
    assert may_join_previous("\u1160") and may_join_previous("\u11ff") and not may_join_previous("\u1200")


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ("", []),
        ("abc é 漢 가 ї", []),
        ("ї\u0301", [1]),  # a stress mark
        ("\u0640", [0]),
        ("বাংলা ভাষা", []),  # NFC's quick check doubts them
        ("a\u00a0b\u200b", [3]),  # replaced wherever they are
        ("\u0958", [0]),  # NFC changes it by itself
        ("e\u0301", [1]),
        ("1\u0301", []),  # nothing joins a digit to an accent
        ("\u0301e", []),  # nothing precedes the first character
        ("\u0334a\u0301", [2]),  # nor does the last character precede it
        ("ae", []),
        ("1\u0301\u0334", [2]),  # marks in the wrong order
        ("1\u0335\u0334", []),  # of the same combining class
        ("1\u0334\u0301", [2]),  # may compose across the mark between them
        ("1\u0301a", []),
        ("1\u0301\u1161", []),  # a Hangul vowel is no mark
        ("\u1100\u1161", [1]),
        ("가\u11a8", [1]),
        ("1\u1161", []),
        ("\u09c7\u09be", [1]),  # two halves of a vowel, combining class 0
        ("\u09be\u09c7", []),
    ],
)
def test_possible_changes_of_a_text(text: str, positions: list[int]) -> None:
    """They must be few, since every line that has one is examined character by character."""
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    assert find_possible_changes(codes).tolist() == positions


@given(WILD_TEXT)
@settings(max_examples=500, deadline=None)
def test_positions_lead_back_to_the_source(text: str) -> None:
    result, positions = normalize_with_positions(text)
    assert result == normalize(text)
    if positions is None:
        assert result == "".join(map(normalize, text))
        return
    every = np.arange(len(result))
    starts, ends = positions.start(every), positions.end(every)
    assert (starts < ends).all() and (np.diff(starts) >= 0).all()
    for first in range(len(result)):
        if first == 0 or starts[first] != starts[first - 1]:
            same = [index for index in range(len(result)) if starts[index] == starts[first]]
            assert normalize(text[starts[first] : ends[first]]) == "".join(result[index] for index in same)


FOLDED = st.sampled_from(
    [
        *sorted({letter for folds in FOLDS.values() for parts in folds.items() for letter in "".join(parts)}),
        *"ljnjdžLJNJDŽևեւԵоoàáeuýYÝn-’ ําำ่ｶﾞﾊﾟウ\u200c\u0301\u00ad",
    ]
)


@pytest.mark.parametrize("language", ["", "zh", *sorted({*FOLDS, *SEQUENCES})])
@given(st.lists(FOLDED, max_size=12).map("".join))
@settings(max_examples=150, deadline=None)
def test_folded_characters_come_from_where_their_sources_are(language: str, text: str) -> None:
    """Spans neither overlap nor go back, and what lies between two spans is dropped altogether."""
    result, positions = normalize_with_positions(text, language)
    assert result == normalize(text, language)
    assert normalize(result, language) == result
    every = np.arange(len(result))
    if positions is None:
        assert len(result) == len(text)
        return
    starts, ends = positions.start(every), positions.end(every)
    assert (starts < ends).all() and (np.diff(starts) >= 0).all() and (np.diff(ends) >= 0).all()
    assert ((starts[1:] >= ends[:-1]) | (starts[1:] == starts[:-1])).all()
    covered = {
        at for start, end in zip(starts.tolist(), ends.tolist(), strict=True) for at in range(start, end)
    }
    dropped = "".join(letter for at, letter in enumerate(text) if at not in covered)
    assert not normalize(dropped, language).strip("\u0301")


@pytest.mark.parametrize("language", ["", *FOLDS])
def test_folding_is_one_to_one_and_stable(language: str) -> None:
    table = folding_table(language)
    assert table.shape == (0x110000,) and np.array_equal(table[table], table)
    assert np.array_equal(table[:128], np.arange(128))


@pytest.mark.parametrize(
    ("language", "variants"),
    [
        ("en", ["L'Aquila", "L’Aquila", "LʼAquila", "L＇Aquila"]),
        ("en", ["Austria-Hungary", "Austria–Hungary", "Austria‑Hungary"]),
        ("en", ["New York", "New\u202fYork", "New\u2060 York", "Ｎｅｗ　Ｙｏｒｋ"]),
        ("he", ['ארה"ב', "ארה״ב", "ארה”ב"]),
        ("he", ["ירושלים", "יְרוּשָׁלַיִם"]),
        ("ar", ["إيران", "ايران", "ایران"]),
        ("ar", ["مصر", "مِصر", "مصـــر"]),
        ("fa", ["کرمان", "كرمان"]),
        ("fa", ["کتاب\u200cخانه", "کتابخانه"]),
        ("ur", ["پاکستان", "پاكستان"]),
        ("hy", ["Երևան", "Երեւան", "Երեվան"]),
        ("hy", ["Եվրոպա", "Եւրոպա"]),
        ("ja", ["ジャン＝ポール", "ジャン=ポール"]),
        ("ja", ["ガメラパ", "ｶﾞﾒﾗﾊﾟ"]),
        ("ro", ["București", "Bucureşti"]),
        ("ru", ["Королёв", "Королев", "Королёв".replace("ё", "е\u0308")]),
        ("sr", ["Његош и Љубљана у Џакарти", "Njegoš i Ljubljana u Džakarti"]),
        ("th", ["อำเภอ", "อํา" + "เภอ"]),
        ("vi", ["Khánh Hòa", "Khánh Hoà"]),
        ("zh", ["臺灣", "台湾"]),
    ],
)
def test_spellings_of_one_name(language: str, variants: list[str]) -> None:
    assert len({normalize(variant, language) for variant in variants}) == 1


@pytest.mark.parametrize(
    ("language", "different"),
    [
        ("uk", ["міст", "міст\u0306"]),
        ("be", ["лёд", "лед"]),
        ("tr", ["ş", "ș"]),
        ("en", ["a—b", "a-b"]),
        ("vi", ["hoàn", "hòan"]),
        ("mk", ["Ѓорѓи", "Горги"]),
        ("ar", ["ة", "ه"]),
        ("hr", ["Zagreb", "Загреб"]),
    ],
)
def test_what_is_not_folded(language: str, different: list[str]) -> None:
    assert len({normalize(variant, language) for variant in different}) == 2


@given(st.lists(COMPOSABLE | st.sampled_from("aeАа \n\u09c7\u09be한"), max_size=8).map("".join))
@settings(max_examples=3000, deadline=None)
def test_no_word_that_normalization_changes_is_missed(text: str) -> None:
    result, _ = normalize_with_positions(text)
    assert result == normalize(text)


def test_differences_that_matching_ignores() -> None:
    assert normalize("Sa\u0303o\u00a0Pau\u00adlo\u200e\ufeff") == "São Paulo"
    assert normalize("می\u200cخواهم") == "می\u200cخواهم"
    assert normalize("臺灣", "zh") == normalize("台湾", "zh-yue")
    assert normalize("漢", "ja") == "漢"


@given(st.lists(WILD_TEXT, max_size=5))
@settings(deadline=None)
def test_texts_normalized_together_equal_each_alone(texts: list[str]) -> None:
    for language in ("en", "zh"):
        assert normalize_all(texts, language) == [normalize(text, language) for text in texts]
