"""The pictures of the documentation; needs Chromium.

After `make demo`: `python docs/screenshots.py`. After `python -m benchmarks.real_model --folder FOLDER`:
`python docs/screenshots.py FOLDER`.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright

from factroots_dagster.models.registry import registered
from factroots_dagster.settings import Settings, load_settings
from factroots_dagster.store.store import Store

DOCS = Path(__file__).resolve().parent
DEMO_SIZE: ViewportSize = {"width": 1280, "height": 1130}
REAL_SIZE: ViewportSize = {"width": 1440, "height": 900}


def take_report(settings: Settings, path: Path, size: ViewportSize) -> None:
    """The first screen of the report on the last checkpoint of a world."""
    store = Store(settings.data_root, settings.world)
    page = store.shown_folder("categorization_report", list(registered(settings))[-1]) / "index.html"
    with sync_playwright() as tool:
        program = shutil.which("chromium") or tool.chromium.executable_path
        browser = tool.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = browser.new_page(viewport=size)
        tab.goto(page.as_uri())
        tab.screenshot(path=path)
        browser.close()


if __name__ == "__main__":
    if sys.argv[1:]:
        real = Settings(world="mlama", data_root=Path(sys.argv[1]) / "data")
        take_report(real, DOCS / "real_model.png", REAL_SIZE)
    else:
        take_report(load_settings(), DOCS / "report.png", DEMO_SIZE)
