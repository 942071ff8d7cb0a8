"""The pictures of the documentation: `python docs/screenshots.py` after `make demo`; needs Chromium."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from factroots_dagster.models.registry import registered
from factroots_dagster.settings import load_settings
from factroots_dagster.store.store import Store

DOCS = Path(__file__).resolve().parent
SIZE = {"width": 1280, "height": 1130}


def take_report(path: Path) -> None:
    """The first screen of the report on the last checkpoint."""
    settings = load_settings()
    store = Store(settings.data_root, settings.world)
    page = store.shown_folder("categorization_report", list(registered(settings))[-1]) / "index.html"
    with sync_playwright() as tool:
        program = shutil.which("chromium") or tool.chromium.executable_path
        browser = tool.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = browser.new_page(viewport=SIZE)
        tab.goto(page.as_uri())
        tab.screenshot(path=path)
        browser.close()


if __name__ == "__main__":
    take_report(DOCS / "report.png")
