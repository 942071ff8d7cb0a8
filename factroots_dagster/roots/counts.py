"""Totals over fact types: counts, absent sources, and how many of the hits are lucky guesses."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.roots.schema import TYPES

TYPE_COUNTS = pa.schema(
    [("language", pa.string()), ("type", pa.string()), ("facts", pa.int64()), ("share", pa.float64())]
)
"""share: of the language's predicted facts; null for `not_predicted`."""

SOURCE_ABSENCE = pa.schema(
    [
        ("language", pa.string()),
        ("matcher", pa.string()),
        ("predicted", pa.int64()),
        ("absent", pa.int64()),
        ("rate", pa.float64()),
    ]
)

LUCK = pa.schema(
    [
        ("language", pa.string()),
        ("unsourced", pa.int64()),  # not easy, without a source in any language
        ("unsourced_predicted", pa.int64()),
        ("rate", pa.float64()),
        ("without_source", pa.int64()),  # not easy, without a source in this language
        ("transferred", pa.int64()),
        ("expected_lucky", pa.float64()),  # at the rate of all languages, and at most transferred
        ("transferred_net", pa.float64()),
    ]
)


def type_counts(types: pa.Table) -> pa.Table:
    """TYPE_COUNTS: a row for every language and type (zeros too), languages sorted, "*" for all last."""
    grouped = types.group_by(["language", "type"]).aggregate([("uuid", "count")])
    counts: dict[tuple[str, str], int] = {}
    for row in grouped.to_pylist():
        for language in (row["language"], "*"):
            key = (language, row["type"])
            counts[key] = counts.get(key, 0) + row["uuid_count"]
    rows = []
    for language in [*sorted(set(types["language"].to_pylist())), "*"]:
        predicted = sum(counts.get((language, kind), 0) for kind in TYPES if kind != "not_predicted")
        for kind in TYPES:
            facts = counts.get((language, kind), 0)
            share = facts / predicted if predicted and kind != "not_predicted" else None
            rows.append({"language": language, "type": kind, "facts": facts, "share": share})
    return pa.Table.from_pylist(rows, schema=TYPE_COUNTS)


def type_bands(sensitivity: pa.Table | None) -> dict[tuple[str, str], tuple[int, int]]:
    """(language, type) to the least and the most facts over all settings; empty without SENSITIVITY."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for row in sensitivity.to_pylist() if sensitivity is not None else ():
        key = (row["language"], row["type"])
        low, high = found.get(key, (row["facts"], row["facts"]))
        found[key] = (min(low, row["facts"]), max(high, row["facts"]))
    return found


def source_absence(types: pa.Table, sources: Iterable[pa.Table]) -> pa.Table:
    """SOURCE_ABSENCE: of the predicted facts, how many have no source, by matcher.

    Absence depends on the window and on aliases, so the report shows all matchers as a band.

    Args:
        types: FACT_TYPES of any number of languages.
        sources: FACT_SOURCES tables, one per language, consumed one by one.
    """
    hit = types.filter(pc.not_equal(types["type"], "not_predicted"))
    rows = []
    for table in sources:
        for language in sorted(set(table["language"].to_pylist())):
            mine = pc.equal(hit["language"], language)
            predicted = hit.filter(mine)["uuid"].combine_chunks()
            seen = table.filter(
                pc.and_(pc.equal(table["language"], language), pc.is_in(table["uuid"], predicted))
            )
            for matcher in sorted(set(table["matcher"].to_pylist())):
                here = seen.filter(pc.equal(seen["matcher"], matcher))
                absent = pc.sum(pc.equal(here["windows"], 0)).as_py() or 0
                rows.append(
                    {
                        "language": language,
                        "matcher": matcher,
                        "predicted": here.num_rows,
                        "absent": absent,
                        "rate": absent / here.num_rows if here.num_rows else None,
                    }
                )
    return pa.Table.from_pylist(
        sorted(rows, key=lambda r: (r["language"], r["matcher"])), schema=SOURCE_ABSENCE
    )


def lucky_guesses(types: pa.Table) -> pa.Table:
    """LUCK: how many transferred facts are expected to be guesses that happen to be right.

    A fact that none of the corpora states can only be guessed (or known from elsewhere); the share of
    such facts that is predicted all the same, taken over all languages, is the luck rate r. Of n cells
    without a source h are predicted; if each is either known or guessed at rate r, then
    r (n - h) / (1 - r) of the hits are guesses (the correction for guessing of multiple-choice tests).
    Easy facts stay out on both sides. With only some languages traced, or a model trained on
    more than Wikipedia, facts seem unsourced that are not: the rate is then an upper bound.

    Returns:
        One row per language, sorted, and a last row "*" with the sums.
    """
    sourced = pc.unique(types.filter(types["source_present"])["uuid"])
    plain = types.filter(pc.and_(pc.is_null(types["easy"]), pc.invert(types["source_present"])))
    # A fact that is easy in one language is left out of the unsourced ones in all.
    easy = pc.unique(types.filter(pc.is_valid(types["easy"]))["uuid"])
    unsourced = pc.and_(pc.invert(pc.is_in(plain["uuid"], sourced)), pc.invert(pc.is_in(plain["uuid"], easy)))
    rows = []
    for language in sorted(set(types["language"].to_pylist())):
        mine = pc.equal(plain["language"], language)
        lone = plain.filter(pc.and_(mine, unsourced))
        rows.append(
            {
                "language": language,
                "unsourced": lone.num_rows,
                "unsourced_predicted": _hits(lone),
                "without_source": plain.filter(mine).num_rows,
                "transferred": _hits(plain.filter(mine)),
            }
        )
    total = {"language": "*"} | {
        key: sum(row[key] for row in rows)
        for key in ("unsourced", "unsourced_predicted", "without_source", "transferred")
    }
    rate = total["unsourced_predicted"] / total["unsourced"] if total["unsourced"] else None
    for row in rows:
        row["rate"] = row["unsourced_predicted"] / row["unsourced"] if row["unsourced"] else None
        row["expected_lucky"] = _guesses(row["without_source"], row["transferred"], rate)
        row["transferred_net"] = None if rate is None else row["transferred"] - row["expected_lucky"]
    total |= {"rate": rate}
    for key in ("expected_lucky", "transferred_net"):
        total[key] = sum(row[key] for row in rows) if rate is not None else None
    return pa.Table.from_pylist([*rows, total], schema=LUCK)


def _guesses(cells: int, hits: int, rate: float | None) -> float | None:
    """Expected guesses among the hits, never more than there are hits."""
    if rate is None:
        return None
    return float(hits) if rate == 1 else min(rate * (cells - hits) / (1 - rate), float(hits))


def _hits(table: pa.Table) -> int:
    return pc.sum(pc.not_equal(table["type"], "not_predicted")).as_py() or 0
