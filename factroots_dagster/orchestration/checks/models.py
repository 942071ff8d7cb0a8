"""Suites of the model side: checkpoints, predictions, neurons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.orchestration.checks import expect, side_tables
from factroots_dagster.orchestration.checks.data import SHA256
from factroots_dagster.orchestration.checks.suite import suite_of
from factroots_dagster.probing.schema import NAME_ACCESS, PROBING_SCORES, RANKED
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store
from factroots_dagster.tables import zip_columns

if TYPE_CHECKING:
    import pandas as pd

INTERVENTIONS = ("ablate", "boost")
NEURON_SETS = ("own", "random", "same_layer", "other_fact")
# floating-point noise of cosines and of log-probabilities of certain answers
_NOISE = 1e-4


@suite_of("checkpoint")
def checkpoint_suite(settings: Settings, checkpoint: str) -> Sequence[Any]:
    positive = ("layers", "hidden_size", "neurons", "parameters", "vocabulary", "max_length")
    return [
        *expect.rows(1, 1),
        *expect.among("checkpoint", [checkpoint]),
        *expect.not_null("source", "architecture"),
        *[e for column in positive for e in expect.within(column, 1)],
        *expect.within("step", 0),
        *expect.within("experts", 1),
        *expect.within("tokens", 0),
        *expect.among("family", ("masked", "causal", "encoder-decoder")),
        *expect.among("objects", ("label", "sentence")),
        *expect.among("batches", ("padded", "equal lengths")),
        *expect.among("precision", ("float32", "bfloat16")),
        *expect.not_null("fast_head", "answers"),
        *expect.among("corpus", ("wikipedia", "commoncrawl", "sandbox"), severity="warning"),
        *expect.matching("tokenizer_sha256", SHA256, "tokenizer_sha256 is 64 hexadecimal digits"),
        *expect.matching("weights_sha256", SHA256, "weights_sha256 is 64 hexadecimal digits"),
    ]


def predictions_frame(store: Store, checkpoint: str, language: str) -> pd.DataFrame:
    table = store.read("predictions", checkpoint, language)
    recoded = ["object_ids", "predicted_ids", "full_match", "partial_match", "greedy_match", "ranking"]
    frame: pd.DataFrame = table.drop(recoded).to_pandas()
    # null: the checkpoint cannot be asked so
    decoder = pc.is_valid(table["margin"]).to_numpy()
    could = pc.is_valid(table["full_match"]).to_numpy() & ~decoder
    full = pc.fill_null(table["full_match"], False).to_numpy()
    partial = pc.fill_null(table["partial_match"], True).to_numpy()
    frame["object_tokens"] = pc.list_value_length(table["object_ids"]).to_numpy()
    frame["mask_counts"] = pc.list_value_length(table["predicted_ids"]).to_numpy()
    # a match implies its mask count, and a full match is also a partial one
    frame["match_agrees"] = (full == (frame["matched_mask_count"] > 0)) & (partial | ~full)
    asked = ~frame["too_long"]
    frame["finite"] = np.isfinite(frame["object_logprob"]) | ~asked
    frame["asked"] = (frame["mask_counts"] >= frame["object_tokens"]) | ~asked | ~could
    for name in ("typed", "pll"):
        ranks = pc.fill_null(table[f"{name}_rank"], 1).to_numpy()
        frame[f"{name}_agrees"] = (ranks >= 1) & (ranks <= frame["candidates"])
    facts = store.read("mlama_split", language, columns=["uuid", "object_uri"])
    frame["facts_agree"] = frame["uuid"].tolist() == facts["uuid"].to_pylist()
    frame["ranking_agrees"] = _rankings_agree(table, dict(zip_columns(facts, "uuid", "object_uri")))
    return frame


def _rankings_agree(table: pa.Table, object_of: Mapping[str, str]) -> list[bool]:
    """Whether each fact that has a rank has a ranking, without repetition and with what ranks first."""
    agree = []
    for uuid, rank, ranking in zip_columns(table, "uuid", "typed_rank", "ranking"):
        named = ranking or []
        first = rank != 1 or object_of.get(uuid) in named
        agree.append(first and bool(named) >= (rank is not None) and len(set(named)) == len(named) <= RANKED)
    return agree


@suite_of(predictions_frame)
def predictions_suite(settings: Settings, checkpoint: str, language: str) -> Sequence[Any]:
    return [
        *expect.rows(1),
        *expect.unique("uuid"),
        *expect.among("language", [language]),
        *expect.true(
            facts_agree="the facts are those of mlama_split, in its order",
            match_agrees="a full match has a mask count and is a partial match too",
            finite="the object's log-probability is finite where the fact was asked",
            asked="every number of masks up to the object's length was tried",
            typed_agrees="the typed rank is between 1 and the number of candidates",
            ranking_agrees="a fact with a rank has a ranking, without repetition, with what ranks first",
            pll_agrees="the rank by pseudo-log-likelihood is one of the candidates' ranks",
        ),
        *expect.within("object_tokens", 1),
        *expect.within("object_logprob", None, _NOISE),
        *expect.within("prior_logprob", None, _NOISE),
        *expect.among(
            "too_long", [False], meaning="every prompt fits the model's context", severity="warning"
        ),
    ]


def activations_frame(store: Store, checkpoint: str, language: str) -> pd.DataFrame:
    """Statistics of every layer of every relation's tensor: the library cannot see safetensors."""
    import pandas as pd

    from factroots_dagster.models.activations import read_relation

    folder = store.require("neuron_activations", checkpoint, language)
    index = store.read("neuron_activations", checkpoint, language)
    described = store.read("checkpoint", checkpoint).to_pylist()[0]
    matched = store.read("predictions", checkpoint, language, columns=["uuid", "full_match"])
    expected = set(matched.filter(matched["full_match"])["uuid"].to_pylist())
    missing = len(expected ^ set(index["uuid"].to_pylist()))
    rows = []
    for relation, facts in sorted(Counter(index["relation"].to_pylist()).items()):
        tensor = read_relation(folder, relation)
        shape_agrees = tensor.shape == (facts, described["layers"], described["neurons"])
        for layer, values in enumerate(np.moveaxis(tensor, 1, 0)):
            not_finite, largest = int((~np.isfinite(values)).sum()), float(np.nanmax(np.abs(values)))
            spread = float(np.nanstd(values))
            rows.append((relation, layer, shape_agrees, not_finite, largest, spread, missing))
    columns = ["relation", "layer", "shape_agrees", "not_finite", "largest", "spread", "facts_missing"]
    return pd.DataFrame(rows, columns=columns)


@suite_of(activations_frame)
def activations_suite(settings: Settings, checkpoint: str, language: str) -> Sequence[Any]:
    return [
        *expect.rows(1, severity="warning"),  # a model may know nothing in a language
        *expect.true(shape_agrees="every tensor is [facts, layers, neurons]"),
        *expect.zero(
            not_finite="every activation is finite",
            facts_missing="the facts are exactly those that predictions calls right",
        ),
        *expect.within("largest", 0, 1e6, meaning="no activation exceeds a million"),
        *expect.within("spread", 1e-9, None, meaning="the activations of a layer vary"),
    ]


def active_frame(store: Store, checkpoint: str, language: str) -> pd.DataFrame:
    table = store.read("active_neurons", checkpoint, language)
    described = store.read("checkpoint", checkpoint).to_pylist()[0]
    neurons = described["layers"] * described["neurons"]
    frame: pd.DataFrame = table.select(["uuid", "language", "relation", "k"]).to_pandas()
    names = ("neurons", "signed_neurons", "standardised_neurons", "ranked_neurons", "scores")
    *rankings, scores = (table[name].to_pylist() for name in names)
    frame["sizes_agree"] = [
        # a relation too small for the standardised ranking has none
        len(a) == len(b) == len(s) == k and len(c) in (0, k) and r[:k] == a
        for a, b, c, r, s, k in zip(*rankings, scores, frame["k"], strict=True)
    ]
    rows = list(zip(*rankings, strict=True))
    frame["repeated"] = [sum(len(chosen) - len(set(chosen)) for chosen in row) for row in rows]
    frame["in_range"] = [all(0 <= n < neurons for chosen in row for n in chosen) for row in rows]
    frame["scores_ordered"] = [all(x >= y for x, y in pairwise(s)) and all(x >= 0 for x in s) for s in scores]
    return frame


@suite_of(active_frame)
def active_suite(settings: Settings, checkpoint: str, language: str) -> Sequence[Any]:
    return [
        *expect.rows(1, severity="warning"),
        *expect.unique("uuid"),
        *expect.among("language", [language]),
        *expect.within("k", 1),
        *expect.true(
            sizes_agree="every ranking has k neurons",
            in_range="every neuron is one of the model's",
            scores_ordered="scores fall from the first neuron to the last",
        ),
        *expect.zero(repeated="no ranking names a neuron twice"),
    ]


# What a protocol of `protocols` gives.
_SCORE_OF = {
    "full_match": "full_match",
    "partial_match": "partial_match",
    "typed": "typed_p1",
    "greedy": "greedy",
    "pll": "pll_typed_p1",
    "left_to_right": "left_to_right",
    "confidence": "confidence",
}


def scores_frame(store: Store, checkpoint: str) -> pd.DataFrame:
    table = store.read("probing_scores", checkpoint)
    frame: pd.DataFrame = table.drop(["protocols"]).to_pandas()
    frame["protocols_agree"] = [
        {name for name, column in _SCORE_OF.items() if row[column] is not None} == set(row["protocols"])
        for row in table.select(["protocols", *_SCORE_OF.values()]).to_pylist()
    ]
    whole = frame["relation"] == "*"
    frame["rows"] = frame["n"] + frame["not_asked"]
    cells = frame[~whole].groupby("language")[["n", "rows"]].sum()
    agree = [frame[name] == frame["language"].map(cells[name]) for name in ("n", "rows")]
    frame["cells_add_up"] = ~whole | (agree[0] & agree[1])
    return frame


@suite_of(scores_frame)
def scores_suite(settings: Settings, checkpoint: str) -> Sequence[Any]:
    shares = [column.name for column in PROBING_SCORES if column.type == pa.float64()]
    return [
        *expect.rows(2),
        *expect.unique("language", "relation"),
        *expect.within("n", 0),
        *expect.within("rows", 1),
        *[e for column in shares for e in expect.within(column, 0, 1)],
        *expect.at_most("full_match", "partial_match"),
        *expect.at_most("full_match", "multi_answer"),
        *expect.at_most("full_match_low", "full_match"),
        *expect.at_most("full_match", "full_match_high"),
        *expect.true(
            cells_add_up="a language has as many rows as its relations together",
            protocols_agree="a score is given exactly for the protocols that were asked",
        ),
        # a run over some of the languages is usable, and must not pass for the whole
        *expect.distinct("language", len(settings.active_languages), severity="warning"),
    ]


def interventions_frame(store: Store, checkpoint: str) -> pd.DataFrame:
    frame: pd.DataFrame = store.read("neuron_interventions", checkpoint).to_pandas()
    frame["finite"] = np.isfinite(frame["logprob_change"]) & np.isfinite(frame["logprob_before"])
    frame["two_languages"] = frame["language_found"] != frame["language_asked"]
    return frame.assign(**side_tables.intervention_summary(store, checkpoint))


@suite_of(interventions_frame)
def interventions_suite(settings: Settings, checkpoint: str) -> Sequence[Any]:
    return [
        *expect.rows(1, severity="warning"),
        *expect.unique("uuid", "language_found", "language_asked", "intervention", "neuron_set"),
        *expect.among("intervention", INTERVENTIONS),
        *expect.among("neuron_set", NEURON_SETS),
        *expect.within("logprob_before", None, _NOISE),
        *expect.true(
            finite="log-probabilities are finite",
            two_languages="neurons are taken from another language than the one asked",
        ),
        *expect.not_null("flipped"),
        *expect.zero(
            summary_repeated="no row of the summary is there twice",
            summary_counts="the summary counts the rows of the table",
            summary_range="flip rates are between 0 and 1",
            summary_intervals="estimates lie in their intervals",
        ),
    ]


_ACCESS_LOGPROBS = tuple(name for name in NAME_ACCESS.names if name.endswith("_logprob"))


def access_frame(store: Store, checkpoint: str) -> pd.DataFrame:
    frame: pd.DataFrame = store.read("name_access", checkpoint).to_pandas()
    frame["two_languages"] = frame["partner"] != frame["language"]
    key = ["uuid", "language", "partner"]
    untrained = store.read_side("untrained", "name_access", checkpoint).to_pandas()
    missing = frame[key].merge(untrained[key], how="outer", indicator=True)["_merge"] != "both"
    logprobs = untrained[list(_ACCESS_LOGPROBS)]
    return frame.assign(
        untrained_gaps=int(missing.sum()), untrained_range=int((logprobs > _NOISE).sum().sum())
    )


@suite_of(access_frame)
def access_suite(settings: Settings, checkpoint: str) -> Sequence[Any]:
    return [
        *expect.rows(1, severity="warning"),
        *expect.unique("uuid", "language", "partner"),
        *[each for name in _ACCESS_LOGPROBS for each in expect.within(name, None, _NOISE)],
        *expect.true(two_languages="a partner is another language"),
        *expect.zero(
            untrained_gaps="the untrained model is asked the same",
            untrained_range="its log-probabilities are at most 0",
        ),
    ]
