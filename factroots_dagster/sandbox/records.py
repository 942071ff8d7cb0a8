"""The records of a generated world: facts, planted truth, and articles down to the mentions in sentences."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mention:
    """An entity named in a sentence; `label` is its label in the sentence's language."""

    uri: str
    label: str


@dataclass(frozen=True)
class Sentence:
    """Text and mentions in order; `fact` is the uuid of the fact that the sentence states, else None."""

    parts: tuple[str | Mention, ...]
    fact: str | None = None

    @property
    def text(self) -> str:
        """The sentence as plain text."""
        return "".join(part if isinstance(part, str) else part.label for part in self.parts)


@dataclass(frozen=True)
class ArticleSection:
    """Paragraphs (tuples of sentences) under a title, which is None for the lead.

    In a section that is `listed`, each paragraph is a list item.
    """

    title: str | None
    paragraphs: tuple[tuple[Sentence, ...], ...]
    listed: bool = False


@dataclass(frozen=True)
class Article:
    """One article; `uri` is the entity it is about (None for a list of entities), `topic` its category."""

    title: str
    uri: str | None
    topic: str
    sections: tuple[ArticleSection, ...]

    @property
    def sentences(self) -> list[Sentence]:
        """All sentences in reading order."""
        return [
            sentence
            for section in self.sections
            for paragraph in section.paragraphs
            for sentence in paragraph
        ]

    @property
    def text(self) -> str:
        """The prose that a wikitext cleaner should return: a line per title, paragraph and list item."""
        lines = []
        for section in self.sections:
            if section.title:
                lines.append(section.title)
            lines.extend(
                " ".join(sentence.text for sentence in paragraph) for paragraph in section.paragraphs
            )
        return "\n".join(lines)


@dataclass(frozen=True)
class Fact:
    """One fact; `kind` says how it was planted as a whole (world.FACT_KINDS), the uris are made-up Q-ids.

    `line` is its number within its relation.
    """

    uuid: str
    relation: str
    kind: str
    subject_uri: str
    object_uri: str
    line: int


@dataclass(frozen=True)
class PlantedTruth:
    """What is planted for one fact in one language; schema.PLANTED_TRUTH describes the fields."""

    kind: str
    stated: bool
    linked_source: str | None
    stated_how: str | None
    distractor: bool


@dataclass(frozen=True)
class World:
    """A generated world; every mapping is keyed by language code first.

    `labels[language][uri]`, `templates[language][relation]` (one [X], one [Y]), `truth[language][uuid]`,
    `articles[language]` (namespace 0, in page order) and `redirects[language]` (title to target title).
    `disjoint_alphabets` marks a control world, in which no two languages share a letter.
    """

    seed: int
    disjoint_alphabets: bool
    languages: tuple[str, ...]
    facts: tuple[Fact, ...]
    labels: dict[str, dict[str, str]]
    templates: dict[str, dict[str, str]]
    truth: dict[str, dict[str, PlantedTruth]]
    articles: dict[str, tuple[Article, ...]]
    redirects: dict[str, dict[str, str]]
