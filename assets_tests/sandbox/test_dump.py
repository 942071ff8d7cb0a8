"""The dumps, read with expat alone, hold the world and nothing that would confuse a count."""

from __future__ import annotations

import bz2
import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

import pytest

from factroots_dagster.corpora.wikipedia.markup.wikitext import clean
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces
from factroots_dagster.sandbox.dump import dump_name, write_dump
from factroots_dagster.sandbox.languages import LANGUAGES, namespace_names
from factroots_dagster.sandbox.model import World
from factroots_dagster.text.sentences import sentence_starts


@dataclass
class Read:
    title: str = ""
    ns: str = ""
    id: str = ""
    revision: str = ""
    text: str = ""
    bytes: str = ""
    sha1: str = ""
    redirect: str | None = None


def read(path: Path) -> tuple[dict[int, str], list[Read]]:
    """Namespaces and pages of a dump."""
    namespaces: dict[int, str] = {}
    pages: list[Read] = []
    stack: list[tuple[str, dict[str, str]]] = []
    data: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        stack.append((tag, attributes))
        data.clear()
        if tag == "page":
            pages.append(Read())
        elif tag == "redirect":
            pages[-1].redirect = attributes["title"]

    def end(tag: str) -> None:
        _, attributes = stack.pop()
        parent, value = stack[-1][0] if stack else "", "".join(data)
        data.clear()
        if tag == "namespace":
            namespaces[int(attributes["key"])] = value
        elif parent == "page" and tag in ("title", "ns", "id"):
            setattr(pages[-1], tag, value)
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


def dumps(world: World, folder: Path) -> Iterator[tuple[str, Path]]:
    for code in world.languages:
        path = folder / dump_name(code)
        write_dump(world, code, path)
        yield code, path


def test_a_dump_holds_the_articles_and_redirects_that_were_planted(
    either: World, code: str, tmp_path: Path
) -> None:
    path = tmp_path / dump_name(code)
    write_dump(either, code, path)
    namespaces, pages = read(path)
    assert namespaces == namespace_names(code)
    articles = [page for page in pages if page.ns == "0" and page.redirect is None]
    assert [page.title for page in articles] == [article.title for article in either.articles[code]]
    redirects = {page.title: page.redirect for page in pages if page.redirect is not None}
    assert redirects == either.redirects[code]
    assert [int(page.id) for page in pages] == list(range(1, len(pages) + 1))
    assert len({page.revision for page in pages}) == len(pages)
    for page in pages:
        encoded = page.text.encode()
        assert int(page.bytes) == len(encoded)
        assert int(page.sha1, 36) == int(hashlib.sha1(encoded).hexdigest(), 16)
        prefix = namespaces[int(page.ns)]
        assert page.title.startswith(f"{prefix}:") if prefix else ":" not in page.title


def test_there_are_pages_that_must_not_be_counted(world: World, code: str, tmp_path: Path) -> None:
    path = tmp_path / dump_name(code)
    write_dump(world, code, path)
    _, pages = read(path)
    spaces = {page.ns for page in pages}
    assert {"0", "1", "2", "4", "10", "14", "828"} <= spaces
    # talk pages state facts that no article states: a reader that takes them for articles is found out
    silent = [fact for fact in world.facts if not world.cells[code][fact.uuid].stated]
    labels = world.labels[code]
    talk = [page.text for page in pages if page.ns == "1"]
    assert all(
        any(labels[f.subject_uri] in text and labels[f.object_uri] in text for f in silent) for text in talk
    )
    assert len(talk) > 20


def test_markup_is_of_every_kind(world: World, code: str, tmp_path: Path) -> None:
    path = tmp_path / dump_name(code)
    write_dump(world, code, path)
    text = "\n".join(page.text for page in read(path)[1] if page.ns == "0")
    local = namespace_names(code)
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


def test_the_prose_behind_the_markup_is_the_world_s(either: World, code: str, tmp_path: Path) -> None:
    """The project's cleaner and sentence splitter find exactly what was planted."""
    path = tmp_path / dump_name(code)
    write_dump(either, code, path)
    namespaces, pages = read(path)
    prefixes = Namespaces.of(code, list(namespaces.items()))
    articles = [page for page in pages if page.ns == "0" and page.redirect is None]
    for page, article in zip(articles, either.articles[code], strict=True):
        text = clean(page.text, prefixes)
        assert text == article.text
        starts = [*sentence_starts(text, code).tolist(), len(text)]
        found = [text[a:b].strip() for a, b in itertools.pairwise(starts)]
        titles = {section.title for section in article.sections}
        assert [sentence for sentence in found if sentence not in titles] == [
            s.text for s in article.sentences
        ]


def test_a_dump_is_the_same_to_the_byte(world: World, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = {code: path.read_bytes() for code, path in dumps(world, tmp_path / "a")}
    second = {code: path.read_bytes() for code, path in dumps(world, tmp_path / "b")}
    assert first == second
