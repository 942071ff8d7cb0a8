"""Facts in small units of an article: a list item, a heading, a sentence of the lead, a cell.

A unit holds a fact when it names both sides, or when it names the object and the article is about the
subject: then the subject is where the unit begins, with an empty span.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from factroots_dagster.roots.markup import BY_TITLE, HEADING, LIST
from factroots_dagster.text.code_points import to_code_points
from factroots_dagster.text.offsets import rows_of_groups
from factroots_dagster.text.tokens import joined_bounds
from factroots_dagster.tracing.kinds import ALIAS, WORDPIECE
from factroots_dagster.tracing.matchers import MATCHERS
from factroots_dagster.tracing.passages import (
    MENTION_COLUMNS,
    PASSAGE_COLUMNS,
    POSITION_BITS,
    Columns,
    FactTable,
    concatenate_rows,
    empty_rows,
    find_by_family,
    has_other_side_on_page,
    take_rows,
)

Rows = NDArray[np.int64]
LINE_COLUMNS = {LIST: "list_lines", HEADING: "heading_lines"}
OUTLINE_COLUMNS = ["page_id", "title", "redirect_to", "text", *LINE_COLUMNS.values()]


@dataclass(frozen=True)
class Units:
    """Page and span of each unit, in code points of the article's text; [units] each.

    object_start: where the part begins in which objects count.
    """

    page_id: Rows
    start: Rows
    end: Rows
    object_start: Rows


@dataclass(frozen=True)
class Titles:
    """The entities that pages are about: of page `page_ids[p]` (ascending) rows `offsets[p]` to
    `offsets[p + 1]` of `entities`."""

    page_ids: Rows
    offsets: Rows
    entities: Rows

    @classmethod
    def build(
        cls, pages: Iterable[tuple[int, str]], entities_of_title: Mapping[str, Sequence[int]]
    ) -> Titles:
        """From the ids and titles of pages, and the entities of titles, by number."""
        entities = {page: entities_of_title[title] for page, title in pages if title in entities_of_title}
        page_ids = sorted(entities)
        offsets = np.cumsum([0, *(len(entities[page]) for page in page_ids)])
        numbers = [number for page in page_ids for number in entities[page]]
        return cls(np.array(page_ids, dtype=np.int64), offsets, np.array(numbers, dtype=np.int64))

    def of(self, page_ids: Rows) -> tuple[Rows, Rows]:
        """The entities of pages: their index in `page_ids`, and the number of an entity; [n] each."""
        index = np.flatnonzero(np.isin(page_ids, self.page_ids))
        row, entity = rows_of_groups(self.offsets, np.searchsorted(self.page_ids, page_ids[index]))
        return index[row], self.entities[entity]


def entities_by_title(articles: pa.Table, entities: pa.Table) -> dict[str, list[int]]:
    """The rows of `entities` by the title of their article. articles: LABEL_ARTICLES."""
    title_of_label = dict(zip(articles["label"].to_pylist(), articles["title"].to_pylist(), strict=True))
    numbers: dict[str, list[int]] = {}
    for number, label in enumerate(entities["label"].to_pylist()):
        if label in title_of_label:
            numbers.setdefault(title_of_label[label], []).append(number)
    return numbers


def find_in_units(
    mentions: Columns, unit: Rows, units: Units, titles: Titles, facts: FactTable, matcher: str
) -> Columns:
    """The units that hold a fact, with their shortest passages: PASSAGE_COLUMNS in no particular order.

    mentions: MENTION_COLUMNS, each of them in a unit, whose number is in `unit`.
    """
    entities = len(facts.offsets) - 1
    present = np.unique(unit)
    index, entity = titles.of(units.page_id[present])
    title_unit = present[index]
    is_elided = ~np.isin(title_unit * entities + entity, unit * entities + mentions["entity"])
    title_unit, entity = title_unit[is_elided], entity[is_elided]
    start = units.start[title_unit]
    constants = {"kind": ALIAS, "sentence": -1, "chunk": 0}
    named_by_title = {name: np.full(len(start), value) for name, value in constants.items()}
    named_by_title |= dict.fromkeys(("start", "end", "sentence_start", "sentence_end"), start)
    named_by_title |= {"page_id": title_unit, "entity": entity}
    # As a page of its own a unit is searched like one.
    rows = concatenate_rows([named_by_title, mentions | {"page_id": unit}], MENTION_COLUMNS)
    rows = take_rows(rows, np.lexsort((rows["start"], rows["page_id"])))
    facts = facts.restricted_to(rows["entity"])
    rows = take_rows(rows, has_other_side_on_page(rows, facts))
    found = find_by_family(rows, facts, [replace(MATCHERS[matcher], window="article")])
    # The title stands for subjects only.
    is_named = found["object_end"] > found["object_start"]
    found = take_rows(found, is_named & (found["object_start"] >= units.object_start[found["page_id"]]))
    return found | {"page_id": units.page_id[found["page_id"]]}


@dataclass(frozen=True)
class Outline:
    """The lists, headings and leads of a file of articles.

    lines: by matcher (LIST, HEADING), by page and position. lead_ends: where the first heading begins, or the
    text ends; [pages], by `page_ids`, which ascend.
    """

    titles: Titles
    lines: dict[str, Units]
    page_ids: Rows
    lead_ends: Rows

    @classmethod
    def read(cls, path: Path, entities_of_title: Mapping[str, Sequence[int]]) -> Outline:
        """From a file of WIKIPEDIA_ARTICLES."""
        titles: list[tuple[int, str]] = []
        leads: list[tuple[Rows, Rows]] = [(np.zeros(0, np.int64),) * 2]
        lines: dict[str, list[tuple[Rows, Rows, Rows]]] = {
            name: [(np.zeros(0, np.int64),) * 3] for name in LINE_COLUMNS
        }
        for batch in pq.ParquetFile(path).iter_batches(2048, columns=OUTLINE_COLUMNS):
            articles = batch.filter(pc.is_null(batch["redirect_to"]))
            page_ids, texts = articles["page_id"].to_numpy(), articles["text"].to_pylist()
            titles += zip(page_ids.tolist(), articles["title"].to_pylist(), strict=True)
            first, last = joined_bounds(texts)
            line_ends = np.append(np.flatnonzero(to_code_points("\n".join(texts)) == ord("\n")), last[-1:])
            line_starts = np.append(0, line_ends[:-1] + 1)
            lead_end = last - first
            for name, column in LINE_COLUMNS.items():
                page = pc.list_parent_indices(articles[column]).to_numpy()
                line = np.searchsorted(line_starts, first)[page] + articles[column].flatten().to_numpy()
                start = line_starts[line] - first[page]
                lines[name].append((page_ids[page], start, line_ends[line] - first[page]))
                if name == HEADING:
                    np.minimum.at(lead_end, page, start)
            leads.append((page_ids, lead_end))
        pages, lead_ends = (np.concatenate(parts) for parts in zip(*leads, strict=True))
        order = np.argsort(pages, kind="stable")
        return cls(
            Titles.build(titles, entities_of_title),
            {name: _units(*map(np.concatenate, zip(*parts, strict=True))) for name, parts in lines.items()},
            pages[order],
            lead_ends[order],
        )

    def find_passages(self, mentions: Columns, facts: FactTable) -> Columns:
        """The passages by the matchers LIST, HEADING and BY_TITLE on whole pages: PASSAGE_COLUMNS.

        mentions: MENTION_COLUMNS. BY_TITLE finds facts in sentences of a lead, outside lists, that do not
        name the subject of the article.
        """
        mentions = take_rows(mentions, mentions["kind"] != WORDPIECE)
        page_id, sentence_start = mentions["page_id"], mentions["sentence_start"]
        results = [empty_rows(PASSAGE_COLUMNS)]
        in_line = np.zeros(len(page_id), dtype=bool)
        keys = self._keys(page_id, mentions["start"])
        for name, units in self.lines.items():
            line = np.searchsorted(self._keys(units.page_id, units.start), keys, side="right") - 1
            within = np.flatnonzero(line >= 0)
            line = line[within]
            is_in = (units.page_id[line] == page_id[within]) & (mentions["start"][within] < units.end[line])
            own, line = within[is_in], line[is_in]
            in_line[own] = True
            results.append(find_in_units(take_rows(mentions, own), line, units, self.titles, facts, name))
        lead_end = self.lead_ends[np.searchsorted(self.page_ids, page_id)]
        is_about = np.isin(page_id, self.titles.page_ids)
        lead = take_rows(mentions, is_about & ~in_line & (sentence_start < lead_end))
        keys = self._keys(lead["page_id"], lead["sentence_start"])
        _, row, sentence = np.unique(keys, return_index=True, return_inverse=True)
        sentences = _units(*(lead[name][row] for name in ("page_id", "sentence_start", "sentence_end")))
        found = find_in_units(lead, sentence, sentences, self.titles, facts, BY_TITLE)
        results.append(take_rows(found, found["subject_end"] == found["subject_start"]))
        return concatenate_rows(results, PASSAGE_COLUMNS)

    def _keys(self, page_id: Rows, position: Rows) -> Rows:
        """Pages and positions as numbers in their order; [n]."""
        keys: Rows = (np.searchsorted(self.page_ids, page_id) << POSITION_BITS) | position
        return keys


def _units(page_id: Rows, start: Rows, end: Rows) -> Units:
    """Units by page and position in which objects count everywhere."""
    order = np.lexsort((start, page_id))
    return Units(page_id[order], start[order], end[order], start[order])
