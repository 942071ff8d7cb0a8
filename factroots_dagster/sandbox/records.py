"""The records of a generated world: facts, planted truth, and articles down to the mentions in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from factroots_dagster.sandbox.dials import Dials
from factroots_dagster.sandbox.languages import Language


@dataclass(frozen=True)
class Mention:
    """An entity named in a sentence; `label` is the text that names it.

    `title` is the entity's label in the sentence's language where the text differs: inflected, by an alias or
    in another language's spelling.
    """

    uri: str
    label: str
    title: str | None = None


@dataclass(frozen=True)
class Sentence:
    """Text and mentions in order; `fact` is the uuid of the fact that the sentence states, else None."""

    parts: tuple[str | Mention, ...]
    fact: str | None = None

    @property
    def text(self) -> str:
        """The sentence as plain text."""
        return "".join(part if isinstance(part, str) else part.label for part in self.parts)

    @property
    def mentions(self) -> list[Mention]:
        """The mentions in reading order."""
        return [part for part in self.parts if isinstance(part, Mention)]


@dataclass(frozen=True)
class ArticleSection:
    """Paragraphs (tuples of sentences) under a title, which is None for the lead.

    In a section that is `listed`, each paragraph is a list item. With a `markup` ("infobox" or "table") the
    sentences are its cells and no prose: a wikitext cleaner drops them.
    """

    title: str | None
    paragraphs: tuple[tuple[Sentence, ...], ...]
    listed: bool = False
    markup: str | None = None


@dataclass(frozen=True)
class Article:
    """One article; `uri` is the entity it is about (None for a list of entities), `topic` its category."""

    title: str
    uri: str | None
    topic: str
    sections: tuple[ArticleSection, ...]

    @property
    def sentences(self) -> list[Sentence]:
        """All sentences in reading order, those in markup too."""
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
            if section.markup:
                continue
            if section.title:
                lines.append(section.title)
            lines.extend(
                " ".join(sentence.text for sentence in paragraph) for paragraph in section.paragraphs
            )
        return "\n".join(lines)


@dataclass(frozen=True)
class Fact:
    """One fact; `kind` says how it was planted as a whole (schema.FACT_KINDS), the uris are made-up Q-ids.

    `line` is its number within its relation.
    """

    uuid: str
    relation: str
    kind: str
    subject_uri: str
    object_uri: str
    line: int


class Spelling(NamedTuple):
    """How a language writes a name: the Latin stem it comes from ("" for natural names), and the text.

    Two spellings with one stem are spellings of one name.
    """

    stem: str
    text: str


@dataclass(frozen=True)
class CellPlan:
    """How a language's articles treat a fact.

    `stated_how` is one of schema.STATED_HOW, or None if they do not state it; `statements` how many sentences
    do (None: the article writer decides). `contradiction` is the object that they give in place of the
    fact's. A `parallel` fact is stated in the same words by all languages of a script. `distractor`: a
    sentence names subject and object without stating the fact.
    """

    stated_how: str | None = None
    distractor: bool = False
    statements: int | None = None
    contradiction: str | None = None
    parallel: bool = False


@dataclass(frozen=True)
class Plan:
    """What a world is about before it is written: `cells[language][uuid]`, `spellings[language][uri]`.

    `object_uris` are the entities of each object class.
    """

    facts: tuple[Fact, ...]
    object_uris: dict[str, list[str]]
    spellings: dict[str, dict[str, Spelling]]
    cells: dict[str, dict[str, CellPlan]]


@dataclass(frozen=True)
class PlantedTruth:
    """What is planted for one fact in one language; schema.PLANTED_TRUTH describes the fields."""

    kind: str
    stated: bool
    linked_source: str | None
    stated_how: str | None
    distractor: bool
    name_link: str | None
    namesake: bool
    contradicted: bool


@dataclass(frozen=True)
class World:
    """A generated world; every mapping is keyed by language code first, the hub's first.

    `labels[language][uri]`, `templates[language][relation]` (one [X], one [Y]), `truth[language][uuid]`,
    `articles[language]` (namespace 0, in page order) and `redirects[language]` (title to target title).
    Without `dials.shared_pieces` no two languages share a letter; the plan keeps the spellings before that.
    """

    seed: int
    dials: Dials
    languages: dict[str, Language]
    plan: Plan
    labels: dict[str, dict[str, str]]
    templates: dict[str, dict[str, str]]
    truth: dict[str, dict[str, PlantedTruth]]
    articles: dict[str, tuple[Article, ...]]
    redirects: dict[str, dict[str, str]]

    @property
    def facts(self) -> tuple[Fact, ...]:
        """All facts, relation by relation."""
        return self.plan.facts
