"""What axe-core, which knows the rules of WCAG, finds on the pages in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assets_tests.report.browser import DESKTOP, PHONE, chromium, opened
from assets_tests.report.comparisons import write_small_comparison
from assets_tests.report.pages import write_new_report
from assets_tests.report.small_world import SmallWorld, report_inputs

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs the extra `test`")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as program:
        yield program


@pytest.fixture(scope="module")
def pages(world: SmallWorld, types: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    write_new_report(folder / "report", report_inputs(world, types))
    (folder / "comparison").mkdir()
    write_small_comparison(folder / "comparison")
    return {name: folder / name / "index.html" for name in ("report", "comparison")}


def serious_findings(tab: Any) -> list[str]:
    """The rules that a page breaks seriously or critically, with the first element that does."""
    found = axe.Axe().run(tab).response["violations"]
    return [
        f"{rule['id']}: {rule['nodes'][0]['html']} {rule['nodes'][0].get('failureSummary')}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("name", ["report", "comparison"])
def test_a_page_breaks_no_rule_seriously(
    browser: Any, pages: dict[str, Path], name: str, size: dict[str, int]
) -> None:
    with opened(browser, pages[name], size) as tab:
        if name == "report":
            tab.locator("#explorer").scroll_into_view_if_needed()
            tab.wait_for_selector("#fact-shown table")
        tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        for scheme in ("light", "dark"):
            tab.emulate_media(color_scheme=scheme)
            assert serious_findings(tab) == [], scheme


def test_a_rule_that_is_broken_is_found(browser: Any, pages: dict[str, Path]) -> None:
    with opened(browser, pages["comparison"], DESKTOP) as tab:
        tab.evaluate("document.querySelector('img').removeAttribute('alt')")
        (found,) = serious_findings(tab)
        assert found.startswith("image-alt")


def test_figures_are_light_cards_in_the_dark(browser: Any, pages: dict[str, Path]) -> None:
    with opened(browser, pages["report"], DESKTOP) as tab:
        tab.emulate_media(color_scheme="dark")
        style = "getComputedStyle(document.querySelector('figure .scroll'))"
        assert tab.evaluate(f"{style}.backgroundColor") == "rgb(255, 255, 255)"
        assert tab.evaluate(f"{style}.borderTopWidth") == "1px"
