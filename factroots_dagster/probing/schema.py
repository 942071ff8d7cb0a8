"""The tables about probing. Schemas only (pyarrow, nothing heavier): loading the definitions imports this."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.languages.schema import PAIRS_NOTE
from factroots_dagster.tables import (
    FACT_KEY,
    LANGUAGE,
    LANGUAGE_PAIR,
    boolean,
    column,
    float64,
    int32,
    int64,
    string,
    table,
)

RANKED = 50
"""Candidates in a ranking. RankC, whose weights fall as e^-j, changes by less than e^-50 without others."""
DECODER_RANKED = 20
"""The same for a decoder, which has to run tokens for each of them; its rankings go on to the object."""
CONSISTENCY_CONTROLS = ("same_object", "other_object", "popularity")
"""What RankC is compared with: see `probing.consistency`."""

_IF_RUN = "null unless this protocol is run"

PREDICTIONS = table(
    *FACT_KEY,
    column(
        "object_ids",
        pa.list_(pa.int32()),
        "Token ids of the gold object: of its label, without special tokens and bare space tokens, or those "
        "that it has in the sentence (`objects` of `checkpoint`)",
    ),
    column(
        "predicted_ids",
        pa.list_(pa.list_(pa.int32())),
        "Item k-1: the predicted token ids at k masks (the independent argmax at every mask), empty where k "
        "masks were not run; of a decoder the first k tokens of its greedy continuation",
    ),
    boolean(
        "full_match",
        "Whether the fact is predicted: the answer at some mask count is exactly the gold object (decoder: "
        "the object ranks first, with a positive margin); null where the model cannot be asked (a decoder, "
        "among fewer than two candidates)",
    ),
    boolean(
        "greedy_match",
        "Of a decoder, stricter than full_match: whether it generates the object; null if the object is not "
        "at the template's end, and for a masked model",
    ),
    boolean(
        "partial_match",
        "Whether the answer at some mask count contains all tokens of the gold object; null where the model "
        "cannot be asked, or only the object's own mask count was run; null for a decoder",
    ),
    int32(
        "matched_mask_count",
        "Fewest masks with a full match (decoder: tokens of the predicted object); 0 without one",
    ),
    boolean(
        "any_answer_match", "Whether the answer matches any gold object of the prompt; null as full_match"
    ),
    float64(
        "margin",
        "Of a decoder: by how many nats the object's sentence leads that of the best other candidate, minus "
        "the same without the subject; null if not computable, and for a masked model",
    ),
    float64(
        "chance",
        "Of a decoder: share of the template's other questions for which this object is predicted, the level "
        "of full_match; null as margin, and without other questions",
    ),
    float64(
        "object_logprob", "Mean log-probability of the gold object's tokens, in nats; null if not computable"
    ),
    int32(
        "typed_rank",
        "Rank of the gold object among the candidates (1 is best; half of the tied ones rank before it, "
        "rounded up); null where the candidates cannot be ranked",
    ),
    int32("candidates", "Number of candidates: distinct object labels of the relation in this language"),
    column(
        "ranking",
        pa.list_(pa.string()),
        f"Wikidata ids of the best candidates, best first, at most {RANKED} (of a decoder {DECODER_RANKED} "
        "or more); those with the same label follow one another; null where the candidates cannot be ranked",
    ),
    float64("prior_logprob", "As object_logprob, subject masked (decoder: left out); null if not asked"),
    int32("prior_rank", "As typed_rank, subject masked (decoder: left out); null if not asked"),
    boolean(
        "too_long",
        "Whether it was not asked, or not with its object: a prompt exceeds the model's context",
    ),
    int32("pll_rank", f"As typed_rank, by pseudo-log-likelihood; {_IF_RUN}"),
    boolean("left_to_right_match", f"As full_match, with the masks filled from left to right; {_IF_RUN}"),
    boolean("confidence_match", f"As full_match, with the most confident mask filled first; {_IF_RUN}"),
)
"""One row per fact of a language: what one checkpoint predicts for it, and how its candidates rank."""

PROMPT_ANSWERS = table(
    *FACT_KEY,
    int32("prompt", "Number of the relation's template; 1 is the split's"),
    string(
        "answer",
        "Wikidata id of the best candidate by this prompt; null where the candidates cannot be ranked",
    ),
    boolean("full_match", "As in the main table, by this prompt; null as there"),
    nullable=("answer", "full_match"),
)
"""One row per fact and template of the relations that have several; there is no table without such."""

NAME_ACCESS = table(
    *FACT_KEY,
    string("partner", "Another language that predicts the fact and has a source for it"),
    float64("own_logprob", "Mean log-probability of the object's tokens in this language, in nats"),
    float64("partner_logprob", "Mean log-probability of the object's tokens in the partner"),
    float64(
        "name_logprob",
        "Mean log-probability of the partner's object, with this language's name of the subject in the "
        "partner's question",
    ),
    float64(
        "object_logprob",
        "Mean log-probability of this language's name of the object as the answer to the partner's question",
    ),
    float64(
        "partner_name_logprob",
        "Mean log-probability of this language's object, with the partner's name of the subject in this "
        "language's question",
    ),
    nullable=("own_logprob", "partner_logprob", "name_logprob", "object_logprob", "partner_name_logprob"),
)
"""One row per fact, language and partner; log-probabilities are null where they could not be asked."""

_INTERVAL = "of the 95% Wilson interval of full_match"
_BOOTSTRAP = "of the 95% bootstrap interval of full_match that resamples"
_LANGUAGES_ONLY = "null for a single relation"

PROBING_SCORES = table(
    LANGUAGE,
    string("relation", "Wikidata property of the facts; * for all relations together"),
    int64("n", "Number of facts that were asked for a full match"),
    int64("not_asked", "Number of facts that could not be asked so: in the ranks only, in no other score"),
    float64("full_match", "P@1: share of the asked facts with a full match; null if none could be asked"),
    float64("full_match_low", f"Lower end {_INTERVAL}"),
    float64("full_match_high", f"Upper end {_INTERVAL}"),
    float64("by_subject_low", f"Lower end {_BOOTSTRAP} subjects; {_LANGUAGES_ONLY}"),
    float64("by_subject_high", f"Upper end {_BOOTSTRAP} subjects; {_LANGUAGES_ONLY}"),
    float64("by_object_low", f"Lower end {_BOOTSTRAP} objects; {_LANGUAGES_ONLY}"),
    float64("by_object_high", f"Upper end {_BOOTSTRAP} objects; {_LANGUAGES_ONLY}"),
    float64("partial_match", "Share of the asked facts with a partial match; null if not asked"),
    float64(
        "greedy",
        "Of a decoder: share of the facts whose object it generates, of those whose object is at the "
        "template's end; null if none is, and for a masked model",
    ),
    float64(
        "chance",
        "Level of a decoder's full_match: mean share of other subjects for which the object is predicted; "
        "null for a masked model",
    ),
    float64("macro_full_match", f"Unweighted mean of full_match over the relations; {_LANGUAGES_ONLY}"),
    float64(
        "typed_p1", "Typed P@1: share of facts whose object ranks first of the candidates; null if not asked"
    ),
    float64("mrr", "Mean reciprocal rank of the object among the candidates; null if not asked"),
    float64("pll_typed_p1", f"Typed P@1 by pseudo-log-likelihood; {_IF_RUN}"),
    float64("left_to_right", f"P@1 with the masks filled from left to right; {_IF_RUN}"),
    float64("confidence", f"P@1 with the most confident mask filled first; {_IF_RUN}"),
    column(
        "protocols",
        pa.list_(pa.string()),
        "Which scores the model was asked for: `full_match`, `partial_match`, `typed` (rank among the "
        "candidates), `greedy` (generation, of a decoder), `pll` (rank by pseudo-log-likelihood), "
        "`left_to_right` and `confidence` (full match with the masks filled one after another in this order)",
    ),
    float64("multi_answer", "P@1 if every gold object of the same prompt counts; null if not asked"),
    float64("majority", "Baseline: P@1 of always answering the relation's most frequent object"),
    float64("uniform", "Baseline: typed P@1 of guessing uniformly among the candidates"),
    float64("prior_typed_p1", "Baseline: typed P@1, subject masked (decoder: left out); null if not asked"),
    int64("too_long", "Facts not asked because a prompt exceeds the model's context; they count as wrong"),
    boolean("small", "Whether the scores are over fewer than 30 facts"),
)
"""One row per language and relation, and one per language over all its relations."""

_MEAN_PROMPT = "null if none could be asked"

PROMPT_CONSISTENCY = table(
    LANGUAGE,
    string("relation", "Wikidata property of the facts; * for all relations that have several templates"),
    int64("prompts", "Number of templates; of all relations, the most that one has"),
    int64("facts", "Number of facts"),
    float64("full_match", f"P@1 by the split's template, as in the main table; {_MEAN_PROMPT}"),
    float64("full_match_mean", f"Mean of P@1 over the templates; {_MEAN_PROMPT}"),
    float64("full_match_spread", "Standard deviation of P@1 over the templates; null for under two"),
    float64("full_match_lowest", f"P@1 by each relation's worst template; {_MEAN_PROMPT}"),
    float64("full_match_highest", f"P@1 by each relation's best template; {_MEAN_PROMPT}"),
    int64("compared", "Facts for which two templates or more rank the candidates"),
    float64(
        "consistency",
        "Mean over these of the share of pairs of templates whose best candidates are the same (Elazar et "
        "al., TACL 2021); null without any",
    ),
    float64(
        "other_facts",
        "Placebo: the same where the second template of each pair is asked another fact of the relation; a "
        "model that always answers the same reaches 1 in both; null without another fact",
    ),
    float64("beyond", "Mean of the facts' consistency minus this; null as other_facts"),
    float64("beyond_low", "Lower end of its 95% interval over facts; null for fewer than two"),
    float64("beyond_high", "Upper end of its 95% interval over facts; null for fewer than two"),
    int64("known", "Of the facts compared, those with a full match by some template"),
    float64("consistency_known", "Mean consistency of these; null without any"),
)
"""One row per language and relation with several templates, and one per language over all of these."""

_OMITTED = "Pearson correlation with one language left out; null where there is none"

VOLUME_RELATIONS = table(
    string("measure", "Size of a language's Wikipedia: `pages`, `articles`, `wikitext_bytes`, or `words`"),
    int64("languages", "Number of languages that have both P@1 and a size"),
    float64("pearson", "Pearson correlation of P@1 and size; null for under three languages or no variation"),
    float64("pearson_p", "Two-sided p-value of the Pearson correlation; null as pearson"),
    float64("spearman", "Spearman correlation of P@1 with the size; null as pearson"),
    float64("spearman_p", "Two-sided p-value of the Spearman correlation; null as pearson"),
    float64("pearson_without_low", f"Lowest {_OMITTED}"),
    float64("pearson_without_high", f"Highest {_OMITTED}"),
    string(
        "most_influential", "Language whose omission changes the Pearson correlation most; null without one"
    ),
)
"""One row per measure of size: how P@1 and the size of the Wikipedias go together over the languages."""

MASK_COUNTS = table(
    LANGUAGE,
    int64("object_tokens", "Number of tokens of the gold object"),
    int64("n", "Number of facts with such an object that were asked for a full match"),
    float64("full_match", "P@1: share of them with a full match"),
    float64("low", f"Lower end {_INTERVAL}"),
    float64("high", f"Upper end {_INTERVAL}"),
)
"""One row per language and number of tokens of the object."""

_BY_SUBJECT = "of the 95% bootstrap interval that draws subjects with all their facts; null for under two"


def _control(name: str, partner: str) -> tuple[pa.Field, ...]:
    """The columns of one control of RankC."""
    return (
        int64(f"{name}_facts", f"Number of facts that can be compared with {partner}"),
        float64(name, f"Control: mean RankC with {partner}; null without such facts"),
        float64(f"beyond_{name}", "Mean of the facts' RankC minus this control's; null without such facts"),
        float64(f"beyond_{name}_low", f"Lower end {_BY_SUBJECT}"),
        float64(f"beyond_{name}_high", f"Upper end {_BY_SUBJECT}"),
    )


LANGUAGE_CONSISTENCY = table(
    *LANGUAGE_PAIR,
    int64("facts", "Number of facts that are ranked in both languages, among two common candidates or more"),
    int64("relations", "Number of relations of these facts"),
    float64(
        "rankc",
        "RankC (Qi et al. 2023): mean over the facts of how alike both languages rank the candidates, 1 for "
        "equal rankings; null without facts",
    ),
    float64("rankc_low", f"Lower end {_BY_SUBJECT}"),
    float64("rankc_high", f"Upper end {_BY_SUBJECT}"),
    *_control("same_object", "facts of the relation with the same object and another subject"),
    *_control("other_object", "facts of the relation with another object and subject"),
    *_control("popularity", "the ranking of the relation's objects by their number of facts"),
    note=PAIRS_NOTE,
)
"""One row per pair of languages: how consistently both answer, and what explains it without the fact."""
