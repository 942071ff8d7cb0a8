"""What a generated world consists of: facts, cells, articles and their sentences. Plain frozen records."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mention:
    """An entity named in a sentence; `label` is its label in this language."""

    uri: str
    label: str


@dataclass(frozen=True)
class Sentence:
    """Words and mentions in order. `fact` is the uuid of the fact it states, else None."""

    parts: tuple[str | Mention, ...]
    fact: str | None = None

    @property
    def text(self) -> str:
        """The sentence as a reader sees it."""
        return "".join(part if isinstance(part, str) else part.label for part in self.parts)


@dataclass(frozen=True)
class Section:
    """Paragraphs under a title (None for the lead); with `listed`, each paragraph is a list item."""

    title: str | None
    paragraphs: tuple[tuple[Sentence, ...], ...]
    listed: bool = False


@dataclass(frozen=True)
class Article:
    """One article; `uri` is the entity it is about (None for a list of entities), `topic` its category."""

    title: str
    uri: str | None
    topic: str
    sections: tuple[Section, ...]

    @property
    def sentences(self) -> list[Sentence]:
        """All sentences in reading order."""
        return [sentence for section in self.sections for group in section.paragraphs for sentence in group]

    @property
    def text(self) -> str:
        """The prose a wikitext cleaner should find: a line for every title, paragraph and list item."""
        lines = []
        for section in self.sections:
            if section.title:
                lines.append(section.title)
            lines.extend(" ".join(sentence.text for sentence in group) for group in section.paragraphs)
        return "\n".join(lines)


@dataclass(frozen=True)
class Fact:
    """One fact: `kind` is how it was planted as a whole (see schema.KINDS), uris are made-up Q-ids."""

    uuid: str
    relation: str
    kind: str
    subject_uri: str
    object_uri: str
    line: int


@dataclass(frozen=True)
class Cell:
    """What is planted for one fact in one language; the fields are those of schema.PLANTED_TRUTH."""

    kind: str
    stated: bool
    linked_source: str | None
    stated_how: str | None
    distractor: bool


@dataclass(frozen=True)
class World:
    """A generated world; every mapping is keyed by language code first.

    `labels[language][uri]`, `templates[language][relation]` (one [X], one [Y]), `cells[language][uuid]`,
    `articles[language]` (namespace 0, in page order) and `redirects[language]` (title to target title).
    """

    seed: int
    disjoint: bool
    languages: tuple[str, ...]
    facts: tuple[Fact, ...]
    labels: dict[str, dict[str, str]]
    templates: dict[str, dict[str, str]]
    cells: dict[str, dict[str, Cell]]
    articles: dict[str, tuple[Article, ...]]
    redirects: dict[str, dict[str, str]]
