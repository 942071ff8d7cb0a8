"""The cleaner on wild markup, on pages made by a grammar, and on megabytes of hostile nesting."""

from __future__ import annotations

import gc
import random
import re
import signal
import time
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from factroots_dagster.corpora.wikipedia.limits import Unfinished, time_limit
from factroots_dagster.corpora.wikipedia.markup.wikitext import clean, prose, without_lines
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces

DUTCH = Namespaces.of("nl", [(6, "Bestand"), (14, "Categorie")])
CHINESE = Namespaces.of("zh", [(6, "File"), (14, "Category")])

# Wild markup: anything next to anything.

PIECES = (
    *"{{}}[[]]||<>=*#:;'\n &-abé東()（、\t\u00a0\ufdd0\ufdef",
    *("{{", "}}", "{|", "|}", "[[", "]]", "-{", "}-", "''", "'''", "[http://a", "__TOC__", "File:", "lang|"),
    *(
        "<ref>",
        "</ref>",
        "<ref/>",
        "<nowiki>",
        "</nowiki>",
        "<!--",
        "-->",
        "formatnum:",
        "b c",
        "<li>",
        "<br>",
    ),
    *(
        "&lt;",
        "&#0;",
        "&#10;",
        "&#x110000;",
        "&nbsp;",
        "zh-hans:",
        "convert|1|km",
        "ill|en|",
        "{{'}}",
        "1|2|3|",
    ),
)
MARKUP = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


@given(MARKUP | st.text(max_size=80), st.sampled_from([DUTCH, CHINESE]))
@example("{{lang|a|1e9=b}}{{lang|\ufdd0}}", DUTCH)
@example("a\n()\n* ()\n* b", DUTCH)
@example("() a\n* b", DUTCH)
@settings(max_examples=600, deadline=None)
def test_never_fails_and_gives_lines_as_promised(wikitext: str, namespaces: Namespaces) -> None:
    page = prose(wikitext, namespaces)
    lines = page.text.split("\n")
    assert "" not in lines or page.text == ""
    assert "\u00a0" not in page.text or "&" in wikitext
    assert page.list_lines == sorted(set(page.list_lines))
    assert all(0 <= number < len(lines) for number in page.list_lines)
    assert len(page.names) == len(set(page.names)) <= 10
    assert all(name == name.strip() and 0 < len(name) <= 200 for name in page.names)
    assert clean(wikitext, namespaces) == page.text
    assert clean(wikitext, namespaces, lists=False) == without_lines(page.text, page.list_lines)


@given(st.text(alphabet="abcé東 .,", max_size=60), MARKUP)
@settings(max_examples=200, deadline=None)
def test_balanced_templates_leave_nothing(words: str, inner: str) -> None:
    """Whatever stands in a template that closes is gone, when it has no brackets of its own."""
    inner = re.sub(r"[{}<>\[\]&-]", "", inner)
    words = " ".join(words.split())
    assert clean(f"{words} {{{{x|{inner}}}}}", DUTCH) == clean(words, DUTCH)


# Pages from a grammar: which words are shown, as list items or not, is known before they are cleaned.

WORD = st.text(alphabet="abcxyzéßжії東京हिन्", min_size=1, max_size=6).filter(str.isalnum)
WORDS = st.lists(WORD, min_size=1, max_size=4).map(" ".join)


@dataclass(frozen=True)
class Piece:
    """A piece of wikitext and the words that it shows."""

    wikitext: str
    shown: str


def wrapped(before: str, after: str, inner: st.SearchStrategy[Piece]) -> st.SearchStrategy[Piece]:
    return inner.map(lambda piece: Piece(before + piece.wikitext + after, piece.shown))


def hidden(*shapes: str) -> st.SearchStrategy[Piece]:
    return st.builds(
        lambda shape, words: Piece(shape.replace("%", words), ""), st.sampled_from(shapes), WORDS
    )


PLAIN = WORDS.map(lambda words: Piece(words, words))
SHOWN = st.one_of(
    PLAIN,
    *(
        wrapped(before, after, PLAIN)
        for before, after in (
            *(("''", "''"), ("'''", "'''"), ("[[", "]]"), ("[[a (b)#c|", "]]")),
            *(
                ("[http://a.b/c?d=e&f ", "]"),
                ("[//a.b ", "]"),
                ("<small>", "</small>"),
                ("<span class='a'>", "</span>"),
            ),
            *(("{{nowrap|", "}}"), ("{{lang|ru|", "}}"), ("{{lang-de|1=", "}}"), ("<nowiki>", "</nowiki>")),
            *(("-{", "}-"), ("<!-- a [[b -->", ""), ("&nbsp;", ""), ("[[a|''", "'']]")),
        )
    ),
)
GONE = hidden(
    *(
        "{{%}}",
        "{{a|b=[[%]]|{{c|%}}|d}}",
        "<ref>%</ref>",
        "<ref name=a />",
        "<ref name='b'>''[[%]]'' {{c|%}}</ref>",
    ),
    *("<!-- % -->", "[[Bestand:a b.jpg|thumb|% [[c|%]] en [http://d %] {{e|%}}]]", "[[File:a.png|20px]]"),
    *("[[Categorie:%]]", "[[fr:%]]", "<math>% {x}</math>", "__NOTOC__", "{{{%|%}}}", "<ref>%<br />%</ref>"),
    "<gallery>\nBestand:a.jpg|%\n</gallery>",
)
SENTENCE = st.lists(SHOWN | SHOWN | GONE, min_size=1, max_size=6)


def line(pieces: list[Piece]) -> Piece:
    return Piece(" ".join(piece.wikitext for piece in pieces), " ".join(p.shown for p in pieces if p.shown))


ITEM = st.builds(
    lambda mark, pieces: Piece(mark + line(pieces).wikitext, line(pieces).shown),
    st.sampled_from(["* ", "#", "** ", ":", "; "]),
    SENTENCE,
)
BLOCK = st.one_of(
    SENTENCE.map(lambda pieces: ("paragraph", [line([Piece("x", "x"), *pieces])])),
    st.lists(ITEM, min_size=1, max_size=3).map(lambda items: ("items", items)),
    WORDS.map(lambda words: ("title", [Piece(f"== {words} ==", words)])),
    hidden(
        '{| class="a"\n! % !! b\n|-\n| %\n{|\n| [[%]]\n|}\n|}',
        "{{Infobox\n| a = %\n| b = {{c|%}}\n}}",
        "<!-- %\n\n% -->",
    ).map(lambda piece: ("nothing", [piece])),
)


@given(st.lists(BLOCK, max_size=6))
@settings(max_examples=200, deadline=None)
def test_ordinary_pages_keep_their_words_and_nothing_else(blocks: list[tuple[str, list[Piece]]]) -> None:
    wikitext = "\n\n".join("\n".join(piece.wikitext for piece in pieces) for _, pieces in blocks)
    page = prose(wikitext, DUTCH)
    assert page.text.split() == [
        word for _, pieces in blocks for piece in pieces for word in piece.shown.split()
    ]
    lines = page.text.split("\n")
    items = [
        piece.shown.split() for kind, pieces in blocks if kind == "items" for piece in pieces if piece.shown
    ]
    assert [lines[number].split() for number in page.list_lines] == items
    assert clean("\n\n".join(lines), DUTCH) == page.text


# Hostile nesting.

MEGABYTE = 1_000_000
OPENERS = [
    *(
        "{{",
        "{{a|",
        "{{lang|x|",
        "{{convert|1|to|",
        "{{ill|",
        "{{nowrap|[[a|",
        "{{{",
        "{{1|2|3|",
        "[[",
        "[[a:b|",
    ),
    *(
        "[[File:a|",
        "[[a\n\n",
        "<ref>",
        "<ref name=a ",
        "<ref/",
        "<ref><math>",
        "<nowiki>",
        "<pre>{{",
        "<!--",
        "<",
        "</",
    ),
    *(
        "<a=",
        "<rt>",
        "<li>",
        "\n{|",
        "\n:{|",
        "-{",
        "-{zh:a;",
        "-{a|",
        "{{x|-{",
        "[http://",
        "[http://a ",
        "'",
        "'''",
    ),
    *(
        "'''a",
        "''' '''",
        "=",
        "=a\n",
        "&amp",
        "__A",
        "( ",
        "(,",
        "()\n",
        " ",
        "\t ",
        "a\n",
        "*",
        "|\n",
        "{{[[<ref>\n{|",
    ),
]
CLOSERS = {"{": "}}", "[": "]]", "\n": "\n|}", "-": "}-", "<": "</ref>", "'": "'''"}


def seconds(wikitext: str) -> float:
    """CPU time of one cleaning, the best of three."""
    best = 60.0
    # Collecting the garbage of a long test run takes half a second, whenever it happens to begin.
    gc.disable()
    try:
        for _ in range(3):
            started = time.process_time()
            with time_limit(60):
                prose(wikitext, CHINESE)
            best = min(best, time.process_time() - started)
    finally:
        gc.enable()
    return best


def assert_linear(make, size: int) -> None:  # type: ignore[no-untyped-def]
    """Twice the text takes at most three times the time (and five hundredths for what a clock can't tell)."""
    once, twice = seconds(make(size)), seconds(make(2 * size))
    assert twice <= 3 * once + 0.05, f"{once:.3f} s for {size} characters, {twice:.3f} s for twice as many"
    assert twice <= 2 * (2 * size / MEGABYTE)


@pytest.mark.parametrize("opener", OPENERS)
def test_time_is_linear_on_hostile_nesting(opener: str) -> None:
    closer = CLOSERS.get(opener[0], "")
    assert_linear(lambda size: opener * (size // len(opener)), 100_000)
    if closer:
        pairs = len(opener) + len(closer)
        assert_linear(lambda size: opener * (size // pairs) + closer * (size // pairs), 100_000)


@pytest.mark.parametrize("seed", range(12))
def test_time_is_linear_on_random_mixtures(seed: int) -> None:
    chosen = random.Random(seed).sample([*OPENERS, *CLOSERS.values(), "a b", "\n", "|", "東"], 5)

    def mixture(size: int) -> str:
        return "".join(random.Random(seed).choices(chosen, k=size // 3))

    assert_linear(mixture, 100_000)


@pytest.mark.parametrize(
    "opener", ["{{", "[[", "<ref>", "\n{|", "'''", "-{", "<!--", "[http://", "{{a|[[<ref>"]
)
def test_a_megabyte_of_openers_takes_two_seconds_at_most(opener: str) -> None:
    assert seconds(opener * (MEGABYTE // len(opener))) < 2


def test_time_limit_stops_endless_work() -> None:
    with pytest.raises(Unfinished), time_limit(0.05):
        while True:
            pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_time_limit_lost_in_a_destructor_is_told_again() -> None:
    def busy(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pass

    class Slow:
        def __del__(self) -> None:
            busy(2)  # what is raised in here, nobody hears

    with pytest.raises(Unfinished), time_limit(0.05):
        Slow()
        busy(5)
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
