"""The facts of CLDR: counts, a dozen facts known by hand, templates, scripts, and what is left out."""

from __future__ import annotations

import unicodedata
from collections import Counter
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from factroots_dagster.facts.cldr.release import NO_CITIES, NOT_OFFICIAL, list_triples, write_cldr
from factroots_dagster.facts.cldr.templates import RELATIONS, TEMPLATES
from factroots_dagster.facts.mlama.release import read_provenance
from factroots_dagster.facts.mlama.split import read_split
from factroots_dagster.languages.geography import MLAMA_PLACES
from factroots_dagster.sandbox.natural import natural_pairs

KNOWN = {
    "en": [("P17", "Kyiv", "Ukraine"), ("P37", "Japan", "Japanese"), ("P38", "Japan", "Japanese yen")],
    "de": [
        ("P17", "Tokio", "Japan"),
        ("P37", "Schweiz", "Italienisch"),
        ("P37", "Japan", "Japanisch"),
        ("P38", "Japan", "Japanischer Yen"),
        ("P38", "Bulgarien", "Euro"),
    ],
    "el": [
        ("P17", "Τόκιο", "Ιαπωνία"),
        ("P37", "Ιαπωνία", "Ιαπωνικά"),
        ("P38", "Ιαπωνία", "γιεν Ιαπωνίας"),
        ("P37", "Κύπρος", "Τουρκικά"),
    ],
    "cy": [
        ("P17", "Tokyo", "Japan"),
        ("P37", "Japan", "Japaneeg"),
        ("P38", "Japan", "yen Japan"),
        ("P37", "Iwerddon", "Gwyddeleg"),
    ],
    "ar": [("P17", "طوكيو", "اليابان"), ("P37", "اليابان", "اليابانية"), ("P38", "اليابان", "ين ياباني")],
    "ja": [("P17", "東京", "日本"), ("P37", "日本", "日本語"), ("P38", "日本", "日本円")],
    "az": [("P37", "Almaniya", "alman")],
}
UNTRUE = {
    "en": [
        ("P38", "Bulgaria", "Bulgarian lev"),  # the euro since 2026
        ("P37", "Wales", "Welsh"),
        ("P17", "Singapore", "Singapore"),  # gives itself away
        ("P17", "Azores", "Portugal"),  # no city
        ("P37", "Guam", "English"),  # no country
        ("P37", "Mali", "French"),  # a working language since 2023
        ("P37", "Burkina Faso", "French"),
        ("P37", "Niger", "French"),
        ("P37", "Algeria", "French"),
        ("P37", "Tunisia", "French"),
        ("P37", "Israel", "Arabic"),
        ("P17", "Tucumán", "Argentina"),  # a province
        ("P17", "Jujuy", "Argentina"),
        ("P17", "Catamarca", "Argentina"),
    ],
    "de": [("P38", "Deutschland", "Deutsche Mark")],
}
LEAST = {"P17": 276, "P37": 244, "P38": 187}
THIN = {("ceb", "P37"): 150, ("la", "P17"): 0, ("la", "P37"): 200, ("la", "P38"): 40}
"""Languages of which CLDR knows fewer names."""


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pa.Table]:
    folder = tmp_path_factory.mktemp("cldr")
    return folder, write_cldr(folder)


@pytest.fixture(scope="module")
def splits(release: tuple[Path, pa.Table]) -> dict[str, pa.Table]:
    return {language: read_split(release[0], language) for language in MLAMA_PLACES}


def test_every_language_has_every_template_with_each_slot_once() -> None:
    assert TEMPLATES.keys() == MLAMA_PLACES.keys()
    for language, templates in TEMPLATES.items():
        assert len(templates) == len(set(templates)) == len(RELATIONS), language
        for template in templates:
            assert template.count("[X]") == template.count("[Y]") == 1, template
            assert template == unicodedata.normalize("NFC", template).strip()


def test_templates_are_written_in_their_languages_script(splits: dict[str, pa.Table]) -> None:
    """By Unicode's names of letters, for every letter outside the slots."""
    names = {"Hans": "CJK", "Kore": "HANGUL", "Latn": "LATIN", "Cyrl": "CYRILLIC", "Grek": "GREEK"}
    for language, templates in TEMPLATES.items():
        script = names.get(MLAMA_PLACES[language].script)
        text = "".join(templates).replace("[X]", "").replace("[Y]", "")
        letters = {unicodedata.name(letter).split()[0] for letter in text if letter.isalpha()}
        assert len(letters) <= (2 if language == "ja" else 1) and script in (None, *letters), language


def test_facts_known_by_hand_are_there_and_false_ones_are_not(splits: dict[str, pa.Table]) -> None:
    for language, facts in KNOWN.items():
        rows = {(row["relation"], row["subject"], row["object"]) for row in splits[language].to_pylist()}
        assert set(facts) <= rows, set(facts) - rows
        assert not rows & set(UNTRUE.get(language, []))


def test_counts_by_relation_and_language(splits: dict[str, pa.Table]) -> None:
    triples = Counter(relation for relation, _, _ in list_triples())
    assert triples == {"P17": 281, "P37": 266, "P38": 203}
    for language, split in splits.items():
        counts = Counter(split["relation"].to_pylist())
        for relation in RELATIONS:
            least = THIN.get((language, relation), LEAST[relation])
            assert least <= counts[relation] <= triples[relation], (language, relation)
    assert sum(split.num_rows for split in splits.values()) > 38_000


def test_what_is_left_out_is_what_cldr_says() -> None:
    """Exceptions that a later CLDR has corrected need not stay."""
    said = {
        (country, answer) for (_, country), answers in natural_pairs("P37").items() for _, answer in answers
    }
    assert NOT_OFFICIAL.keys() <= said
    assert {zone for _, zone in natural_pairs("P17")} >= NO_CITIES


def test_a_fact_has_the_same_ids_in_all_languages(splits: dict[str, pa.Table]) -> None:
    rows = pa.concat_tables(
        [table.select(["uuid", "subject_uri", "object_uri"]) for table in splits.values()]
    )
    distinct = rows.group_by(["uuid", "subject_uri", "object_uri"]).aggregate([])
    assert distinct.num_rows == len(pc.unique(rows["uuid"])) <= len(list_triples())
    assert all(str(UUID(uuid)) == uuid for uuid in distinct["uuid"].to_pylist())


def test_labels_are_plain_names_in_the_languages_script(splits: dict[str, pa.Table]) -> None:
    for language, split in splits.items():
        labels = {label for name in ("subject", "object") for label in split[name].to_pylist()}
        assert not [label for label in labels if set(label) & set("()（）[]") or " - " in label], language
        if MLAMA_PLACES[language].script != "Latn":
            assert not [label for label in labels if any("a" <= letter.lower() <= "z" for letter in label)]


def test_no_two_entities_share_a_name(splits: dict[str, pa.Table]) -> None:
    for language, split in splits.items():
        named: dict[tuple[str, str], str] = {}
        for row in split.to_pylist():
            for side in ("subject", "object"):
                kind = row[f"{side}_uri"].partition(":")[0]
                assert named.setdefault((kind, row[side]), row[f"{side}_uri"]) == row[f"{side}_uri"], language


def test_the_release_says_what_it_is_and_is_the_same_again(
    release: tuple[Path, pa.Table], tmp_path: Path
) -> None:
    provenance = read_provenance(release[1])
    assert provenance["languages"] == 53 and str(provenance["source"]).startswith("Babel ")
    assert "Unicode License v3" in str(provenance["licence"]) and provenance["published"] is False
    assert read_provenance(write_cldr(tmp_path))["digest"] == provenance["digest"]
