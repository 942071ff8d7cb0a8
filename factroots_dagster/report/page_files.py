"""The files beside a page: every figure as SVG, every table behind one as CSV."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc_csv

from factroots_dagster.report.figures.style import render_svg
from factroots_dagster.report.sections.model import Section


def write_figures_and_data(folder: Path, sections: Iterable[Section]) -> dict[str, str]:
    """Writes `figures/*.svg` and `data/*.csv` into `folder`; returns each figure by name as a data URI."""
    (folder / "figures").mkdir()
    (folder / "data").mkdir()
    embedded = {}
    for section in sections:
        for figure in section.figures:
            image = render_svg(figure.plot)
            (folder / "figures" / f"{figure.name}.svg").write_bytes(image)
            embedded[figure.name] = "data:image/svg+xml;base64," + base64.b64encode(image).decode()
        for name, table in section.data.items():
            pc_csv.write_csv(_without_nested_columns(table), folder / "data" / f"{name}.csv")
    return embedded


def write_page(folder: Path, page: str) -> None:
    """Writes `index.html` into `folder` and flushes it to disk; a lone surrogate becomes a question mark."""
    with (folder / "index.html").open("w", encoding="utf-8", errors="replace") as file:
        file.write(page)
        file.flush()
        os.fsync(file.fileno())


def _without_nested_columns(table: pa.Table) -> pa.Table:
    """The columns that CSV can hold."""
    return table.select([field.name for field in table.schema if not pa.types.is_nested(field.type)])
