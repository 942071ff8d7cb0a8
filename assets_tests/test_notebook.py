"""The example notebook runs on a world that was made, and shows what the tables hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from assets_tests.orchestration.golden.world import KEY
from assets_tests.project import PROJECT
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

NOTEBOOK = PROJECT / "examples" / "facts.ipynb"


def outputs(notebook: Any) -> list[str]:
    """The text that each code cell shows."""
    return [
        "\n".join(output.get("text") or output["data"]["text/plain"] for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def test_the_notebook_runs(
    tiny_world: tuple[Settings, Store],
    tiny_environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in tiny_environment.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = outputs(notebook)
    assert all(shown) and KEY in shown[0]
    _, store = tiny_world
    shares = store.read_side("shares", "fact_verdicts", KEY).to_pylist()
    (shared,) = [row for row in shares if (row["language"], row["verdict"]) == ("*", "shared")]
    assert f"{shared['expected']:.3f}" in shown[1]
    assert shown[-1].startswith("P@1 of these 41 facts: ")


def test_the_notebook_is_kept_without_outputs() -> None:
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    assert all(cell["outputs"] == [] for cell in cells if cell["cell_type"] == "code")
