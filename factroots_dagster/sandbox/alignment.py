"""Word vectors that languages have in common from the start: the sandbox's stand-in for long training.

Multilingual models bring translations close to one another over far more text than a generated world has
(Conneau et al., ACL 2020, "Emerging Cross-lingual Structure in Pretrained Language Models"). A world with the
dial `alignment` begins where they end: the vector of a name or function word is the sum of one for its
meaning and one for its language, and is held through the training. Facts can then cross between names that no
comparison of strings finds alike, and random weights know nothing of it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.sandbox.lexicon import capitalize, lexicon
from factroots_dagster.sandbox.records import World

MEANING_SHARE = 0.7
"""Of a vector's squared length; with more of it the model answers in another language's spelling."""
LENGTH = 1.4
"""Mean length of a vector. Trained ones come to 0.8 to 1.8; of shorter ones facts are learned too slowly."""

Words = Mapping[str, tuple[str, ...]]
"""The words of one meaning by language."""


def aligned_vectors(world: World) -> dict[str, NDArray[np.float32]]:
    """The vector of every aligned word, [hidden].

    Of a language's names the share `dials.alignment` is aligned, and all function words; nothing where the
    dial is 0. A word with several meanings has the vector of its first one: objects, subjects, then function
    words.
    """
    dials = world.dials
    if not dials.alignment:
        return {}
    languages = {code: _draw(world, "language", code).normal(size=dials.hidden) for code in world.languages}
    vectors: dict[str, NDArray[np.float32]] = {}
    for key, words in _meanings(world):
        meaning = _draw(world, "meaning", key).normal(size=dials.hidden)
        for code, spellings in words.items():
            sum_ = MEANING_SHARE**0.5 * meaning + (1 - MEANING_SHARE) ** 0.5 * languages[code]
            vector = (LENGTH / dials.hidden**0.5 * sum_).astype(np.float32)
            for word in spellings:
                vectors.setdefault(word, vector)
    return vectors


def aligned_entities(world: World) -> dict[str, set[str]]:
    """The entities (uris) whose names are aligned, by language."""
    share, uris = world.dials.alignment, _entities(world)
    return {
        code: {uri for uri in uris if share and _draw(world, "aligned", uri, code).random() < share}
        for code in world.languages
    }


def _entities(world: World) -> dict[str, None]:
    """The uris of all objects, then of all other subjects, as the keys."""
    objects = [uri for uris in world.plan.object_uris.values() for uri in uris]
    return dict.fromkeys([*objects, *(fact.subject_uri for fact in world.facts)])


def _meanings(world: World) -> Iterator[tuple[str, Words]]:
    """Every meaning by a key of its own, with its words in the languages that are aligned for it."""
    aligned = aligned_entities(world)
    for uri in _entities(world):
        names = {code: labels[uri].split() for code, labels in world.labels.items() if uri in aligned[code]}
        for position in range(max(map(len, names.values()), default=0)):
            yield (
                f"{uri} {position}",
                {code: (words[position],) for code, words in names.items() if position < len(words)},
            )
    lexicons = {code: lexicon(language, world.dials.loanwords) for code, language in world.languages.items()}
    for gloss in next(iter(lexicons.values())):
        yield gloss, {code: (words[gloss], capitalize(words[gloss])) for code, words in lexicons.items()}


def _draw(world: World, *keys: str) -> np.random.Generator:
    return np.random.default_rng([world.seed, 14, *(zlib.crc32(key.encode()) for key in keys)])
