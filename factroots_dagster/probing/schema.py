"""Columns of the probing tables. Schemas only (pyarrow, nothing heavier): the definitions import this."""

from __future__ import annotations

import pyarrow as pa

PREDICTIONS = pa.schema(
    [
        ("uuid", pa.string()),
        ("language", pa.string()),
        ("relation", pa.string()),
        ("object_ids", pa.list_(pa.int32())),
        ("predicted_ids", pa.list_(pa.list_(pa.int32()))),  # item k-1: argmax at k masks; [] if not run
        ("full_match", pa.bool_()),  # null where the checkpoint cannot be asked so
        ("partial_match", pa.bool_()),  # null where only the object's own mask counts are run
        ("matched_mask_count", pa.int32()),  # smallest matching mask count; 0 without a full match
        ("any_answer_match", pa.bool_()),  # full match of any gold answer of the same prompt
        ("object_logprob", pa.float64()),  # mean natural log-probability at the object's own mask count
        ("typed_rank", pa.int32()),  # 1 is best; a tie counts half of the tied, rounded up; null as before
        ("candidates", pa.int32()),  # distinct object labels of (language, relation)
        ("prior_logprob", pa.float64()),  # object_logprob with the subject masked; null as before
        ("prior_rank", pa.int32()),  # typed_rank with the subject masked
        ("too_long", pa.bool_()),  # left out: the prompt exceeds the model's context
        ("pll_rank", pa.int32()),  # as typed_rank, by pseudo-log-likelihood; null where not asked for
        ("left_to_right_match", pa.bool_()),  # full match with masks filled from left to right; null as above
        ("confidence_match", pa.bool_()),  # full match with masks filled by confidence; null as above
    ]
)

PROBING_SCORES = pa.schema(
    [
        ("language", pa.string()),
        ("relation", pa.string()),  # "*": all relations of the language
        ("n", pa.int64()),
        ("full_match", pa.float64()),  # P@1
        ("full_match_low", pa.float64()),  # Wilson, 95%
        ("full_match_high", pa.float64()),
        ("by_subject_low", pa.float64()),  # bootstrap of P@1 clustered by subject, 95%; languages only
        ("by_subject_high", pa.float64()),
        ("by_object_low", pa.float64()),  # bootstrap of P@1 clustered by object, 95%; languages only
        ("by_object_high", pa.float64()),
        ("partial_match", pa.float64()),
        ("macro_full_match", pa.float64()),  # mean over relations; null where a relation is given
        ("typed_p1", pa.float64()),
        ("mrr", pa.float64()),
        ("pll_typed_p1", pa.float64()),  # typed P@1 by pseudo-log-likelihood; null where not asked for
        ("left_to_right", pa.float64()),  # P@1 with masks filled from left to right; null as above
        ("confidence", pa.float64()),  # P@1 with masks filled by confidence; null as above
        ("protocols", pa.list_(pa.string())),  # what could be asked: "full_match", "typed", ...
        ("multi_answer", pa.float64()),  # P@1 counting any gold answer of the prompt
        ("majority", pa.float64()),  # P@1 of always answering the relation's majority object
        ("uniform", pa.float64()),  # typed P@1 of a uniform guess among the candidates
        ("prior_typed_p1", pa.float64()),  # typed P@1 with the subject masked
        ("too_long", pa.int64()),  # rows left out (they count as wrong)
        ("small", pa.bool_()),  # n < 30
    ]
)

VOLUME_RELATIONS = pa.schema(
    [
        ("measure", pa.string()),  # "pages" | "articles" | "wikitext_bytes" | "words"
        ("languages", pa.int64()),
        ("pearson", pa.float64()),
        ("pearson_p", pa.float64()),
        ("spearman", pa.float64()),
        ("spearman_p", pa.float64()),
        ("pearson_without_low", pa.float64()),  # lowest and highest with one language left out
        ("pearson_without_high", pa.float64()),
        ("most_influential", pa.string()),  # the language whose absence moves Pearson most
    ]
)

MASK_COUNTS = pa.schema(
    [
        ("language", pa.string()),
        ("object_tokens", pa.int64()),
        ("n", pa.int64()),
        ("full_match", pa.float64()),
        ("low", pa.float64()),  # Wilson, 95%
        ("high", pa.float64()),
    ]
)
