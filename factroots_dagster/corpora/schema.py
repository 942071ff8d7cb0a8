"""Arrow schemas of the tables of documents, which are named after the first corpus, Wikipedia."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.tables import LANGUAGE, column, int32, int32_list, int64, string, table

WIKIPEDIA = "wikipedia"
"""The corpus that FACTROOTS_WIKIPEDIA_SOURCE names."""

CORPUS = string("corpus", "Name of the corpus in FACTROOTS_CORPORA; `wikipedia` for the Wikipedia source")

_READING = pa.struct(
    [
        string("text", "Column of the text; a dot separates the levels of nested columns"),
        string("id", "Column of the document's own identifier; empty: none"),
        string("url", "Column of the document's address; empty: none"),
        string("language", "Column of the document's language; empty: none"),
        string("weight", "Column of how many times the document counts; empty: none"),
        string("duplicates", "How equal texts count: `count`, `merge` or `once`"),
        string("newlines", "Whether line ends are `plain` or `escaped` in texts"),
    ]
)

_NAMESPACE = pa.struct(
    [
        int64("key", "Number of the namespace: 0 articles, 6 files, 14 categories"),
        string("name", "Name of the namespace in this wiki; empty for articles"),
    ]
)

_CELL = pa.struct(
    [
        string(
            "kind",
            "`infobox` (a parameter: its name, a colon, a line of its value; or a row of a table of that "
            "class), `table` (a row, a bar between its cells) or `quotation` (a block)",
        ),
        string("text", "Plain text of the cell, on one line"),
        int32("value_start", "Where a parameter's value begins in `text`, in code points; 0 without a name"),
    ]
)

INDEXED_PAGES = int64("indexed_pages", "Pages that the dump's multistream index lists; null without an index")

WIKIPEDIA_DUMP = table(
    LANGUAGE,
    CORPUS,
    string(
        "file", "Name of the file; within the corpus's folder, where the names of folders tell files apart"
    ),
    string(
        "path", "Path of the file: absolute, a URI, or of a download, within the partition's `_dump` folder"
    ),
    string(
        "snapshot",
        "Date of the dump as YYYYMMDD; `latest` when the file is named so; null for other corpora",
    ),
    int64("bytes", "Size of the file as it is stored, in bytes"),
    string(
        "sha1", "SHA-1 of the file, hexadecimal; of a file at a URI, of its address, size and time of change"
    ),
    string("compression", "How the file is compressed: `bz2`, `gz`, `zst` or `none`"),
    INDEXED_PAGES,
    string("sitename", "Name of the wiki, from the dump's siteinfo; of another corpus, its name"),
    column("namespaces", pa.list_(_NAMESPACE), "The wiki's namespaces, from the dump's siteinfo"),
    column("reading", _READING, "How the documents of a corpus are read; null for Wikipedia"),
)
"""One row per file of a language's corpora: of Wikipedia a single file, or the parts of a large one."""

WIKIPEDIA_ARTICLES = table(
    int64(
        "page_id",
        "MediaWiki's page id, unique within the wiki; of another corpus a number above 2^52 that follows "
        "from the document's place in it",
    ),
    int64("revision_id", "MediaWiki's id of the revision in the dump; null for other corpora"),
    string("title", "Title of the page; of a document of another corpus its identifier there"),
    string("redirect_to", "Title that a redirect leads to; null for articles"),
    string(
        "redirect_fragment", "Section that a redirect leads to; null for articles and links to whole pages"
    ),
    string("text", "Plain text, a line per paragraph, list item or heading; empty for redirects"),
    int32_list("list_lines", "Numbers of the lines of `text` that are list items, from 0"),
    column("names", pa.list_(pa.string()), "Distinct bold words of the first paragraph: the subject's names"),
    int64("wikitext_bytes", "Size of the page's wikitext in UTF-8, in bytes"),
    int64("words", "Number of words of `text`; in scripts without spaces, of characters"),
    CORPUS,
    string("url", "Address (http or https) of a document; null for Wikipedia, and where the corpus has none"),
    int64("weight", "How many times the document counts"),
    int32_list("heading_lines", "Numbers of the lines of `text` that are headings, from 0"),
    column(
        "cells",
        pa.list_(_CELL),
        "What the page says outside `text`, in infoboxes, tables and block quotations; empty for redirects "
        "and other corpora",
    ),
)
"""One row per page of namespace 0, an article or a redirect, and per document of other corpora."""

WIKIPEDIA_PROBLEMS = table(
    int64("page_id", "Id of the page; null when it could not be read"),
    string("title", "Title of the page; null when it could not be read"),
    string("problem", "What is wrong with the page, the document or the compressed data"),
    int64("bytes", "Bytes of XML of the page, or of compressed data where a piece of the file is unreadable"),
)
"""One row per page that is missing from the articles: damaged, or not cleaned within the time limit."""

WIKIPEDIA_ANCHORS = table(
    string("target", "Title that the links lead to, perhaps that of a redirect or of no page"),
    string("words", "What the links show, with the letters that adjoin it: a name, or anything else"),
    int64("links", "Links to this title that show these words"),
    int64("held_out_links", "The same on the pages that are held out to measure what other pages tell"),
)
"""Side table `_anchors`: a row per title and words, in each of the parts in which the dump was read."""

PAGE_COUNTS = (
    int64("pages", "Complete pages of every namespace"),
    int64("articles", "Articles, without redirects"),
    int64("redirects", "Redirects"),
)
LOSSES = (
    int64("damaged_pages", "Damaged pages, and pieces of the file that cannot be decompressed"),
    int64("lost_bytes", "Bytes of XML, or of compressed data, that were lost to damage"),
    int64("unfinished_pages", "Pages that were not cleaned within the time limit"),
)
ARTICLE_SIZES = (
    int64("wikitext_bytes", "Bytes of wikitext (UTF-8) of the articles, without redirects"),
    int64("characters", "Unicode code points of the articles' plain text, line ends included"),
    int64(
        "words",
        "Words of the plain text: runs of letters, marks, digits and underscores; in scripts without spaces "
        "(Han, kana, Thai, Lao, Khmer, Myanmar) single characters",
    ),
)

WIKIPEDIA_COUNTS = table(*PAGE_COUNTS, *LOSSES, *ARTICLE_SIZES)
"""One row: the totals of a dump."""
