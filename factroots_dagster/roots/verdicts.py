"""What a fact is known from, with probabilities: a verdict where one type is more probable than all others.

For a predicted fact with s = P(its source states it), 0 without a source, and t = P(it would be known
without its own source, see `transfer`):

- shared: s t, independent: s (1 - t);
- easy: 1 - s where its name or a cue gives the object away (`easy`), and then nothing of the next two;
- transferred: (1 - s) t, if another language has a source and knows it, and luck: the rest. A fact that is
  not stated here and would not be known in another training either was guessed.

The untrained twin's t stands beside it: what it also reaches is not read from the model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.roots.schema import FACT_VERDICTS, KNOWN_FROM, VERDICT_SHARES
from factroots_dagster.roots.transfer import Cells, Transfer
from factroots_dagster.stats.intervals import mean_interval
from factroots_dagster.tables import none_if_nan, zip_columns

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.5
"""Probability that a verdict needs at least."""
UNDETERMINED = "undetermined"
TOO_FEW = "Too few facts without a source, or too few of them known, to tell what would be known without one."
UNCLEAR = "No type reaches a probability of one half."

Floats = npt.NDArray[np.float64]


class _Fact(NamedTuple):
    uuid: str
    language: str
    relation: str
    stated: float
    easy: bool


def judge_facts(types: pa.Table, cells: Cells, transfer: Transfer, untrained: Transfer) -> pa.Table:
    """FACT_VERDICTS of the predicted facts of FACT_TYPES.

    transfer: of the checkpoint, untrained: of its twin; both over the cells.
    """
    number_of = {key: number for number, key in enumerate(cells.keys)}
    facts = [fact for fact in _predicted_facts(types) if (fact.uuid, fact.language) in number_of]
    positions = [number_of[fact.uuid, fact.language] for fact in facts]
    without_source = transfer.without_own_source()
    placebo = untrained.without_own_source()
    rows = [
        {
            "uuid": fact.uuid,
            "language": fact.language,
            "relation": fact.relation,
            "stated": fact.stated,
            "without_source": none_if_nan(without_source[position]),
            "without_source_untrained": none_if_nan(placebo[position]),
            **_decide(fact, without_source[position], bool(np.isfinite(transfer.from_others[position]))),
        }
        for fact, position in zip(facts, positions, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=FACT_VERDICTS)


def _predicted_facts(types: pa.Table) -> list[_Fact]:
    columns = ("uuid", "language", "relation", "type", "source_present", "stated_probability", "easy")
    return [
        _Fact(uuid, language, relation, _stated(source, stated), easy is not None)
        for uuid, language, relation, type_, source, stated, easy in zip_columns(types, *columns)
        if type_ != "not_predicted"
    ]


def _stated(source: bool, probability: float | None) -> float:
    """P(the source states the fact): 0 without one, 1 where it was not estimated."""
    if not source:
        return 0.0
    return 1.0 if probability is None else probability


def _decide(fact: _Fact, without_source: float, has_partner: bool) -> dict[str, object]:
    """The probabilities, the verdict and its reason."""
    if np.isnan(without_source):
        return {**dict.fromkeys(KNOWN_FROM), "verdict": UNDETERMINED, "reason": TOO_FEW}
    probabilities = _probabilities(fact, float(without_source), has_partner)
    verdict = max(probabilities, key=lambda name: probabilities[name])
    if probabilities[verdict] < LEVEL:
        return {**probabilities, "verdict": UNDETERMINED, "reason": UNCLEAR}
    source = f"P(stated here) = {fact.stated:.2f}" if fact.stated else "No source here"
    others = "" if has_partner else "; no other language that has a source knows it"
    reason = f"{source}; P(known without it) = {without_source:.2f}{others}."
    return {**probabilities, "verdict": verdict, "reason": reason}


def _probabilities(fact: _Fact, without_source: float, has_partner: bool) -> dict[str, float]:
    unstated = 1 - fact.stated
    transferred = unstated * without_source if has_partner and not fact.easy else 0.0
    easy = unstated if fact.easy else 0.0
    return {
        "shared": fact.stated * without_source,
        "independent": fact.stated * (1 - without_source),
        "transferred": transferred,
        "easy": easy,
        "luck": max(0.0, unstated - transferred - easy),
    }


def share_verdicts(verdicts: pa.Table) -> pa.Table:
    """VERDICT_SHARES of FACT_VERDICTS: every language, and all of them ("*")."""
    frame = verdicts.to_pandas()
    groups = {"*": frame, **dict(iter(frame.groupby("language", sort=True)))}
    rows = [
        {"language": language, "verdict": name, **_share(facts, name)}
        for language, facts in groups.items()
        for name in (*KNOWN_FROM, UNDETERMINED)
    ]
    return pa.Table.from_pylist(rows, schema=VERDICT_SHARES)


def expected_shares(shares: pa.Table) -> tuple[dict[str, float], float | None]:
    """Expected share of each verdict over all languages of VERDICT_SHARES, and of shared facts untrained.

    Verdicts without one are left out; None without an untrained model's.
    """
    overall = [row for row in shares.to_pylist() if row["language"] == "*"]
    expected = {row["verdict"]: row["expected"] for row in overall if row["expected"] is not None}
    (untrained,) = (row["expected_untrained"] for row in overall if row["verdict"] == "shared")
    return expected, untrained


def _share(facts: pd.DataFrame, name: str) -> dict[str, Any]:
    called = int((facts["verdict"] == name).sum())
    row: dict[str, Any] = {"facts": called, "share": called / len(facts) if len(facts) else None}
    probabilities = facts[["uuid", name]].dropna() if name in KNOWN_FROM else facts[:0]
    if len(probabilities):
        values = probabilities[name].to_numpy(np.float64)
        low, high = mean_interval(values, probabilities["uuid"].to_numpy())
        row["expected"] = float(values.mean())
        row["low"] = None if low is None else max(0.0, low)
        row["high"] = None if high is None else min(1.0, high)
    if name == "shared":
        placebo = (facts["stated"] * facts["without_source_untrained"].astype(float)).dropna()
        row["expected_untrained"] = float(placebo.mean()) if len(placebo) else None
    return row
