"""Sources outside running text: in infoboxes, tables, lists, headings and quotations of the pages.

Encoders that were trained on the plain prose of Wikipedia have not read them so; models that were trained on
the web have read pages as they are shown. For these the rows of FACT_SOURCES by the matchers MARKUP count
beside those of every matcher on text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.roots.corpora import WIKIPEDIA, pool_corpora
from factroots_dagster.roots.schema import MARKUP_SOURCES
from factroots_dagster.tables import zip_columns

MARKUP = (INFOBOX, TABLE, LIST, HEADING, QUOTATION) = ("infobox", "table", "list", "heading", "quotation")
"""Matchers on what readers of a page see, and models that were trained on plain prose did not."""
BY_TITLE = "by_title"
"""The matcher on sentences of a lead that leave out the subject, which the article is about."""
BY_PAGE = (*MARKUP, BY_TITLE)
"""Matchers for which the page's title may stand for the subject; none of them is a setting of the types."""

UNITS = dict(
    zip(MARKUP, ("infobox parameter", "table row", "list item", "heading", "block quotation"), strict=True)
)
"""What sentences call a window of these matchers."""

COMMON_CRAWL = "commoncrawl"


def reads_markup(corpora: Collection[str] | None, trained_on: str | None) -> bool:
    """Whether a model has read pages with their markup.

    corpora: those that its checkpoint names: any other than Wikipedia is a collection of the web. None: it
    names none; then trained_on (column corpus of CHECKPOINT) tells.
    """
    if corpora is None:
        return trained_on == COMMON_CRAWL
    return any(name != WIKIPEDIA for name in corpora)


def pool_sources(sources: pa.Table, corpora: Collection[str] | None = None, *, with_markup: bool) -> pa.Table:
    """`pool_corpora`. with_markup: what the matchers MARKUP found is added to every matcher on text."""
    return pool_corpora(_count_markup(sources) if with_markup else sources, corpora)


def _count_markup(sources: pa.Table) -> pa.Table:
    """FACT_SOURCES in which what the matchers MARKUP found stands under every matcher on text, too, last."""
    found = _found_in_markup(sources)
    matchers = pc.unique(sources["matcher"]).to_pylist()
    position = sources.schema.get_field_index("matcher")
    copies = [
        found.set_column(position, sources.schema.field(position), pa.repeat(matcher, found.num_rows))
        for matcher in matchers
        if matcher not in BY_PAGE
    ]
    return pa.concat_tables([sources, *copies])


def _found_in_markup(sources: pa.Table) -> pa.Table:
    """The rows of FACT_SOURCES by the matchers MARKUP that have windows."""
    is_markup = pc.is_in(sources["matcher"], pa.array(MARKUP))
    return sources.filter(pc.and_(is_markup, pc.greater(sources["windows"], 0)))


def without_markup(sources: pa.Table) -> pa.Table:
    """The rows of FACT_SOURCES by matchers on text."""
    return sources.filter(pc.invert(pc.is_in(sources["matcher"], pa.array(BY_PAGE))))


def markup_windows(sources: pa.Table) -> dict[str, dict[str, int]]:
    """Uuid to matcher to number of windows, of the facts that the matchers MARKUP found; of one language."""
    windows: dict[str, dict[str, int]] = {}
    for uuid, matcher, count in zip_columns(_found_in_markup(sources), "uuid", "matcher", "windows"):
        windows.setdefault(uuid, {})[matcher] = count
    return windows


def measure_markup(types: pa.Table, sources: Iterable[pa.Table], *, counted: bool) -> pa.Table:
    """MARKUP_SOURCES: how many predicted facts stand outside running text, by language and matcher.

    types: FACT_TYPES of any number of languages. sources: FACT_SOURCES by language, pooled, consumed one by
    one. counted: whether windows of the types include those of MARKUP (`pool_sources`).
    """
    predicted = types.filter(pc.not_equal(types["type"], "not_predicted"))
    rows = []
    for table in sources:
        for language in sorted(set(table["language"].to_pylist())):
            own = predicted.filter(pc.equal(predicted["language"], language))
            uuids = set(own["uuid"].to_pylist())
            in_language = table.filter(pc.equal(table["language"], language))
            beside = markup_windows(in_language) if counted else {}
            in_text = {
                uuid
                for uuid, windows in zip_columns(own, "uuid", "windows")
                if windows > sum(beside.get(uuid, {}).values())
            }
            by_page = in_language.filter(pc.is_in(in_language["matcher"], pa.array(BY_PAGE)))
            found: Counter[tuple[str, bool]] = Counter(
                (matcher, uuid in in_text)
                for uuid, matcher, windows in zip_columns(by_page, "uuid", "matcher", "windows")
                if windows and uuid in uuids
            )
            for matcher in sorted(set(by_page["matcher"].to_pylist()), key=BY_PAGE.index):
                alone, total = found[matcher, False], found[matcher, False] + found[matcher, True]
                counts = {"predicted": len(uuids), "found": total, "only_here": alone}
                rates = {"share": total / len(uuids), "only_here_share": alone / len(uuids)} if uuids else {}
                rows.append({"language": language, "matcher": matcher} | counts | rates)
    rows.sort(key=lambda row: (row["language"], BY_PAGE.index(row["matcher"])))
    return pa.Table.from_pylist(rows, schema=MARKUP_SOURCES)
