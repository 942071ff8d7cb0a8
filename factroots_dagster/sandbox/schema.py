"""Schemas of the sandbox's tables. Only pyarrow schemas and their allowed values belong here."""

from __future__ import annotations

from factroots_dagster.tables import FACT_KEY, boolean, float64, int64, string, table

PLANTED_KINDS = ("shared", "independent", "transferred", "unlinked", "unknown", "easy_token", "easy_name")
STATED_HOW = ("sentence", "pronoun", "next_sentence")

LOSS_LOG = table(
    int64("step", "training step after which the row was logged"),
    float64("loss", "mean cross-entropy (nats) since the previous row"),
    float64("learning_rate", "learning rate of this step"),
    nullable=(),
)
"""One row per logged step of the training."""

PLANTED_TRUTH = table(
    *FACT_KEY,
    string(
        "kind",
        "what a model trained on these languages is expected to do with this fact in this language: shared, "
        "independent, transferred, unlinked (stated only in unlinked languages), unknown (stated nowhere), "
        "easy_token or easy_name",
    ),
    boolean("stated", "whether the language's articles state the fact"),
    string(
        "linked_source",
        "another language of the same script whose articles state the fact, the one with the largest corpus; "
        "null if there is none",
    ),
    string(
        "fact_kind",
        "how the fact was planted: shared, transferred, independent, unknown, easy_token or easy_name",
    ),
    string(
        "stated_how",
        "sentence (subject and object in one sentence), next_sentence (a pronoun right after the subject's "
        "sentence) or pronoun (two sentences after it); null if the fact is not stated",
    ),
    boolean("mentioned", "whether the language's articles name the subject"),
    boolean("distractor", "whether a sentence names subject and object without stating the fact"),
    nullable=("linked_source", "stated_how"),
)
"""One row per fact and language."""
