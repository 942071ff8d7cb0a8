"""Scores of predictions, and the baselines to read them against.

Statistics only: no model, no prompt.

A cell is one (language, relation), or one language over all its relations ("*"). A checkpoint cannot be asked
for a full match everywhere (a decoder only among two candidates or more): `n` counts the rows that were
asked, `not_asked` the others. The typed scores (typed_p1, mrr, pll_typed_p1) and their baselines (uniform,
prior_typed_p1) are over both. full_match and its intervals, partial_match, multi_answer, left_to_right,
confidence and the majority baseline are over the asked rows only, so that P@1 never stands beside a baseline
of other rows. Of a relation these are all rows or none; of a language, the relations whose own full_match is
not null. Where no row was asked, P@1 is null and the majority baseline is over all rows, to be read against
the typed scores.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.errors import InputError
from factroots_dagster.probing.schema import MASK_COUNTS, PROBING_SCORES
from factroots_dagster.stats.intervals import clustered, wilson

MIN_ROWS = 30  # cells with fewer rows are flagged as small
# Columns of PREDICTIONS that are true or false, or null where not asked.
_FLAGS = (
    "full_match", "partial_match", "any_answer_match", "left_to_right_match", "confidence_match",
    "greedy_match",
)  # fmt: skip
_RANKS = ("typed_rank", "prior_rank", "pll_rank")
# Protocol -> column of PREDICTIONS that has a value in some row of a cell where the protocol was run.
_PROTOCOLS = {
    "full_match": "full_match",
    "partial_match": "partial_match",
    "typed": "typed_rank",
    "greedy": "greedy_match",
    "pll": "pll_rank",
    "left_to_right": "left_to_right_match",
    "confidence": "confidence_match",
}
Columns = dict[str, npt.NDArray[Any]]


def probing_scores(
    predictions: Iterable[pa.Table],
    coverage: pa.Table,
    splits: Mapping[str, pa.Table] | None = None,
    *,
    seed: int = 0,
) -> pa.Table:
    """PROBING_SCORES of one checkpoint: every (language, relation), and relation "*" for each language.

    predictions: PREDICTIONS, any number of tables. coverage: FACT_COVERAGE with a row for each of their rows
    (its majority_correct gives the majority baseline). A row that was left out (too_long) or has no rank
    counts as wrong; what is null in a whole cell was not asked there (`protocols` lists what was).

    splits: MLAMA_SPLIT (uuid, subject_uri, object_uri) by language, for by_subject_* and by_object_*: 95%
    percentile intervals of a language's P@1 by a bootstrap that draws subjects (objects) with all their rows
    instead of single rows, which are not independent (`stats.intervals.clustered`, 2,000 draws from the
    seed). Null without the language's split.

    Raises InputError where coverage or a language's split lacks a fact.
    """
    majority = dict(zip(_keys(coverage), coverage.column("majority_correct").to_pylist(), strict=True))
    rows: list[dict[str, Any]] = []
    for table in predictions:
        columns = _columns(table)
        keys = _keys(table)
        missing = next((key for key in keys if key not in majority), None)
        if missing is not None:
            raise _missing_fact(missing[1], missing[0], "fact_coverage")
        columns["majority"] = np.array([bool(majority[key]) for key in keys])
        for language in sorted(set(columns["language"].tolist())):
            in_language = columns["language"] == language
            relations = sorted(set(columns["relation"][in_language].tolist()))
            cells = [_cell(columns, in_language & (columns["relation"] == name)) for name in relations]
            whole = _cell(columns, in_language)
            known = [cell["full_match"] for cell in cells if cell["full_match"] is not None]
            whole["macro_full_match"] = float(np.mean(known)) if known else None
            if splits is not None and language in splits:
                asked = np.flatnonzero(in_language & columns["full_match_known"])
                correct = columns["full_match"][asked]
                facts = table.column("uuid").take(pa.array(asked))
                whole |= _clustered_intervals(correct, facts, splits[language], language, seed)
            for relation, cell in zip(["*", *relations], [whole, *cells], strict=True):
                rows.append({"language": language, "relation": relation, **cell})
    rows.sort(key=lambda row: (row["language"], row["relation"]))
    return pa.Table.from_pylist(rows, schema=PROBING_SCORES)


def _keys(table: pa.Table) -> list[tuple[str, str]]:
    return list(zip(table.column("language").to_pylist(), table.column("uuid").to_pylist(), strict=True))


def _missing_fact(uuid: str, language: str, asset: str) -> InputError:
    return InputError(
        f"fact {uuid} of language {language} has a prediction but no row in {asset}",
        "materialize mlama_split and fact_coverage, then predictions again",
    )


def _columns(table: pa.Table) -> Columns:
    """What the scores need, as arrays: flags (false where null), ranks (infinite where null), and for both
    `<name>_known` (false where null).
    """
    columns = {name: np.array(table.column(name).to_pylist(), object) for name in ("language", "relation")}
    for name in _FLAGS:
        values = table.column(name)
        columns[name] = pc.fill_null(values, False).to_numpy().astype(bool)
        columns[f"{name}_known"] = pc.is_valid(values).to_numpy().astype(bool)
    for name in _RANKS:
        values = pc.cast(table.column(name), pa.float64())
        columns[name] = pc.fill_null(values, np.inf).to_numpy()
        columns[f"{name}_known"] = pc.is_valid(values).to_numpy().astype(bool)
    columns["chance"] = pc.fill_null(table.column("chance"), 0.0).to_numpy()
    columns["chance_known"] = pc.is_valid(table.column("chance")).to_numpy().astype(bool)
    columns["candidates"] = table.column("candidates").to_numpy()
    columns["too_long"] = table.column("too_long").to_numpy().astype(bool)
    return columns


def _cell(columns: Columns, rows: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """The scores over some rows. rows: a mask over the columns' rows."""
    asked = rows & columns["full_match_known"]
    n, n_asked, correct = int(rows.sum()), int(asked.sum()), int(columns["full_match"][asked].sum())
    low, high = wilson(correct, n_asked) if n_asked else (None, None)

    def known(name: str) -> bool:
        return bool(columns[f"{name}_known"][rows].any())

    def share(name: str) -> float | None:
        return float(columns[name][asked].mean()) if n_asked and known(name) else None

    def share_of_known(name: str) -> float | None:
        return float(columns[name][rows & columns[f"{name}_known"]].mean()) if known(name) else None

    def share_ranked_first(name: str) -> float | None:
        return float((columns[name][rows] == 1).mean()) if known(name) else None

    return {
        "n": n_asked,
        "not_asked": n - n_asked,
        "full_match": share("full_match"),
        "full_match_low": low,
        "full_match_high": high,
        "partial_match": share("partial_match"),
        "greedy": share_of_known("greedy_match"),
        "chance": share_of_known("chance"),
        "typed_p1": share_ranked_first("typed_rank"),
        "mrr": float((1 / columns["typed_rank"][rows]).mean()) if known("typed_rank") else None,
        "pll_typed_p1": share_ranked_first("pll_rank"),
        "left_to_right": share("left_to_right_match"),
        "confidence": share("confidence_match"),
        "protocols": [protocol for protocol, column in _PROTOCOLS.items() if known(column)],
        "multi_answer": share("any_answer_match"),
        "majority": float(columns["majority"][asked if n_asked else rows].mean()),
        "uniform": float((1 / columns["candidates"][rows]).mean()),
        "prior_typed_p1": share_ranked_first("prior_rank"),
        "too_long": int(columns["too_long"][rows].sum()),
        "small": (n_asked or n) < MIN_ROWS,
    }


def _clustered_intervals(
    correct: npt.NDArray[np.bool_], facts: pa.ChunkedArray, split: pa.Table, language: str, seed: int
) -> dict[str, float | None]:
    """by_subject_* and by_object_* of one language. correct: [facts]. facts: their uuids."""
    split_rows = pc.index_in(facts, value_set=split.column("uuid").combine_chunks())
    if split_rows.null_count:
        raise _missing_fact(facts.filter(pc.is_null(split_rows))[0].as_py(), language, "mlama_split")
    intervals: dict[str, float | None] = {}
    for name in ("subject", "object"):
        entities = split.column(f"{name}_uri").take(split_rows).combine_chunks().dictionary_encode()
        random = np.random.default_rng([seed, crc32(f"{language} {name}".encode())])
        low, high = clustered(correct, entities.indices.to_numpy(), random)
        intervals |= {f"by_{name}_low": low, f"by_{name}_high": high}
    return intervals


def mask_counts(predictions: Iterable[pa.Table]) -> pa.Table:
    """MASK_COUNTS: P@1 by the object's number of tokens, for each language, over the asked rows only."""
    asked: Counter[tuple[str, int]] = Counter()  # by language and number of tokens
    correct: Counter[tuple[str, int]] = Counter()
    for table in predictions:
        lengths = table.column("object_ids").combine_chunks().value_lengths().to_pylist()
        languages, matches = (table.column(name).to_pylist() for name in ("language", "full_match"))
        for language, tokens, full_match in zip(languages, lengths, matches, strict=True):
            if full_match is not None:
                asked[language, tokens] += 1
                correct[language, tokens] += full_match
    return _tabulate_mask_counts(asked, correct)


def overall_mask_counts(counts: pa.Table) -> pa.Table:
    """MASK_COUNTS over all languages together, as language "*".

    counts: MASK_COUNTS by language.
    """
    asked: Counter[tuple[str, int]] = Counter()
    correct: defaultdict[tuple[str, int], float] = defaultdict(float)
    for row in counts.to_pylist():
        asked["*", row["object_tokens"]] += row["n"]
        correct["*", row["object_tokens"]] += row["n"] * row["full_match"]
    # Rounded because the shares of the languages are not exact.
    return _tabulate_mask_counts(asked, {key: round(hits) for key, hits in correct.items()})


def _tabulate_mask_counts(
    asked: Mapping[tuple[str, int], int], correct: Mapping[tuple[str, int], int]
) -> pa.Table:
    rows = []
    for (language, tokens), n in sorted(asked.items()):
        hits = correct[language, tokens]
        low, high = wilson(hits, n)
        rows.append((language, tokens, n, hits / n, low, high))
    return pa.Table.from_pylist([dict(zip(MASK_COUNTS.names, row, strict=True)) for row in rows], MASK_COUNTS)
