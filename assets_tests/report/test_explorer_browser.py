"""The explorer in a real browser: search, filters, order, CSV, permalinks and the keyboard."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from assets_tests.formulas import FORMULAS
from assets_tests.report.browser import DESKTOP, chromium, opened
from assets_tests.report.synthetic import fact_tables, large_report
from factroots_dagster.report import page as page_module
from factroots_dagster.report.explorer import FactTables
from factroots_dagster.report.page import write_report
from factroots_dagster.roots.schema import KNOWN_FROM

LANGUAGES = ("cy", "de", "el", "en")
CASES = json.loads((Path(__file__).parents[1] / "text" / "search_cases.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as program:
        yield program


@pytest.fixture(scope="module")
def tables() -> FactTables:
    """Every third fact was found on the web alone, the others in Wikipedia, and every sixth in both."""
    facts = fact_tables(LANGUAGES, asked=1000, facts=1400)
    found_in = {}
    for language, split in facts.splits.items():
        found = [
            {"uuid": uuid, "corpus": corpus}
            for number, uuid in enumerate(split["uuid"].to_pylist())
            for corpus in ("web", "wikipedia")
            if number % 6 == 0 or (number % 3 == 0) == (corpus == "web")
        ]
        found_in[language] = pa.Table.from_pylist(found)
    return replace(facts, found_in=found_in)


@pytest.fixture(scope="module")
def explorer(tables: FactTables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explorer")
    write_report(folder, large_report(tables))
    return folder / "index.html"


@pytest.fixture
def tab(browser: Any, explorer: Path) -> Iterator[Any]:
    with opened(browser, explorer, DESKTOP) as tab:
        tab.locator("#explorer").scroll_into_view_if_needed()
        tab.wait_for_selector("#fact-shown table")
        yield tab


def choose(tab: Any, **values: str) -> None:
    """Chooses options of the filters by their text."""
    for name, text in values.items():
        tab.select_option(f"#fact-{name}", label=text)


def read_saved(tab: Any) -> list[dict[str, str]]:
    """The rows of the list as it is saved."""
    with tab.expect_download() as download:
        tab.click("#fact-save")
    with open(download.value.path(), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def functions(browser: Any) -> Any:
    """An empty page with the explorer's functions that need no page."""
    folder = Path(page_module.__file__).parent / "templates" / "explorer"
    empty = browser.new_page()
    for name in ("folding", "search", "list"):
        empty.add_script_tag(content=(folder / f"{name}.js").read_text("utf-8"))
    return empty


@pytest.mark.parametrize(("name", "folded"), CASES["folded"])
def test_names_are_folded_as_by_trace(functions: Any, name: str, folded: str) -> None:
    assert functions.evaluate("text => foldNames(text)", name) == folded
    lines = functions.evaluate("text => foldNames(text)", f"{name}\n{name}\t{name}\n?!")
    assert lines == f"{folded}\n{folded}\t{folded}\n"


@pytest.mark.parametrize(("text", "written"), FORMULAS)
def test_cells_are_no_formulas_in_the_saved_list_either(functions: Any, text: str, written: str) -> None:
    cell = functions.evaluate("text => writeCell(text)", text)
    assert next(csv.reader(io.StringIO(cell, newline=""))) == [written]


def test_numbers_of_the_saved_list_stay_numbers(functions: Any) -> None:
    assert functions.evaluate("[-1.5, 0.25, 1e-7].map(writeCell)") == ["-1.5", "0.25", "1e-7"]


@pytest.mark.parametrize(("a", "b", "edits"), CASES["edits"])
def test_edits_are_counted_as_by_trace(functions: Any, a: str, b: str, edits: int) -> None:
    count = "([a, b, most]) => countEdits([...a], [...b], most)"
    assert functions.evaluate(count, [a, b, 9]) == edits
    assert functions.evaluate(count, [a, b, 1]) == min(edits, 2)  # counting stops beyond the limit


@pytest.mark.parametrize(("query", "subject", "target", "found"), CASES["found"])
def test_facts_are_found_as_by_trace(
    functions: Any, query: str, subject: str, target: str, found: bool
) -> None:
    index = {
        "uuids": ["u1", "u2"],
        "entities": "\n".join(["?!\tZzz", subject, target, "Yyy"]),
        "subject": [1, 0],
        "object": [2, 3],
        "relation": [0, 0],
        "relations": ["P36"],
        "relation_words": [["capital"]],
    }
    rank = "([index, query]) => [...rankFacts(index, prepareNames(index), query)]"
    assert [value > 0 for value in functions.evaluate(rank, [index, query])] == [found, False]
    if found:
        ranks = functions.evaluate(rank, [index, f"{query} capital"])
        assert [value > 0 for value in ranks] == [True, False]


def test_the_facts_of_a_language_with_a_verdict_are_listed_and_saved(tab: Any, tables: FactTables) -> None:
    expected = {
        row["uuid"]: max(row[name] for name in KNOWN_FROM)
        for row in tables.verdicts.to_pylist()
        if (row["language"], row["verdict"]) == ("cy", "transferred")
    }
    choose(tab, verdict="transferred", language="Welsh (cy)")
    saved = read_saved(tab)
    assert {row["uuid"] for row in saved} == expected.keys() and len(saved) == len(expected) > 3
    for row in saved:
        assert (row["language"], row["verdict"]) == ("cy", "transferred")
        assert abs(float(row["probability"]) - expected[row["uuid"]]) < 0.0101
    assert tab.inner_text("#fact-status") == f"{len(expected)} facts."
    assert "transferred, " in tab.locator("#fact-results button").first.inner_text()
    tab.fill("#fact-least", "80")
    tab.wait_for_timeout(200)
    assert {row["uuid"] for row in read_saved(tab)} == {x for x, p in expected.items() if p >= 0.8 - 1e-9}
    tab.click("text=Clear")
    assert len(read_saved(tab)) == len(set(tables.verdicts["uuid"].to_pylist()))


def test_relations_and_corpora_leave_out_other_facts(tab: Any, tables: FactTables) -> None:
    types = [row for row in tables.types.to_pylist() if row["type"] != "not_predicted"]
    choose(tab, relation="place of birth (P19)", language="German (de)")
    expected = {row["uuid"] for row in types if (row["relation"], row["language"]) == ("P19", "de")}
    saved = read_saved(tab)
    assert {row["uuid"] for row in saved} == expected
    assert {row["relation_name"] for row in saved} == {"place of birth"}
    tab.click("text=Clear")
    choose(tab, corpus="web", language="German (de)")
    web = tables.found_in["de"].filter(pc.equal(tables.found_in["de"]["corpus"], "web"))
    on_web = set(web["uuid"].to_pylist())
    expected = {row["uuid"] for row in types if row["language"] == "de" and row["uuid"] in on_web}
    assert {row["uuid"] for row in read_saved(tab)} == expected


def test_the_list_can_be_sorted(tab: Any) -> None:
    choose(tab, language="English (en)", sort="probability")
    probabilities = [float(row["probability"]) for row in read_saved(tab)]
    assert probabilities == sorted(probabilities, reverse=True)
    choose(tab, sort="name")
    names = [row["subject"] for row in read_saved(tab)]
    assert names == sorted(names)  # of small Latin letters
    choose(tab, sort="relation")
    relations = [row["relation_name"] or row["relation"] for row in read_saved(tab)]
    assert len(set(relations)) > 5
    assert sum(a != b for a, b in pairwise(relations)) == len(set(relations)) - 1


def test_an_address_shows_the_same_again(tab: Any, browser: Any, explorer: Path) -> None:
    choose(tab, verdict="shared", language="Greek (el)", sort="probability")
    tab.fill("#fact-least", "60")
    tab.wait_for_timeout(200)
    tab.locator("#fact-results button").nth(1).click()
    tab.wait_for_timeout(100)
    shown, listed = tab.inner_text("#fact-shown"), tab.inner_text("#fact-results")
    address = tab.evaluate("location.hash")
    assert "known=shared" in address and "language=el" in address and "least=60" in address
    with opened(browser, explorer, DESKTOP, address) as again:
        again.wait_for_selector("#fact-shown table")
        assert again.inner_text("#fact-shown") == shown
        assert again.inner_text("#fact-results") == listed
        assert again.evaluate("location.hash") == address
        assert again.evaluate("document.querySelector('#explorer').getBoundingClientRect().top") < 900
    with opened(browser, explorer, DESKTOP, "#fact=nosuchfact&language=xx") as again:
        again.wait_for_selector("#fact-shown table")
        assert "does not hold the fact nosuchfact" in again.inner_text("#fact-status")


def test_the_keyboard_reaches_every_fact(tab: Any) -> None:
    tab.focus("#fact-query")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    tab.wait_for_timeout(100)
    assert tab.locator("#fact-results li:nth-child(2) button[aria-current]").count() == 1
    tab.keyboard.press("End")
    assert tab.evaluate("document.activeElement.className") == "more"
    tab.keyboard.press("Enter")  # the first of the facts that were added
    assert tab.evaluate("document.activeElement === document.querySelectorAll('#fact-results button')[40]")
    tab.keyboard.press("Home")
    tab.keyboard.press("ArrowUp")
    assert tab.evaluate("document.activeElement.id") == "fact-query"
    assert tab.get_attribute("#fact-status", "aria-live") == "polite"


def test_the_shown_fact_is_marked_when_it_comes_with_more(tab: Any) -> None:
    tab.click("#fact-results .more")
    tab.click("#fact-results li:nth-child(45) button")
    tab.wait_for_timeout(100)
    tab.fill("#fact-query", " ")  # the same list again, from its beginning
    tab.wait_for_timeout(300)
    assert tab.locator("#fact-results li").count() == 41
    assert tab.locator("#fact-results [aria-current]").count() == 0
    tab.click("#fact-results .more")
    assert tab.locator("#fact-results li:nth-child(45) button[aria-current]").count() == 1


def test_the_fact_that_was_chosen_last_is_shown(tab: Any) -> None:
    """Though the block of the one before is opened later."""
    wanted = tab.evaluate(
        """async () => {
            const original = window.Response;
            let first = true;
            window.Response = class extends original {
                async text() {
                    if (first) { first = false; await new Promise((resume) => setTimeout(resume, 300)); }
                    return super.text();
                }
            };
            while (document.querySelector("#fact-results .more")) {
                document.querySelector("#fact-results .more").click();
            }
            const buttons = [...document.querySelectorAll("#fact-results button")];
            buttons.at(-1).click();
            buttons[1].click();
            await new Promise((resume) => setTimeout(resume, 800));
            return buttons[1].querySelector("bdi").textContent;
        }"""
    )
    assert wanted in tab.inner_text("#fact-shown h3")
