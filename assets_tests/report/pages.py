"""Pages as a browser would see them, and the report of the small world."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.lineage import Origin
from factroots_dagster.report.page import write_report

LINEAGE = [
    Origin("mlama_split", 3, "a" * 64, ()),
    Origin("fact_types", 1, "b" * 64, ("mlama_split",)),
]


class Page(HTMLParser):
    """Tags, attributes, texts and tables of a page, as a browser would see them.

    Attributes:
        tags: (tag, attributes).
        texts: (innermost open tag, text).
        tables: the cells of every table, headings first.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.tables: list[list[list[str]]] = []
        self._open: list[str] = []
        self.feed(html)

    @property
    def text(self) -> str:
        return " ".join(text for _, text in self.texts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "input"):
            self._open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.append((self._open[-1], data))
        if {"td", "th"} & set(self._open):
            self.tables[-1][-1][-1] += data


def read_page(folder: Path) -> Page:
    """The page in a report's folder."""
    return Page((folder / "index.html").read_text("utf-8"))


def write_new_report(folder: Path, inputs: ReportInputs) -> dict[str, Any]:
    """Writes a report, with LINEAGE, into a folder that does not exist yet; returns its summary."""
    folder.mkdir()
    return write_report(folder, inputs, LINEAGE)
