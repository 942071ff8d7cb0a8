"""Tables about the roots of facts. Imports pyarrow only: the asset definitions load this module."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.tables import column

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

FACT_TYPES = pa.schema(
    [
        column("uuid", pa.string(), "mLAMA's identifier of the fact", nullable=False),
        column("language", pa.string(), "Code of the language in which the fact was probed", nullable=False),
        column("relation", pa.string(), "Wikidata property of the fact, such as P36", nullable=False),
        column("type", pa.string(), f"Type of the fact: {_ALL_TYPES}", nullable=False),
        column("reason", pa.string(), "Why the fact has this type: a sentence for people", nullable=False),
        column("rule", pa.string(), f"Rule that decided the type: one of {', '.join(RULES)}", nullable=False),
        column(
            "source_present",
            pa.bool_(),
            "Whether the matcher found subject and object together in a window of the language's Wikipedia",
            nullable=False,
        ),
        column(
            "windows",
            pa.int64(),
            "Number of windows in which the matcher found subject and object together",
            nullable=False,
        ),
        column("matcher", pa.string(), "Matcher that looked for sources, such as chunk", nullable=False),
        column(
            "easy",
            pa.string(),
            "For facts without a source, predicted or not: what gives the object away (shared_tokens or "
            "naming_cue); null when nothing does, or when the fact has a source",
        ),
        column("easy_rule", pa.string(), "Rule for naming cues: name, relation or none", nullable=False),
        column(
            "cue",
            pa.string(),
            "The naming cue: a part of the subject's name, or the relation; null without a cue",
        ),
        column(
            "cue_facts",
            pa.int64(),
            "Other subjects of the relation with the cue in their name; null unless the rule is name_cue",
        ),
        column(
            "cue_hits",
            pa.int64(),
            "How many of these subjects have the same object; null unless the rule is name_cue",
        ),
        column(
            "cue_p",
            pa.float64(),
            "One-sided hypergeometric p-value of the cue, times the number of name parts tested; null unless "
            "the rule is name_cue",
        ),
        column(
            "single_language",
            pa.bool_(),
            "Whether the fact is predicted but has no other language to compare it with",
            nullable=False,
        ),
        column(
            "nearest_language",
            pa.string(),
            "Language that represents the fact most similarly; null when the fact is not predicted or could "
            "not be compared",
        ),
        column(
            "statistic",
            pa.string(),
            "Statistic that compares the neurons, such as evidence or jaccard",
            nullable=False,
        ),
        column("k", pa.int64(), "Number of top neurons per set; null for statistics without such sets"),
        column(
            "similarity",
            pa.float64(),
            "Value of the statistic over all other languages; null where nearest_language is",
        ),
        column(
            "threshold",
            pa.float64(),
            "95th percentile of the statistic for other facts with the same object; null without such facts",
        ),
        column(
            "p_value",
            pa.float64(),
            "One-sided p-value of the similarity against other facts with the same object; null without them",
        ),
        column(
            "q_value",
            pa.float64(),
            "The p-value after the Benjamini-Hochberg correction; null where p_value is",
        ),
    ]
)
"""One row per row of PREDICTIONS."""

VARIANTS = pa.schema(
    [
        column("uuid", pa.string(), "mLAMA's identifier of the fact", nullable=False),
        column("language", pa.string(), "Code of the language in which the fact was probed", nullable=False),
        column("relation", pa.string(), "Wikidata property of the fact, such as P36", nullable=False),
        column("matcher", pa.string(), "Matcher that looked for sources", nullable=False),
        column("source_present", pa.bool_(), "Whether this matcher found a source", nullable=False),
        column(
            "statistic",
            pa.string(),
            "Statistic that compares the neurons; null without a source, where nothing is compared",
        ),
        column("k", pa.int64(), "Number of top neurons per set; null for statistics without such sets"),
        column(
            "easy_rule",
            pa.string(),
            "Rule for naming cues: name, relation or none; null with a source, where none is needed",
        ),
        column("type", pa.string(), f"Type under these settings: {_PREDICTED_TYPES}", nullable=False),
        column(
            "nearest_language",
            pa.string(),
            "Language that represents the fact most similarly; null when nothing was compared",
        ),
        column("similarity", pa.float64(), "Value of the statistic; null when nothing was compared"),
        column(
            "threshold",
            pa.float64(),
            "95th percentile of the statistic for other facts with the same object; null without such facts",
        ),
        column(
            "p_value",
            pa.float64(),
            "One-sided p-value of the similarity against other facts with the same object; null without them",
        ),
        column(
            "q_value",
            pa.float64(),
            "The p-value after the Benjamini-Hochberg correction; null where p_value is",
        ),
    ]
)
"""One row per predicted fact, matcher, and statistic (with a source) or rule for naming cues (without)."""

SENSITIVITY = pa.schema(
    [
        column("language", pa.string(), "Code of the language; * for all languages", nullable=False),
        column(
            "axis",
            pa.string(),
            "Setting that is varied: matcher, statistic, k (of the paper's Jaccard), alpha or easy_rule",
            nullable=False,
        ),
        column("setting", pa.string(), "Value of the varied setting, as text", nullable=False),
        column("is_default", pa.bool_(), "Whether this is the value that fact_types uses", nullable=False),
        column("type", pa.string(), f"Type of the facts: {_PREDICTED_TYPES}", nullable=False),
        column("facts", pa.int64(), "Number of facts of this type under this setting", nullable=False),
        column(
            "share",
            pa.float64(),
            "Share of the language's predicted facts, 0 to 1; null when none is predicted",
        ),
    ]
)
"""One row per language, varied setting, value and type; all other settings keep their defaults."""

CHECKPOINT_COMPARISON = pa.schema(
    [
        column("checkpoint", pa.string(), "Key of the checkpoint", nullable=False),
        column("order", pa.int64(), "Position of the checkpoint in the comparison, from 0", nullable=False),
        column("language", pa.string(), "Code of the language; * for all languages", nullable=False),
        column("type", pa.string(), f"Type of the facts: {_ALL_TYPES}", nullable=False),
        column("facts", pa.int64(), "Number of facts of this type", nullable=False),
        column("share", pa.float64(), "Share of all facts of the language, 0 to 1", nullable=False),
        column(
            "full_match",
            pa.float64(),
            "P@1 of the language at this checkpoint, 0 to 1; null when no full match could be asked for",
        ),
    ]
)
"""One row per checkpoint, language and type."""

CHANGED_FACTS = pa.schema(
    [
        column("uuid", pa.string(), "mLAMA's identifier of the fact", nullable=False),
        column("language", pa.string(), "Code of the language in which the fact was probed", nullable=False),
        column("checkpoint_from", pa.string(), "Key of the earlier checkpoint", nullable=False),
        column("checkpoint_to", pa.string(), "Key of the next checkpoint", nullable=False),
        column("type_from", pa.string(), "Type of the fact at the earlier checkpoint", nullable=False),
        column("type_to", pa.string(), "Type of the fact at the next checkpoint", nullable=False),
    ]
)
"""One row per fact and language whose type differs between one checkpoint and the next."""

TYPE_COUNTS = pa.schema(
    [
        column("language", pa.string(), "Code of the language; * for all languages"),
        column("type", pa.string(), f"Type of the facts: {_ALL_TYPES}"),
        column("facts", pa.int64(), "Number of facts of this type"),
        column(
            "share",
            pa.float64(),
            "Share of the language's predicted facts, 0 to 1; null for not_predicted and without any",
        ),
    ]
)
"""One row per language and type."""

SOURCE_ABSENCE = pa.schema(
    [
        column("language", pa.string(), "Code of the language"),
        column("matcher", pa.string(), "Matcher that looked for sources"),
        column("predicted", pa.int64(), "Number of predicted facts"),
        column("absent", pa.int64(), "Number of predicted facts without a source"),
        column("rate", pa.float64(), "absent divided by predicted; null when nothing is predicted"),
    ]
)
"""One row per language and matcher."""

LUCK = pa.schema(
    [
        column("language", pa.string(), "Code of the language; * for the sums over all languages"),
        column(
            "unsourced",
            pa.int64(),
            "Number of facts that are not easy and have no source in any language",
        ),
        column("unsourced_predicted", pa.int64(), "How many of these are predicted all the same"),
        column("rate", pa.float64(), "unsourced_predicted divided by unsourced; null if unsourced is 0"),
        column(
            "without_source",
            pa.int64(),
            "Number of facts that are not easy and have no source in this language",
        ),
        column("transferred", pa.int64(), "How many facts without a source are predicted"),
        column(
            "expected_lucky",
            pa.float64(),
            "Transferred facts expected to be lucky guesses, at the rate of all languages and at most all of "
            "them; null without a rate",
        ),
        column("transferred_net", pa.float64(), "transferred minus expected_lucky; null without a rate"),
    ]
)
"""One row per language, and one for all."""
