"""Windows that hold a fact, on random mentions, against loops over all of them."""

from __future__ import annotations

import random

import numpy as np
import pytest

from factroots_dagster.tracing import passages
from factroots_dagster.tracing.matchers import (
    MATCHERS,
    SURFACE,
    WINDOWS,
    WITH_ALIASES,
    WITH_SUFFIXES,
    WORDPIECE,
)
from factroots_dagster.tracing.passages import ALIAS, LABEL, MENTION, PASSAGE, PIECES, SUFFIX, FactTable

ENTITIES, LENGTH = 6, 60
Mention = dict[str, int]


def random_mentions(chance: random.Random) -> list[Mention]:
    """Mentions of a few pages; sentences and chunks are cut apart from each other, in any order of rows."""
    found = []
    for page in chance.sample(range(1, 9), chance.randrange(0, 4)):
        edges = sorted({0, LENGTH, *(chance.randrange(1, LENGTH) for _ in range(chance.randrange(8)))})
        # some pages hold forms of one kind alone
        kinds = chance.choice(
            [[LABEL, LABEL, LABEL, ALIAS, SUFFIX, PIECES], [LABEL, PIECES], [ALIAS], [SUFFIX]]
        )
        chunks = sorted(chance.randrange(1, LENGTH) for _ in range(chance.randrange(3)))
        for start in sorted(chance.sample(range(LENGTH), chance.randrange(0, 25))):
            sentence = sum(edge <= start for edge in edges) - 1
            mention = {
                "page_id": page,
                "entity": chance.randrange(ENTITIES),
                "kind": chance.choice(kinds),
                "start": start,
                "end": start + chance.randrange(1, 4),
                "sentence": sentence,
                "chunk": sum(edge <= start for edge in chunks),
                "sentence_start": edges[sentence],
                "sentence_end": edges[sentence + 1],
            }
            found.append(mention)
    chance.shuffle(found)
    return found


def passage(subject: Mention, object_: Mention) -> tuple[int, ...]:
    """Columns of PASSAGE from the length on."""
    length = max(subject["sentence_end"], object_["sentence_end"]) - min(
        subject["sentence_start"], object_["sentence_start"]
    )
    return (
        *(length, subject["page_id"], subject["start"], object_["start"]),
        *(subject["end"], object_["end"], object_["sentence_start"], object_["sentence_end"]),
    )


def first(mentions: list[Mention], entity: int) -> Mention | None:
    return min((m for m in mentions if m["entity"] == entity), key=lambda m: m["start"], default=None)


def by_loops(mentions: list[Mention], facts: list[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Rows of PASSAGE, sorted."""
    kinds = {matcher: {LABEL} for matcher in SURFACE}
    kinds |= {matcher: {LABEL, ALIAS} for matcher in WITH_ALIASES}
    kinds |= {matcher: {LABEL, SUFFIX} for matcher in WITH_SUFFIXES}
    windows = {
        matcher: window
        for family in (SURFACE, WITH_ALIASES, WITH_SUFFIXES)
        for matcher, window in zip(family, WINDOWS, strict=True)
    }
    kinds[WORDPIECE], windows[WORDPIECE] = {PIECES}, "chunk"
    rows = []
    for matcher, window in windows.items():
        seen = [m for m in mentions if m["kind"] in kinds[matcher]]
        places = {(m["page_id"], 0 if window == "article" else m[window]) for m in seen}
        for page, number in places:
            inside = [
                m for m in seen if m["page_id"] == page and (window == "article" or m[window] == number)
            ]
            for fact, (subject, object_) in enumerate(facts):
                pairs = [(first(inside, subject), first(inside, object_))]
                for sentence in {m["sentence"] for m in inside}:
                    # the first mentions of a whole sentence, if they lie in the window
                    whole = [m for m in seen if m["page_id"] == page and m["sentence"] == sentence]
                    pair = first(whole, subject), first(whole, object_)
                    if all(m in inside for m in pair):
                        pairs.append(pair)
                if None not in pairs[0]:
                    best = min((passage(s, o) for s, o in pairs if s and o), key=lambda p: (p[0], *p[2:4]))
                    rows.append((fact, MATCHERS.index(matcher), *best))
    return sorted(rows)


@pytest.mark.parametrize("seed", range(60))
def test_windows_equal_those_of_loops(seed: int) -> None:
    chance = random.Random(seed)
    mentions = random_mentions(chance)
    facts = [(chance.randrange(ENTITIES), chance.randrange(ENTITIES)) for _ in range(chance.randrange(0, 9))]
    columns = {name: np.array([m[name] for m in mentions], dtype=np.int64) for name in MENTION}
    subjects, objects = (np.array([fact[side] for fact in facts], dtype=np.int64) for side in (0, 1))
    table = FactTable.of(subjects, objects, ENTITIES)
    expected = by_loops(mentions, facts)
    for asked in (MATCHERS, SURFACE, (*SURFACE, *WITH_SUFFIXES, WORDPIECE)):
        found = passages.passages(columns, table, asked)
        assert tuple(found) == PASSAGE
        wanted = [row for row in expected if MATCHERS[row[1]] in asked]
        assert sorted(zip(*(found[name].tolist() for name in PASSAGE), strict=True)) == wanted


def test_the_loops_see_every_matcher() -> None:
    """The comparison is of something."""
    chance = random.Random(0)
    rows = [
        row for _ in range(40) for row in by_loops(random_mentions(chance), [(0, 1), (2, 3), (4, 4), (5, 0)])
    ]
    assert {row[1] for row in rows} == set(range(len(MATCHERS))) and len(rows) > 500


@pytest.mark.parametrize("largest", [1, 50, 2**40, 2**62])
def test_first_rows_are_those_of_numpy(largest: int) -> None:
    """Also where a key and its row do not fit into one number."""
    chance = np.random.default_rng([2, 3])
    for count in (0, 1, 2, 1000):
        keys = chance.integers(0, 20, count) * (largest // 20) + chance.integers(0, 2, count)
        for found, expected in zip(
            passages.first_rows(keys), np.unique(keys, return_index=True), strict=True
        ):
            assert found.dtype == np.int64 and np.array_equal(found, expected)
