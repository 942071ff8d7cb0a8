"""The articles of one language: sentences about facts, fillers and distractors, laid out on pages.

A sentence keeps its mentions apart from its words, so that `dump.py` can link them and tests can find them.
Which article holds which sentence is decided here; what is true was decided in `world.py`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from factroots_dagster.sandbox.languages import LANGUAGES
from factroots_dagster.sandbox.lexicon import (
    ALONE,
    CORE,
    FRAMES,
    LEAD,
    NEUTRAL,
    PAIRED,
    PERSONS,
    RELATIONS,
    SECTIONS,
    SUBJECT_TYPES,
    capitalized,
    lexicon,
    translate,
)
from factroots_dagster.sandbox.model import Article, Cell, Fact, Mention, Section, Sentence
from factroots_dagster.sandbox.names import OBJECT_CLASS

FILLER_RATE = 0.25  # fillers about a subject for every three sentences that a stated fact may have
OWN_ARTICLE = 0.65  # of the sentences that state a fact: in the subject's article, the others in the object's
BARE_SHARE = 0.15  # of the facts: the release's wording stands without a frame word
LIST_LENGTH = 6


@dataclass
class _Draft:
    """An article being filled: its lead and the paragraphs that follow."""

    lead: list[Sentence]
    paragraphs: list[list[Sentence]] = field(default_factory=list)


class _Writer:
    """Fills the patterns of one language with mentions."""

    def __init__(self, code: str, labels: Mapping[str, str]) -> None:
        self.code, self.labels = code, labels

    def say(
        self, pattern: str, subject: str | None = None, other: str | None = None, fact: str | None = None,
        frame: str | None = None, pronoun: str | None = None,
    ) -> Sentence:  # fmt: skip
        """A sentence from an English gloss; [X] becomes the subject or the pronoun, [Y] and [Z] the other."""
        words = translate(pattern, self.code).split()
        if frame:
            words.insert(0, lexicon(self.code)[frame])
        if pronoun:
            words = [lexicon(self.code)[pronoun] if word == "[X]" else word for word in words]
        words[0] = capitalized(words[0])
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
    cells: Mapping[str, Cell],
    labels: Mapping[str, str],
    object_uris: Mapping[str, Sequence[str]],
) -> tuple[tuple[Article, ...], dict[str, str]]:
    """All articles of language `code` in page order, and its redirects (title to target title).

    Every entity is the title of an article or of a redirect, and every subject is named in some sentence.
    """
    random = np.random.default_rng([seed, 4, zlib.crc32(code.encode())])
    writer, words = _Writer(code, labels), lexicon(code)
    drafts: dict[str, _Draft] = {}
    topics: dict[str, str] = {}
    for name, uris in object_uris.items():
        for uri in uris:
            drafts[uri] = _Draft([writer.say(LEAD.format(name), uri)])
            topics[uri] = capitalized(words[name])
    listed: dict[str, list[tuple[str, list[Sentence]]]] = {relation: [] for relation in RELATIONS}
    for fact in facts:
        cell = cells[fact.uuid]
        fillers = _fillers(random, writer, fact, cell, object_uris)
        has_article = cell.stated or random.random() < LANGUAGES[code].articles
        if not has_article:
            if not fillers:
                fillers = [writer.say(str(random.choice(ALONE)), fact.subject_uri)]
            listed[fact.relation].append((fact.subject_uri, fillers))
            continue
        draft = _Draft([writer.say(LEAD.format(SUBJECT_TYPES[fact.relation]), fact.subject_uri)])
        drafts[fact.subject_uri] = draft
        topics[fact.subject_uri] = capitalized(words[SUBJECT_TYPES[fact.relation]])
        if cell.stated:
            for paragraph in _statements(random, writer, fact, cell):
                own = cell.stated_how != "sentence" or random.random() < OWN_ARTICLE
                (draft if own else drafts[fact.object_uri]).paragraphs.append(paragraph)
        draft.paragraphs.extend([filler] for filler in fillers)
    articles = [
        Article(labels[uri], uri, topics[uri], _sections(random, writer, draft))
        for uri, draft in drafts.items()
    ]
    redirects: dict[str, str] = {}
    for relation, entries in listed.items():
        for start in range(0, len(entries), LIST_LENGTH):
            chunk = entries[start : start + LIST_LENGTH]
            topic = words[SUBJECT_TYPES[relation]]
            title = capitalized(f"{words['list']} {topic} {relation[1:]}{start // LIST_LENGTH + 1:02d}")
            paragraphs = tuple(tuple(sentences) for _, sentences in chunk)
            articles.append(
                Article(title, None, capitalized(topic), (Section(None, paragraphs, listed=True),))
            )
            redirects.update((labels[uri], title) for uri, _ in chunk)
    random.shuffle(articles)
    for article in articles:
        if article.uri and random.random() < 0.1:
            redirects[f"{article.title} ({article.topic})"] = article.title
    return tuple(articles), redirects


def _statements(random: np.random.Generator, writer: _Writer, fact: Fact, cell: Cell) -> list[list[Sentence]]:
    """The paragraphs that state a fact, each once, in the planted way.

    The first wording, which the release asks with, stands behind a frame word in all but a few statements:
    its bare form is known to the language, but most facts are never stated in it.
    """
    wordings = [(0, frame) for frame in FRAMES] + [(1, None)] + [(1, frame) for frame in FRAMES]
    volume = LANGUAGES[writer.code].volume
    count = max(2, int(random.integers((volume + 1) // 2, volume + 1)))
    framed = int(random.integers(len(FRAMES)))
    chosen = [wordings[framed], wordings[3]]  # both wordings, always
    rest = [wording for wording in wordings if wording not in chosen]
    if random.random() < BARE_SHARE:
        chosen[0] = (0, None)
    chosen += [rest[index] for index in random.permutation(len(rest))[: count - 2].tolist()]
    paragraphs = []
    for number, frame in chosen:
        pattern = CORE[fact.relation][number]
        if cell.stated_how == "sentence":
            paragraphs.append([writer.say(pattern, fact.subject_uri, fact.object_uri, fact.uuid, frame)])
            continue
        pronoun = "she" if fact.relation in PERSONS else "it"
        opening = writer.say(str(random.choice(ALONE)), fact.subject_uri)
        between = [writer.say(str(random.choice(NEUTRAL)))] if cell.stated_how == "pronoun" else []
        statement = writer.say(pattern, None, fact.object_uri, fact.uuid, frame, pronoun)
        paragraphs.append([opening, *between, statement])
    return paragraphs


def _fillers(
    random: np.random.Generator,
    writer: _Writer,
    fact: Fact,
    cell: Cell,
    object_uris: Mapping[str, Sequence[str]],
) -> list[Sentence]:
    """Sentences that name the subject and state nothing; a third of them with another object of its class."""
    pool = object_uris[OBJECT_CLASS[fact.relation]]
    fillers = []
    for _ in range(int(random.poisson(FILLER_RATE * LANGUAGES[writer.code].volume / 3))):
        if random.random() < 1 / 3:
            wrong = [uri for uri in pool if uri != fact.object_uri]
            other = wrong[int(random.integers(len(wrong)))]
            fillers.append(writer.say(str(random.choice(PAIRED)), fact.subject_uri, other))
        else:
            fillers.append(writer.say(str(random.choice(ALONE)), fact.subject_uri))
    if cell.distractor:
        fillers.append(writer.say(str(random.choice(PAIRED)), fact.subject_uri, fact.object_uri))
    return fillers


def _sections(random: np.random.Generator, writer: _Writer, draft: _Draft) -> tuple[Section, ...]:
    """The lead, then the other paragraphs under section titles, sometimes as a list."""
    sections = [Section(None, (tuple(draft.lead),))]
    groups = [draft.paragraphs[index] for index in random.permutation(len(draft.paragraphs)).tolist()]
    while groups:
        size = int(random.integers(1, 5))
        taken, groups = groups[:size], groups[size:]
        title = capitalized(lexicon(writer.code)[str(random.choice(SECTIONS))])
        if random.random() < 0.25:
            sections.append(Section(title, tuple(tuple(group) for group in taken), listed=True))
            continue
        # neighbouring one-sentence groups run together into a paragraph; the others stand alone
        paragraphs: list[tuple[Sentence, ...]] = []
        running: list[Sentence] = []
        for group in taken:
            if len(group) == 1:
                running.extend(group)
            else:
                paragraphs.append(tuple(group))
        if running:
            paragraphs.insert(0, tuple(running))
        sections.append(Section(title, tuple(paragraphs)))
    return tuple(sections)
