"""Columns of the neuron tables. Schemas only (pyarrow, nothing heavier): the definitions import this."""

from __future__ import annotations

import pyarrow as pa

ACTIVATION_INDEX = pa.schema(
    [
        ("uuid", pa.string()),
        ("language", pa.string()),
        ("relation", pa.string()),
        ("row", pa.int64()),  # first index into the file's tensor "activations" [facts, layers, neurons]
        ("mask_count", pa.int32()),  # the prompt that was right; the vector is the mean over its masks
        ("file", pa.string()),  # "<relation>.safetensors", beside the index
    ]
)

ACTIVE_NEURONS = pa.schema(
    [
        ("uuid", pa.string()),
        ("language", pa.string()),
        ("relation", pa.string()),
        ("k", pa.int32()),
        (
            "neurons",
            pa.list_(pa.int32()),
        ),  # layer * neurons_per_layer + neuron, best first
        ("scores", pa.list_(pa.float32())),  # Probeless
        ("signed_neurons", pa.list_(pa.int32())),  # highest activation minus the relation's mean first
    ]
)

NEURON_SIMILARITY = pa.schema(
    [
        ("uuid", pa.string()),
        ("relation", pa.string()),
        ("language_a", pa.string()),  # language_a < language_b
        ("language_b", pa.string()),
        ("jaccard", pa.float64()),
        ("signed_jaccard", pa.float64()),
        ("cosine", pa.float64()),  # of centred activations
        (
            "same_object_mean",
            pa.float64(),
        ),  # Jaccard with other facts of the object; null: none
        ("mismatched_mean", pa.float64()),  # Jaccard with facts of other objects
        ("random_mean", pa.float64()),  # expected Jaccard of random neurons
        ("cosine_z", pa.float64()),  # against facts of other objects
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
        ("jaccard", pa.float64()),
        ("signed_jaccard", pa.float64()),
        ("cosine", pa.float64()),
        ("same_object_jaccard", pa.float64()),
        ("mismatched_jaccard", pa.float64()),
        ("random_jaccard", pa.float64()),
        ("same_object_q90_jaccard", pa.float64()),  # 90th percentile of the same-object null
        ("same_object_q90_cosine", pa.float64()),
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

NEAREST_LANGUAGE = pa.schema(
    [
        ("uuid", pa.string()),
        ("language", pa.string()),
        ("relation", pa.string()),
        ("partners", pa.int64()),  # other languages that predict the fact from another input text
        ("nearest_language", pa.string()),
        ("cosine", pa.float64()),  # to the nearest language: the largest over the partners
        ("null_q90", pa.float64()),  # 90th percentile of what other facts of the object reach
        ("pairings", pa.int64()),  # size of that null
        ("p_value", pa.float64()),  # one-sided
        ("q_value", pa.float64()),  # Benjamini-Hochberg over all facts and languages of the checkpoint
    ]
)
