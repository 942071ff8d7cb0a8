"""Windows that hold a fact, on random mentions, against loops over all of them."""

from __future__ import annotations

import random

import numpy as np
import pytest

from assets_tests.tracing.brute_force import candidate_pairs, is_nested
from factroots_dagster.tracing.kinds import ALIAS, FORM, LABEL, SUFFIX, WORDPIECE
from factroots_dagster.tracing.matchers import IN_TEXT, MATCHERS, SURFACE, WITH_SUFFIXES, WORDPIECE_CHUNK
from factroots_dagster.tracing.passages import (
    MATCHER_NUMBERS,
    MENTION_COLUMNS,
    PASSAGE_COLUMNS,
    FactTable,
    find_passages,
)

ENTITIES, LENGTH = 6, 60
Mention = dict[str, int]


def random_mentions(chance: random.Random) -> list[Mention]:
    """Mentions on a few pages in random order, with sentences and chunks that do not depend on each other."""
    mentions = []
    for page in chance.sample(range(1, 9), chance.randrange(0, 4)):
        edges = sorted({0, LENGTH, *(chance.randrange(1, LENGTH) for _ in range(chance.randrange(8)))})
        # Some pages hold mentions of one kind only.
        kinds = chance.choice(
            [
                [LABEL, LABEL, LABEL, ALIAS, SUFFIX, WORDPIECE, FORM],
                [LABEL, FORM],
                [LABEL, WORDPIECE],
                [ALIAS],
                [SUFFIX],
            ]
        )
        chunks = sorted(chance.randrange(1, LENGTH) for _ in range(chance.randrange(3)))
        for start in sorted(chance.sample(range(LENGTH), chance.randrange(0, 25))):
            sentence = sum(edge <= start for edge in edges) - 1
            mention = {
                "page_id": page,
                "entity": chance.randrange(ENTITIES),
                "kind": chance.choice(kinds),
                "start": start,
                "end": start + chance.randrange(1, 9),
                "sentence": sentence,
                "chunk": sum(edge <= start for edge in chunks),
                "sentence_start": edges[sentence],
                "sentence_end": edges[sentence + 1],
            }
            mentions.append(mention)
    chance.shuffle(mentions)
    return mentions


def passage(subject: Mention, object_: Mention) -> tuple[int, ...]:
    """PASSAGE_COLUMNS from the length on."""
    length = max(subject["sentence_end"], object_["sentence_end"]) - min(
        subject["sentence_start"], object_["sentence_start"]
    )
    return (
        *(length, subject["page_id"], subject["start"], object_["start"]),
        *(subject["end"], object_["end"], object_["sentence_start"], object_["sentence_end"]),
    )


def span(mention: Mention) -> tuple[int, int]:
    return mention["start"], mention["end"]


def labelled(mention: Mention) -> tuple[tuple[int, int], bool]:
    return span(mention), mention["kind"] == LABEL


def by_loops(mentions: list[Mention], facts: list[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Rows of PASSAGE_COLUMNS, sorted."""
    rows = []
    for name in IN_TEXT:
        matcher = MATCHERS[name]
        window = matcher.window
        counted = [m for m in mentions if m["kind"] in matcher.kinds]
        windows = {(m["page_id"], 0 if window == "article" else m[window]) for m in counted}
        for page, number in windows:
            on_page = [m for m in counted if m["page_id"] == page]
            inside = [m for m in on_page if window == "article" or m[window] == number]
            for fact, sides in enumerate(facts):
                named = [[m for m in on_page if m["entity"] == side] for side in sides]
                subjects, objects = (
                    [m for m in named[side] if not is_nested(*labelled(m), [*map(labelled, named[1 - side])])]
                    for side in (0, 1)
                )
                in_window = ([m for m in side if m in inside] for side in (subjects, objects))
                pairs = candidate_pairs(*in_window, span)
                if not pairs:
                    continue
                for sentence in {m["sentence"] for m in inside}:
                    # The candidates of a sentence, if they are in the window.
                    of_both = ([m for m in side if m["sentence"] == sentence] for side in (subjects, objects))
                    in_sentence = candidate_pairs(*of_both, span)
                    pairs += [pair for pair in in_sentence if all(m in inside for m in pair)]
                best = min((passage(s, o) for s, o in pairs), key=lambda p: (p[0], *p[2:4]))
                rows.append((fact, MATCHER_NUMBERS[name], *best))
    return sorted(rows)


@pytest.mark.parametrize("seed", range(60))
def test_passages_are_those_of_loops(seed: int) -> None:
    chance = random.Random(seed)
    mentions = random_mentions(chance)
    facts = [(chance.randrange(ENTITIES), chance.randrange(ENTITIES)) for _ in range(chance.randrange(0, 9))]
    columns = {name: np.array([m[name] for m in mentions], dtype=np.int64) for name in MENTION_COLUMNS}
    subjects, objects = (np.array([fact[side] for fact in facts], dtype=np.int64) for side in (0, 1))
    table = FactTable.build(subjects, objects, ENTITIES)
    expected = by_loops(mentions, facts)
    selections = (IN_TEXT, SURFACE, (*SURFACE, *WITH_SUFFIXES, WORDPIECE_CHUNK), (WORDPIECE_CHUNK,))
    for matchers in (*selections, ("article_with_aliases", "chunk")):
        passages = find_passages(columns, table, tuple(matchers))
        assert tuple(passages) == PASSAGE_COLUMNS
        rows = sorted(zip(*(passages[name].tolist() for name in PASSAGE_COLUMNS), strict=True))
        assert rows == [row for row in expected if row[1] in {MATCHER_NUMBERS[name] for name in matchers}]


def test_random_mentions_hold_passages_of_every_matcher() -> None:
    """Otherwise the comparison would compare nothing."""
    chance = random.Random(0)
    rows = [
        row for _ in range(40) for row in by_loops(random_mentions(chance), [(0, 1), (2, 3), (4, 4), (5, 0)])
    ]
    assert {row[1] for row in rows} == set(range(len(IN_TEXT))) and len(rows) > 500
