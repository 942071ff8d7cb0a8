"""What the UI shows of a materialization: rows as text, pictures that are small enough."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from assets_tests.orchestration.stand_ins import StandIn, good_rows
from factroots_dagster.orchestration.metadata import PREVIEW_CHARACTERS, picture_markdown


def test_the_preview_is_a_table_of_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster shows the cells of a table as they are; Markdown and HTML in labels mean nothing there."""
    hostile = "![x](http://127.0.0.1/p.png) <script>|\n" + "x" * 1000
    world = StandIn(monkeypatch, tmp_path, lambda language: [{"uuid": hostile, "n": 1}])
    with dg.instance_for_test() as instance:
        (event,) = world.run(instance, partition_key="el").asset_materializations_for_node("mlama_split")
    preview = event.metadata["preview"]
    assert isinstance(preview, dg.TableMetadataValue)
    (record,) = preview.records
    shown = str(record.data["uuid"])
    assert shown.startswith("![x](http://127.0.0.1/p.png) <script>|") and len(shown) == PREVIEW_CHARACTERS


def test_a_materialization_says_where_and_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = StandIn(monkeypatch, tmp_path, good_rows)
    with dg.instance_for_test() as instance:
        (event,) = world.run(instance, partition_key="el").asset_materializations_for_node("mlama_split")
    path = world.store.path("mlama_split", "el") / "current"
    assert event.metadata["dagster/uri"].value == path.as_uri()
    assert event.metadata["path"].value == str(path)
    assert event.metadata["dagster/partition_row_count"].value == 2
    assert event.metadata["digest"].value == world.store.digest("mlama_split", "el")
    assert {"seconds", "rows_per_second", "megabytes", "inputs"} <= set(event.metadata)


def test_a_picture_that_is_too_large_for_the_event_log_is_refused() -> None:
    assert picture_markdown(b"png").startswith("![figure](data:image/png;base64,")
    with pytest.raises(ValueError, match="too large"):
        picture_markdown(b"x" * 300_000)
