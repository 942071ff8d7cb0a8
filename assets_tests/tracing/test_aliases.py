"""Aliases of labels in small tables of pages: rule by rule, and against a dictionary of all pages."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factroots_dagster.corpora.schema import WIKIPEDIA_ARTICLES
from factroots_dagster.errors import InputError
from factroots_dagster.text.normalization import normalize
from factroots_dagster.tracing.aliases import as_title, find_names_of_labels, is_distinctive, spellings

Page = tuple[str, str | None, str | None, list[str]]
"""Title, target, fragment, bold names."""


def find_aliases(folder: Path, labels: list[str], language: str) -> dict[str, list[str]]:
    return find_names_of_labels(folder, labels, language).aliases


def write_pages(folder: Path, pages: list[Page], parts: int = 2) -> Path:
    rows = [
        {
            "page_id": number,
            "revision_id": number,
            "title": title,
            "redirect_to": target,
            "redirect_fragment": fragment,
            "text": "",
            "list_lines": [],
            "names": names,
            "wikitext_bytes": 0,
            "words": 0,
        }
        for number, (title, target, fragment, names) in enumerate(pages)
    ]
    for part in range(parts):
        table = pa.Table.from_pylist(rows[part::parts], WIKIPEDIA_ARTICLES)
        pq.write_table(table, folder / f"part-{part:05d}.parquet")
    pq.write_table(pa.table({"title": ["Kyiv"]}), folder / "_problems.parquet")
    return folder


def article(title: str, *names: str) -> Page:
    return title, None, None, list(names)


def redirect(title: str, target: str, fragment: str | None = None) -> Page:
    return title, target, fragment, []


def test_aliases_are_titles_of_redirects_and_bold_names(tmp_path: Path) -> None:
    pages = [
        article("Saint Petersburg", "Saint Petersburg", "Petrograd City"),
        redirect("St. Petersburg", "Saint Petersburg"),
        redirect("Leningrad", "Saint Petersburg", "History"),
        redirect("Petrograd", "Saint Petersburg"),
        redirect("Piter", "Petrograd"),
        article("Elsewhere", "Leningrad"),
    ]
    aliases = find_aliases(write_pages(tmp_path, pages), ["St. Petersburg", "Nowhere"], "en")
    assert aliases == {"St. Petersburg": ["Saint Petersburg", "Petrograd", "Petrograd City"]}
    # A label by way of two redirects, but not by way of a section.
    assert find_aliases(tmp_path, ["Piter"], "en")["Piter"][0] == "Saint Petersburg"
    assert find_aliases(tmp_path, ["Leningrad"], "en") == {}


def test_redirects_lead_at_most_twice(tmp_path: Path) -> None:
    pages = [redirect("A1", "A2"), redirect("A2", "A3"), redirect("A3", "A4"), article("A4")]
    pages += [redirect("Loop", "Pool"), redirect("Pool", "Loop"), redirect("Lost", "Gone")]
    write_pages(tmp_path, pages)
    assert find_aliases(tmp_path, ["A1"], "en") == {}
    assert find_aliases(tmp_path, ["A1", "A2"], "en") == {"A2": ["A4", "A3"]}
    assert find_aliases(tmp_path, ["Loop", "Pool", "Lost"], "en") == {}


def test_a_name_of_something_else_is_no_alias(tmp_path: Path) -> None:
    pages = [
        article("Georgia (country)", "Sakartvelo", "Republic"),
        article("Georgia (U.S. state)", "Peach State", "Republic"),
        redirect("Georgien", "Georgia (country)"),
        redirect("State of Georgia", "Georgia (U.S. state)"),
        redirect("Atlanta", "Georgia (U.S. state)"),
        redirect("Georgian land (1990)", "Georgia (country)"),
    ]
    aliases = find_aliases(write_pages(tmp_path, pages), ["Georgien", "State of Georgia", "Atlanta"], "en")
    assert aliases == {
        "Georgien": ["Georgian land", "Sakartvelo"],
        "State of Georgia": ["Peach State"],
        "Atlanta": ["Peach State"],
    }
    assert find_aliases(tmp_path, ["Georgien"], "en")["Georgien"][0] == "Georgia"


def test_disambiguation_pages_are_passed_over(tmp_path: Path) -> None:
    pages = [
        redirect("Merkur", "Merkur (Begriffsklärung)"),
        article("Merkur (Begriffsklärung)", "Merkur II"),
        redirect("Hesperus (disambiguation)", "Venus"),
        redirect("Abendstern", "Venus"),
        article("Venus"),
    ]
    assert find_aliases(write_pages(tmp_path, pages), ["Merkur", "Abendstern"], "de") == {
        "Abendstern": ["Venus"]
    }


def test_labels_with_a_small_letter_find_their_page(tmp_path: Path) -> None:
    pages = [
        article("Lawyer", "lawyer"),
        redirect("Attorney at law", "Lawyer"),
        redirect("JD holder", "Lawyer"),
        article("İpək"),
        redirect("Irmaq", "İpək"),
    ]
    write_pages(tmp_path, pages)
    assert find_aliases(tmp_path, ["lawyer"], "en") == {
        "lawyer": ["Lawyer", "Attorney at law", "attorney at law", "JD holder"]
    }
    assert find_aliases(tmp_path, ["ipək"], "az") == {"ipək": ["İpək", "Irmaq", "ırmaq"]}
    assert find_aliases(tmp_path, ["ipək"], "en") == {}
    assert as_title("new_york  city", "en") == "New york city"
    assert as_title("თბილისი", "ka") == "თბილისი" and as_title("ßa", "de") == "ßa"
    assert spellings("UN", "un", "en") == ["UN"]


def test_titles_are_compared_in_normalized_form(tmp_path: Path) -> None:
    pages = [
        article("臺灣", "中華民國"),
        redirect("福爾摩沙", "臺灣"),
        article("Sa\u0303o Paulo\u200e", "Sampa"),
    ]
    write_pages(tmp_path, pages)
    assert find_aliases(tmp_path, ["台湾"], "zh") == {"台湾": ["福爾摩沙", "中華民國"]}
    write_pages(tmp_path, [redirect("台湾", "别处"), article("臺灣", "中華民國"), article("别处", "他處")])
    assert find_aliases(tmp_path, ["台湾"], "zh") == {"台湾": ["中華民國"]}
    write_pages(tmp_path, pages)
    assert find_aliases(tmp_path, ["São\u00a0Paulo"], "pt") == {"São\u00a0Paulo": ["Sampa"]}


def test_bold_names_lose_their_reading_aids(tmp_path: Path) -> None:
    pages = [
        article("Україна", "Украї\u0301на", "Краї\u0301на,", "Ї\u0301жак й ґа\u0301нок"),
        article("ישראל", "יִשְׂרָאֵל", "מְדִינַת־אָב"),
        article("مصر", "جُمهُورِيَّة", "São Tomé"),
    ]
    write_pages(tmp_path, pages)
    assert find_aliases(tmp_path, ["Україна"], "uk") == {"Україна": ["Країна", "Їжак й ґанок"]}
    assert find_aliases(tmp_path, ["ישראל"], "he") == {"ישראל": ["מדינת־אב"]}
    assert find_aliases(tmp_path, ["مصر"], "ar") == {"مصر": ["جمهورية", "São Tomé"]}


def test_short_names_and_numbers_are_no_aliases() -> None:
    kept = ["中国", "UK", "한국", "ナチ", "ЄС", "U2", "Rom"]
    dropped = ["1984", "!!!", "Q", "中", "Uk", "Єс", "دو", ""]
    assert [name for name in kept + dropped if is_distinctive(name)] == kept


def test_a_folder_without_articles_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no articles\. To fix it, materialize wikipedia_articles"):
        find_aliases(tmp_path, ["Kyiv"], "uk")


def aliases_by_dictionary(pages: list[Page], labels: list[str], language: str) -> dict[str, set[str]]:
    """The same from a dictionary of all pages; titles in upper case with at most one disambiguator."""
    pages = [page for page in pages if page[2] is None]
    target_of = {title: target for title, target, _, _ in pages}
    articles = {}
    for label in labels:
        title = normalize(label).strip().replace("_", " ")
        title = title[:1].upper() + title[1:]
        for _ in range(3):
            if title in target_of and target_of[title] is None and "(disambiguation)" not in title:
                articles[label] = title
                break
            title = target_of.get(title) or ""
    candidates: dict[str, set[str]] = {}
    for label, title in articles.items():
        titles = [title] + [page[0] for page in pages if page[1] == title]
        names = {name for page in pages if page[0] == title for name in page[3]}
        candidates[label] = names | {
            form
            for name in titles
            if "(disambiguation)" not in name
            for form in spellings(name.split(" (")[0], label, language)
        }
    aliases_of_label = {}
    for label, names in candidates.items():
        others = {
            name for other in candidates if articles[other] != articles[label] for name in candidates[other]
        }
        kept = {
            name
            for name in names - others
            if name not in {normalize(other).strip() for other in labels} and is_distinctive(name)
        }
        if kept:
            aliases_of_label[label] = kept
    return aliases_of_label


TITLES = st.sampled_from(
    [
        *"ABCDEF",
        "AB",
        "Ab",
        "Abc",
        "Abd",
        "Bcd",
        "Abc (x)",
        "Bcd (y)",
        "Abc (disambiguation)",
        "Cde fg",
        "12",
        "Xyz",
    ]
)
PAGES = st.dictionaries(
    TITLES,
    st.tuples(
        st.none() | TITLES,
        st.sampled_from([None, None, None, "Part"]),
        st.lists(TITLES | st.sampled_from(["abc", "bcd efg", "ÉÉÉ"]), max_size=3),
    ),
    max_size=12,
)


@given(
    PAGES,
    st.lists(TITLES | st.sampled_from(["abc", "cde_fg", "xyz"]), unique=True, max_size=6),
    st.integers(1, 3),
)
@settings(max_examples=150, deadline=None)
def test_aliases_are_those_of_a_dictionary_of_all_pages(
    page_of_title: dict[str, tuple[str | None, str | None, list[str]]], labels: list[str], parts: int
) -> None:
    pages: list[Page] = [
        (title, target, fragment if target else None, [] if target else names)
        for title, (target, fragment, names) in page_of_title.items()
    ]
    with tempfile.TemporaryDirectory() as folder:
        aliases = find_aliases(write_pages(Path(folder), pages, parts), labels, "en")
    assert {label: set(names) for label, names in aliases.items()} == aliases_by_dictionary(
        pages, labels, "en"
    )
    assert all(len(names) == len(set(names)) for names in aliases.values())


def test_the_order_of_aliases_does_not_depend_on_the_parts(tmp_path: Path) -> None:
    pages = [article("Rome", "Roma", "Urbs")] + [redirect(f"City {number}", "Rome") for number in range(30)]
    results = []
    for parts in (1, 5):
        folder = tmp_path / str(parts)
        folder.mkdir()
        random.Random(parts).shuffle(pages)
        results.append(find_aliases(write_pages(folder, pages, parts), ["Rome"], "en"))
    assert results[0] == results[1] and results[0]["Rome"][-2:] == ["Roma", "Urbs"]


def test_articles_with_many_redirects_keep_them_apart(tmp_path: Path) -> None:
    pages = [article(f"Place {number}") for number in range(2000)]
    pages += [redirect(f"Town {number}", f"Place {number % 2000}") for number in range(8000)]
    aliases = find_aliases(
        write_pages(tmp_path, pages), [f"Place {number}" for number in range(0, 2000, 2)], "en"
    )
    assert len(aliases) == 1000 and aliases["Place 2"] == ["Town 2", "Town 2002", "Town 4002", "Town 6002"]
