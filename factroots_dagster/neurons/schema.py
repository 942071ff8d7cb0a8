"""Columns of the neuron tables. Schemas only: the asset definitions import this module."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.languages.schema import PAIRS_NOTE
from factroots_dagster.neurons.rankings import STORED
from factroots_dagster.neurons.statistics import BASELINES, BY_PAIR, OF_SETS, STATISTICS, names
from factroots_dagster.tables import column

_TESTED = names(tuple(statistic for statistic in BY_PAIR if statistic.tested))
_BY_LANGUAGE = names(tuple(statistic for statistic in STATISTICS if statistic.by_language))

ACTIVE_NEURONS = pa.schema(
    [
        column("uuid", pa.string(), "mLAMA's identifier of the fact, the same in every language"),
        column("language", pa.string(), "Code of the language in which the fact is predicted"),
        column("relation", pa.string(), "Wikidata property of the fact, such as P36"),
        column("k", pa.int32(), "How many neurons count as active"),
        column(
            "neurons",
            pa.list_(pa.int32()),
            "The k neurons with the highest Probeless scores, best first, as layer * neurons per layer + "
            "neuron",
        ),
        column("scores", pa.list_(pa.float32()), "Probeless scores of `neurons`, in their order"),
        column(
            "signed_neurons",
            pa.list_(pa.int32()),
            "The k neurons whose activation is highest above the relation's mean, best first",
        ),
        column(
            "standardised_neurons",
            pa.list_(pa.int32()),
            "The k neurons with the highest Probeless scores over the neuron's standard deviation, best "
            "first; empty in relations of two facts",
        ),
        column(
            "ranked_neurons",
            pa.list_(pa.int32()),
            f"`neurons` and those that follow in the same ranking, {STORED} in all (or k, where that is "
            "more)",
        ),
    ]
)
"""One row per correctly predicted fact and language, of relations with at least two such facts."""

NEURON_SIMILARITY = pa.schema(
    [
        column("uuid", pa.string(), "mLAMA's identifier of the fact, the same in every language"),
        column("relation", pa.string(), "Wikidata property of the fact, such as P36"),
        column(
            "language_a",
            pa.string(),
            "Code of the first language of the pair, alphabetically before the second",
        ),
        column("language_b", pa.string(), "Code of the second language of the pair"),
        column("statistic", pa.string(), f"What compares the fact's neurons: {names(BY_PAIR)}"),
        column(
            "value",
            pa.float64(),
            "The statistic of the fact in both languages; null where it is not defined",
        ),
        column(
            "same_object_mean",
            pa.float64(),
            "Mean of the statistic over pairings of the fact with other facts that have its object; null "
            "where there are none",
        ),
        column(
            "mismatched_mean",
            pa.float64(),
            "Mean of the statistic over pairings of the fact with facts that have another object; null "
            "where there are none",
        ),
        column("random_mean", pa.float64(), "Value of the statistic expected of random neurons"),
        column(
            "same_object_pairings",
            pa.int64(),
            f"Size of the null behind p_value, in pairings; null for statistics other than {_TESTED}",
        ),
        column(
            "p_value",
            pa.float64(),
            "One-sided p-value against pairings of different facts with the same object; null where it is "
            "not tested",
        ),
        column(
            "q_value",
            pa.float64(),
            "p_value after Benjamini-Hochberg over all facts and language pairs of the checkpoint; null "
            "where it is not tested",
        ),
        column(
            "identical_input",
            pa.bool_(),
            "Whether both languages have the same prompt; such facts are excluded from tests and pair means",
        ),
    ]
)
"""One row per fact, pair of languages that both predict it, and statistic."""

SIMILARITY_PAIRS = pa.schema(
    [
        column(
            "language_a",
            pa.string(),
            "Code of the first language of the pair, alphabetically before the second",
        ),
        column("language_b", pa.string(), "Code of the second language of the pair"),
        column("facts", pa.int64(), "Facts that both languages predict from different prompts"),
        column("statistic", pa.string(), f"What compares the facts' neurons: {names(BY_PAIR)}"),
        column(
            "baseline",
            pa.string(),
            f"What is compared: {', '.join(BASELINES)}. The first is the same fact in both languages, the "
            "next three are the nulls of neuron_similarity, the last the 90th percentile of pairings of "
            "different facts with the same object",
        ),
        column(
            "value",
            pa.float64(),
            "Mean over the facts, or the percentile over pairings; null where no fact has a value",
        ),
        column(
            "p_value",
            pa.float64(),
            "One-sided p-value of the observed mean, by exchanging facts with the same object; null for "
            f"statistics other than {_TESTED}, other baselines, and too few facts",
        ),
        column(
            "q_value",
            pa.float64(),
            "p_value after Benjamini-Hochberg over the language pairs; null where there is no p_value",
        ),
    ],
    metadata={"note": PAIRS_NOTE},
)
"""One row per pair of languages, statistic, and baseline that exists for the statistic."""

NEURON_STABILITY = pa.schema(
    [
        column(
            "aspect",
            pa.string(),
            "What is varied: facts_halved (a fact's neurons from either half of its relation's facts), "
            "pairs_halved (a language pair's mean from either half of its facts), over_k (the order of the "
            "pairs at another k)",
        ),
        column("statistic", pa.string(), f"The statistic whose stability it is: {names(BY_PAIR)}"),
        column("language", pa.string(), "Code of the language; * for all languages together"),
        column("k", pa.int64(), f"Neurons of a set; null for statistics other than {names(OF_SETS)}"),
        column(
            "n", pa.int64(), "Number of facts (facts_halved) or of language pairs (pairs_halved, over_k)."
        ),
        column(
            "overlap",
            pa.float64(),
            "Mean Jaccard index: of the sets from the two halves, or of the language pairs at this k; null "
            "for pairs_halved",
        ),
        column("random_overlap", pa.float64(), "Jaccard index expected of random neurons at this k"),
        column(
            "correlation",
            pa.float64(),
            "Pearson correlation of the two halves; for over_k, Spearman correlation with the k in use; "
            "null where it is not defined",
        ),
        column(
            "spearman_brown",
            pa.float64(),
            "Reliability of all facts together, predicted from the correlation of the halves; null for "
            "over_k and where the correlation is not positive",
        ),
    ]
)
"""One row per aspect of stability, statistic, language and k."""

LAYER_PROFILE = pa.schema(
    [
        column("language", pa.string(), "Code of the language"),
        column("layer", pa.int64(), "Layer of the model; 0 is the first"),
        column(
            "share",
            pa.float64(),
            "Share of the language's active neurons that are in the layer; the shares of a language sum to 1",
        ),
    ]
)
"""One row per language and layer."""

_INTERVENTION = "What is done to the neurons: ablate (activation times 0) or boost (times 2)"
_NEURON_SET = (
    "Which neurons: own (the fact's active neurons), random, same_layer (random ones of the same layers), "
    "other_fact (the active neurons of another fact of the relation)"
)

NEURON_INTERVENTIONS = pa.schema(
    [
        column("uuid", pa.string(), "mLAMA's identifier of the fact, the same in every language"),
        column("relation", pa.string(), "Wikidata property of the fact, such as P36"),
        column("language_found", pa.string(), "Code of the language in which the neurons were identified"),
        column("language_asked", pa.string(), "Code of the language of the prompt"),
        column("intervention", pa.string(), _INTERVENTION),
        column("neuron_set", pa.string(), _NEURON_SET),
        column(
            "logprob_before",
            pa.float64(),
            "Mean log-probability of the object's tokens without the intervention, in nats",
        ),
        column("logprob_change", pa.float64(), "What the intervention adds to it, in nats"),
        column(
            "flipped", pa.bool_(), "Whether the answer was right without and is wrong with the intervention."
        ),
    ]
)
"""One row per sampled fact, ordered pair of languages, intervention and set of neurons."""

INTERVENTION_SUMMARY = pa.schema(
    [
        column(
            "language_found",
            pa.string(),
            "Code of the language in which the neurons were identified; * for all directions together",
        ),
        column(
            "language_asked",
            pa.string(),
            "Code of the language of the prompts; * for all directions together",
        ),
        column("intervention", pa.string(), _INTERVENTION),
        column("neuron_set", pa.string(), _NEURON_SET),
        column("n", pa.int64(), "Rows of neuron_interventions"),
        column("facts", pa.int64(), "Distinct facts among them, which the intervals count"),
        column("logprob_change", pa.float64(), "Mean change of the object's log-probability, in nats"),
        column(
            "logprob_change_low",
            pa.float64(),
            "Lower bound of its 95% interval, rows clustered by fact; null for fewer than two facts",
        ),
        column(
            "logprob_change_high",
            pa.float64(),
            "Upper bound of its 95% interval; null for fewer than two facts",
        ),
        column("flip_rate", pa.float64(), "Share of the answers that turn from right to wrong"),
        column(
            "flip_rate_low",
            pa.float64(),
            "Lower bound of its 95% interval (Wilson), rows clustered by fact",
        ),
        column("flip_rate_high", pa.float64(), "Upper bound of its 95% interval"),
        column(
            "own_less_this",
            pa.float64(),
            "Mean change by the fact's own neurons minus the change by this set, on the same facts, in "
            "nats; null for own",
        ),
        column(
            "own_less_this_low",
            pa.float64(),
            "Lower bound of its 95% interval; null for own and for fewer than two facts",
        ),
        column(
            "own_less_this_high",
            pa.float64(),
            "Upper bound of its 95% interval; null for own and for fewer than two facts",
        ),
    ]
)
"""One row per ordered pair of languages (and one for all together), intervention and set of neurons."""

NEAREST_LANGUAGE = pa.schema(
    [
        column("uuid", pa.string(), "mLAMA's identifier of the fact, the same in every language"),
        column("language", pa.string(), "Code of the language in which the fact is predicted"),
        column("relation", pa.string(), "Wikidata property of the fact, such as P36"),
        column("statistic", pa.string(), f"What compares the fact's neurons: {_BY_LANGUAGE}"),
        column("k", pa.int64(), f"Neurons of a set; null for statistics other than {names(OF_SETS)}"),
        column("partners", pa.int64(), "Other languages that predict the fact from a different prompt"),
        column(
            "nearest_language",
            pa.string(),
            "The partner with the largest value, or whose contribution to the evidence is largest; null "
            "where there is no value",
        ),
        column(
            "similarity",
            pa.float64(),
            "Largest value over all partners; for evidence the sum over them, in nats; null where it is "
            "not defined",
        ),
        column(
            "null_q90",
            pa.float64(),
            "90th percentile of the same quantity for other facts with the same object; null without any",
        ),
        column("null_q95", pa.float64(), "95th percentile of that null; null without any."),
        column("pairings", pa.int64(), "Size of that null, in pairings of facts"),
        column("p_value", pa.float64(), "One-sided p-value against that null; null where it is too small"),
        column(
            "q_value",
            pa.float64(),
            "p_value after Benjamini-Hochberg over all facts and languages, within the statistic and k; "
            "null where there is no p_value",
        ),
    ]
)
"""One row per fact, language that predicts it, and statistic (at each k)."""
