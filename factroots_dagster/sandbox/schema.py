"""Schemas of the sandbox's tables. Only pyarrow schemas and their allowed values belong here."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.tables import column

PLANTED_KINDS = ("shared", "independent", "transferred", "unlinked", "unknown", "easy_token", "easy_name")
STATED_HOW = ("sentence", "pronoun", "next_sentence")

LOSS_LOG = pa.schema(
    [
        column("step", pa.int64(), "training step after which the row was logged", nullable=False),
        column("loss", pa.float64(), "mean cross-entropy (nats) since the previous row", nullable=False),
        column("learning_rate", pa.float64(), "learning rate of this step", nullable=False),
    ]
)
"""One row per logged step of the training."""

PLANTED_TRUTH = pa.schema(
    [
        column("uuid", pa.string(), "identifier of the fact", nullable=False),
        column("language", pa.string(), "language code", nullable=False),
        column("relation", pa.string(), "Wikidata property of the fact, such as P19", nullable=False),
        column(
            "kind",
            pa.string(),
            "what a model trained on these languages is expected to do with this fact in this language: "
            "shared, independent, transferred, unlinked (stated only in unlinked languages), unknown (stated "
            "nowhere), easy_token or easy_name",
            nullable=False,
        ),
        column("stated", pa.bool_(), "whether the language's articles state the fact", nullable=False),
        column(
            "linked_source",
            pa.string(),
            "another language of the same script whose articles state the fact, the one with the largest "
            "corpus; null if there is none",
        ),
        column(
            "fact_kind",
            pa.string(),
            "how the fact was planted as a whole: shared, transferred, independent, unknown, easy_token or "
            "easy_name",
            nullable=False,
        ),
        column(
            "stated_how",
            pa.string(),
            "sentence (subject and object in one sentence), next_sentence (a pronoun right after the "
            "subject's sentence) or pronoun (two sentences after it); null if the fact is not stated",
        ),
        column("mentioned", pa.bool_(), "whether the language's articles name the subject", nullable=False),
        column(
            "distractor",
            pa.bool_(),
            "whether a sentence names subject and object without stating the fact",
            nullable=False,
        ),
    ]
)
"""One row per fact and language."""
