"""The tables about probing. Schemas only (pyarrow, nothing heavier): loading the definitions imports this."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.tables import column

_IF_RUN = "null unless this protocol is run"

PREDICTIONS = pa.schema(
    [
        column("uuid", pa.string(), "mLAMA's identifier of the fact"),
        column("language", pa.string(), "Code of the language in which the fact was probed"),
        column("relation", pa.string(), "Wikidata property of the fact, such as P36"),
        column(
            "object_ids",
            pa.list_(pa.int32()),
            "Token ids of the gold object, without special tokens and bare space tokens",
        ),
        column(
            "predicted_ids",
            pa.list_(pa.list_(pa.int32())),
            "Item k-1: the predicted token ids at k masks (the independent argmax at every mask), empty "
            "where k masks were not run; of a decoder the first k tokens of its greedy continuation",
        ),
        column(
            "full_match",
            pa.bool_(),
            "Whether the answer at some mask count is exactly the gold object; null where the model cannot "
            "be asked (a decoder, if the object is not at the template's end)",
        ),
        column(
            "partial_match",
            pa.bool_(),
            "Whether the answer at some mask count contains all tokens of the gold object; null where the "
            "model cannot be asked, or only the object's own mask count was run",
        ),
        column(
            "matched_mask_count",
            pa.int32(),
            "Smallest number of masks (decoder: tokens) with a full match; 0 without one",
        ),
        column(
            "any_answer_match",
            pa.bool_(),
            "Whether the answer fully matches any gold object of the same prompt; null as full_match",
        ),
        column(
            "object_logprob",
            pa.float64(),
            "Mean natural log-probability of the gold object's tokens; null where it cannot be computed",
        ),
        column(
            "typed_rank",
            pa.int32(),
            "Rank of the gold object among the candidates (1 is best; half of the tied ones rank before it, "
            "rounded up); null where the candidates cannot be ranked",
        ),
        column(
            "candidates",
            pa.int32(),
            "Number of candidates: distinct object labels of the relation in this language",
        ),
        column(
            "prior_logprob",
            pa.float64(),
            "As object_logprob, with the subject masked (decoder: left out); null where it was not asked",
        ),
        column(
            "prior_rank",
            pa.int32(),
            "As typed_rank, with the subject masked (decoder: left out); null where it was not asked",
        ),
        column(
            "too_long",
            pa.bool_(),
            "Whether the fact was not asked because a prompt exceeds the model's context",
        ),
        column("pll_rank", pa.int32(), f"As typed_rank, by pseudo-log-likelihood; {_IF_RUN}"),
        column(
            "left_to_right_match",
            pa.bool_(),
            f"As full_match, with the masks filled from left to right; {_IF_RUN}",
        ),
        column(
            "confidence_match",
            pa.bool_(),
            f"As full_match, with the most confident mask filled first; {_IF_RUN}",
        ),
    ]
)
"""One row per fact of a language: what one checkpoint predicts for it, and how its candidates rank."""

_INTERVAL = "of the 95% Wilson interval of full_match"
_BOOTSTRAP = "of the 95% bootstrap interval of full_match that resamples"
_LANGUAGES_ONLY = "null for a single relation"

PROBING_SCORES = pa.schema(
    [
        column("language", pa.string(), "Code of the language in which the facts were probed"),
        column("relation", pa.string(), "Wikidata property of the facts; * for all relations together"),
        column("n", pa.int64(), "Number of facts"),
        column(
            "full_match",
            pa.float64(),
            "P@1: share of the asked facts with a full match; null if none could be asked for one",
        ),
        column("full_match_low", pa.float64(), f"Lower end {_INTERVAL}"),
        column("full_match_high", pa.float64(), f"Upper end {_INTERVAL}"),
        column("by_subject_low", pa.float64(), f"Lower end {_BOOTSTRAP} subjects; {_LANGUAGES_ONLY}"),
        column("by_subject_high", pa.float64(), f"Upper end {_BOOTSTRAP} subjects; {_LANGUAGES_ONLY}"),
        column("by_object_low", pa.float64(), f"Lower end {_BOOTSTRAP} objects; {_LANGUAGES_ONLY}"),
        column("by_object_high", pa.float64(), f"Upper end {_BOOTSTRAP} objects; {_LANGUAGES_ONLY}"),
        column(
            "partial_match", pa.float64(), "Share of the asked facts with a partial match; null if not asked"
        ),
        column(
            "macro_full_match",
            pa.float64(),
            f"Unweighted mean of full_match over the language's relations; {_LANGUAGES_ONLY}",
        ),
        column(
            "typed_p1",
            pa.float64(),
            "Typed P@1: share of the facts whose object ranks first among the candidates; null if not asked",
        ),
        column(
            "mrr", pa.float64(), "Mean reciprocal rank of the object among the candidates; null if not asked"
        ),
        column("pll_typed_p1", pa.float64(), f"Typed P@1 by pseudo-log-likelihood; {_IF_RUN}"),
        column("left_to_right", pa.float64(), f"P@1 with the masks filled from left to right; {_IF_RUN}"),
        column("confidence", pa.float64(), f"P@1 with the most confident mask filled first; {_IF_RUN}"),
        column(
            "protocols",
            pa.list_(pa.string()),
            "Which scores the model was asked for: `full_match`, `partial_match`, `typed` (rank among the "
            "candidates), `pll` (rank by pseudo-log-likelihood), `left_to_right` and `confidence` (full "
            "match with the masks filled one after another in this order)",
        ),
        column(
            "multi_answer",
            pa.float64(),
            "P@1 if every gold object of the same prompt counts as correct; null if not asked",
        ),
        column(
            "majority", pa.float64(), "Baseline: P@1 of always answering the relation's most frequent object"
        ),
        column("uniform", pa.float64(), "Baseline: typed P@1 of guessing uniformly among the candidates"),
        column(
            "prior_typed_p1",
            pa.float64(),
            "Baseline: typed P@1 with the subject masked (decoder: left out); null if not asked",
        ),
        column(
            "too_long",
            pa.int64(),
            "Number of facts not asked because a prompt exceeds the model's context; they count as wrong",
        ),
        column("small", pa.bool_(), "Whether the scores are over fewer than 30 facts"),
    ]
)
"""One row per language and relation, and one per language over all its relations."""

VOLUME_RELATIONS = pa.schema(
    [
        column(
            "measure",
            pa.string(),
            "Size of a language's Wikipedia: `pages`, `articles`, `wikitext_bytes`, or `words`",
        ),
        column("languages", pa.int64(), "Number of languages that have both P@1 and a size"),
        column(
            "pearson",
            pa.float64(),
            "Pearson correlation of P@1 with the size; null with fewer than three languages or no variation",
        ),
        column("pearson_p", pa.float64(), "Two-sided p-value of the Pearson correlation; null as pearson"),
        column("spearman", pa.float64(), "Spearman correlation of P@1 with the size; null as pearson"),
        column("spearman_p", pa.float64(), "Two-sided p-value of the Spearman correlation; null as pearson"),
        column(
            "pearson_without_low",
            pa.float64(),
            "Lowest Pearson correlation with one language left out; null where there is none",
        ),
        column(
            "pearson_without_high",
            pa.float64(),
            "Highest Pearson correlation with one language left out; null where there is none",
        ),
        column(
            "most_influential",
            pa.string(),
            "Code of the language whose omission changes the Pearson correlation most; null without one",
        ),
    ]
)
"""One row per measure of size: how P@1 and the size of the Wikipedias go together over the languages."""

MASK_COUNTS = pa.schema(
    [
        column("language", pa.string(), "Code of the language in which the facts were probed"),
        column("object_tokens", pa.int64(), "Number of tokens of the gold object"),
        column("n", pa.int64(), "Number of facts with such an object that were asked for a full match"),
        column("full_match", pa.float64(), "P@1: share of them with a full match"),
        column("low", pa.float64(), f"Lower end {_INTERVAL}"),
        column("high", pa.float64(), f"Upper end {_INTERVAL}"),
    ]
)
"""One row per language and number of tokens of the object."""
