"""Inflected forms of labels from the links of a dump, and how many forms of a name are seen."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets_tests.tracing.brute_force import split_of
from factroots_dagster.corpora.schema import WIKIPEDIA_ANCHORS, WIKIPEDIA_ARTICLES
from factroots_dagster.text.normalization import normalize
from factroots_dagster.tracing.aliases import find_names_of_labels
from factroots_dagster.tracing.anchor_forms import AnchorForms, HeldOut, as_form, find_anchor_forms
from factroots_dagster.tracing.coverage import measure_coverage
from factroots_dagster.tracing.forms import EntityForms, entities_of_split
from factroots_dagster.tracing.mentions import write_mentions
from factroots_dagster.tracing.schema import MENTION_FORMS, NAME_COVERAGE

REDIRECTS = {"Столиця Німеччини": "Берлін", "Київ": "Київ (місто)"}


def write_corpus(folder: Path, anchors: str, texts: dict[str, str] | None = None) -> Path:
    """Articles by title, redirects, and anchors "target|words|links|held-out links" per line."""
    pages = {"Берлін": "", "Київ (місто)": ""} | (texts or {})
    rows = [{"title": title, "text": text} for title, text in pages.items()]
    rows += [{"title": title, "redirect_to": target, "text": ""} for title, target in REDIRECTS.items()]
    common = {"revision_id": 1, "wikitext_bytes": 1, "list_lines": [], "names": [], "words": 0}
    rows = [{"page_id": number} | common | row for number, row in enumerate(rows)]
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, WIKIPEDIA_ARTICLES), folder / "part-00000-000.parquet")
    links = []
    for line in filter(None, map(str.strip, anchors.splitlines())):
        target, words, count, held_out = line.split("|")
        links.append({"target": target, "words": words, "links": int(count), "held_out_links": int(held_out)})
    pq.write_table(pa.Table.from_pylist(links, WIKIPEDIA_ANCHORS), folder / "_anchors.parquet")
    return folder


def forms_of(folder: Path, labels: list[str], language: str = "uk") -> AnchorForms:
    label_forms = {label: normalize(label, language) for label in labels}
    targets = find_names_of_labels(folder, labels, language).targets
    return find_anchor_forms(folder, label_forms, targets, language)


def test_forms_are_what_links_to_the_labels_article_show(tmp_path: Path) -> None:
    """Also by a redirect; not descriptions, adjectives, other names, nor what mostly leads elsewhere."""
    corpus = write_corpus(
        tmp_path / "corpus",
        """
        Берлін|Берлін|9|0
        Берлін|Берліні|3|0
        Столиця Німеччини|Берліном|1|0
        Берлін|столиці|5|0
        Берлін|місто Берлін|5|0
        Берлін|берлінський|5|0
        Берлін|Берліна|2|0
        Берлін (фільм)|Берліна|3|0
        Берлін|Берліну|1|0
        Берлін (фільм)|Берліну|1|0
        Київ (місто)|Києва|1|0
        Київ|Києві|1|0
        Роман|Романи|1|0
        Роман|романів|1|0
        Мінськ|Мінська|1|0
        """,
    )
    found = forms_of(corpus, ["Берлін", "Київ", "роман", "Мінськ", "Ром", "Мінська"])
    assert found.sources == {
        "Берлін": {"Берліні": "link", "Берліном": "link", "Берліну": "link"},
        "Київ": {"Києва": "link", "Києві": "link"},
        "роман": {"романи": "link", "романів": "link"},
    }


NAMES = ("Белград", "Ленінград", "Волгоград", "Зеленоград", "Вишеград", "Новоград")


def test_forms_are_expected_that_links_show_of_other_names(tmp_path: Path) -> None:
    """Unless they are titles of others, labels, or forms of several labels."""
    links = "".join(f"{name}|{name}|2|0\n{name}|{name}у|1|0\n{name}|{name}а|1|0\n" for name in NAMES)
    links += "Петрограду|Петрограду|1|0\n"
    corpus = write_corpus(tmp_path / "corpus", links)
    found = forms_of(corpus, ["Царград", "Петроград", "Білоград", "Білограда"])
    assert found.sources == {
        "Царград": {"Царграда": "ending", "Царграду": "ending"},
        "Петроград": {"Петрограда": "ending"},
        "Білоград": {"Білограду": "ending"},
    }


def test_forms_of_two_labels_stand_for_neither(tmp_path: Path) -> None:
    """Unless both have one article."""
    links = "Алі|Алій|1|0\nАлія|Алій|1|0\nБерлін|Берліни|1|0\n"
    corpus = write_corpus(tmp_path / "corpus", links)
    found = forms_of(corpus, ["Алі", "Алія", "Берлін", "Столиця Німеччини"])
    assert found.sources == {"Берлін": {"Берліни": "link"}}


def test_a_corpus_without_anchors_gives_no_forms(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", "")
    assert forms_of(corpus, ["Берлін"]) == AnchorForms({}, [])
    (corpus / "_anchors.parquet").unlink()
    assert forms_of(corpus, ["Берлін"]) == AnchorForms({}, [])


def test_held_out_links_give_no_forms(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", "Берлін|Берліна|0|2\nРим|Риму|0|1\nБерлін|Берліні|1|1\n")
    found = forms_of(corpus, ["Берлін"])
    assert found.sources == {"Берлін": {"Берліні": "link"}}
    assert found.held_out == [HeldOut("Берлін", "Берліна", 2), HeldOut("Берлін", "Берліні", 1)]


@pytest.mark.parametrize(
    ("label", "words", "form"),
    [
        ("роман", "Романи", "романи"),
        ("роман", "романи", "романи"),
        ("Роман", "романи", None),
        ("Роман", "Роман", None),
        ("роман", "Роман", None),
        ("Corcaigh", "gCorcaigh", "gCorcaigh"),
        ("άνθρωπος", "Ανθρώπου", "ανθρώπου"),
        ("Італія", "італійський", None),
    ],
)
def test_a_form_has_the_labels_first_letter(label: str, words: str, form: str | None) -> None:
    assert as_form(label, words) == form


def test_coverage_counts_links_by_hand() -> None:
    """Each link once per kind of names; what is no form of the name does not count."""
    entities = entities_of_split(split_of([("f", "Q1", "Budapest", "Q2", "Róma")], "hu"))
    inflected = {"Budapest": ["Budapesti"], "Róma": ["Romá"]}
    forms = EntityForms.build(entities, "hu", {"Róma": ["Örök Város"]}, inflected)
    targets = {"Budapest": frozenset({"Budapest"}), "Róma": frozenset({"Róma"})}
    held_out = [
        HeldOut("Budapest", "Budapest", 10),
        HeldOut("Budapest", "Budapesten", 4),  # a suffix
        HeldOut("Budapest", "Budapesti", 3),  # a form
        HeldOut("Budapest", "Budapest fővárosa", 2),  # no form
        HeldOut("Budapest", "Budapestje", 1),  # unknown
        HeldOut("Róma", "Örök Város", 5),  # an alias, but no form
        HeldOut("Budapest", "Romá", 7),  # wrong
        HeldOut("Budapest", "a főváros", 9),
    ]
    label_forms = {"Budapest": "Budapest", "Róma": "Róma"}
    table = measure_coverage(held_out, forms, label_forms, targets)
    assert table.schema == NAME_COVERAGE
    rows = {row.pop("names"): row for row in table.to_pylist()}
    keys = ("links", "seen", "added", "added_right")
    assert {names: tuple(row[key] for key in keys) for names, row in rows.items()} == {
        "label": (18, 10, 0, 0),
        "with_aliases": (18, 10, 5, 5),
        "with_suffixes": (18, 14, 4, 4),
        "with_forms": (18, 17, 14, 7),
    }
    assert rows["with_forms"]["coverage"] == 17 / 18 and rows["with_forms"]["precision"] == 0.5
    assert rows["label"]["precision"] is None
    empty = measure_coverage([], forms, label_forms, targets).to_pylist()
    assert {row["coverage"] for row in empty} == {None}


def test_forms_and_their_coverage_lie_beside_the_mentions(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    links = "Берлін|Берліні|3|1\nБерлін|Берлін|3|1\nБерлін|Берліна|0|1\n"
    text = "У Берліні. Берлін. До Берліна."
    corpus = write_corpus(tmp_path / "corpus", links, {"Рим": text})
    split = split_of([("f", "Q1", "Берлін", "Q2", "Рим")], "uk")
    (tmp_path / "mentions").mkdir()
    counts = write_mentions(spark, corpus, split, tmp_path / "mentions")
    assert counts == {"labels": 2, "aliases": 1, "forms": 1, "mentions": 2}
    rows = pq.read_table(tmp_path / "mentions" / "part-00000-000.parquet").to_pylist()
    assert [(row["kind"], text[row["start"] : row["end"]]) for row in rows] == [
        ("form", "Берліні"),
        ("label", "Берлін"),
    ]
    forms = pq.read_table(tmp_path / "mentions" / "_forms.parquet")
    assert forms.schema == MENTION_FORMS
    assert forms.to_pylist() == [{"label": "Берлін", "form": "Берліні", "source": "link"}]
    coverage = pq.read_table(tmp_path / "mentions" / "_coverage.parquet").to_pylist()
    assert [(row["names"], row["links"], row["seen"]) for row in coverage] == [
        ("label", 3, 1),
        ("with_aliases", 3, 1),
        ("with_forms", 3, 2),
    ]
