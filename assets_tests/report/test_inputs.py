"""What a report reads from the store, and when."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from assets_tests.report.small_world import LANGUAGES, SmallWorld, verdicts_of
from factroots_dagster.orchestration.catalog import CATALOG
from factroots_dagster.report.inputs import STORED_TABLES, read_report_inputs
from factroots_dagster.report.page import write_report

LARGE = {"mlama_split", "predictions", "fact_sources"}


class Reader:
    """Reads a world's tables as a step would, and records the assets that it read."""

    def __init__(self, world: SmallWorld, types: pa.Table, sensitivity: pa.Table) -> None:
        tables = world.tables | {"sensitivity": sensitivity}
        self.tables = {(asset, side): tables[name] for name, (asset, side) in STORED_TABLES.items()}
        self.tables |= {
            ("fact_types", ""): types,
            ("fact_verdicts", ""): verdicts_of(types),
            ("neuron_similarity", ""): world.similarity,
            ("planted_truth", ""): tables["planted_truth"],
        }
        volume = tables["wikipedia_volume"].append_column("articles", pa.array([10, 20, 30]))
        for position, language in enumerate(LANGUAGES):
            self.tables |= {
                ("wikipedia_volume", language): volume.slice(position, 1),
                ("coverage", language): tables["name_coverage"].slice(position, 1),
                ("mlama_split", language): world.splits[language],
                ("predictions", language): world.predictions[language],
                ("fact_sources", language): world.sources[language],
            }
        self.assets: set[str] = set()

    def read(
        self,
        asset: str,
        *parts: str,
        columns: Sequence[str] | None = None,
        where: pc.Expression | None = None,
    ) -> pa.Table:
        self.assets.add(asset)
        language = parts[-1] if parts and parts[-1] in LANGUAGES else ""
        table = self.tables[asset, language]
        table = table.select(list(columns)) if columns else table
        return table if where is None else table.filter(where)

    def read_side(self, name: str, asset: str, *parts: str) -> pa.Table:
        self.assets.add(asset)
        return self.tables[(name, parts[-1]) if asset == "entity_mentions" else (asset, name)]

    def find_side(self, name: str, asset: str, *parts: str) -> pa.Table | None:
        return self.tables.get((asset, name))


def test_a_report_is_made_from_what_is_read_and_large_tables_are_read_when_used(
    tmp_path: Path, world: SmallWorld, types: pa.Table, sensitivity: pa.Table
) -> None:
    reader = Reader(world, types, sensitivity)
    inputs = read_report_inputs(reader, "tiny", lambda ids: ["text"] * len(ids), generated=True)
    assert inputs.tables.keys() == STORED_TABLES.keys() | {
        "wikipedia_volume",
        "name_coverage",
        "planted_truth",
    }
    assert inputs.generated and inputs.yardstick is not None and not inputs.facts.links
    assert inputs.facts.articles == {"qaa": 10, "qab": 20, "qac": 30}
    assert inputs.language_label("qaa") == "Hubbish · qaa"
    assert not LARGE & reader.assets
    summary = write_report(tmp_path, inputs)
    assert reader.assets >= LARGE
    assert summary["facts"] == types.num_rows and summary["planted_agreement"]["cells"]


def test_a_real_world_has_no_planted_truth(world: SmallWorld, types: pa.Table, sensitivity: pa.Table) -> None:
    reader = Reader(world, types, sensitivity)
    inputs = read_report_inputs(reader, "tiny", lambda ids: ["text"] * len(ids), generated=False)
    assert not inputs.generated and inputs.agreement is None and inputs.yardstick is None
    assert "planted_truth" not in reader.assets and inputs.facts.links


def test_the_catalog_declares_every_table_that_a_report_reads() -> None:
    reads = CATALOG["categorization_report"].reads
    for asset, side in STORED_TABLES.values():
        assert asset in reads
        assert side == "" or side in CATALOG[asset].side_tables


def test_sources_are_read_in_the_corpora_of_the_checkpoint(
    world: SmallWorld, types: pa.Table, sensitivity: pa.Table
) -> None:
    reader = Reader(world, types, sensitivity)
    index = world.sources["qaa"].schema.get_field_index("corpus")
    web = world.sources["qaa"].set_column(index, "corpus", pa.repeat("web", world.sources["qaa"].num_rows))
    reader.tables["fact_sources", "qaa"] = pa.concat_tables([world.sources["qaa"], web])
    volume = reader.tables["wikipedia_volume", "qaa"]
    both = pa.array([["wikipedia", "web"]], volume.schema.field("corpora").type)
    position = volume.schema.get_field_index("corpora")
    reader.tables["wikipedia_volume", "qaa"] = volume.set_column(position, "corpora", both)
    windows = world.sources["qaa"]["windows"].to_pylist()
    for corpora, factor, articles in ((None, 2, [10, 20, 30]), (["wikipedia"], 1, [None, 20, 30])):
        checkpoint = reader.tables["checkpoint", ""]
        column = pa.array([corpora], pa.list_(pa.string()))
        at = checkpoint.schema.get_field_index("corpora")
        reader.tables["checkpoint", ""] = checkpoint.set_column(at, "corpora", column)
        inputs = read_report_inputs(reader, "tiny", lambda ids: ["text"] * len(ids), generated=False)
        sources = inputs.facts.sources["qaa"]
        assert sources["windows"].to_pylist() == [factor * count for count in windows]
        assert [inputs.facts.articles.get(language) for language in LANGUAGES] == articles
        assert inputs.corpora == sorted(corpora or ["wikipedia", "web"])
        assert inputs.texts == ("text" if corpora is None else "Wikipedia")
