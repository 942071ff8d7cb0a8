"""The documentation as a site: it builds without a warning, and every link in it leads somewhere."""

from __future__ import annotations

import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from assets_tests.project import PROJECT, command


class _Page(HTMLParser):
    """The links and anchors of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors = {"", "__skip"}
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.links += [link for name in ("href", "src") if (link := values.get(name)) and tag != "form"]
        self.anchors |= {name for name in (values.get("id"), values.get("name")) if name}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, _Page]:
    """Every page of the site, by its file."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [command("mkdocs"), "build", "--strict", "--site-dir", str(folder)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return {
        path: _Page(path.read_text("utf-8")) for path in folder.rglob("*.html") if path.name != "404.html"
    }


def test_every_page_of_the_documentation_is_in_the_site(pages: dict[Path, _Page]) -> None:
    names = {path.parent.name for path in pages}
    for folder in ("docs", "benchmarks/results"):
        assert {page.stem for page in (PROJECT / folder).glob("*.md")} <= names
    assert len(names) > 20


def test_every_link_within_the_site_leads_somewhere(pages: dict[Path, _Page]) -> None:
    checked = 0
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or parts.path.startswith("/"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            assert target.is_file(), f"{path.parent.name} links to {link}"
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].anchors, f"{path.parent.name} links to {link}"
            checked += 1
    assert checked > 500


def test_the_first_page_is_the_readme(pages: dict[Path, _Page]) -> None:
    (first,) = [
        page for path, page in pages.items() if path.parent == min(pages, key=lambda p: len(p.parts)).parent
    ]
    assert any(link.endswith("report.png") for link in first.links)
    assert any(link.startswith("method/") for link in first.links)
