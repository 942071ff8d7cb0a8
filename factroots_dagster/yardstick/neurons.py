"""The comparison of languages by other neurons than the study's: of random weights, or of fewer facts.

Everything after the activations is the product's own code.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import torch

from factroots_dagster.models.activations import ActivationWriter
from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.forward import (
    Batch,
    default_token_budget,
    forward_pass_with_neurons,
    run_in_batches,
)
from factroots_dagster.models.untrained import with_random_weights
from factroots_dagster.neurons.probeless import active_neurons
from factroots_dagster.neurons.similarity import compare_languages
from factroots_dagster.probing.predictions import rows_by_relation
from factroots_dagster.probing.prompts import build_prompts
from factroots_dagster.tables import zip_columns


def write_neurons_at_answers(
    model: LoadedModel, split: pa.Table, predictions: pa.Table, folder: Path
) -> None:
    """Write a masked model's neurons at the masks of the prompts that *another* model answered rightly.

    split: MLAMA_SPLIT; predictions: PREDICTIONS of that other model, which has the same tokenizer. folder:
    existing and empty; gets what `probing.probe.probe` writes.
    """
    predicted = {uuid for uuid, full_match in zip_columns(predictions, "uuid", "full_match") if full_match}
    writer = ActivationWriter(folder)
    for relation, rows in rows_by_relation(split).items():
        table = split.take(pa.array(rows))
        built = build_prompts(
            model.tokenizer,
            table,
            space_id=model.space_id,
            max_length=model.max_length,
            mask_counts="object",
        )
        by_question = {(prompt.question, prompt.k): prompt for prompt in built.prompts}
        facts, prompts = [], []
        keys = zip_columns(table, "uuid", "language")
        for fact, question, candidate in zip(keys, built.row_question, built.row_candidate, strict=True):
            if fact[0] in predicted:
                facts.append(fact)
                prompts.append(by_question[question, len(built.candidate_ids[candidate])])
        neurons: dict[int, torch.Tensor] = {}

        def run(indices: list[int], prompts=prompts, neurons=neurons) -> None:  # type: ignore[no-untyped-def]
            chosen = [prompts[index] for index in indices]
            batch = Batch(model, [prompt.ids for prompt in chosen], [prompt.positions for prompt in chosen])
            with torch.inference_mode():
                _, captured = forward_pass_with_neurons(model, batch)
            by_prompt = captured.float().cpu().split([prompt.k for prompt in chosen])
            neurons |= {index: values.mean(dim=0) for index, values in zip(indices, by_prompt, strict=True)}

        lengths = [len(prompt.ids) for prompt in prompts]
        run_in_batches(model, lengths, default_token_budget(model.device), run)
        writer.add(relation, facts, [prompt.k for prompt in prompts], [neurons[i] for i in range(len(facts))])
    writer.close()


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
            write_neurons_at_answers(drawn, splits[language], predictions[language], folder)
        return _nearest(folders, splits, seed)


def _nearest(folders: Mapping[str, Path], splits: Mapping[str, pa.Table], seed: int) -> pa.Table:
    active = {language: active_neurons(folder) for language, folder in folders.items()}
    return compare_languages(active, folders, splits, seed=seed).nearest
