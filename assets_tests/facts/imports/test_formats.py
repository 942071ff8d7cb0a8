"""Each format's sample, imported: its facts as mLAMA's, its further templates, and what was left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assets_tests.facts.imports.samples import SAMPLES
from factroots_dagster.facts.imports.registry import FORMATS
from factroots_dagster.facts.imports.write import copy_import, import_facts
from factroots_dagster.facts.mlama.release import read_provenance
from factroots_dagster.facts.mlama.split import read_further_templates, read_split
from factroots_dagster.facts.worlds import LEFT_OUT, RELEASE, import_folder, read_import

Rows = dict[str, list[tuple[str, str, str, str]]]

ROWS: dict[str, Rows] = {
    "klar": {
        "en": [
            (
                "capital",
                "What is the capital of [X]? The answer is: [Y]",
                "Wales",
                "Cardiff",
            ),
            ("capital", "What is the capital of [X]? The answer is: [Y]", "Greece", "Athens"),
        ],
        "el": [
            ("capital", "Ποια είναι η πρωτεύουσα: [X]; Η απάντηση είναι: [Y]", "Ουαλία", "Κάρντιφ"),
            ("capital", "Ποια είναι η πρωτεύουσα: [X]; Η απάντηση είναι: [Y]", "Ελλάδα", "Αθήνα"),
            ("capital", "Ποια είναι η πρωτεύουσα: [X]; Η απάντηση είναι: [Y]", "Ιταλία", "Ρώμη"),
        ],
    },
    "bmlama": {
        "en": [
            ("x-is-in-y-s-hands", "[X] is in [Y]'s hands.", "Concord, New Hampshire", "B, C"),
            ("x-is-located-in-y", "[X] is located in [Y].", "Cardiff", "Wales"),
            ("x-is-located-in-y", "[X] is located in [Y].", "Lima", "Peru"),
            ("x-is-located-in-y-2", "[X] is located in [Y].", "Peru", "South America"),
            ("x-is-located-in-y-2", "[X] is located in [Y].", "Chad", "Africa"),
        ],
        "de": [
            ("x-is-located-in-y", "[X] liegt in [Y].", "Cardiff", "Wales"),
            ("x-is-located-in-y", "[X] liegt in [Y].", "Lima", "Peru"),
            ("x-is-located-in-y-2", "[X] gehört zu [Y].", "Peru", "Südamerika"),
        ],
        "cy": [
            ("x-is-in-y-s-hands", "[X] yw [Y].", 'Con"cord', "B, C"),
            ("x-is-located-in-y", "Mae [X] yn [Y].", "Caerdydd", "Cymru"),
            ("x-is-located-in-y", "Mae [X] yn [Y].", "Lima", "Periw"),
            ("x-is-located-in-y-2", "Rhan o [Y] yw [X].", "Periw", "De America"),
            ("x-is-located-in-y-2", "Rhan o [Y] yw [X].", "Tsiad", "Affrica"),
        ],
    },
    "mpararel": {
        "af": [("P36", "[X] se hoofstad is [Y]", "Peru", "Lima")],
        "zh": [("P36", "[X]的首都是[Y]", "秘鲁", "利马")],
    },
    "bear": {"en": [("P103", "[X] speaks [Y] natively.", "Ann", "Hebrew")]},
    "lama": {
        "en": [
            ("P36", "The capital of [X] is [Y] .", "Peru", "Lima"),
            ("P36", "The capital of [X] is [Y] .", "Wales", "Cardiff"),
        ]
    },
    "table": {
        "en": [("P36", "The capital of [X] is [Y].", "Wales", "Cardiff")],
        "cy": [("P36", "Prifddinas [X] yw [Y].", "Cymru", "Caerdydd")],
    },
}
FURTHER = {
    "klar": {("en", "capital", 2, "The capital of [X] is [Y]")},
    "bmlama": set(),
    "mpararel": {("af", "P36", 2, "die hoofstad van [X] is [Y]"), ("zh", "P36", 2, "[Y]是[X]的首都")},
    "bear": {("en", "P103", 2, "The native language of [X] is [Y].")},
    "lama": set(),
    "table": {("cy", "P36", 2, "[Y] yw prifddinas [X].")},
}
OUT = {
    "klar": [("tlh", "tlh", "a language without a place in languages/geography.py")],
    "bmlama": [
        ("de.tsv, line 5", "de", "a prompt of another form than most of its relation"),
        ("de.tsv, line 6", "de", "a prompt that does not have the subject and the mask once each"),
    ],
    "mpararel": [
        ("patterns/zh-hans/P36.jsonl, line 3", "zh", "a template without exactly one slot"),
        ("patterns/zh-hant", "zh-hant", "a language without a place in languages/geography.py"),
        ("tuples/af/P17.jsonl, line 1", "af", "a fact without a template of its relation"),
    ],
    "bear": [
        ("BEAR/P103.jsonl, line 2", "en", "a subject's id that is blank"),
        ("metadata_relations.json", "en", "a relation without a file"),
    ],
    "lama": [
        ("ConceptNet", "en", "a part of LAMA without subjects or ids"),
        ("relations.jsonl, line 2", "en", "a relation without a file"),
    ],
    "table": [],
}


def test_every_format_has_a_sample() -> None:
    assert FORMATS.keys() == SAMPLES.keys() == ROWS.keys()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_becomes_a_world(tmp_path: Path, name: str) -> None:
    source, data = SAMPLES[name](tmp_path / "source"), tmp_path / "data"
    record = import_facts(name, source, data, "mine")
    assert record == read_import(data, "mine")
    release = import_folder(data, "mine") / RELEASE
    splits = {language: read_split(release, language).to_pylist() for language in record.languages}
    keys = ("relation", "template", "subject", "object")
    assert {
        language: sorted(tuple(row[key] for key in keys) for row in rows) for language, rows in splits.items()
    } == {language: sorted(rows) for language, rows in ROWS[name].items()}
    further = [
        tuple(row.values())
        for language in record.languages
        for row in read_further_templates(release, language).to_pylist()
    ]
    assert set(further) == FURTHER[name]
    assert record.templates == len(further) + sum(
        len({row["relation"] for row in rows}) for rows in splits.values()
    )
    assert record.rows == sum(map(len, splits.values()))
    lines = (import_folder(data, "mine") / LEFT_OUT).read_text(encoding="utf-8").splitlines()
    entries = sorted((entry["place"], entry["language"], entry["reason"]) for entry in map(json.loads, lines))
    assert len(entries) == len(OUT[name])
    for entry, expected in zip(entries, OUT[name], strict=True):
        assert entry[:2] == expected[:2] and entry[2].startswith(expected[2])
    assert sum(record.left_out.values()) == len(entries)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("klar", ("en", "Cardiff"), ("el", "Κάρντιφ")),
        ("bmlama", ("en", "Africa"), ("cy", "Affrica")),
        ("mpararel", ("af", "Lima"), ("zh", "利马")),
        ("table", ("en", "Cardiff"), ("cy", "Caerdydd")),
    ],
)
def test_a_fact_is_the_same_in_all_languages(
    tmp_path: Path, name: str, one: tuple[str, str], other: tuple[str, str]
) -> None:
    import_facts(name, SAMPLES[name](tmp_path / "source"), tmp_path, "mine")
    rows = []
    for language, answer in (one, other):
        split = read_split(import_folder(tmp_path, "mine") / RELEASE, language).to_pylist()
        rows += [row for row in split if row["object"] == answer]
    ids = [{row[key] for row in rows} for key in ("uuid", "subject_uri", "object_uri")]
    assert len(rows) == 2 and [len(values) for values in ids] == [1, 1, 1]


def test_entities_without_ids_are_named_by_their_english_labels(tmp_path: Path) -> None:
    """And where English lacks the fact by the labels of the language that has it."""
    import_facts("klar", SAMPLES["klar"](tmp_path / "source"), tmp_path, "mine")
    split = read_split(import_folder(tmp_path, "mine") / RELEASE, "el").to_pylist()
    assert [(row["subject_uri"], row["object_uri"]) for row in split] == [
        ("en:Wales", "en:Cardiff"),
        ("en:Greece", "en:Athens"),
        ("el:Ιταλία", "el:Ρώμη"),
    ]


def test_a_copy_of_an_import_says_where_it_is_from(tmp_path: Path) -> None:
    source = SAMPLES["lama"](tmp_path / "source")
    record = import_facts("lama", source, tmp_path, "mine", licence="mine alone")
    (tmp_path / "copy").mkdir()
    provenance = read_provenance(copy_import(tmp_path, "mine", tmp_path / "copy"))
    assert (provenance["source"], provenance["licence"]) == (str(source.absolute()), "mine alone")
    assert (provenance["digest"], provenance["facts"]) == (record.digest, 2)
