"""Tables about the roots of facts. Imports pyarrow only: the asset definitions load this module."""

from __future__ import annotations

from factroots_dagster.tables import ALL_LANGUAGES, FACT_KEY, LANGUAGE, boolean, float64, int64, string, table

TYPES = ("shared", "independent", "transferred", "naming_cue", "shared_tokens", "not_predicted")
PREDICTED_TYPES = TYPES[:-1]
"""Types of a predicted fact, in the order in which every table and figure shows them."""

RULES = (
    "too_long", "not_asked", "no_full_match", "object_in_subject", "shared_wordpiece",
    "name_cue", "relation_cue", "no_source", "above_null", "below_null", "no_null", "no_partner",
)  # fmt: skip
"""Rules that decide a type: see `roots.types`."""

_PREDICTED_TYPES = ", ".join(PREDICTED_TYPES)
_ALL_TYPES = ", ".join(TYPES)

_TYPE = string("type", f"Type of the facts: {_ALL_TYPES}")
_FACTS = int64("facts", "Number of facts of this type")
_SHARE = float64(
    "share", "Share of the language's predicted facts, 0 to 1; null for not_predicted and without any"
)
_MATCHER = string("matcher", "Matcher that looked for sources, such as chunk")
_K = int64("k", "Number of top neurons per set; null for statistics without such sets")
_NEAREST = string(
    "nearest_language", "Language that represents the fact most similarly; null where nothing was compared"
)
_SIMILARITY = (
    float64("similarity", "Value of the statistic over all other languages; null where nothing was compared"),
    float64(
        "threshold", "95th percentile of similarity for other facts with the same object; null without any"
    ),
    float64("p_value", "One-sided p-value against other facts with the same object; null without such facts"),
    float64("q_value", "The p-value after the Benjamini-Hochberg correction; null where p_value is"),
)
_COMPARISON = ("k", "nearest_language", *(column.name for column in _SIMILARITY))  # can be null

FACT_TYPES = table(
    *FACT_KEY,
    string("type", f"Type of the fact: {_ALL_TYPES}"),
    string("reason", "Why the fact has this type: a sentence for people"),
    string("rule", f"Rule that decided the type: one of {', '.join(RULES)}"),
    boolean(
        "source_present",
        "Whether the matcher found subject and object together in a window of the model's corpora in the "
        "language: those that the checkpoint names, by default all; for models trained on the web also in an "
        "infobox, table, list, heading or quotation",
    ),
    int64(
        "windows",
        "Number of windows in which the matcher found subject and object together, each counted as many "
        "times as its document counts; for models trained on the web with parameters of infoboxes, rows of "
        "tables, list items, headings and quotations",
    ),
    float64(
        "stated_probability",
        "How probable it is that one of the source's windows states the fact, and does not just mention both "
        "sides of it; null without a source",
    ),
    _MATCHER,
    string(
        "easy",
        "For facts without a source, predicted or not: what gives the object away (shared_tokens or "
        "naming_cue); null when nothing does, or when the fact has a source",
    ),
    string("easy_rule", "Rule for naming cues: name, relation or none"),
    string("cue", "The naming cue: a part of the subject's name, or the relation; null without a cue"),
    int64(
        "cue_facts", "Other subjects of the relation whose name has the cue; null unless the rule is name_cue"
    ),
    int64("cue_hits", "How many of these subjects have the same object; null unless the rule is name_cue"),
    float64(
        "cue_p",
        "One-sided hypergeometric p-value of the cue, times the number of name parts tested; null unless "
        "the rule is name_cue",
    ),
    boolean("single_language", "Whether the fact is predicted but has no other language to compare it with"),
    _NEAREST,
    string("statistic", "Statistic that compares the neurons, such as evidence or jaccard"),
    _K,
    *_SIMILARITY,
    nullable=("stated_probability", "easy", "cue", "cue_facts", "cue_hits", "cue_p", *_COMPARISON),
)
"""One row per row of PREDICTIONS."""

VARIANTS = table(
    *FACT_KEY,
    _MATCHER,
    boolean("source_present", "Whether this matcher found a source"),
    string("statistic", "Statistic that compares the neurons; null without a source: nothing is compared"),
    _K,
    string("easy_rule", "Rule for naming cues: name, relation or none; null with a source: none is needed"),
    string("type", f"Type under these settings: {_PREDICTED_TYPES}"),
    _NEAREST,
    *_SIMILARITY,
    nullable=("statistic", "easy_rule", *_COMPARISON),
)
"""One row per predicted fact, matcher, and statistic (with a source) or rule for naming cues (without)."""

SENSITIVITY = table(
    ALL_LANGUAGES,
    string("axis", "What is varied: matcher, statistic, k (of the paper's Jaccard), alpha or easy_rule"),
    string("setting", "Value of the varied setting, as text"),
    boolean("is_default", "Whether this is the value that fact_types uses"),
    string("type", f"Type of the facts: {_PREDICTED_TYPES}"),
    int64("facts", "Number of facts of this type under this setting"),
    _SHARE,
    nullable=("share",),
)
"""One row per language, varied setting, value and type; all other settings keep their defaults."""

EFFECT_RULES = ("object_in_subject", "shared_wordpiece", "name_cue", "relation_cue")
"""Rules for easy facts, the first to decide first."""

UNSOURCED = table(
    *FACT_KEY,
    string("object_uri", "Wikidata or Freebase id of the object"),
    boolean("full_match", "Whether the fact is predicted"),
    string("rule", f"First rule that applies, of {', '.join(EFFECT_RULES)}; null without any"),
    nullable=("rule",),
)
"""One row per fact of a language without a source that was asked; not stored."""

_COMPARED = "null where none can be compared"
_OF_EFFECT = "of the 95% bootstrap interval that draws objects with all their facts; null for under two"

EASY_EFFECTS = table(
    ALL_LANGUAGES,
    string("rule", f"Rule: {', '.join(EFFECT_RULES)}; a fact counts with the first that applies"),
    int64("facts", "Number of facts without a source to which the rule applies"),
    float64("full_match", "P@1: share of them that is predicted; null without any"),
    int64(
        "compared", "How many of them have facts without a source and with the same object to compare with"
    ),
    float64("compared_full_match", f"P@1 of these; {_COMPARED}"),
    float64(
        "alike_full_match",
        "Mean, over these, of P@1 of the facts that they are compared with: of the same language, relation "
        f"and object and with nothing in the name (of relation_cue: of other relations); {_COMPARED}",
    ),
    float64("effect", f"compared_full_match minus alike_full_match; {_COMPARED}"),
    float64("effect_low", f"Lower end {_OF_EFFECT}"),
    float64("effect_high", f"Upper end {_OF_EFFECT}"),
)
"""One row per language and rule: what each rule for easy facts is worth."""

CHECKPOINT_COMPARISON = table(
    string("checkpoint", "Key of the checkpoint"),
    int64("order", "Position of the checkpoint in the comparison, from 0"),
    ALL_LANGUAGES,
    _TYPE,
    _FACTS,
    float64("share", "Share of all facts of the language, 0 to 1"),
    float64("full_match", "P@1 of the language at this checkpoint, 0 to 1; null when it could not be asked"),
    nullable=("full_match",),
)
"""One row per checkpoint, language and type."""

CHANGED_FACTS = table(
    *FACT_KEY[:2],
    string("checkpoint_from", "Key of the earlier checkpoint"),
    string("checkpoint_to", "Key of the next checkpoint"),
    string("type_from", "Type of the fact at the earlier checkpoint"),
    string("type_to", "Type of the fact at the next checkpoint"),
    nullable=(),
)
"""One row per fact and language whose type differs between one checkpoint and the next."""

KNOWN_FROM = ("shared", "independent", "transferred", "easy", "luck")
"""What a predicted fact can be known from: see `roots.verdicts`."""

FACT_VERDICTS = table(
    *FACT_KEY,
    float64("stated", "How probable it is that the language's corpora state the fact; 0 without a source"),
    float64(
        "without_source",
        "How probable the model would know the fact here without its own source; null where there are too "
        "few facts without a source to learn from",
    ),
    float64("without_source_untrained", "The same of the untrained twin; null as without_source"),
    float64("shared", "Probability that it is stated here and would be known without that; null if unknown"),
    float64(
        "independent", "Probability that it is stated here and only known because of that; null if unknown"
    ),
    float64(
        "transferred",
        "Probability that it is not stated here and came from another language; null if unknown",
    ),
    float64(
        "easy", "Probability that it is not stated here and its names give the object away; null if unknown"
    ),
    float64("luck", "Probability that it is not stated here and was guessed; null if unknown"),
    string("verdict", "The most probable of these if it reaches one half, else undetermined"),
    string("reason", "Why: a sentence for people"),
    nullable=("without_source", "without_source_untrained", *KNOWN_FROM),
)
"""One row per predicted fact of FACT_TYPES."""

_UNCERTAIN = "over facts, trainings, the estimate and sources; null for fewer than two facts"

VERDICT_SHARES = table(
    ALL_LANGUAGES,
    string("verdict", f"One of {', '.join(KNOWN_FROM)}, undetermined"),
    int64("facts", "Number of predicted facts with this verdict"),
    float64("share", "Their share of the predicted facts; null without any"),
    float64(
        "expected",
        "Mean probability of the predicted facts, which counts doubtful ones in part; null for undetermined, "
        "or where there are no probabilities",
    ),
    float64("low", f"Lower end of its 95% interval {_UNCERTAIN}"),
    float64("high", f"Upper end of its 95% interval {_UNCERTAIN}"),
    float64("expected_untrained", "expected of the untrained twin, for shared; else null"),
    nullable=("share", "expected", "low", "high", "expected_untrained"),
)
"""One row per language, and one for all, and verdict."""

TYPE_COUNTS = table(ALL_LANGUAGES, _TYPE, _FACTS, _SHARE)
"""One row per language and type."""

SOURCE_ABSENCE = table(
    LANGUAGE,
    _MATCHER,
    int64("predicted", "Number of predicted facts"),
    int64("absent", "Number of predicted facts without a source"),
    float64("rate", "absent divided by predicted; null when nothing is predicted"),
    float64("stated", "Predicted facts whose source is expected to state them: the sum of its probabilities"),
    float64(
        "false_source_rate",
        "1 - stated / (predicted - absent): the share of sources that state nothing; null without any",
    ),
)
"""One row per language and matcher."""

MARKUP_SOURCES = table(
    LANGUAGE,
    string("matcher", "infobox, table, list, heading, quotation or by_title"),
    int64("predicted", "Number of predicted facts"),
    int64("found", "How many of them this matcher found"),
    float64("share", "found divided by predicted; null when nothing is predicted"),
    int64("only_here", "How many of those found stand in no window of the text by the matcher of the types"),
    float64("only_here_share", "only_here divided by predicted; null when nothing is predicted"),
)
"""One row per language and matcher on what stands outside running text."""
