"""The published numbers of Zhao, Yoshinaga and Oba (EACL 2024), shown beside ours.

`paper_results.json` holds numbers only, taken from the paper (arXiv 2403.05189) and from the outputs stored
in the authors' public notebooks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

MODELS = {
    "bert-base-multilingual-cased": "mbert",
    "google-bert/bert-base-multilingual-cased": "mbert",
    "xlm-roberta-large": "xlmr",
    "FacebookAI/xlm-roberta-large": "xlmr",
}
"""Hub ids of the models that the paper studied; the short ones are the hub's older names."""


@dataclass(frozen=True)
class PublishedResults:
    """Published numbers of one model; shares are between 0 and 1. XLM-R has P@1 only.

    Attributes:
        p_at_1: language to {full_match, partial_match}; "*" for all.
        correlations: Pearson correlations by name.
        absence: language to the share of predicted facts without a source.
        absent_types: language to {shared_tokens, naming_cues, others}; "*" for all.
        neuron_similarity: mean top-50 Jaccard over language pairs as printed, which averages in the
            diagonal's zeros.
    """

    p_at_1: dict[str, dict[str, float]]
    correlations: dict[str, float] = field(default_factory=dict)
    absence: dict[str, float] = field(default_factory=dict)
    absent_types: dict[str, dict[str, int]] = field(default_factory=dict)
    neuron_similarity: float | None = None


@cache
def paper_results() -> dict[str, Any]:
    """The whole published record as it was taken down; shares in percent."""
    return dict(json.loads(files(__package__).joinpath("paper_results.json").read_text("utf-8")))


def published_results(checkpoint_source: str) -> PublishedResults | None:
    """Published numbers of the model behind a hub id; None for a model the paper did not study."""
    model = MODELS.get(checkpoint_source.split("@")[0])
    if model is None:
        return None
    record = paper_results()
    p_at_1 = {
        language: {key: value / 100 for key, value in entry[model].items()}
        for language, entry in record["p_at_1_percent"].items()
        if model in entry
    }
    p_at_1["*"] = {key: value / 100 for key, value in record["p_at_1_overall_percent"][model].items()}
    if model != "mbert":
        return PublishedResults(p_at_1)
    absent = record["absent_fact_types_mbert"]
    return PublishedResults(
        p_at_1,
        correlations=record["pearson_correlations"],
        absence={k: v / 100 for k, v in record["source_absence_mbert"]["rate_percent"].items()},
        absent_types=absent["by_language"] | {"*": absent["totals"]},
        neuron_similarity=record["neuron_similarity_mbert"]["mean_over_pairs_including_diagonal_zeros"],
    )
