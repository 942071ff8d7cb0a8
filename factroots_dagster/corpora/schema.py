"""Arrow schemas of the Wikipedia tables."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.tables import column

WIKIPEDIA_DUMP = pa.schema(
    [
        column("language", pa.string(), "Language code of the Wikipedia, as in mLAMA"),
        column("file", pa.string(), "Name of the dump file"),
        column(
            "path",
            pa.string(),
            "Path of the file: absolute, or relative to the partition's `_dump` folder if it was downloaded",
        ),
        column("snapshot", pa.string(), "Date of the dump as YYYYMMDD; `latest` when the file is named so"),
        column("bytes", pa.int64(), "Size of the file as it is stored, in bytes"),
        column("sha1", pa.string(), "SHA-1 of the file, hexadecimal"),
        column("compression", pa.string(), "How the file is compressed: `bz2`, `gz`, `zst` or `none`"),
        column(
            "indexed_pages",
            pa.int64(),
            "Number of pages that the file's multistream index lists; null without an index",
        ),
        column("sitename", pa.string(), "Name of the wiki, from the dump's siteinfo"),
        column(
            "namespaces",
            pa.list_(
                pa.struct(
                    [
                        column(
                            "key", pa.int64(), "Number of the namespace: 0 articles, 6 files, 14 categories"
                        ),
                        column("name", pa.string(), "Name of the namespace in this wiki; empty for articles"),
                    ]
                )
            ),
            "The wiki's namespaces, from the dump's siteinfo",
        ),
    ]
)
"""One row per file of a dump: a single file, or the numbered parts of a large one."""

WIKIPEDIA_ARTICLES = pa.schema(
    [
        column("page_id", pa.int64(), "MediaWiki's page id, unique within the wiki"),
        column("revision_id", pa.int64(), "MediaWiki's id of the revision in the dump"),
        column("title", pa.string(), "Title of the page"),
        column("redirect_to", pa.string(), "Title that a redirect leads to; null for articles"),
        column(
            "redirect_fragment",
            pa.string(),
            "Section that a redirect leads to; null for articles and for redirects to a whole page",
        ),
        column(
            "text", pa.string(), "Plain text, a line per paragraph, list item or heading; empty for redirects"
        ),
        column(
            "list_lines", pa.list_(pa.int32()), "Numbers of the lines of `text` that are list items, from 0"
        ),
        column(
            "names",
            pa.list_(pa.string()),
            "Distinct bold words of the first paragraph, which name the article's subject",
        ),
        column("wikitext_bytes", pa.int64(), "Size of the page's wikitext in UTF-8, in bytes"),
        column("words", pa.int64(), "Number of words of `text`; in scripts without spaces, of characters"),
    ]
)
"""One row per page of namespace 0: an article or a redirect."""

WIKIPEDIA_PROBLEMS = pa.schema(
    [
        column("page_id", pa.int64(), "MediaWiki's page id; null when it could not be read"),
        column("title", pa.string(), "Title of the page; null when it could not be read"),
        column("problem", pa.string(), "What is wrong with the page or the compressed data"),
        column(
            "bytes",
            pa.int64(),
            "Bytes of XML of the page, or of compressed data where a piece of the file cannot be read",
        ),
    ]
)
"""One row per page that is missing from the articles: damaged, or not cleaned within the time limit."""

WIKIPEDIA_COUNTS = pa.schema(
    [
        column("pages", pa.int64(), "Complete pages of every namespace"),
        column("articles", pa.int64(), "Articles in the table"),
        column("redirects", pa.int64(), "Redirects in the table"),
        column(
            "damaged_pages", pa.int64(), "Damaged pages, and pieces of the file that cannot be decompressed"
        ),
        column("lost_bytes", pa.int64(), "Bytes of XML, or of compressed data, that were lost to damage"),
        column("unfinished_pages", pa.int64(), "Pages that were not cleaned within the time limit"),
        column("wikitext_bytes", pa.int64(), "Bytes of wikitext (UTF-8) of the articles, without redirects"),
        column("characters", pa.int64(), "Unicode code points of the articles' text"),
        column("words", pa.int64(), "Words of the articles' text"),
    ]
)
"""One row: the totals of a dump."""
