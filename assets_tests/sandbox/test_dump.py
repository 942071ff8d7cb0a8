"""The generated dumps, read with expat alone, hold the world's articles and the pages of a real dump."""

from __future__ import annotations

import bz2
import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

import pytest

from assets_tests.corpora.cleaning import clean
from assets_tests.sandbox.small_worlds import small_world
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces
from factroots_dagster.sandbox.dump import dump_name, write_dump
from factroots_dagster.sandbox.languages import LANGUAGES, namespace_names
from factroots_dagster.sandbox.records import World
from factroots_dagster.text.sentences.boundaries import sentence_starts


@dataclass
class ParsedPage:
    """A page of a dump as expat reads it; numbers stay text."""

    title: str = ""
    namespace: str = ""
    id: str = ""
    revision: str = ""
    text: str = ""
    bytes: str = ""
    sha1: str = ""
    redirect: str | None = None


def parse_dump(path: Path) -> tuple[dict[int, str], list[ParsedPage]]:
    """Namespaces and pages of a dump, read with expat alone."""
    namespaces: dict[int, str] = {}
    pages: list[ParsedPage] = []
    stack: list[tuple[str, dict[str, str]]] = []
    data: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        stack.append((tag, attributes))
        data.clear()
        if tag == "page":
            pages.append(ParsedPage())
        elif tag == "redirect":
            pages[-1].redirect = attributes["title"]

    def end(tag: str) -> None:
        _, attributes = stack.pop()
        parent, value = stack[-1][0] if stack else "", "".join(data)
        data.clear()
        if tag == "namespace":
            namespaces[int(attributes["key"])] = value
        elif parent == "page" and tag in ("title", "ns", "id"):
            setattr(pages[-1], "namespace" if tag == "ns" else tag, value)
        elif parent == "revision" and tag == "id":
            pages[-1].revision = value
        elif parent == "revision" and tag in ("text", "sha1"):
            setattr(pages[-1], tag, value)
            pages[-1].bytes = attributes.get("bytes", pages[-1].bytes)

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = data.append
    with bz2.open(path) as file:
        parser.ParseFile(file)
    return namespaces, pages


@pytest.fixture(params=list(LANGUAGES))
def code(request: pytest.FixtureRequest) -> str:
    return request.param


def write_dumps(world: World, folder: Path) -> Iterator[tuple[str, Path]]:
    for code in world.languages:
        path = folder / dump_name(code)
        write_dump(world, code, path)
        yield code, path


def test_a_dump_holds_the_articles_and_redirects_that_were_planted(
    any_world: World, code: str, tmp_path: Path
) -> None:
    path = tmp_path / dump_name(code)
    write_dump(any_world, code, path)
    namespaces, pages = parse_dump(path)
    assert namespaces == namespace_names(LANGUAGES[code])
    articles = [page for page in pages if page.namespace == "0" and page.redirect is None]
    assert [page.title for page in articles] == [article.title for article in any_world.articles[code]]
    redirects = {page.title: page.redirect for page in pages if page.redirect is not None}
    assert redirects == any_world.redirects[code]
    assert [int(page.id) for page in pages] == list(range(1, len(pages) + 1))
    assert len({page.revision for page in pages}) == len(pages)
    for page in pages:
        encoded = page.text.encode()
        assert int(page.bytes) == len(encoded)
        assert int(page.sha1, 36) == int(hashlib.sha1(encoded).hexdigest(), 16)
        prefix = namespaces[int(page.namespace)]
        assert page.title.startswith(f"{prefix}:") if prefix else ":" not in page.title


def test_a_dump_holds_pages_that_are_no_articles(world: World, code: str, tmp_path: Path) -> None:
    path = tmp_path / dump_name(code)
    write_dump(world, code, path)
    _, pages = parse_dump(path)
    assert {"0", "1", "2", "4", "10", "14", "828"} <= {page.namespace for page in pages}
    # talk pages state facts that no article states, so that a reader that takes them for articles is noticed
    unstated = [fact for fact in world.facts if not world.truth[code][fact.uuid].stated]
    labels = world.labels[code]
    talk = [page.text for page in pages if page.namespace == "1"]
    assert all(
        any(labels[fact.subject_uri] in text and labels[fact.object_uri] in text for fact in unstated)
        for text in talk
    )
    assert len(talk) > 20


def test_a_dump_holds_every_kind_of_markup(world: World, code: str, tmp_path: Path) -> None:
    path = tmp_path / dump_name(code)
    write_dump(world, code, path)
    text = "\n".join(page.text for page in parse_dump(path)[1] if page.namespace == "0")
    local = namespace_names(LANGUAGES[code])
    marks = [
        "{{Infobox",
        "{| class",
        "<ref>",
        '<ref name="old" />',
        "<!--",
        "\n* ",
        "'''",
        "== ",
        "<references />",
    ]
    marks += ["[[File:", "[[Category:", f"[[{local[6]}:", f"[[{local[14]}:"]
    for mark in marks:
        assert mark in text, mark


def check_recovered(world: World, code: str, folder: Path) -> None:
    """Assert that the platform's cleaner and sentence splitter recover the prose that was planted."""
    path = folder / dump_name(code)
    write_dump(world, code, path)
    namespaces, pages = parse_dump(path)
    prefixes = Namespaces.for_wiki(code, list(namespaces.items()))
    articles = [page for page in pages if page.namespace == "0" and page.redirect is None]
    for page, article in zip(articles, world.articles[code], strict=True):
        text = clean(page.text, prefixes)
        assert text == article.text
        starts = [*sentence_starts(text, code).tolist(), len(text)]
        sentences = [text[start:end].strip() for start, end in itertools.pairwise(starts)]
        titles = {section.title for section in article.sections}
        paragraphs = [section.paragraphs for section in article.sections if not section.markup]
        prose = itertools.chain.from_iterable(itertools.chain.from_iterable(paragraphs))
        assert [sentence for sentence in sentences if sentence not in titles] == [
            sentence.text for sentence in prose
        ]


def test_the_cleaner_and_the_sentence_splitter_recover_the_planted_sentences(
    any_world: World, code: str, tmp_path: Path
) -> None:
    check_recovered(any_world, code, tmp_path)


def test_they_recover_them_in_real_languages_with_every_dial_turned(tmp_path: Path) -> None:
    world = small_world(
        relations=10,
        facts_per_relation=4,
        **dict.fromkeys(("cognates", "unrelated", "code_switching", "hidden_statements"), 0.3),
        **dict.fromkeys(("bilingual_leads", "inflection", "missed_statements"), 0.4),
        wordings=4,
        answers=3,
    )
    for code in world.languages:
        check_recovered(world, code, tmp_path)


def test_hidden_statements_stand_in_the_markup(tmp_path: Path) -> None:
    world = small_world(hidden_statements=1.0)
    for code in world.languages:
        write_dump(world, code, tmp_path / code)
        source = "\n".join(page.text for page in parse_dump(tmp_path / code)[1] if page.namespace == "0")
        labels = world.labels[code]
        for fact in world.facts:
            row = {
                "infobox": f"| {labels[fact.subject_uri]} = [[{labels[fact.object_uri]}]]",
                "table": f"| {labels[fact.subject_uri]} || [[{labels[fact.object_uri]}]]",
            }.get(world.truth[code][fact.uuid].stated_how or "")
            assert row is None or row in source


def test_the_same_world_gives_the_same_bytes(world: World, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = {code: path.read_bytes() for code, path in write_dumps(world, tmp_path / "a")}
    second = {code: path.read_bytes() for code, path in write_dumps(world, tmp_path / "b")}
    assert first == second
