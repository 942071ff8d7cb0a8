"""The articles of one language: which article holds which paragraph, and in which section.

`paragraphs.py` writes the paragraphs; `statements.py` (or `easy.py`) has decided what is stated.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from factroots_dagster.sandbox.dials import Dials
from factroots_dagster.sandbox.languages import Language
from factroots_dagster.sandbox.lexicon import LEAD, SECTIONS, SUBJECT_FILLERS, capitalize
from factroots_dagster.sandbox.paragraphs import (
    write_bilingual_statement,
    write_fillers,
    write_hidden_statement,
    write_statements,
)
from factroots_dagster.sandbox.records import Article, ArticleSection, CellPlan, Fact, Mention, Plan, Sentence
from factroots_dagster.sandbox.relations import SUBJECT_TYPES
from factroots_dagster.sandbox.sentences import SentenceWriter

OWN_ARTICLE_SHARE = 0.65  # of the statements: in the subject's article; the others are in the object's
LIST_LENGTH = 6
LISTED_SECTION_SHARE = 0.25
REDIRECT_SHARE = 0.1  # of the articles: a redirect leads to them


@dataclass
class _Draft:
    """An article being filled: category, lead, paragraphs, and rows by kind ("infobox", "table", "list")."""

    topic: str
    lead: list[Sentence]
    bilingual: bool
    paragraphs: list[list[Sentence]] = field(default_factory=list)
    rows: dict[str, list[Sentence]] = field(default_factory=dict)


@dataclass
class _ListEntry:
    """A subject without an article of its own, and the sentences about it."""

    uri: str
    sentences: list[Sentence]


def write_articles(
    seed: int, language: Language, plan: Plan, labels: Mapping[str, Mapping[str, str]], dials: Dials
) -> tuple[tuple[Article, ...], dict[str, str]]:
    """All articles of a language in page order, and its redirects (title to target title).

    `labels[language][uri]` are the names of all languages. Every entity is the title of an article or of a
    redirect, and every subject is named in some sentence.
    """
    random = np.random.default_rng([seed, 4, zlib.crc32(language.code.encode())])
    writer = SentenceWriter(random, language, labels, dials)
    drafts, list_entries = _draft_articles(writer, plan)
    names = labels[language.code]
    articles = [
        Article(names[uri], uri, draft.topic, _sections(writer, draft)) for uri, draft in drafts.items()
    ]
    redirects: dict[str, str] = {}
    for relation, entries in list_entries.items():
        for start in range(0, len(entries), LIST_LENGTH):
            chunk = entries[start : start + LIST_LENGTH]
            article = _list_article(writer, relation, start // LIST_LENGTH + 1, chunk)
            articles.append(article)
            redirects.update((names[entry.uri], article.title) for entry in chunk)
    random.shuffle(articles)
    for article in articles:
        if article.uri and random.random() < REDIRECT_SHARE:
            redirects[f"{article.title} ({article.topic})"] = article.title
    return tuple(articles), redirects


def _draft_articles(
    writer: SentenceWriter, plan: Plan
) -> tuple[dict[str, _Draft], dict[str, list[_ListEntry]]]:
    """Drafts by entity uri, and by relation the subjects that get an entry in a list instead."""
    cells = plan.cells[writer.language.code]
    drafts = {
        uri: _start_draft(writer, uri, object_class)
        for object_class, uris in plan.object_uris.items()
        for uri in uris
    }
    right_objects: dict[str, set[str]] = {}
    written_about = set()
    for fact in plan.facts:
        right_objects.setdefault(fact.subject_uri, set()).add(fact.object_uri)
        if cells[fact.uuid].stated_how or cells[fact.uuid].contradiction:
            written_about.add(fact.subject_uri)
    list_entries: dict[str, list[_ListEntry]] = {fact.relation: [] for fact in plan.facts}
    listed: dict[str, _ListEntry] = {}
    for fact in plan.facts:
        cell, uri = cells[fact.uuid], fact.subject_uri
        fillers = write_fillers(writer, fact, cell, plan.object_uris, right_objects[uri])
        if uri in listed:
            listed[uri].sentences.extend(fillers)
            continue
        if uri not in drafts:
            has_article = uri in written_about or writer.random.random() < writer.language.articles
            if not has_article:
                if not fillers:
                    fillers = [writer.write(str(writer.random.choice(SUBJECT_FILLERS)), uri)]
                listed[uri] = _ListEntry(uri, fillers)
                list_entries[fact.relation].append(listed[uri])
                continue
            drafts[uri] = _start_draft(writer, uri, SUBJECT_TYPES[fact.relation])
        _fill_drafts(writer, drafts, fact, cell)
        drafts[uri].paragraphs.extend([filler] for filler in fillers)
    return drafts, list_entries


def _start_draft(writer: SentenceWriter, uri: str, type_: str) -> _Draft:
    """An article on an entity with its first sentence."""
    bilingual = writer.chance(writer.dials.bilingual_leads)
    named = writer.in_two_languages(uri) if bilingual else [Mention(uri, writer.labels[uri])]
    lead = writer.write(LEAD.format(type_), uri, mentions={"[X]": named})
    return _Draft(capitalize(writer.words[type_]), [lead], bilingual)


def _fill_drafts(writer: SentenceWriter, drafts: dict[str, _Draft], fact: Fact, cell: CellPlan) -> None:
    """Put a fact's statements, or what contradicts it, into the articles on its subject and object."""
    draft, of_object = drafts[fact.subject_uri], drafts[fact.object_uri]
    if cell.stated_how in ("infobox", "table", "list"):
        holder = of_object if cell.stated_how == "list" else draft
        holder.rows.setdefault(cell.stated_how, []).append(write_hidden_statement(writer, fact))
    elif cell.stated_how or cell.contradiction:
        if draft.bilingual and cell.stated_how == "sentence":
            draft.lead.append(write_bilingual_statement(writer, fact))
        for paragraph in write_statements(writer, fact, cell):
            in_own_article = (
                cell.stated_how != "sentence" or cell.parallel or writer.random.random() < OWN_ARTICLE_SHARE
            )
            (draft if in_own_article else of_object).paragraphs.append(paragraph)


def _list_article(
    writer: SentenceWriter, relation: str, number: int, entries: Sequence[_ListEntry]
) -> Article:
    """A list of subjects of one relation; `number` counts the relation's lists from 1."""
    topic = writer.words[SUBJECT_TYPES[relation]]
    title = capitalize(f"{writer.words['list']} {topic} {relation[1:]}{number:02d}")
    paragraphs = tuple(tuple(entry.sentences) for entry in entries)
    return Article(title, None, capitalize(topic), (ArticleSection(None, paragraphs, listed=True),))


def _sections(writer: SentenceWriter, draft: _Draft) -> tuple[ArticleSection, ...]:
    """The lead, then rows, then the other paragraphs under section titles, sometimes as a list."""
    random = writer.random
    sections = [ArticleSection(None, (tuple(draft.lead),))]
    for kind, rows in draft.rows.items():
        items = tuple((row,) for row in rows)
        if kind == "list":
            sections.append(ArticleSection(capitalize(writer.words["list"]), items, listed=True))
        else:
            sections.append(ArticleSection(None, items, markup=kind))
    remaining = [draft.paragraphs[index] for index in random.permutation(len(draft.paragraphs)).tolist()]
    while remaining:
        size = int(random.integers(1, 5))
        chosen, remaining = remaining[:size], remaining[size:]
        title = capitalize(writer.words[str(random.choice(SECTIONS))])
        if random.random() < LISTED_SECTION_SHARE:
            sections.append(
                ArticleSection(title, tuple(tuple(paragraph) for paragraph in chosen), listed=True)
            )
            continue
        # paragraphs of one sentence are joined into the first paragraph; longer ones stay as they are
        paragraphs = [tuple(paragraph) for paragraph in chosen if len(paragraph) > 1]
        single_sentences = tuple(paragraph[0] for paragraph in chosen if len(paragraph) == 1)
        if single_sentences:
            paragraphs.insert(0, single_sentences)
        sections.append(ArticleSection(title, tuple(paragraphs)))
    return tuple(sections)
