"""Schemas of the sandbox's tables. Only pyarrow schemas and their allowed values belong here."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.tables import FACT_KEY, boolean, column, float64, int64, string, table

PLANTED_KINDS = ("shared", "independent", "transferred", "unlinked", "unknown", "easy_token", "easy_name")
STATED_HOW = ("sentence", "pronoun", "next_sentence", "alias", "infobox", "table", "list")
NAME_LINKS = ("identical", "cognate", "transliterated", "unrelated")
CROSSINGS = ("pieces", "bilingual_lead", "code_switching", "parallel_articles", "alignment")

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
        "sentence), pronoun (two sentences after it), alias (another name of the subject), or only in "
        "an infobox, table or list; null if the fact is not stated",
    ),
    boolean("mentioned", "whether the language's articles name the subject"),
    boolean("distractor", "whether a sentence names subject and object without stating the fact"),
    string(
        "name_link",
        "how the subject's name goes with that in the nearest other language that states the fact: "
        "identical, cognate, transliterated or unrelated; null if no other language states it",
    ),
    boolean("namesake", "whether the subject's name is another subject's in another language"),
    string(
        "crossing",
        "a planted way for another language's statements to reach this one: pieces (names spelt alike or "
        "nearly), bilingual_lead or code_switching (a statement there uses the spelling of here), "
        "parallel_articles, alignment (word vectors in common); null if there is none",
    ),
    boolean("contradicted", "whether the language's articles give the fact another object"),
    int64("read_after", "training step after which the language's statements are read; null if it has none"),
    int64(
        "read_elsewhere_after",
        "training step after which the first statements of other languages are read; null if there are none",
    ),
    column(
        "first_read_in",
        pa.list_(pa.string()),
        "the other languages whose statements are read from that step on",
    ),
    nullable=(
        "linked_source",
        "stated_how",
        "name_link",
        "crossing",
        "read_after",
        "read_elsewhere_after",
    ),
)
"""One row per fact and language."""
