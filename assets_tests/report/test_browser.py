"""The page in a real browser: what a reader sees, hostile labels, widths and weight."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assets_tests.report.browser import DESKTOP, PHONE, chromium, opened
from assets_tests.report.pages import write_new_report
from assets_tests.report.small_world import HOSTILE, LANGUAGES, VERDICT_REASON, SmallWorld, report_inputs
from assets_tests.report.synthetic import fact_tables, large_report
from factroots_dagster.report.figures.colours import TYPE_NAMES
from factroots_dagster.report.page import write_report

LARGEST_PAGE = 25_000_000
SHOWN = {"qaa": "Hubb<b>ish (qaa)"}
"""Languages with a name, as the explorer shows them."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as program:
        yield program


@pytest.fixture(scope="module")
def hostile(world: SmallWorld, types: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages") / "hostile"
    write_new_report(folder, report_inputs(world, types, language_names={"qaa": "Hubb<b>ish"}))
    return folder / "index.html"


def search(tab: Any, text: str) -> list[str]:
    """Types a text into the search and returns the facts that are listed."""
    tab.locator("#explorer").scroll_into_view_if_needed()
    tab.wait_for_selector("#fact-shown table")
    tab.fill("#fact-query", text)
    tab.wait_for_timeout(200)
    texts: list[str] = tab.locator("#fact-results [data-fact]").all_inner_texts()
    return texts


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_hostile_labels_are_text_and_nothing_overflows(
    browser: Any, hostile: Path, size: dict[str, int]
) -> None:
    with opened(browser, hostile, size) as tab:
        for label in HOSTILE:
            beginning = " ".join(label.split())[:40]
            assert search(tab, beginning), label
            tab.locator("#fact-results button").first.click()
            tab.wait_for_timeout(100)
            shown = tab.locator("#fact-shown")
            assert beginning in " ".join(shown.inner_text().split())
            assert shown.locator("script, b:not(.type), i:not(:text('nothing'))").count() == 0
            assert tab.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert tab.evaluate("document.querySelectorAll('[onmouseover]').length") == 0
        # All text from the data is isolated, so that right-to-left letters do not turn their surroundings.
        assert tab.evaluate(
            """[...document.querySelectorAll('#fact-shown bdi, #fact-results bdi')].every(
                (element) => element.dir === 'auto' && getComputedStyle(element).unicodeBidi === 'isolate')"""
        )


def test_the_explorer_shows_what_the_tables_say(
    browser: Any, hostile: Path, world: SmallWorld, types: pa.Table
) -> None:
    expected = {(row["uuid"], row["language"]): row for row in types.to_pylist()}
    predicted = {uuid for (uuid, _), row in expected.items() if row["type"] != "not_predicted"}
    subjects = {
        (row["uuid"], language): " ".join(row["subject"].split())
        for language, split in world.splits.items()
        for row in split.to_pylist()
    }
    cosine = {
        (row["uuid"], frozenset((row["language_a"], row["language_b"]))): row["value"]
        for row in world.similarity.to_pylist()
        if row["statistic"] == "cosine"
    }
    with opened(browser, hostile, DESKTOP) as tab:
        seen = set()
        search(tab, "")
        buttons = tab.locator("#fact-results button")
        for position in range(buttons.count()):
            buttons.nth(position).click()
            tab.wait_for_timeout(30)
            uuid = tab.locator("#fact-shown code").inner_text()
            seen.add(uuid)
            stating = [x for x in LANGUAGES if expected[uuid, x]["windows"]]
            assert set(tab.locator(".stated button").all_inner_texts()) == {SHOWN.get(x, x) for x in stating}
            table_rows = tab.locator("#fact-shown tbody tr")
            assert table_rows.count() == len(LANGUAGES)
            order = [row.get_attribute("data-language") for row in table_rows.all()]
            predicting = [x for x in LANGUAGES if expected[uuid, x]["type"] != "not_predicted"]
            for row in table_rows.all():
                language = row.get_attribute("data-language")
                fact, subject = expected[uuid, language], subjects[uuid, language]
                answer, type_, near, source = (
                    " ".join(text.split()) for text in row.locator("td").all_text_contents()
                )
                right = fact["type"] != "not_predicted"
                assert ("✓" in answer, "✗" in answer) == (right, not right)
                assert "per token: 36.8%" in answer  # exp(-1), every row's log-probability
                assert subject[:50] in answer
                by_rules = f"{TYPE_NAMES[fact['type']]}. {fact['reason']}"
                known = f"independent, 90%{VERDICT_REASON}By fixed rules" if right else ""
                assert type_ == known + by_rules
                others = [x for x in predicting if x != language] if right else []
                similarities = [round(100 * cosine[uuid, frozenset((language, x))]) / 100 for x in others]
                assert near.count("0.") == len(others)
                assert all(f"{similarity:.2f}" in near for similarity in similarities)
                if fact["windows"]:
                    assert ("is in Oslo" in source) == (len(subject) < 400)
                    link = row.locator("a").get_attribute("href")
                    if language == "qac":  # a document of a corpus that is no Wikipedia
                        assert link == f"https://example.org/{int(uuid[1:])}?a=b&c=%3Cd"
                        assert link in source and "revision" not in source
                    else:
                        assert link == f"https://{language}.wikipedia.org/w/index.php?oldid=2"
                        assert "revision 2" in source
                else:
                    searched = " in 1,234 articles" if language == "qaa" else ""
                    stated = f"Stated in: {', '.join(SHOWN.get(x, x) for x in order if x in stating)}."
                    assert source == f"No source found{searched}." + (stated if stating else "")
        assert seen <= predicted and len(seen) == min(40, len(predicted))


def test_facts_are_found_by_name_and_relation(browser: Any, hostile: Path) -> None:
    with opened(browser, hostile, DESKTOP) as tab:
        assert len(search(tab, "capital subject")) == len(search(tab, "subject"))
        assert search(tab, "SUBJECT 4") and all("Subject 4" in text for text in search(tab, "subject 4"))
        assert search(tab, "bject 31") == search(tab, "Subject 31")
        assert search(tab, "no such name") == []
        assert "No fact" in tab.inner_text("#fact-status")
        assert len(search(tab, "P36")) == len(search(tab, ""))
        assert tab.locator("#fact-relation option").all_inner_texts() == ["any", "capital (P36)"]


def test_nothing_is_cut_on_a_desktop_and_what_is_cut_on_a_phone_says_so(browser: Any, hostile: Path) -> None:
    cut = """[...document.querySelectorAll('main .scroll')].filter(
        (box) => box.checkVisibility() && box.scrollWidth > box.clientWidth + 2)"""
    with opened(browser, hostile, {"width": 1440, "height": 900}) as tab:
        search(tab, "")
        tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert tab.evaluate(f"{cut}.length") == 0
    with opened(browser, hostile, PHONE) as tab:
        tab.wait_for_timeout(100)
        assert tab.evaluate(f"{cut}.length") > 5
        says_so = "box.tabIndex === 0 && box.matches('.cut-right[role=group]')"
        assert tab.evaluate(f"{cut}.every((box) => {says_so})")
        tab.evaluate(f"{cut}[0].scrollLeft = 1e5")
        tab.wait_for_timeout(100)
        assert tab.evaluate(f"{cut}[0].className") == "scroll cut-left"


@pytest.mark.parametrize("size", [{"width": 1440, "height": 900}, PHONE], ids=["desktop", "phone"])
def test_the_answer_is_within_the_first_screen(browser: Any, hostile: Path, size: dict[str, int]) -> None:
    with opened(browser, hostile, size) as tab:
        for shown in (".badge", ".lead", ".numbers div:last-child dd"):
            assert tab.locator(shown).bounding_box()["y"] < size["height"] / 2
        figure = tab.locator("#answer img").bounding_box()
        assert figure["y"] + figure["height"] < size["height"]


def test_tables_are_sorted_by_column(browser: Any, hostile: Path) -> None:
    with opened(browser, hostile, DESKTOP) as tab:
        table = "#probing table"
        column = f"{table} tbody td:nth-child(4)"
        before = tab.locator(column).all_inner_texts()
        tab.click(f"{table} th:nth-child(4) button")
        values = [float(text.split("%")[0]) for text in tab.locator(column).all_inner_texts()]
        assert values == sorted(values, reverse=True) and len(values) == len(before) == len(LANGUAGES)
        tab.click(f"{table} th:nth-child(4) button")
        ascending = [float(text.split("%")[0]) for text in tab.locator(column).all_inner_texts()]
        assert ascending == values[::-1]
        assert tab.get_attribute(f"{table} th:nth-child(4)", "aria-sort") == "ascending"
        tab.click("#answer table th:nth-child(2) button")
        assert tab.inner_text("#answer table tbody tr:last-child td") == "all languages"


def test_figures_say_exact_values_where_a_reader_points(browser: Any, hostile: Path) -> None:
    with opened(browser, hostile, DESKTOP) as tab:
        image = tab.locator("#answer img")
        notes = json.loads(image.get_attribute("data-notes"))
        assert len(notes) == 5 * (1 + len(LANGUAGES))  # a bar per type and row
        left, top, right, bottom, text = next(note for note in notes if "qac" in note[4])
        assert text == "qac  (18), Shared: 40.0% (35.0 to 45.0%)"
        box = image.bounding_box()
        x, y = (left + right) / 2000 * box["width"], (top + bottom) / 2000 * box["height"]
        image.hover(position={"x": x, "y": y})
        assert tab.text_content(".tip") == text and tab.locator(".tip").is_visible()
        tab.hover("h1")
        assert not tab.locator(".tip").is_visible()


@pytest.mark.slow
def test_a_page_as_large_as_mlama_stays_light_and_its_explorer_answers(browser: Any, tmp_path: Path) -> None:
    """53 languages with 16,000 rows each."""
    facts = fact_tables()
    assert facts.types.num_rows == 848_000
    write_report(tmp_path, large_report(facts))
    page = tmp_path / "index.html"
    assert page.stat().st_size <= LARGEST_PAGE
    for size in (DESKTOP, PHONE):
        with opened(browser, page, size) as tab:
            assert tab.evaluate("document.documentElement.scrollWidth") <= size["width"]
            assert len(search(tab, "a")) == 40
            tab.locator("#fact-results [data-fact]").nth(39).click()
            tab.locator("#fact-results li:nth-child(40) [aria-current]").wait_for()
