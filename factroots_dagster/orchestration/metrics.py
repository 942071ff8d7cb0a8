"""The numbers that Dagster plots from materialization to materialization, one function per asset.

Each takes `(store, *parts)`, reads the partition that was just written, and returns numbers by name. A number
that cannot be computed is None, and is left out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.roots.corpora import WINDOW_COLUMNS, pool_corpora
from factroots_dagster.roots.verdict_shares import expected_shares
from factroots_dagster.roots.verdicts import UNDETERMINED
from factroots_dagster.store.store import Store
from factroots_dagster.yardstick.schema import CAUSAL_TYPES, UNDECIDED

Metrics = Mapping[str, float | int | str | None]


def release(store: Store) -> Metrics:
    """Where the release comes from and what it is."""
    table = store.read("mlama_release")
    if b"mlama_release" not in (table.schema.metadata or {}):  # a generated world's
        return {}
    from factroots_dagster.facts.mlama.release import read_provenance

    return {f"release_{name}": str(value) for name, value in read_provenance(table).items()}


def dump(store: Store, language: str) -> Metrics:
    """Size and date of a dump."""
    table = store.read("wikipedia_dump", language)
    snapshots = table["snapshot"].drop_null().to_pylist()
    return {"dump_bytes": _sum(table["bytes"]), "snapshot": snapshots[0] if snapshots else None}


def articles(store: Store, language: str) -> Metrics:
    """What one reading of a dump came to."""
    return _row(store.read_side("counts", "wikipedia_articles", language))


def volume(store: Store, language: str) -> Metrics:
    """How much there is to read in one Wikipedia."""
    return _row(store.read("wikipedia_volume", language))


def mentions(store: Store, language: str) -> Metrics:
    """How many other names were looked for, and the share of a name's forms that each kind of names sees."""
    counts = {
        name: store.read_side(name, "entity_mentions", language).num_rows for name in ("aliases", "forms")
    }
    coverage = store.read_side("coverage", "entity_mentions", language).to_pylist()
    return counts | {f"forms_seen_{row['names']}": row["coverage"] for row in coverage}


def sources(store: Store, language: str) -> Metrics:
    """By matcher, the share of facts without a source in any corpus."""
    table = pool_corpora(store.read("fact_sources", language, columns=WINDOW_COLUMNS))
    absent = pa.table({"matcher": table["matcher"], "absent": pc.equal(table["windows"], 0)})
    counted = absent.group_by("matcher").aggregate([("absent", "mean")]).sort_by("matcher")
    return {f"absent_{row['matcher']}": row["absent_mean"] for row in counted.to_pylist()}


def checkpoint(store: Store, key: str) -> Metrics:
    """The sizes of a model."""
    row = store.read("checkpoint", key).to_pylist()[0]
    return {name: row[name] for name in ("layers", "neurons", "parameters", "vocabulary")}


def training(store: Store) -> Metrics:
    """The loss at the end of the training."""
    return {"loss": store.read("sandbox_training", columns=["loss"])["loss"][-1].as_py()}


def retrained(store: Store, block: str) -> Metrics:
    """P@1 of the retrained model over all languages."""
    answers = store.read("retrained_answers", block, columns=["full_match"])["full_match"]
    return {"p_at_1": pc.mean(pc.cast(answers, pa.float64())).as_py()}


def counterfactual(store: Store) -> Metrics:
    """Facts of each causal type."""
    types = store.read("counterfactual_truth", columns=["causal_type"])["causal_type"].to_pylist()
    return {name: types.count(name) for name in (*CAUSAL_TYPES, *UNDECIDED)}


def coverage(store: Store) -> Metrics:
    """Facts and languages."""
    table = store.read("fact_coverage", columns=["uuid", "language"])
    return {
        "facts": pc.count_distinct(table["uuid"]).as_py(),
        "languages": pc.count_distinct(table["language"]).as_py(),
    }


def predictions(store: Store, key: str, language: str) -> Metrics:
    """P@1 of one language."""
    matches = store.read("predictions", key, language, columns=["full_match"])["full_match"]
    return {"p_at_1": pc.mean(pc.fill_null(matches, False)).as_py(), "right": _sum(matches)}


def scores(store: Store, key: str) -> Metrics:
    """P@1 and its baselines, as means over the languages."""
    table = store.read("probing_scores", key)
    overall = table.filter(pc.equal(table["relation"], "*"))
    names = {
        "p_at_1": "full_match",
        "p_at_1_majority": "majority",
        "typed_p_at_1": "typed_p1",
        "typed_p_at_1_uniform": "uniform",
        "typed_p_at_1_prior": "prior_typed_p1",
    }
    return {name: pc.mean(overall[column]).as_py() for name, column in names.items()}


def clusters(store: Store, key: str) -> Metrics:
    """Mean similarity of the languages, corrected for chance."""
    table = store.read("language_clusters", key, columns=["corrected"])
    return {"mean_corrected_jaccard": pc.mean(table["corrected"]).as_py()}


def consistency(store: Store, key: str) -> Metrics:
    """RankC, and RankC beyond facts of other objects, as means over the language pairs."""
    names = ["rankc", "beyond_other_object"]
    table = store.read("language_consistency", key, columns=names)
    return {f"mean_{name}": pc.mean(table[name]).as_py() for name in names}


def similarity(store: Store, key: str) -> Metrics:
    """Every statistic of neuron similarity and its baselines, as means over the language pairs."""
    table = store.read_side("pairs", "neuron_similarity", key)
    means = table.group_by(["statistic", "baseline"]).aggregate([("value", "mean")])
    return {f"{row['statistic']}_{row['baseline']}": row["value_mean"] for row in means.to_pylist()}


def interventions(store: Store, key: str) -> Metrics:
    """By intervention and neuron set, the mean change of the object's log-probability."""
    table = store.read_side("summary", "neuron_interventions", key)
    overall = table.filter(pc.equal(table["language_found"], "*")).to_pylist()
    return {
        f"logprob_change_{row['intervention']}_{row['neuron_set']}": row["logprob_change"] for row in overall
    }


def twin(store: Store, key: str) -> Metrics:
    """By figure and measure, what the checkpoint exceeds its untrained twins by; of layers nothing."""
    table = store.read("untrained_twins", key)
    overall = pc.and_(pc.equal(table["language_a"], "*"), pc.equal(table["names"], "all"))
    return {
        f"{row['figure']}_{row['measure']}": row["difference"]
        for row in table.filter(pc.and_(overall, pc.not_equal(table["figure"], "layers"))).to_pylist()
    }


def types(store: Store, key: str) -> Metrics:
    """Counts and shares of the types among the predicted facts, all languages together."""
    counts = Counter(store.read("fact_types", key, columns=["type"])["type"].to_pylist())
    predicted = counts.total() - counts["not_predicted"]
    shares = {f"share_{name}": count / predicted for name, count in counts.items() if name != "not_predicted"}
    return {f"facts_{name}": count for name, count in sorted(counts.items())} | dict(sorted(shares.items()))


def access(store: Store, key: str) -> Metrics:
    """How often a partner's answer has at least half a chance: with its own names, and with others' names."""
    tables = {
        "trained": store.read("name_access", key),
        "untrained": store.read_side("untrained", "name_access", key),
    }
    return {
        f"likely_with_{names}_{model}": pc.mean(pc.greater(table[column], math.log(0.5))).as_py()
        for model, table in tables.items()
        for names, column in (("own_names", "partner_logprob"), ("other_names", "name_logprob"))
    }


def verdicts(store: Store, key: str) -> Metrics:
    """Expected shares over all languages, and that of shared facts with an untrained model."""
    expected, untrained = expected_shares(store.read_side("shares", "fact_verdicts", key))
    verdicts = store.read("fact_verdicts", key, columns=["verdict"])["verdict"]
    return {f"expected_{name}": share for name, share in expected.items()} | {
        "expected_shared_untrained": untrained,
        "undetermined": pc.sum(pc.equal(verdicts, UNDETERMINED)).as_py() or 0,
    }


def report(store: Store, key: str) -> Metrics:
    """Agreement of the types with the planted truth, in a generated world."""
    from factroots_dagster.roots.planted import score_agreement

    if not store.exists("planted_truth"):
        return {}
    agreement = score_agreement(store.read("fact_types", key), store.read("planted_truth"))
    return {f"planted_{name}": agreement[name] for name in ("accuracy", "balanced_accuracy")}


def comparison(store: Store) -> Metrics:
    """Checkpoints compared, and facts whose type changed."""
    table = store.read("checkpoint_comparison", columns=["checkpoint"])
    changed = store.read_side("changed_facts", "checkpoint_comparison")
    return {"checkpoints": pc.count_distinct(table["checkpoint"]).as_py(), "changed_facts": changed.num_rows}


def timeline(store: Store) -> Metrics:
    """Runs, and over all languages the facts learnt, forgotten, and learnt beyond their own frequency."""
    table = store.read_side("languages", "knowledge_timeline")
    runs = table.filter(pc.equal(table["language"], "*"))
    sums = {
        name: pc.sum(runs[name]).as_py()
        for name in ("learnt", "forgotten", "forgettings", "forgettings_shuffled", "transfer")
    }
    return {"runs": runs.num_rows} | sums


def _row(table: pa.Table) -> Metrics:
    return {name: value for name, value in table.to_pylist()[0].items() if isinstance(value, int | float)}


def _sum(column: pa.ChunkedArray) -> int:
    return int(pc.sum(column).as_py() or 0)
