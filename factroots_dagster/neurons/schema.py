"""Columns of the neuron tables. Schemas only: the asset definitions import this module."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.languages.schema import PAIRS_NOTE
from factroots_dagster.neurons.rankings import STORED
from factroots_dagster.neurons.statistics import BASELINES, BY_PAIR, OF_SETS, STATISTICS, names
from factroots_dagster.tables import (
    ALL_LANGUAGES,
    FACT_KEY,
    LANGUAGE,
    LANGUAGE_PAIR,
    RELATION,
    UUID,
    boolean,
    column,
    float64,
    int32,
    int32_list,
    int64,
    string,
    table,
)

_TESTED = names(tuple(statistic for statistic in BY_PAIR if statistic.tested))
_BY_LANGUAGE = names(tuple(statistic for statistic in STATISTICS if statistic.by_language))
_STATISTIC = string("statistic", f"What compares the fact's neurons: {names(BY_PAIR)}")
_K = int64("k", f"Neurons of a set; null for statistics other than {names(OF_SETS)}")

ACTIVE_NEURONS = table(
    *FACT_KEY,
    int32("k", "How many neurons count as active"),
    int32_list(
        "neurons",
        "The k neurons with the highest Probeless scores, best first, as layer * neurons per layer + neuron",
    ),
    column("scores", pa.list_(pa.float32()), "Probeless scores of `neurons`, in their order"),
    int32_list("signed_neurons", "The k neurons of highest activation above the relation's mean, best first"),
    int32_list(
        "standardised_neurons",
        "The k neurons with the highest Probeless scores over the neuron's standard deviation, best first; "
        "empty in relations of two facts",
    ),
    int32_list(
        "ranked_neurons",
        f"`neurons` and those that follow in the same ranking, {STORED} in all (or k, where that is more)",
    ),
)
"""One row per correctly predicted fact and language, of relations with at least two such facts."""

NEURON_SIMILARITY = table(
    UUID,
    RELATION,
    *LANGUAGE_PAIR,
    _STATISTIC,
    float64("value", "The statistic of the fact in both languages; null where it is not defined"),
    float64("same_object_mean", "Mean value of pairings with others of the same object; null without any"),
    float64("mismatched_mean", "Mean value of pairings with facts of other objects; null without any"),
    float64("random_mean", "Value of the statistic expected of random neurons"),
    int64("same_object_pairings", f"Pairings in the null behind p_value; null for all but {_TESTED}"),
    float64(
        "p_value",
        "One-sided p-value against pairings of different facts with the same object; null where not tested",
    ),
    float64(
        "q_value",
        "p_value after Benjamini-Hochberg over all facts and language pairs of the checkpoint; null where it "
        "is not tested",
    ),
    boolean(
        "identical_input",
        "Whether both languages have the same prompt; such facts are excluded from tests and pair means",
    ),
)
"""One row per fact, pair of languages that both predict it, and statistic."""

SIMILARITY_PAIRS = table(
    *LANGUAGE_PAIR,
    int64("facts", "Facts that both languages predict from different prompts"),
    _STATISTIC,
    string(
        "baseline",
        f"What is compared: {', '.join(BASELINES)}. The first is the same fact in both languages, the next "
        "three are the nulls of neuron_similarity, the last the 90th percentile of pairings of different "
        "facts with the same object",
    ),
    float64("value", "Mean over the facts, or percentile over pairings; null where no fact has a value"),
    float64(
        "p_value",
        "One-sided p-value of the observed mean, by exchanging facts with the same object; null for "
        f"statistics other than {_TESTED}, other baselines, and too few facts",
    ),
    float64("q_value", "p_value after Benjamini-Hochberg over the language pairs; null without p_value"),
    note=PAIRS_NOTE,
)
"""One row per pair of languages, statistic, and baseline that exists for the statistic."""

NEURON_STABILITY = table(
    string(
        "aspect",
        "What is varied: facts_halved (a fact's neurons from either half of its relation's facts), "
        "pairs_halved (a language pair's mean from either half of its facts), over_k (the order of the pairs "
        "at another k)",
    ),
    string("statistic", f"The statistic whose stability it is: {names(BY_PAIR)}"),
    ALL_LANGUAGES,
    _K,
    int64("n", "Number of facts (facts_halved) or of language pairs (pairs_halved, over_k)"),
    float64(
        "overlap",
        "Mean Jaccard index: of the sets from the two halves, or of the language pairs at this k; null for "
        "pairs_halved",
    ),
    float64("random_overlap", "Jaccard index expected of random neurons at this k"),
    float64(
        "correlation",
        "Pearson correlation of the two halves; for over_k, Spearman correlation with the k in use; null "
        "where it is not defined",
    ),
    float64(
        "spearman_brown",
        "Reliability of all facts together, predicted from the correlation of the halves; null for over_k "
        "and where the correlation is not positive",
    ),
)
"""One row per aspect of stability, statistic, language and k."""

LAYER_PROFILE = table(
    LANGUAGE,
    int64("layer", "Layer of the model; 0 is the first"),
    float64("share", "Share of the language's active neurons in the layer; a language's shares sum to 1"),
)
"""One row per language and layer."""

_CONDITION = (
    string("intervention", "What is done to the neurons: ablate (activation times 0) or boost (times 2)"),
    string(
        "neuron_set",
        "Which neurons: own (the fact's active neurons), random, same_layer (random ones of the same "
        "layers), other_fact (the active neurons of another fact of the relation)",
    ),
)

NEURON_INTERVENTIONS = table(
    UUID,
    RELATION,
    string("language_found", "Code of the language in which the neurons were identified"),
    string("language_asked", "Code of the language of the prompt"),
    *_CONDITION,
    float64("logprob_before", "Mean log-probability of the object's tokens without intervention, in nats"),
    float64("logprob_change", "What the intervention adds to it, in nats"),
    boolean("flipped", "Whether the answer was right without and is wrong with the intervention"),
)
"""One row per sampled fact, ordered pair of languages, intervention and set of neurons."""

_LOW, _HIGH = "Lower bound of its 95% interval", "Upper bound of its 95% interval"

INTERVENTION_SUMMARY = table(
    string("language_found", "Code of the language of the neurons; * for all directions together"),
    string("language_asked", "Code of the language of the prompts; * for all directions together"),
    *_CONDITION,
    int64("n", "Rows of neuron_interventions"),
    int64("facts", "Distinct facts among them, which the intervals count"),
    float64("logprob_change", "Mean change of the object's log-probability, in nats"),
    float64("logprob_change_low", f"{_LOW}, rows clustered by fact; null for fewer than two facts"),
    float64("logprob_change_high", f"{_HIGH}; null for fewer than two facts"),
    float64("flip_rate", "Share of the answers that turn from right to wrong"),
    float64("flip_rate_low", f"{_LOW} (Wilson), rows clustered by fact"),
    float64("flip_rate_high", _HIGH),
    float64(
        "own_less_this",
        "Mean change by own neurons minus that by this set, on the same facts, in nats; null for own",
    ),
    float64("own_less_this_low", f"{_LOW}; null for own and for fewer than two facts"),
    float64("own_less_this_high", f"{_HIGH}; null for own and for fewer than two facts"),
)
"""One row per ordered pair of languages (and one for all together), intervention and set of neurons."""

NEAREST_LANGUAGE = table(
    *FACT_KEY,
    string("statistic", f"What compares the fact's neurons: {_BY_LANGUAGE}"),
    _K,
    int64("partners", "Other languages that predict the fact from a different prompt"),
    string(
        "nearest_language",
        "The partner with the largest value, or largest contribution to the evidence; null without any value",
    ),
    float64(
        "similarity", "Largest value over the partners; for evidence the sum, in nats; null if undefined"
    ),
    float64(
        "null_q90", "90th percentile of similarity for other facts with the same object; null without any"
    ),
    float64("null_q95", "95th percentile of that null; null without any"),
    int64("pairings", "Size of that null, in pairings of facts"),
    float64("p_value", "One-sided p-value against that null; null where it is too small"),
    float64(
        "q_value",
        "p_value after Benjamini-Hochberg over all facts and languages, within the statistic and k; null "
        "without p_value",
    ),
)
"""One row per fact, language that predicts it, and statistic (at each k)."""

FIGURES = ("similarity", "stability", "layers", "interventions", "consistency")
"""What a model is compared with its untrained twins in: see `twin_values`."""
NAMES = ("all", "alike", "partly", "different")

UNTRAINED_TWINS = table(
    string("figure", f"What is compared: {', '.join(FIGURES)}"),
    string(
        "measure",
        "similarity: a statistic of neuron_similarity, alone or `_beyond_same_object`; stability: the "
        "overlap of a fact's neurons from two halves of the facts; layers: the share of active neurons in a "
        "layer (0 is the first); interventions: the change of the object's log-probability by the fact's "
        "`own` neurons or `beyond` that by other ones, in nats; consistency: `rankc` or that `beyond` others",
    ),
    string(
        "names",
        "Facts that count: all, or by whether both languages write subject and object with the same strings: "
        "both (alike), one (partly), none (different)",
    ),
    string("language_a", "Code of the first language (of interventions, of the neurons); * for all"),
    string(
        "language_b",
        "Code of the second language (of interventions, of the prompt), the first again where a figure is of "
        "one language; * for all",
    ),
    int64("n", "Values: a fact counts once per language or pair of languages"),
    int64("facts", "Distinct facts among them, which the interval counts"),
    float64("trained", "Mean of the checkpoint"),
    float64("untrained", "Mean of the models of the same configuration with random weights, same places"),
    float64("untrained_least", "Smallest mean of one of them"),
    float64("untrained_most", "Largest mean of one of them"),
    int64("twins", "Number of these models"),
    float64("difference", "Mean of trained minus untrained"),
    float64("difference_low", f"{_LOW}, over facts and random weights; null for fewer than two facts"),
    float64("difference_high", f"{_HIGH}; null for fewer than two facts"),
)
"""One row per measure, for all facts, for groups by their names, and for every language or pair of them."""

UNTRAINED_SAMPLE = table(
    LANGUAGE,
    int64("predicted", "Facts that the checkpoint predicts in the language"),
    int64("sampled", "Facts of these whose neurons are compared"),
    int64("asked", "Facts, predicted or not, whose candidates all models rank for RankC"),
)
"""One row per language: the facts that a checkpoint and its untrained twins are compared on."""
