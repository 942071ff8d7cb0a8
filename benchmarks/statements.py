"""How well the probability that a window states its fact agrees with a reader.

`labelled_sample.csv` has passages that were read and judged; those drawn as `window` or `probable` name the
place of both sides. Those drawn as `fact` are all the evidence of a fact; in these only `states` was told
from `other`. The coefficients of `tracing/statements.json` are learned from DEVELOPMENT languages; TEST
languages are looked at only here, with the coefficients as they are. Development languages are scored with
coefficients learned from the other ones. Placebos stand beside every score: judgements dealt out anew, one
feature alone, and the cue words and templates of other windows.

    python -m benchmarks.statements [--fit] FOLDER

FOLDER: a world of a data root (data/mlama) with mlama_split, wikipedia_articles, entity_mentions and
fact_sources of the languages. bn, el, en, hy and uk are the truncated Wikipedias of the real data. The
others are corpora (`FACTROOTS_CORPORA`) that `benchmarks.passage_corpora` makes from public sets of
Wikipedia's text. --fit writes the coefficients.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from benchmarks.labelled_sample import SAMPLE
from factroots_dagster.spark.session import spark_session
from factroots_dagster.stats.logistic import fit_logistic, sigmoid
from factroots_dagster.tracing.candidates import find_candidates
from factroots_dagster.tracing.statements import (
    FEATURES,
    Coefficients,
    Windows,
    describe_windows,
    fit_excess,
    load_coefficients,
    log_excess,
)
from factroots_dagster.tracing.windows import gather_windows

DEVELOPMENT = ("bn", "de", "el", "en", "es", "uk")
TEST = ("hy", "ja")

RIDGE, RELATION_RIDGE = 1.0, 1.0
"""Inverse variances of the coefficients of features and of relations: chosen among 0.3 to 4."""

LEAST_VARIANCE = 0.1
"""Of a coefficient of the excess between languages: six of them tell it badly."""

BINS = 5
"""Of the calibration error, with as many passages each."""


@dataclass(frozen=True)
class Read:
    """The passages of a language that were read: rows of its windows, and whether each states its fact."""

    language: str
    windows: Windows
    rows: NDArray[np.int64]
    states: NDArray[np.bool_]

    @property
    def relations(self) -> NDArray[np.str_]:
        """Of each passage."""
        return np.array(self.windows.relations)[self.windows.relation[self.rows]]


def read_language(folder: Path, language: str) -> Read:
    """Trace a language's facts again and find the passages that were read."""
    split = pq.read_table(folder / "mlama_split" / language / "data.parquet")
    articles, mentions = (folder / name / language for name in ("wikipedia_articles", "entity_mentions"))
    found = find_candidates(spark_session(), articles, mentions, split)
    windows = gather_windows(found.places, found.closeness, found.texts, found.pairs, split.num_rows)
    uuids = split["uuid"].to_pylist()
    columns = ("pair", "page_id", "subject_start", "object_start", "length")
    places: dict[tuple[str, int], list[tuple[int, int, int, int]]] = {}
    for row, (pair, page, *place) in enumerate(
        zip(*(found.places[name].tolist() for name in columns), strict=True)
    ):
        if pair < len(uuids):
            subject, object_, length = place
            places.setdefault((uuids[pair], page), []).append((length, subject, object_, row))
    judged: dict[int, bool] = {}
    for judgement in judgements(language, "gain", "window", "probable"):
        own = sorted(places.get((judgement["uuid"], int(judgement["page_id"])), []))
        if judgement["subject_start"]:
            wanted = (int(judgement["subject_start"]), int(judgement["object_start"]))
            own = [candidate for candidate in own if candidate[1:3] == wanted]
        if own:
            judged.setdefault(own[0][3], judgement["judged"] == "states")
    return Read(
        language, windows, np.array([*judged], dtype=np.int64), np.array([*judged.values()], dtype=bool)
    )


def judgements(language: str, *drawn: str) -> list[dict[str, str]]:
    """The rows of the sample in one language that were drawn so."""
    with SAMPLE.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["language"] == language and row["drawn"] in drawn]


def learn(languages: Sequence[Read]) -> Coefficients:
    """Coefficients of both regressions from some languages."""
    flat = Coefficients(dict.fromkeys(FEATURES, (0.0, 1.0)), {}, {})
    own = []
    for read in languages:
        own.append(fit_excess(describe_windows(read.windows), read.windows.is_fact, flat))
    mean, variance = np.mean(own, axis=0), np.maximum(np.var(own, axis=0), LEAST_VARIANCE)
    excess = {name: (float(m), float(1 / v)) for name, m, v in zip(FEATURES, mean, variance, strict=True)}
    learned = replace(flat, excess=excess)
    features = np.concatenate([statement_features(read, learned) for read in languages])
    relations = np.concatenate([read.relations for read in languages])
    names = sorted(set(relations.tolist()))
    features = np.column_stack([features, relations[:, None] == np.array(names)])
    precision = np.full(features.shape[1], RIDGE)
    precision[1 + len(FEATURES) :] = RELATION_RIDGE
    # The constant, after the excess, is free.
    precision[1 + FEATURES.index("constant")] = 1e-3
    labels = np.concatenate([read.states for read in languages])
    fitted = fit_logistic(features, labels, prior=np.zeros(len(precision)), precision=precision).tolist()
    statement = dict(zip(("excess", *FEATURES), fitted[: 1 + len(FEATURES)], strict=True))
    return replace(
        learned, statement=statement, relations=dict(zip(names, fitted[1 + len(FEATURES) :], strict=True))
    )


def rounded(coefficients: Coefficients) -> dict[str, dict[str, object]]:
    """The coefficients as they are stored."""
    return {
        "excess": {name: [round(value, 3) for value in both] for name, both in coefficients.excess.items()},
        "statement": {name: round(value, 3) for name, value in coefficients.statement.items()},
        "relations": {name: round(value, 3) for name, value in coefficients.relations.items()},
    }


def statement_features(read: Read, coefficients: Coefficients) -> NDArray[np.float64]:
    """Excess and FEATURES of the passages that were read. [passages, 1 + features]"""
    features = describe_windows(read.windows)
    excess = log_excess(features, fit_excess(features, read.windows.is_fact, coefficients))
    return np.column_stack([excess, features])[read.rows]


def predict(read: Read, coefficients: Coefficients) -> NDArray[np.float64]:
    """The probability that each passage states its fact."""
    weights = np.array([coefficients.statement[name] for name in ("excess", *FEATURES)])
    of_relation = [coefficients.relations.get(name, 0.0) for name in read.relations.tolist()]
    return sigmoid(statement_features(read, coefficients) @ weights + np.array(of_relation))


def mix_up_words(read: Read, random: np.random.Generator) -> Read:
    """The passages with the word scores of other windows."""
    order = random.permutation(len(read.windows.pair))
    windows = replace(read.windows, cues=read.windows.cues[order], template=read.windows.template[order])
    return replace(read, windows=windows)


def calibration_error(probability: NDArray[np.float64], states: NDArray[np.bool_]) -> float:
    """Mean difference of expected and observed share over BINS with equally many passages."""
    bins = np.array_split(np.argsort(probability, kind="stable"), BINS)
    return float(
        sum(len(b) * abs(probability[b].mean() - states[b].mean()) for b in bins if len(b)) / len(states)
    )


def score(probability: NDArray[np.float64], states: NDArray[np.bool_]) -> dict[str, str]:
    """A row of the table."""
    cells = {"AUC": f"{roc_auc_score(states, probability):.3f}"}
    clipped = probability.clip(1e-6, 1 - 1e-6)
    loss = -np.mean(np.where(states, np.log(clipped), np.log(1 - clipped)))
    cells |= {"log loss": f"{loss:.3f}", "calibration error": f"{calibration_error(probability, states):.3f}"}
    cells["mean, observed"] = f"{probability.mean():.3f}, {states.mean():.3f}"
    for threshold in (0.3, 0.5):
        chosen = states[probability >= threshold]
        cells[f"precision at {threshold}"] = (
            f"{chosen.mean():.2f} ({len(chosen)})" if len(chosen) else "– (0)"
        )
    return cells


def single_feature(name: str) -> Callable[[Sequence[Read], Read], NDArray[np.float64]]:
    """Predictions from one feature alone, learned as the whole is."""

    def predicted(learned_from: Sequence[Read], read: Read) -> NDArray[np.float64]:
        columns = [FEATURES.index("constant"), FEATURES.index(name)]
        features = np.concatenate([describe_windows(other.windows)[other.rows] for other in learned_from])
        labels = np.concatenate([other.states for other in learned_from])
        fitted = fit_logistic(features[:, columns], labels, prior=np.zeros(2), precision=np.full(2, 1e-3))
        return sigmoid(describe_windows(read.windows)[read.rows][:, columns] @ fitted)

    return predicted


def compare(
    learned_from: Callable[[str], Sequence[Read]], reads: Sequence[Read]
) -> dict[str, dict[str, str]]:
    """Scores of the probability and of its placebos. learned_from: what a language's are learned from."""
    random = np.random.default_rng(0)
    states = np.concatenate([read.states for read in reads])
    whole = [predict(read, learn(learned_from(read.language))) for read in reads]
    rows = {"stated_probability": score(np.concatenate(whole), states)}
    rows["placebo: judgements dealt out anew"] = score(np.concatenate(whole), random.permutation(states))
    base = [
        np.full(len(r.rows), np.concatenate([o.states for o in learned_from(r.language)]).mean())
        for r in reads
    ]
    rows["placebo: share of all passages"] = score(np.concatenate(base), states)
    for name in ("distance", "sentence"):
        alone = [single_feature(name)(learned_from(read.language), read) for read in reads]
        rows[f"placebo: {name} alone"] = score(np.concatenate(alone), states)
    mixed = [predict(mix_up_words(read, random), learn(learned_from(read.language))) for read in reads]
    rows["placebo: cue words and templates of other windows"] = score(np.concatenate(mixed), states)
    no_relations = [predict(r, replace(learn(learned_from(r.language)), relations={})) for r in reads]
    rows["without what was read of the relation"] = score(np.concatenate(no_relations), states)
    return rows


def compare_facts(folder: Path) -> dict[str, dict[str, str]]:
    """Facts of which all evidence was read: how many it states, beside what is expected."""
    expected, strongest, states = [], [], []
    for language in (*DEVELOPMENT, *TEST):
        read: dict[tuple[str, str], bool] = {}
        for row in judgements(language, "fact"):
            key = (row["uuid"], row["matcher"])
            read[key] = read.get(key, False) or row["judged"] == "states"
        if not read:
            continue
        table = pq.read_table(folder / "fact_sources" / language / "data.parquet")
        for row in table.to_pylist():
            if (row["uuid"], row["matcher"]) in read:
                states.append(read[row["uuid"], row["matcher"]])
                expected.append(row["stated_probability"])
                strongest.append(max((one["stated_probability"] for one in row["evidence"]), default=0.0))
    columns = {"at least one window (stated_probability)": expected, "the most probable window": strongest}
    return {name: score(np.array(values), np.array(states)) for name, values in columns.items()}


def print_table(rows: Mapping[str, Mapping[str, str]]) -> None:
    header = ["", *next(iter(rows.values()))]
    print("| " + " | ".join(header) + " |\n|" + "---|" * len(header))
    for name, cells in rows.items():
        print(f"| {name} | " + " | ".join(cells.values()) + " |")


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fit", action="store_true", help="write the coefficients")
    options = parser.parse_args(arguments)
    reads = [read_language(options.folder, language) for language in DEVELOPMENT]
    if options.fit:
        target = files("factroots_dagster.tracing").joinpath("statements.json")
        Path(str(target)).write_text(json.dumps(rounded(learn(reads)), indent=1) + "\n", encoding="utf-8")
        load_coefficients.cache_clear()
    others = {read.language: [each for each in reads if each is not read] for read in reads}
    count = sum(len(read.rows) for read in reads)
    print(f"Development languages {', '.join(DEVELOPMENT)}, each scored by the others: {count} passages\n")
    print_table(compare(others.__getitem__, reads))
    if not options.fit:
        tests = [read_language(options.folder, language) for language in TEST]
        count = sum(len(read.rows) for read in tests)
        print(f"\nTest languages {', '.join(TEST)}, never used before: {count} passages\n")
        print_table(compare(lambda language: reads, tests))
        print("\nFacts of which all evidence was read\n")
        print_table(compare_facts(options.folder))


if __name__ == "__main__":
    main()
