"""Columns of the neuron tables. Schemas only (pyarrow, nothing heavier): the definitions import this."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.languages.schema import PAIRS_NOTE

ACTIVE_NEURONS = pa.schema(
    [
        ("uuid", pa.string()),
        ("language", pa.string()),
        ("relation", pa.string()),
        ("k", pa.int32()),
        ("neurons", pa.list_(pa.int32())),  # layer * neurons_per_layer + neuron, best first
        ("scores", pa.list_(pa.float32())),  # Probeless
        ("signed_neurons", pa.list_(pa.int32())),  # highest activation minus the relation's mean first
        ("standardised_neurons", pa.list_(pa.int32())),  # Probeless over the neuron's standard deviation
        ("ranked_neurons", pa.list_(pa.int32())),  # as `neurons`, and on: the first probeless.RANKED
    ]
)

NEURON_SIMILARITY = pa.schema(
    [
        ("uuid", pa.string()),
        ("relation", pa.string()),
        ("language_a", pa.string()),  # language_a < language_b
        ("language_b", pa.string()),
        ("jaccard", pa.float64()),  # of the top-k sets by Probeless, and with ...
        ("same_object_mean", pa.float64()),  # other facts of the object; null: none
        ("mismatched_mean", pa.float64()),  # facts of other objects
        ("random_mean", pa.float64()),  # random neurons (expected): the same for all three Jaccards
        ("signed_jaccard", pa.float64()),  # of the top-k sets by activation above the mean
        ("same_object_signed_jaccard", pa.float64()),
        ("mismatched_signed_jaccard", pa.float64()),
        ("standardised_jaccard", pa.float64()),  # of the top-k sets by standardised Probeless
        ("same_object_standardised_jaccard", pa.float64()),
        ("mismatched_standardised_jaccard", pa.float64()),
        ("cosine", pa.float64()),  # of centred activations
        ("same_object_cosine", pa.float64()),
        ("mismatched_cosine", pa.float64()),
        ("random_cosine", pa.float64()),  # with the other's neurons in random order (expected)
        ("cosine_z", pa.float64()),  # against facts of other objects
        ("same_object_cosine_z", pa.float64()),
        ("mismatched_cosine_z", pa.float64()),
        ("random_cosine_z", pa.float64()),  # of random_cosine
        ("same_object_pairings", pa.int64()),  # size of the null behind p_value
        ("p_value", pa.float64()),  # one-sided, against the same-object null
        ("q_value", pa.float64()),  # Benjamini-Hochberg over the checkpoint
        ("identical_input", pa.bool_()),  # both languages have the same prompt: left out of tests and means
    ]
)

SIMILARITY_PAIRS = pa.schema(
    [
        ("language_a", pa.string()),
        ("language_b", pa.string()),
        ("facts", pa.int64()),  # facts that both predict and whose input differs
        # means over these facts of what NEURON_SIMILARITY holds, each statistic with its three nulls
        ("jaccard", pa.float64()),
        ("same_object_jaccard", pa.float64()),
        ("mismatched_jaccard", pa.float64()),
        ("random_jaccard", pa.float64()),  # the same for all three Jaccards
        ("signed_jaccard", pa.float64()),
        ("same_object_signed_jaccard", pa.float64()),
        ("mismatched_signed_jaccard", pa.float64()),
        ("standardised_jaccard", pa.float64()),
        ("same_object_standardised_jaccard", pa.float64()),
        ("mismatched_standardised_jaccard", pa.float64()),
        ("cosine", pa.float64()),
        ("same_object_cosine", pa.float64()),
        ("mismatched_cosine", pa.float64()),
        ("random_cosine", pa.float64()),
        ("cosine_z", pa.float64()),
        ("same_object_cosine_z", pa.float64()),
        ("mismatched_cosine_z", pa.float64()),
        ("random_cosine_z", pa.float64()),
        ("same_object_q90_jaccard", pa.float64()),  # 90th percentile of the same-object null
        ("same_object_q90_cosine", pa.float64()),
        ("p_value", pa.float64()),  # of the mean cosine, by exchanging facts of one object; one-sided
        ("q_value", pa.float64()),  # Benjamini-Hochberg over the pairs
    ],
    metadata={"note": PAIRS_NOTE},
)

NEURON_STABILITY = pa.schema(
    [
        ("aspect", pa.string()),  # "facts_halved" | "pairs_halved" | "over_k": see neurons.stability
        ("statistic", pa.string()),  # "jaccard" | "signed_jaccard" | "standardised_jaccard" | "cosine" | ...
        ("language", pa.string()),  # "*": all languages together
        ("k", pa.int64()),  # neurons of a set; null for statistics that have none
        ("n", pa.int64()),  # facts (facts_halved) or pairs of languages
        ("overlap", pa.float64()),  # mean Jaccard: of the two halves' sets, or of the pairs at this k
        ("random_overlap", pa.float64()),  # expected of random neurons at this k
        ("correlation", pa.float64()),  # Pearson of the halves; over_k: Spearman with the k in use
        ("spearman_brown", pa.float64()),  # what the halves' correlation says of the whole; null for over_k
    ]
)

LAYER_PROFILE = pa.schema(
    [
        ("language", pa.string()),
        ("layer", pa.int64()),  # 0 is the first
        ("share", pa.float64()),  # of the language's active neurons; sums to 1 over the layers
    ]
)

NEURON_INTERVENTIONS = pa.schema(
    [
        ("uuid", pa.string()),
        ("relation", pa.string()),
        ("language_found", pa.string()),
        ("language_asked", pa.string()),
        ("intervention", pa.string()),  # "ablate" (times 0) | "boost" (times 2)
        ("neuron_set", pa.string()),  # "own" | "random" | "same_layer" | "other_fact"
        ("logprob_before", pa.float64()),
        ("logprob_change", pa.float64()),
        ("flipped", pa.bool_()),  # right before, wrong after
    ]
)

INTERVENTION_SUMMARY = pa.schema(
    [
        ("language_found", pa.string()),  # "*": all directions together
        ("language_asked", pa.string()),
        ("intervention", pa.string()),
        ("neuron_set", pa.string()),
        ("n", pa.int64()),  # rows of NEURON_INTERVENTIONS
        ("facts", pa.int64()),  # distinct facts among them: what the intervals count
        ("logprob_change", pa.float64()),  # mean
        ("logprob_change_low", pa.float64()),  # 95%, rows of one fact taken together
        ("logprob_change_high", pa.float64()),
        ("flip_rate", pa.float64()),
        ("flip_rate_low", pa.float64()),  # 95%, Wilson, rows of one fact taken together
        ("flip_rate_high", pa.float64()),
        ("own_less_this", pa.float64()),  # mean change by own neurons less that by this set; null for own
        ("own_less_this_low", pa.float64()),  # 95%, over the same facts
        ("own_less_this_high", pa.float64()),
    ]
)

NEAREST_LANGUAGE = pa.schema(
    [
        ("uuid", pa.string()),
        ("language", pa.string()),
        ("relation", pa.string()),
        ("statistic", pa.string()),  # "jaccard" | "signed_jaccard" | ... | "evidence": see neurons.nearest
        ("k", pa.int64()),  # neurons of a set; null for statistics that have none
        ("partners", pa.int64()),  # other languages that predict the fact from another input text
        ("nearest_language", pa.string()),  # where the statistic is largest; evidence: adds most to it
        ("similarity", pa.float64()),  # the statistic over all partners
        ("null_q90", pa.float64()),  # 90th percentile of what other facts of the object reach
        ("null_q95", pa.float64()),
        ("pairings", pa.int64()),  # size of that null
        ("p_value", pa.float64()),  # one-sided
        ("q_value", pa.float64()),  # Benjamini-Hochberg over all facts and languages, within the statistic
    ]
)
