"""One checkpoint's results in a generated world, as the methods that are compared read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.sandbox.records import World
from factroots_dagster.store.store import Store
from factroots_dagster.yardstick.schema import EASY, TRANSFERRED

if TYPE_CHECKING:
    import pandas as pd

CELL = ["uuid", "language"]


@dataclass(frozen=True)
class Study:
    """What there is of one checkpoint in a generated world.

    splits, predictions: MLAMA_SPLIT and PREDICTIONS by language; activations: their folders. nearest:
    NEAREST_LANGUAGE. types, variants: FACT_TYPES and VARIANTS of all languages.
    """

    world: World
    model: LoadedModel
    splits: Mapping[str, pa.Table]
    predictions: Mapping[str, pa.Table]
    activations: Mapping[str, Path]
    nearest: pa.Table
    types: pa.Table
    variants: pa.Table

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
        variants=store.read_side("variants", "fact_types", checkpoint),
    )
