"""The easy world is the world of the first release, letter by letter."""

from __future__ import annotations

import dataclasses
import hashlib
import json

import pytest

from factroots_dagster.sandbox.dials import PRESETS
from factroots_dagster.sandbox.records import World
from factroots_dagster.sandbox.world import generate

DIGESTS = {  # recorded before worlds had dials
    (0, True): "5cb9cb749c6f91dfa8a418f00299561fa7be6045320dba6b50c45df9360b808b",
    (0, False): "4ed2537bea776524d5258e130310358192fd582d4e29821481b2f469aabab596",
    (7, True): "0e7a0604bbc086bfc31c161a8242eb5bf47bbf5eaad9f1a1b817873266d5547b",
    (7, False): "99b4b7bc6759543f3afe585ce922403498a83b46c623dcb7488016180e19cef9",
}
"""By seed and shared pieces."""


def digest(world: World) -> str:
    """SHA-256 of a world's labels, planted truth, texts, redirects and templates."""
    contents = [
        {code: dict(sorted(world.labels[code].items())) for code in world.languages},
        {
            code: [
                [
                    *(fact.uuid, fact.relation, fact.kind, fact.subject_uri, fact.object_uri, fact.line),
                    *(cell.kind, cell.stated, cell.linked_source, cell.stated_how, cell.distractor),
                ]
                for fact in world.facts
                for cell in [world.truth[code][fact.uuid]]
            ]
            for code in world.languages
        },
        {
            code: [[article.title, article.text] for article in world.articles[code]]
            for code in world.languages
        },
        {code: list(world.redirects[code].items()) for code in world.languages},
        {code: list(world.templates[code].items()) for code in world.languages},
    ]
    return hashlib.sha256(json.dumps(contents).encode()).hexdigest()


@pytest.mark.parametrize(("seed", "shared_pieces"), list(DIGESTS))
def test_the_easy_world_has_not_changed(seed: int, shared_pieces: bool) -> None:
    dials = dataclasses.replace(PRESETS["easy"], shared_pieces=shared_pieces)
    assert digest(generate(seed, dials)) == DIGESTS[seed, shared_pieces]
