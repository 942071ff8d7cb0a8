"""Arrow schemas of the tables of tracing. Imports nothing heavy: the asset definitions import this module."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.corpora.schema import ARTICLE_SIZES, CORPUS, INDEXED_PAGES, LOSSES, PAGE_COUNTS
from factroots_dagster.tables import (
    FACT_KEY,
    LANGUAGE,
    RELATION,
    boolean,
    column,
    float64,
    int64,
    string,
    table,
)

_PAGE_ID = int64("page_id", "Id of the article's page")

EVIDENCE = pa.struct(
    [
        _PAGE_ID,
        string("title", "Title of the article; of a document of another corpus its identifier there"),
        int64("revision_id", "Revision of the article that was read; null for other corpora"),
        int64(
            "subject_start",
            "Where the subject's mention starts in the article's text, in code points; null where it is in a "
            "cell or the page's title",
        ),
        int64("subject_end", "Where the subject's mention ends in the article's text, exclusive"),
        int64(
            "object_start",
            "Where the object's mention starts in the article's text; null where it is in a cell",
        ),
        int64("object_end", "Where the object's mention ends in the article's text, exclusive"),
        string(
            "sentence",
            "What the passage says, both sides included: at most 1000 characters, some with an ellipsis; "
            "where the page's title stands for the subject, it comes first, with a colon",
        ),
        string("url", "Address of the document; null for Wikipedia, and where the corpus has none"),
        float64(
            "stated_probability",
            "How probable it is that the passage states the fact, and does not just mention both sides of "
            "it; calibrated on sentences and chunks that were read, not on cells, list items and headings",
        ),
    ]
)
"""One passage that mentions both sides of a fact; positions are code points into the article's text."""

FACT_SOURCES = table(
    *FACT_KEY,
    CORPUS,
    string(
        "matcher",
        "How the sides were matched: window (sentence, chunk, article) and names that count, or "
        "the unit outside running text",
    ),
    int64(
        "windows",
        "Windows of the corpus in this language that mention both sides, each counted as many times as its "
        "document counts; 0: none was found",
    ),
    boolean(
        "unknown_pieces",
        "Whether a label has a wordpiece that the tokenizer does not know, so that matches mean little; null "
        "for matchers without a tokenizer",
    ),
    float64(
        "stated_probability",
        "How probable it is that at least one of the windows of the evidence states the fact, taken as "
        "independent of each other; 0 without any",
    ),
    column(
        "evidence",
        pa.list_(EVIDENCE),
        "Passages that mention both sides, at most three: of the shortest those that most probably state the "
        "fact, best first",
    ),
)
"""One row per fact, corpus of the language and matcher, in the order of the facts."""

SOURCE_ERRORS = table(
    LANGUAGE,
    RELATION,
    CORPUS,
    string("matcher", "Matcher, as in fact_sources"),
    int64("facts", "Facts of the relation"),
    int64("found", "Those of them that have a window"),
    float64(
        "chance",
        "Facts that would have a window if objects were others: how many mismatched pairs (the same subjects "
        "with objects of other facts of the relation) have one, per fact",
    ),
    float64(
        "stated", "Facts that are expected to be stated by their evidence: the sum of stated_probability"
    ),
    float64(
        "false_source_rate", "1 - stated / found: the share of sources that state nothing; null without any"
    ),
)
"""Side table `_errors`: one row per relation, corpus and matcher."""

WIKIPEDIA_VOLUME = table(
    LANGUAGE,
    column("corpora", pa.list_(pa.string()), "Names of the corpora"),
    string("snapshot", "Date of the dump; null without Wikipedia"),
    *PAGE_COUNTS,
    *ARTICLE_SIZES,
    int64("entities", "Distinct subjects and objects that the articles mention by label"),
    INDEXED_PAGES,
    *LOSSES,
)
"""One row: the size of all corpora of a language together, of which Wikipedia is one."""

ENTITY_MENTIONS = table(
    string("entity_uri", "Wikidata id of the entity, a subject or object of a fact"),
    string("label", "The entity's label in the facts, whatever name is mentioned"),
    _PAGE_ID,
    int64("start", "Where the mention starts in the article's text, in code points"),
    int64("end", "Where the mention ends in the article's text, exclusive"),
    int64("sentence", "Sentence of the mention's first character, from 0 in the article"),
    int64(
        "chunk",
        "Chunk of the mention's first character, from 0 in the article: of 512 tokens, or for kind wordpiece "
        "of 512 wordpieces",
    ),
    int64("sentence_start", "Where that sentence starts in the article's text"),
    int64("sentence_end", "Where that sentence ends in the article's text, exclusive"),
    string(
        "kind",
        "How the entity is named: label, alias (another name of its article), suffix (the label with a "
        "suffix), form (the label inflected as links show), wordpiece (the label's wordpieces)",
    ),
)
"""One row per mention and kind: an entity under one label at one position, by page and position."""

_LABEL = string("label", "A label of the language's facts")

MENTION_ALIASES = table(_LABEL, string("alias", "Another name of the label's article that was searched for"))
"""Side table `_aliases`: one row per label and alias."""

LABEL_ARTICLES = table(_LABEL, string("title", "Title of the label's article"))
"""Side table `_articles`: one row per label that has an article."""

MENTION_FORMS = table(
    _LABEL,
    string("form", "An inflected form of the label that was searched for, in normalized spelling"),
    string(
        "source",
        "How it is known: link (links to the label's article show it) or ending (it has an ending that links "
        "show on names that end alike)",
    ),
)
"""Side table `_forms`: one row per label and form."""

NAME_COVERAGE = table(
    LANGUAGE,
    string("names", "Names that count: label, with_aliases, with_suffixes or with_forms, as matchers do"),
    int64("links", "Held-out links to articles of labels that show the label or an inflected form of it"),
    int64("seen", "Those of them in which the label's entity is found by these names"),
    float64(
        "coverage", "seen / links: the share of a name's forms that the matchers see; null without links"
    ),
    int64("added", "Held-out links to articles of labels that show, as a whole, a name other than the label"),
    int64("added_right", "Those of them that lead to the article of the entity that is found in them"),
    float64("precision", "added_right / added; null without any"),
)
"""Side table `_coverage`: one row per kind of names, measured on links on pages that gave no forms."""

MIN_COVERAGE, MIN_PRECISION = 0.9, 0.97
"""Shares of NAME_COVERAGE from which languages can be compared."""

MENTION_PIECES = table(
    _LABEL, boolean("unknown_pieces", "Whether the label has a wordpiece that the tokenizer does not know")
)
"""Side table `_pieces`: one row per label, where a checkpoint's tokenizer was used."""
