"""Trains the sandbox's model again without a block of statements, and asks it every fact."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from factroots_dagster.models.checkpoint import load
from factroots_dagster.probing.probe import probe
from factroots_dagster.sandbox.alignment import aligned_vectors
from factroots_dagster.sandbox.blocks import OWN_BLOCKS
from factroots_dagster.sandbox.leave_out import leave_out, plan_block, stating_languages
from factroots_dagster.sandbox.records import World
from factroots_dagster.sandbox.training import build_training_vocabulary, train, training_config
from factroots_dagster.tables import zip_columns
from factroots_dagster.yardstick.schema import RETRAINED_ANSWERS


def answer_without(
    world: World,
    block_name: str,
    splits: Mapping[str, pa.Table],
    *,
    seed: int,
    own_blocks: int = OWN_BLOCKS,
    progress: Callable[[str], None] | None = None,
) -> pa.Table:
    """RETRAINED_ANSWERS of a model that never read a block's statements (see `sandbox.leave_out`).

    splits: MLAMA_SPLIT of the languages that the model reads and is asked in. seed: of the training.
    Everything else about the training follows from the world's dials, and the vocabulary is that of the
    complete world: with the block `complete` the model is the very one that `sandbox_training` trains. Raises
    InputError for an unknown block.
    """
    dials = world.dials
    config = training_config(dials)
    block = plan_block(world, block_name, own_blocks)
    complete = _texts(world, splits)
    titles = {
        language: [article.title for article in world.articles[language]] + list(world.redirects[language])
        for language in splits
    }
    with TemporaryDirectory() as name:
        folder = Path(name)
        train(
            _texts(leave_out(world, block), splits),
            folder,
            seed=seed,
            steps=dials.steps,
            save_at=[dials.steps],
            entities=titles,
            vocabulary=build_training_vocabulary(complete, config.vocabulary_share),
            learned_after=dict(dials.learned_after),
            held_vectors=aligned_vectors(world),
            config=config,
            progress=progress,
        )
        (saved,) = folder.iterdir()
        model = load(str(saved), device="cpu")
        stating = stating_languages(world)
        rows = []
        for language, split in splits.items():
            with TemporaryDirectory() as activations:
                predictions = probe(model, split, Path(activations), mask_counts="object")
            for uuid, relation, full_match in zip_columns(predictions, "uuid", "relation", "full_match"):
                stated_in = [code for code in stating[uuid] if code in splits]
                rows.append(
                    {
                        "uuid": uuid,
                        "language": language,
                        "relation": relation,
                        "stated_in": stated_in,
                        "left_out_in": [code for code in stated_in if (uuid, code) in block.cells],
                        "full_match": bool(full_match),
                    }
                )
    return pa.Table.from_pylist(rows, schema=RETRAINED_ANSWERS)


def _texts(world: World, languages: Iterable[str]) -> dict[str, list[str]]:
    return {language: [article.text for article in world.articles[language]] for language in languages}
