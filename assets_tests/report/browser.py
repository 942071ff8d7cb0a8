"""A real Chromium without a window: the system's, or the one that Playwright has installed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser; skips the test where Playwright or a Chromium is not installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (the extra `test`)")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with playwright.sync_playwright() as tool:
        path = program or tool.chromium.executable_path
        if not Path(path).is_file():
            pytest.skip("needs a Chromium: apt-get install chromium, or playwright install chromium")
        # The root user of a container cannot use the sandbox; the pages are our own, and the network is off.
        browser = tool.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Any, page: Path, size: dict[str, int], address: str = "") -> Iterator[Any]:
    """A page in its own tab, offline; fails when anything was fetched, or a script failed.

    address: what follows the page's own, from "#".
    """
    context = browser.new_context(viewport=size, offline=True)
    tab = context.new_page()
    problems: list[str] = []
    requests: list[str] = []

    def refuse(dialog: Any) -> None:
        problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    tab.on("dialog", refuse)
    tab.on("pageerror", lambda error: problems.append(f"error: {error}"))
    tab.on("console", lambda message: problems.extend([message.text] if message.type == "error" else []))
    tab.on("request", lambda request: requests.append(request.url))
    try:
        tab.goto(page.as_uri() + address)
        yield tab
        assert problems == [] and {url.split(":")[0] for url in requests} <= {"file", "data", "blob"}, (
            requests
        )
    finally:
        context.close()
