"""How languages spell names: transliteration, cognates, case endings, CLDR's names, links between names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.sandbox.small_worlds import small_world
from factroots_dagster.languages.geography import MLAMA_PLACES
from factroots_dagster.sandbox.endings import inflect, inflects
from factroots_dagster.sandbox.entities import make_cognate, name_link
from factroots_dagster.sandbox.languages import LANGUAGES, linked_languages, namespace_names
from factroots_dagster.sandbox.lexicon import lexicon
from factroots_dagster.sandbox.natural import natural_name, natural_pairs
from factroots_dagster.sandbox.real_languages import REAL_LANGUAGES
from factroots_dagster.sandbox.records import Spelling
from factroots_dagster.sandbox.schema import NAME_LINKS
from factroots_dagster.sandbox.scripts import has_letters_of, transliterate

STEMS = st.from_regex(r"([bdfgjklmnprstvz][aeiou][lnrs]?){2,4}", fullmatch=True).map(str.capitalize)


def test_every_language_of_mlama_is_known() -> None:
    assert set(REAL_LANGUAGES) == set(MLAMA_PLACES)
    assert next(iter(REAL_LANGUAGES)) == "en"
    for code, language in REAL_LANGUAGES.items():
        place = MLAMA_PLACES[code]
        assert (language.code, language.script, language.invented) == (code, place.script, False)
        assert (language.latitude, language.longitude) == (place.latitude, place.longitude)


@given(STEMS, st.sampled_from(list(REAL_LANGUAGES)))
def test_a_name_is_spelled_with_the_letters_of_its_script(stem: str, code: str) -> None:
    language = REAL_LANGUAGES[code]
    spelled = transliterate(f"{stem} {stem}", language)
    assert has_letters_of(spelled, language.script)
    assert len(spelled.split()) == 2
    cased = language.script in ("Latn", "Cyrl", "Grek", "Armn")
    assert spelled[0].isupper() == cased


@pytest.mark.parametrize(
    ("code", "spelled"),
    [  # as the standards and the Wikipedias of these languages write the name
        ("ru", "Бандунг"), ("uk", "Бандунґ"), ("sr", "Бандунг"), ("el", "Μπαντουνγκ"), ("ka", "ბანდუნგ"),
        ("hy", "Բանդունգ"), ("he", "באנדונג"), ("fa", "باندونگ"), ("ja", "バンドゥング"),
        ("ko", "반둔그"), ("hi", "बान्दुन्ग"), ("zh", "巴恩杜恩格"), ("th", "บานดุนก"), ("de", "Bandung"),
    ],
)  # fmt: skip
def test_a_city_is_transliterated(code: str, spelled: str) -> None:
    assert transliterate("Bandung", REAL_LANGUAGES[code]) == spelled


def test_made_up_languages_keep_their_letters() -> None:
    assert transliterate("Byjo 3", LANGUAGES["qah"]) == "Βηξο 3"


@given(STEMS, st.sampled_from(list(REAL_LANGUAGES)))
def test_a_cognate_keeps_the_beginning_and_has_an_own_ending(stem: str, code: str) -> None:
    cognate = make_cognate(stem, code)
    assert cognate[:2] == stem[:2]
    assert cognate == make_cognate(stem, code) and cognate.isalpha()


@pytest.mark.parametrize(
    ("name", "code", "forms"),
    [
        ("Berlin", "hu", {"Berlinben", "Berlinből", "Berlinnek"}),
        ("London", "hu", {"Londonban", "Londonból", "Londonnak"}),
        ("Москва", "ru", {"Москвы", "Москве", "Москву"}),
        ("Лондон", "ru", {"Лондона", "Лондоне", "Лондону"}),
        ("Paris", "de", {"Paris"}), ("Berlin", "de", {"Berlins"}),
        ("Lima", "fi", {"Limassa", "Limasta", "Liman"}),
        ("Ankara", "tr", {"Ankara'da", "Ankara'dan", "Ankara'nın"}), ("Lyon", "fr", {"Lyon"}),
        ("תל אביב", "he", {"בתל אביב", "לתל אביב", "מתל אביב", "התל אביב"}),
        ("서울", "ko", {"서울에서", "서울의", "서울은"}),
    ],
)  # fmt: skip
def test_names_take_the_endings_of_grammars(name: str, code: str, forms: set[str]) -> None:
    assert {inflect(name, code, choice) for choice in range(12)} == forms
    assert inflects(code) == (forms != {name} or code == "de")


@given(st.text(), st.sampled_from(list(REAL_LANGUAGES)), st.integers(0, 20))
def test_any_name_can_be_inflected(name: str, code: str, choice: int) -> None:
    assert inflects(code) or inflect(name, code, choice) == name


def test_natural_names_are_written_in_the_language_s_script() -> None:
    assert natural_name(("country", "DE"), REAL_LANGUAGES["hu"]) == "Németország"
    assert natural_name(("city", "Europe/Vienna"), REAL_LANGUAGES["de"]) == "Wien"
    assert natural_name(("language", "de"), REAL_LANGUAGES["id"]) == "Jerman"
    assert natural_name(("currency", "EUR"), REAL_LANGUAGES["el"]) == "Ευρώ"
    assert natural_name(("currency", "XAF"), REAL_LANGUAGES["en"]) == "Central African CFA Franc"
    # the traps: an English name in place of one in the script, brackets, full stops
    assert natural_name(("city", "Nowhere/Zork"), REAL_LANGUAGES["ru"]) is None
    assert natural_name(("country", "CD"), REAL_LANGUAGES["fr"]) != "Congo (Kinshasa)"
    assert natural_name(("city", "America/St_Johns"), REAL_LANGUAGES["en"]) is None


def test_natural_facts_are_cldrs() -> None:
    assert natural_pairs("P17")["city", "Europe/Paris"] == [("country", "FR")]
    assert natural_pairs("P37")["country", "BE"] == [
        ("language", "nl"),
        ("language", "fr"),
        ("language", "de"),
    ]
    assert natural_pairs("P38")["country", "JP"] == [("currency", "JPY")]
    assert all(("country", "AQ") not in objects for objects in natural_pairs("P17").values())


@pytest.mark.parametrize(
    ("one", "other", "same_script", "link"),
    [
        (Spelling("Bandu", "Bandu"), Spelling("Bandu", "Bandu"), True, "identical"),
        (Spelling("Bandu", "Bandu"), Spelling("Bandu", "Bando"), True, "cognate"),
        (Spelling("Bandu", "Bandu"), Spelling("Zorki", "Zorki"), True, "unrelated"),
        (Spelling("Bandu", "Bandu"), Spelling("Bandu", "Банду"), False, "transliterated"),
        (Spelling("Bandu", "Bandu"), Spelling("Zorki", "Зорки"), False, "unrelated"),
        (Spelling("", "Germany"), Spelling("", "Allemagne"), True, "unrelated"),
        (Spelling("", "Kanada"), Spelling("", "Canada"), True, "cognate"),
        (Spelling("", "Kanada"), Spelling("", "Канада"), False, "transliterated"),
    ],
)
def test_links_between_spellings(one: Spelling, other: Spelling, same_script: bool, link: str) -> None:
    assert name_link(one, other, same_script=same_script) == link
    assert name_link(other, one, same_script=same_script) == link
    assert link in NAME_LINKS


def test_labels_are_unique_in_each_language() -> None:
    world = small_world(
        cognates=0.5, unrelated=0.2, namesakes=0.5, languages=53, relations=10, facts_per_relation=6
    )
    for code, labels in world.labels.items():
        assert len({label.casefold() for label in labels.values()}) == len(labels)
        assert all(has_letters_of(label, world.languages[code].script) for label in labels.values())


def test_the_made_up_languages_are_well_formed() -> None:
    assert tuple(f"qa{letter}" for letter in "abcdefgh") == tuple(LANGUAGES)
    assert linked_languages("qah", LANGUAGES) == ()
    assert linked_languages("qag", LANGUAGES) == ("qaf",)
    assert linked_languages("qab", LANGUAGES)[0] == "qaa"
    assert len({language.script for language in LANGUAGES.values()}) == 3
    assert len({(language.latitude, language.longitude) for language in LANGUAGES.values()}) == 8
    for language in LANGUAGES.values():
        words = list(lexicon(language).values())
        assert len(set(words)) == len(words)
        names = namespace_names(language)
        assert len(set(names.values())) == len(names)
