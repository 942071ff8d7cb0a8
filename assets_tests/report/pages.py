"""The report of the small world, and its page as a browser would see it."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa

from factroots_dagster.report.explorer import FactTables
from factroots_dagster.report.lineage import Origin
from factroots_dagster.report.page import write_report
from factroots_dagster.roots.planted import planted_agreement


class Page(HTMLParser):
    """Tags, attributes and text of a page, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []  # (innermost open tag, text)
        self.open: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "input"):
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.append((self.open[-1], data))
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data


LINEAGE = [
    Origin("mlama_split", 3, "a" * 64, ()),
    Origin("fact_types", 1, "b" * 64, ("mlama_split",)),
]


def write(folder: Path, world: dict[str, Any], types: pa.Table, **changed: Any) -> dict[str, Any]:
    folder.mkdir()
    planted = planted_agreement(types, world["truth"], world["sources"].values(), resamples=50)
    arguments = {k: v for k, v in world.items() if k not in ("similarity", "predictions", "truth")}
    facts = FactTables(
        types=types,
        splits=changed.get("splits", world["splits"]),
        predictions=world["predictions"],
        sources=changed.get("sources", world["sources"]),
        similarity=world["similarity"],
        decode=lambda ids: [f"<script>{run}" for run in ids],
        articles={"qaa": 1234},
        links=True,
    )
    arguments |= {"types": types, "planted": planted, "facts": facts, "lineage": LINEAGE}
    return write_report(folder, **(arguments | changed))
