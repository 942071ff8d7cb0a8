"""The articles of one language: statements of facts, fillers and distractors, laid out on pages.

A sentence keeps its mentions apart from its other text, so that `dump.py` can link them and tests can find
them. This module decides which article holds which sentence; `world.py` has decided what is stated.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from factroots_dagster.sandbox.languages import LANGUAGES
from factroots_dagster.sandbox.lexicon import (
    FRAME_WORDS,
    LEAD,
    NEUTRAL_FILLERS,
    PAIR_FILLERS,
    PERSON_RELATIONS,
    RELATIONS,
    SECTIONS,
    STATEMENTS,
    SUBJECT_FILLERS,
    SUBJECT_TYPES,
    capitalize,
    lexicon,
    translate,
)
from factroots_dagster.sandbox.names import OBJECT_CLASS
from factroots_dagster.sandbox.records import Article, ArticleSection, Fact, Mention, PlantedTruth, Sentence

FILLER_RATE = 0.25  # mean number of fillers about a subject, per three statements that a fact may have
OWN_ARTICLE_SHARE = 0.65  # of the statements: in the subject's article; the others are in the object's
BARE_SHARE = 0.15  # of the facts: stated once in the template's wording without a frame word
LIST_LENGTH = 6
LISTED_SECTION_SHARE = 0.25
REDIRECT_SHARE = 0.1  # of the articles: a redirect leads to them


@dataclass
class _Draft:
    """An article being filled: its category, its lead and the paragraphs that follow."""

    topic: str
    lead: list[Sentence]
    paragraphs: list[list[Sentence]] = field(default_factory=list)


@dataclass
class _ListEntry:
    """A subject without an article of its own, and the sentences about it."""

    uri: str
    sentences: list[Sentence]


class _SentenceWriter:
    """Fills the sentence patterns of one language with mentions."""

    def __init__(self, code: str, labels: Mapping[str, str]) -> None:
        self.code, self.labels = code, labels

    def write(
        self, pattern: str, subject: str | None = None, other: str | None = None, fact: str | None = None,
        frame: str | None = None, pronoun: str | None = None,
    ) -> Sentence:  # fmt: skip
        """Write a sentence from a gloss pattern.

        [X] becomes the subject or the pronoun, [Y] and [Z] become `other`; the frame word comes first.
        """
        words = translate(pattern, self.code).split()
        if frame:
            words.insert(0, lexicon(self.code)[frame])
        if pronoun:
            words = [lexicon(self.code)[pronoun] if word == "[X]" else word for word in words]
        words[0] = capitalize(words[0])
        parts: list[str | Mention] = []
        for position, word in enumerate(words):
            if position:
                parts.append(" ")
            if word in ("[X]", "[Y]", "[Z]"):
                uri = subject if word == "[X]" else other
                if uri is None:
                    raise ValueError(f"the pattern {pattern!r} needs an entity for {word}")
                parts.append(Mention(uri, self.labels[uri]))
            else:
                parts.append(word)
        merged: list[str | Mention] = []
        for part in [*parts, "."]:
            if merged and isinstance(part, str) and isinstance(merged[-1], str):
                merged[-1] += part
            else:
                merged.append(part)
        return Sentence(tuple(merged), fact)


def write_articles(
    seed: int,
    code: str,
    facts: Sequence[Fact],
    truth: Mapping[str, PlantedTruth],
    labels: Mapping[str, str],
    object_uris: Mapping[str, Sequence[str]],
) -> tuple[tuple[Article, ...], dict[str, str]]:
    """All articles of language `code` in page order, and its redirects (title to target title).

    Every entity is the title of an article or of a redirect, and every subject is named in some sentence.
    """
    random = np.random.default_rng([seed, 4, zlib.crc32(code.encode())])
    writer = _SentenceWriter(code, labels)
    drafts, list_entries = _draft_articles(random, writer, facts, truth, object_uris)
    articles = [
        Article(labels[uri], uri, draft.topic, _sections(random, writer, draft))
        for uri, draft in drafts.items()
    ]
    redirects: dict[str, str] = {}
    for relation, entries in list_entries.items():
        for start in range(0, len(entries), LIST_LENGTH):
            chunk = entries[start : start + LIST_LENGTH]
            article = _list_article(code, relation, start // LIST_LENGTH + 1, chunk)
            articles.append(article)
            redirects.update((labels[entry.uri], article.title) for entry in chunk)
    random.shuffle(articles)
    for article in articles:
        if article.uri and random.random() < REDIRECT_SHARE:
            redirects[f"{article.title} ({article.topic})"] = article.title
    return tuple(articles), redirects


def _draft_articles(
    random: np.random.Generator,
    writer: _SentenceWriter,
    facts: Sequence[Fact],
    truth: Mapping[str, PlantedTruth],
    object_uris: Mapping[str, Sequence[str]],
) -> tuple[dict[str, _Draft], dict[str, list[_ListEntry]]]:
    """Drafts by entity uri, and by relation the subjects that get an entry in a list instead."""
    words = lexicon(writer.code)
    drafts = {
        uri: _Draft(capitalize(words[object_class]), [writer.write(LEAD.format(object_class), uri)])
        for object_class, uris in object_uris.items()
        for uri in uris
    }
    list_entries: dict[str, list[_ListEntry]] = {relation: [] for relation in RELATIONS}
    for fact in facts:
        planted, uri = truth[fact.uuid], fact.subject_uri
        fillers = _fillers(random, writer, fact, planted, object_uris)
        has_article = planted.stated or random.random() < LANGUAGES[writer.code].articles
        if not has_article:
            if not fillers:
                fillers = [writer.write(str(random.choice(SUBJECT_FILLERS)), uri)]
            list_entries[fact.relation].append(_ListEntry(uri, fillers))
            continue
        subject_type = SUBJECT_TYPES[fact.relation]
        draft = _Draft(capitalize(words[subject_type]), [writer.write(LEAD.format(subject_type), uri)])
        drafts[uri] = draft
        if planted.stated:
            for paragraph in _statements(random, writer, fact, planted):
                in_own_article = planted.stated_how != "sentence" or random.random() < OWN_ARTICLE_SHARE
                (draft if in_own_article else drafts[fact.object_uri]).paragraphs.append(paragraph)
        draft.paragraphs.extend([filler] for filler in fillers)
    return drafts, list_entries


def _list_article(code: str, relation: str, number: int, entries: Sequence[_ListEntry]) -> Article:
    """A list of subjects of one relation; `number` counts the relation's lists from 1."""
    words = lexicon(code)
    topic = words[SUBJECT_TYPES[relation]]
    title = capitalize(f"{words['list']} {topic} {relation[1:]}{number:02d}")
    paragraphs = tuple(tuple(entry.sentences) for entry in entries)
    return Article(title, None, capitalize(topic), (ArticleSection(None, paragraphs, listed=True),))


def _statements(
    random: np.random.Generator, writer: _SentenceWriter, fact: Fact, planted: PlantedTruth
) -> list[list[Sentence]]:
    """The paragraphs that state a fact, each of them once, in the planted way.

    The template's wording comes after a frame word in all but a few statements: the language knows its bare
    form, but most facts are never stated in it.
    """
    wordings = [(0, frame) for frame in FRAME_WORDS] + [(1, None)] + [(1, frame) for frame in FRAME_WORDS]
    volume = LANGUAGES[writer.code].volume
    count = max(2, int(random.integers((volume + 1) // 2, volume + 1)))
    framed = int(random.integers(len(FRAME_WORDS)))
    chosen = [wordings[framed], wordings[3]]  # both wordings, always
    rest = [wording for wording in wordings if wording not in chosen]
    if random.random() < BARE_SHARE:
        chosen[0] = (0, None)
    chosen += [rest[index] for index in random.permutation(len(rest))[: count - 2].tolist()]
    paragraphs = []
    for number, frame in chosen:
        pattern = STATEMENTS[fact.relation][number]
        if planted.stated_how == "sentence":
            paragraphs.append([writer.write(pattern, fact.subject_uri, fact.object_uri, fact.uuid, frame)])
            continue
        pronoun = "she" if fact.relation in PERSON_RELATIONS else "it"
        opening = writer.write(str(random.choice(SUBJECT_FILLERS)), fact.subject_uri)
        between = (
            [writer.write(str(random.choice(NEUTRAL_FILLERS)))] if planted.stated_how == "pronoun" else []
        )
        statement = writer.write(pattern, None, fact.object_uri, fact.uuid, frame, pronoun)
        paragraphs.append([opening, *between, statement])
    return paragraphs


def _fillers(
    random: np.random.Generator,
    writer: _SentenceWriter,
    fact: Fact,
    planted: PlantedTruth,
    object_uris: Mapping[str, Sequence[str]],
) -> list[Sentence]:
    """Sentences that name the subject and state nothing; a third also name another object of its class."""
    candidates = object_uris[OBJECT_CLASS[fact.relation]]
    fillers = []
    for _ in range(int(random.poisson(FILLER_RATE * LANGUAGES[writer.code].volume / 3))):
        if random.random() < 1 / 3:
            wrong_objects = [uri for uri in candidates if uri != fact.object_uri]
            other = wrong_objects[int(random.integers(len(wrong_objects)))]
            fillers.append(writer.write(str(random.choice(PAIR_FILLERS)), fact.subject_uri, other))
        else:
            fillers.append(writer.write(str(random.choice(SUBJECT_FILLERS)), fact.subject_uri))
    if planted.distractor:
        fillers.append(writer.write(str(random.choice(PAIR_FILLERS)), fact.subject_uri, fact.object_uri))
    return fillers


def _sections(
    random: np.random.Generator, writer: _SentenceWriter, draft: _Draft
) -> tuple[ArticleSection, ...]:
    """The lead, then the other paragraphs under section titles, sometimes as a list."""
    sections = [ArticleSection(None, (tuple(draft.lead),))]
    remaining = [draft.paragraphs[index] for index in random.permutation(len(draft.paragraphs)).tolist()]
    while remaining:
        size = int(random.integers(1, 5))
        chosen, remaining = remaining[:size], remaining[size:]
        title = capitalize(lexicon(writer.code)[str(random.choice(SECTIONS))])
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
