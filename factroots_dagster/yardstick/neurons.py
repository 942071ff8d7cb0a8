"""The comparison of languages by other neurons than the study's: of random weights, or of fewer facts.

Everything after the activations is the product's own code.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.untrained import with_random_weights
from factroots_dagster.neurons.probeless import active_neurons
from factroots_dagster.neurons.similarity import compare_languages
from factroots_dagster.probing.answer_neurons import write_answer_neurons


def compare_with_random_weights(
    model: LoadedModel,
    splits: Mapping[str, pa.Table],
    predictions: Mapping[str, pa.Table],
    *,
    weights_seed: int,
    seed: int,
) -> pa.Table:
    """NEAREST_LANGUAGE as it comes out with random weights, for the facts that the trained model predicts."""
    drawn = with_random_weights(model, weights_seed)
    with TemporaryDirectory() as name:
        folders = {language: Path(name) / language for language in splits}
        for language, folder in folders.items():
            folder.mkdir()
            known = predictions[language].filter(predictions[language]["full_match"])
            answered = splits[language].filter(pc.is_in(splits[language]["uuid"], known["uuid"]))
            write_answer_neurons(drawn, answered, known, folder)
        return _nearest(folders, splits, seed)


def _nearest(folders: Mapping[str, Path], splits: Mapping[str, pa.Table], seed: int) -> pa.Table:
    active = {language: active_neurons(folder) for language, folder in folders.items()}
    return compare_languages(active, folders, splits, seed=seed).nearest
