"""A small world whose languages enter the training one after another, and the answers of its checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from assets_tests.sandbox.small_training import texts_and_titles
from assets_tests.sandbox.small_worlds import small_world, statements_of
from factroots_dagster.facts.mlama.split import read_split
from factroots_dagster.models.checkpoint import load
from factroots_dagster.probing.probe import probe
from factroots_dagster.roots.timeline.answers import LanguageAnswers
from factroots_dagster.sandbox.records import World
from factroots_dagster.sandbox.release import write_release
from factroots_dagster.sandbox.training import TrainingConfig, train
from factroots_dagster.tables import zip_columns

CONFIG = TrainingConfig(vocabulary_share=1.0, hidden=64, intermediate=256, heads=2, batch_size=32)


def timed_world(**late: int) -> World:
    """32 facts in four languages whose names have nothing in common: each learns from its own texts alone."""
    return small_world(
        4, languages=4, learned_after=tuple(late.items()), bare_statements=1.0, unrelated=1.0, exonyms=1.0
    )


def answers_by(
    world: World, steps: Sequence[int], knows: Callable[[str, str, int], bool]
) -> list[LanguageAnswers]:
    """The answers of all languages, given whether a fact (uuid) is known in a language at a step."""
    statements, uuids = statements_of(world), [fact.uuid for fact in world.facts]
    objects = [(fact.relation, fact.object_uri) for fact in world.facts]
    return [
        LanguageAnswers(
            language=language,
            steps=np.array(steps, np.int64),
            uuids=uuids,
            relations=[fact.relation for fact in world.facts],
            known=np.array([[knows(uuid, language, step) for step in steps] for uuid in uuids], bool),
            windows=np.array([len(statements.get((uuid, language), ())) for uuid in uuids], np.int64),
            same_object=np.array([objects.count(each) - 1 for each in objects], np.int64),
        )
        for language in world.languages
    ]


def trained_answers(world: World, folder: Path, steps: Sequence[int]) -> list[LanguageAnswers]:
    """The answers of a small model at these steps of its training."""
    texts, titles = texts_and_titles(world)
    write_release(world, folder)
    splits = {language: read_split(folder, language) for language in world.languages}
    checkpoints = folder / "checkpoints"
    checkpoints.mkdir()
    train(
        texts,
        checkpoints,
        seed=1,
        steps=max(steps),
        save_at=steps,
        entities=titles,
        learned_after=dict(world.dials.learned_after),
        config=CONFIG,
    )
    known: set[tuple[str, str, int]] = set()
    for step in steps:
        model = load(str(checkpoints / f"step-{step:04d}"), device="cpu")
        for language, split in splits.items():
            activations = folder / f"{step}-{language}"
            activations.mkdir()
            predictions = probe(model, split, activations, mask_counts="object")
            right = zip_columns(predictions, "uuid", "full_match")
            known |= {(uuid, language, step) for uuid, match in right if match}
    return answers_by(world, steps, lambda *place: place in known)
