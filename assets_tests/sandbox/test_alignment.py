"""Aligned vectors: translations are alike, other words are not, and the training leaves them as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from assets_tests.sandbox.small_training import SMALL, texts_and_titles
from assets_tests.sandbox.small_worlds import small_world
from factroots_dagster.sandbox.alignment import LENGTH, MEANING_SHARE, aligned_vectors
from factroots_dagster.sandbox.lexicon import lexicon
from factroots_dagster.sandbox.records import World
from factroots_dagster.sandbox.training import train
from factroots_dagster.sandbox.vocabulary import build_vocabulary


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def object_words(world: World) -> dict[str, dict[str, str]]:
    """The objects' names of one word in every language whose spellings all differ, by uri and language."""
    found = {}
    for uris in world.plan.object_uris.values():
        for uri in uris:
            names = {code: labels[uri] for code, labels in world.labels.items()}
            if len(set(names.values())) == len(names) and not any(" " in name for name in names.values()):
                found[uri] = names
    return found


def test_translations_have_a_common_part_and_languages_another() -> None:
    world = small_world(alignment=1, exonyms=1, hidden=768)
    vectors = aligned_vectors(world)
    words = list(object_words(world).values())
    first, second = list(world.languages)[:2]
    translations = [cosine(vectors[names[first]], vectors[names[second]]) for names in words]
    others = [
        cosine(vectors[names[first]], vectors[words[index - 1][second]]) for index, names in enumerate(words)
    ]
    neighbours = [
        cosine(vectors[names[first]], vectors[words[index - 1][first]]) for index, names in enumerate(words)
    ]
    assert len(words) > 10
    np.testing.assert_allclose(translations, MEANING_SHARE, atol=0.15)
    np.testing.assert_allclose(others, 0, atol=0.2)
    np.testing.assert_allclose(neighbours, 1 - MEANING_SHARE, atol=0.2)
    lengths = [np.linalg.norm(vector) for vector in vectors.values()]
    np.testing.assert_allclose(np.mean(lengths), LENGTH, rtol=0.05)
    german = lexicon(world.languages["de"], world.dials.loanwords)
    assert all(word in vectors for word in german.values())


def test_the_dial_is_the_share_of_names_that_are_aligned() -> None:
    words = [*object_words(small_world(exonyms=1)).values()]
    names = {name for spellings in words for name in spellings.values()}
    counts = {}
    for share in (0.0, 0.5, 1.0):
        vectors = aligned_vectors(small_world(exonyms=1, alignment=share))
        counts[share] = len(names & set(vectors)) / len(names)
    assert counts[0.0] == 0 and counts[1.0] == 1 and 0.35 < counts[0.5] < 0.65
    assert not aligned_vectors(small_world(exonyms=1))


def test_the_same_world_has_the_same_vectors_and_another_seed_others() -> None:
    one, same, other = (aligned_vectors(small_world(seed=seed, alignment=0.7)) for seed in (0, 0, 1))
    assert one.keys() == same.keys() and all(np.array_equal(one[word], same[word]) for word in one)
    common = one.keys() & other.keys()
    assert common and not any(np.array_equal(one[word], other[word]) for word in common)


def test_the_training_holds_them_and_changes_the_others(tmp_path: Path) -> None:
    world = small_world(alignment=0.5)
    texts, titles = texts_and_titles(world, articles=10)
    vocabulary = build_vocabulary([text for each in texts.values() for text in each], 3000)
    vectors = {word: vector[: SMALL.hidden] for word, vector in aligned_vectors(world).items()}
    for folder, held in (("held", vectors), ("free", None)):
        (tmp_path / folder).mkdir()
        train(
            texts, tmp_path / folder, seed=0, steps=3, save_at=[1, 3], entities=titles,
            vocabulary=vocabulary, held_vectors=held, config=SMALL,
        )  # fmt: skip
    ids = AutoTokenizer.from_pretrained(tmp_path / "held/step-0001").get_vocab()
    rows = {
        name: AutoModelForMaskedLM.from_pretrained(tmp_path / name).bert.embeddings.word_embeddings.weight
        for name in ("held/step-0001", "held/step-0003", "free/step-0003")
    }
    known = [word for word in vectors if word in ids]
    free = [number for token, number in ids.items() if token not in vectors]
    expected = torch.tensor(np.stack([vectors[word] for word in known]))
    assert len(known) > 50 and free
    at = [ids[word] for word in known]
    for name in ("held/step-0001", "held/step-0003"):
        assert torch.equal(rows[name][at], expected)
    assert not torch.equal(rows["free/step-0003"][at], expected)
    assert not torch.equal(rows["held/step-0001"][free], rows["held/step-0003"][free])
