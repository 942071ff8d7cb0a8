"""One checkpoint's results in a generated world, as the methods that are compared read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.sandbox.records import World
from factroots_dagster.store.store import Store
from factroots_dagster.tables import zip_columns
from factroots_dagster.yardstick.schema import EASY, TRANSFERRED

if TYPE_CHECKING:
    import pandas as pd

CELL = ["uuid", "language"]


@dataclass(frozen=True)
class Study:
    """What there is of one checkpoint in a generated world.

    splits, predictions: MLAMA_SPLIT and PREDICTIONS by language; activations: their folders. nearest:
    NEAREST_LANGUAGE. types: FACT_TYPES of all languages.
    """

    world: World
    model: LoadedModel
    splits: Mapping[str, pa.Table]
    predictions: Mapping[str, pa.Table]
    activations: Mapping[str, Path]
    nearest: pa.Table
    types: pa.Table

    def cells(self) -> pd.DataFrame:
        """The predicted cells by (uuid, language).

        Columns: relation; source, whether a source was found; unsourced_type, what a cell without one is
        called.
        """
        frame = self.types.to_pandas()
        frame = frame[frame["type"] != "not_predicted"].set_index(CELL).sort_index()
        easy = frame["type"].isin(["naming_cue", "shared_tokens"])
        cells: pd.DataFrame = frame[["relation"]].assign(
            source=frame["source_present"],
            unsourced_type=easy.map({True: EASY, False: TRANSFERRED}),
        )
        return cells

    def labels(self) -> pd.DataFrame:
        """The labels of every predicted cell, columns subject and object, by (uuid, language)."""
        import pandas as pd

        columns = [*CELL, "subject", "object"]
        labels = pd.concat([split.select(columns).to_pandas() for split in self.splits.values()])
        of_cells: pd.DataFrame = labels.set_index(CELL).reindex(self.cells().index)
        return of_cells


def read_study(
    store: Store, world: World, model: LoadedModel, checkpoint: str, languages: Sequence[str]
) -> Study:
    """The study of a checkpoint. Raises InputError for an asset that is missing."""

    def by_language(asset: str, *parts: str) -> dict[str, pa.Table]:
        return {language: store.read(asset, *parts, language) for language in languages}

    return Study(
        world=world,
        model=model,
        splits=by_language("mlama_split"),
        predictions=by_language("predictions", checkpoint),
        activations={
            language: store.require("neuron_activations", checkpoint, language) for language in languages
        },
        nearest=store.read_side("nearest", "neuron_similarity", checkpoint),
        types=store.read("fact_types", checkpoint),
    )


def keep_fewer_facts(study: Study, facts: int) -> Study:
    """The study with at most `facts` predicted facts per language and relation; the others are left out.

    The relation's facts are ranked once for all languages, so that those that are left still have partners.
    """
    import pyarrow.compute as pc

    predicted: dict[tuple[str, str], list[str]] = {}
    for uuid, language, relation, type_ in zip_columns(study.types, *CELL, "relation", "type"):
        if type_ != "not_predicted":
            predicted.setdefault((language, relation), []).append(uuid)
    left_out: dict[str, list[str]] = {language: [] for language in study.splits}
    for (language, _), uuids in predicted.items():
        left_out[language] += sorted(uuids, key=lambda uuid: _rank(uuid, study.world.seed))[facts:]

    def thin(table: pa.Table, language: str) -> pa.Table:
        uuids = pa.array(left_out[language], pa.string())
        return table.filter(pc.invert(pc.is_in(table["uuid"], uuids)))

    types = [thin(study.types.filter(pc.equal(study.types["language"], code)), code) for code in left_out]
    return replace(
        study,
        splits={language: thin(split, language) for language, split in study.splits.items()},
        predictions={language: thin(table, language) for language, table in study.predictions.items()},
        types=pa.concat_tables(types),
    )


def _rank(uuid: str, seed: int) -> float:
    """A number that orders facts at random, the same in all languages."""
    return float(np.random.default_rng([seed, int(uuid.replace("-", "")[:12], 16)]).random())
