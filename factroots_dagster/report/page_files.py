"""What a page's sections leave beside it: every figure as SVG, every table behind one as CSV."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc_csv

from factroots_dagster.report.figures.style import svg
from factroots_dagster.report.sections.model import Section


def write_figures_and_data(folder: Path, sections: Iterable[Section]) -> dict[str, str]:
    """Writes `figures/*.svg` and `data/*.csv` into `folder`; returns each figure by name as a data URI."""
    (folder / "figures").mkdir()
    (folder / "data").mkdir()
    embedded = {}
    for section in sections:
        for figure in section.figures:
            image = svg(figure.drawing)
            (folder / "figures" / f"{figure.name}.svg").write_bytes(image)
            embedded[figure.name] = "data:image/svg+xml;base64," + base64.b64encode(image).decode()
        for name, table in section.data.items():
            pc_csv.write_csv(_flat(table), folder / "data" / f"{name}.csv")
    return embedded


def _flat(table: pa.Table) -> pa.Table:
    """The columns that CSV can hold."""
    return table.select([f.name for f in table.schema if not pa.types.is_nested(f.type)])
