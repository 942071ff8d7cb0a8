"""Arrow schemas of the tables of tracing. Imports nothing heavy: the asset definitions import this module."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.tables import column

EVIDENCE = pa.struct(
    [
        column("page_id", pa.int64(), "Id of the article's page"),
        column("title", pa.string(), "Title of the article"),
        column("revision_id", pa.int64(), "Revision of the article that was read"),
        column(
            "subject_start",
            pa.int64(),
            "Where the subject's mention starts in the article's text, in code points",
        ),
        column(
            "subject_end", pa.int64(), "Where the subject's mention ends in the article's text, exclusive"
        ),
        column(
            "object_start",
            pa.int64(),
            "Where the object's mention starts in the article's text, in code points",
        ),
        column("object_end", pa.int64(), "Where the object's mention ends in the article's text, exclusive"),
        column("sentence", pa.string(), "The sentence with the object's mention, cut at 1000 characters"),
    ]
)
"""One passage that mentions both sides of a fact; positions are code points into the article's text."""

FACT_SOURCES = pa.schema(
    [
        column("uuid", pa.string(), "The fact's id, the same in all languages"),
        column("language", pa.string(), "Language of the Wikipedia that was searched"),
        column("relation", pa.string(), "The fact's relation, such as P36"),
        column(
            "matcher",
            pa.string(),
            "How the two sides were matched: the window (sentence, chunk, article) and the names that count",
        ),
        column("windows", pa.int64(), "Number of windows that mention both sides; 0: the fact was not found"),
        column(
            "unknown_pieces",
            pa.bool_(),
            "Whether a label has a wordpiece that the tokenizer does not know, so that matches mean little; "
            "null for matchers without a tokenizer",
        ),
        column(
            "evidence",
            pa.list_(EVIDENCE),
            "The windows with the shortest passages that mention both sides, at most three, best first",
        ),
    ]
)
"""One row per fact and matcher, in the order of the facts."""

WIKIPEDIA_VOLUME = pa.schema(
    [
        column("language", pa.string(), "Language of the Wikipedia"),
        column("snapshot", pa.string(), "Date of the dump"),
        column("pages", pa.int64(), "Pages read from the dump, of all namespaces"),
        column("articles", pa.int64(), "Articles, redirects not included"),
        column("redirects", pa.int64(), "Redirects"),
        column("wikitext_bytes", pa.int64(), "Size of the articles' wikitext, in bytes of UTF-8"),
        column(
            "characters",
            pa.int64(),
            "Length of the articles' plain text, in code points, line ends included",
        ),
        column(
            "words",
            pa.int64(),
            "Words of the plain text: runs of letters, marks, digits and underscores; in scripts without "
            "spaces (Han, kana, Thai, Lao, Khmer, Myanmar) single characters",
        ),
        column("entities", pa.int64(), "Distinct subjects and objects that the articles mention by label"),
        column("indexed_pages", pa.int64(), "Pages that the dump's index lists; null without an index"),
        column("damaged_pages", pa.int64(), "Pages that could not be read"),
        column("lost_bytes", pa.int64(), "Bytes of the dump's XML that were skipped because of damage"),
        column("unfinished_pages", pa.int64(), "Pages in the middle of which the dump ends"),
    ]
)
"""One row: the size of a language's Wikipedia."""

ENTITY_MENTIONS = pa.schema(
    [
        column("entity_uri", pa.string(), "Wikidata id of the entity, a subject or object of a fact"),
        column("label", pa.string(), "The entity's label in the facts, whatever name is mentioned"),
        column("page_id", pa.int64(), "Id of the article's page"),
        column("start", pa.int64(), "Where the mention starts in the article's text, in code points"),
        column("end", pa.int64(), "Where the mention ends in the article's text, exclusive"),
        column("sentence", pa.int64(), "Sentence of the mention's first character, from 0 in the article"),
        column(
            "chunk",
            pa.int64(),
            "Chunk of the mention's first character, from 0 in the article: of 512 tokens, or for kind "
            "wordpiece of 512 wordpieces",
        ),
        column("sentence_start", pa.int64(), "Where that sentence starts in the article's text"),
        column("sentence_end", pa.int64(), "Where that sentence ends in the article's text, exclusive"),
        column(
            "kind",
            pa.string(),
            "How the entity is named: label, alias (another name of its article), suffix (the label with a "
            "suffix), wordpiece (the label's wordpieces)",
        ),
    ]
)
"""One row per mention and kind: an entity under one label at one position, by page and position."""

MENTION_ALIASES = pa.schema(
    [
        column("label", pa.string(), "A label of the language's facts"),
        column("alias", pa.string(), "Another name of the label's article that was searched for"),
    ]
)
"""Side table `_aliases`: one row per label and alias."""

MENTION_PIECES = pa.schema(
    [
        column("label", pa.string(), "A label of the language's facts"),
        column(
            "unknown_pieces",
            pa.bool_(),
            "Whether the label has a wordpiece that the tokenizer does not know",
        ),
    ]
)
"""Side table `_pieces`: one row per label, where a checkpoint's tokenizer was used."""
