"""What a page says outside its prose: parameters of boxes, rows of tables, quotations, headings."""

from __future__ import annotations

import re

import pyarrow.dataset as ds
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets_tests.corpora.test_wikitext_properties import DUTCH
from factroots_dagster.corpora.wikipedia.articles import PAGE_SECONDS
from factroots_dagster.corpora.wikipedia.limits import time_limit
from factroots_dagster.corpora.wikipedia.markup.cells import clean_together
from factroots_dagster.corpora.wikipedia.markup.wikitext import extract_prose
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces

ENGLISH = Namespaces.for_wiki("en", [(6, "File"), (14, "Category")])


def cells_of(wikitext: str, language: str = "en") -> list[tuple[str, str]]:
    """Kind and text of the cells; the prose between is `X`."""
    return [
        (cell.kind, cell.text)
        for cell in extract_prose(wikitext, Namespaces.for_wiki(language), "Page").read_cells()
    ]


@pytest.mark.parametrize(
    ("wikitext", "texts"),
    [
        ("{{Infobox\n| capital = [[Oslo]]\n}}", ["capital: Oslo"]),
        (
            "{{Картка\n|столиця=[[Київ|Києва]]|мова = [[українська]]\n}}",
            ["столиця: Києва", "мова: українська"],
        ),
        ("{{Infobox|a=b}}", ["a: b"]),  # on one line, but so named
        (" {{Taxobox\n| regnum = ''Animalia''<br />sic\n}}", ["regnum: Animalia", "regnum: sic"]),
        ("{{Box\n| a =\n* [[B]]\n* '''C'''\n| d = {{plainlist|\n* E\n}}\n}}", ["a: B", "a: C", "d: E"]),
        ("{{Box\n| a = {{nowrap|[[B (c)|B]]}}{{cite|x}}<ref>R</ref>\n}}", ["a: B"]),
        ("{{Box\n| module = {{Inner\n| a = b\n}}\n}}", ["a: b"]),
        ("{{Box\n| name = {{PAGENAME}}\n| x = A &amp; B{{!}}C{{=}}D\n}}", ["name: Page", "x: A & B C=D"]),
        # Nothing in words: empty, a file, a number.
        ("{{Box\n| a = \n| b = Oslo.JPG\n| c = [[File:Oslo.jpg|20px]]\n| d = 1,000\n| e\n| 1 = f\n}}", []),
        # Templates within lines, without names or with a renderer of their own.
        ("* {{cite book\n| title = T\n}}", []),
        ("X {{note\n| a = b\n}}", []),
        ("{{Box\n| a\n| b\n}}", []),
        ("{{lang\n| de\n| text = Berlin\n}}", []),
        ("{{Box\n| a = b", []),
    ],
)
def test_parameters_of_boxes(wikitext: str, texts: list[str]) -> None:
    assert cells_of(wikitext) == [("infobox", text) for text in texts]


@pytest.mark.parametrize(
    ("rows", "texts"),
    [
        ("|-\n| [[Oslo]] || [[Norway|N]]\n|-\n| Bern\n| Swiss", ["Oslo | N", "Bern | Swiss"]),
        ("! City !! Land\n|-\n! scope=row | Oslo\n| Norway", ["Oslo | Norway"]),
        ('|+ Towns\n|-\n| style="x" | Oslo\n| colspan=2 | [[A|b]]', ["Oslo | b"]),
        ("|-\n| Oslo<br>Bergen\n* Narvik\n|| 3", ["Oslo, Bergen, Narvik | 3"]),
        ("|-\n| 1 || 2\n|-\n| || [[File:a.png]]", []),
        ('|-\n| rowspan="2" | N || Oslo\n|-\n| Bergen\n|-\n| Bern', ["N | Oslo", "Bergen | N", "Bern"]),
        ("|-\n| a\n{|\n|-\n| inner || b\n|}\n|-\n| c", ["a", "inner | b", "c"]),
    ],
)
def test_rows_of_tables(rows: str, texts: list[str]) -> None:
    assert cells_of(f'X\n{{| class="wikitable"\n{rows}\n|}}\nX') == [("table", text) for text in texts]
    assert cells_of(f'{{| class="infobox vcard"\n{rows}\n|}}') == [("infobox", text) for text in texts]


@pytest.mark.parametrize(
    ("wikitext", "language", "text"),
    [
        ("{{Quote|To be.|Ada}}", "en", "To be."),
        ("{{cquote\n| text = To [[be]]\n| author = A\n}}", "en", "To be"),
        ("{{Цитата|Слово|автор=А}}", "uk", "Слово"),
        ("{{Zitat|Text=Ein Wort}}", "de", "Ein Wort"),
        ("X\n<blockquote>To ''be''.\n\nOr not.</blockquote>", "en", "To be., Or not."),
    ],
)
def test_block_quotations(wikitext: str, language: str, text: str) -> None:
    assert cells_of(wikitext, language) == [("quotation", text)]


def test_headings_are_lines_of_the_text() -> None:
    page = extract_prose("A.\n== '''B''' ==\n()\n* c\n=== D ===\n{{x}}\n==  ==\nE.", ENGLISH)
    lines = page.text.split("\n")
    assert [lines[number] for number in page.heading_lines] == ["B", "D"]
    assert [lines[number] for number in page.list_lines] == ["c"]


PIECES = ("[[", "]]", "[[A|b]]", "{|", "|}", "\n", "|", "||", "''", "<br>", "a", "-{", "}-", "<nowiki>", "=")


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=6).map("".join), max_size=5))
@settings(deadline=None)
def test_cells_that_are_cleaned_together_are_as_many_as_they_were(texts: list[str]) -> None:
    """Even where a bracket opens in one and closes in another."""

    def clean(text: str) -> str:
        return re.sub(r"\[\[[^\[\]]*\]\]", "", text)

    cleaned = clean_together(texts, clean)
    assert len(cleaned) == len(texts)
    if not any("[[" in text or "]]" in text for text in texts):
        assert cleaned == [clean_together([text], clean)[0] for text in texts]


@given(st.lists(st.sampled_from(["[[A]]", "b", "''", "<br>", "&nbsp;", "\n* ", "{{x}}", "é"]), max_size=8))
@settings(deadline=None)
def test_a_cell_is_one_line_and_its_value_begins_behind_its_name(pieces: list[str]) -> None:
    for cell in extract_prose("{{Box\n| key = " + "".join(pieces) + "\n}}", ENGLISH).read_cells():
        assert (
            "\n" not in cell.text
            and cell.text[: cell.value_start] == "key: "
            and cell.text == cell.text.strip()
        )


@pytest.mark.parametrize(
    "piece",
    [
        "\n{{a\n|b=c",
        "\n{|\n|",
        "\n{|\n|-\n|rowspan=9|[[",
        "\n|-\n!!",
        "<blockquote>",
        "\n{{a\n|b={{c\n|d=e}}",
    ],
)
def test_a_long_page_of_cells_is_read_in_linear_time(piece: str) -> None:
    for end in ("", "\n|}", "}}" * 1000, "</blockquote>"):
        with time_limit(5 * PAGE_SECONDS):  # the machine may be busy
            extract_prose("{|\n" + piece * (1_000_000 // len(piece)) + end, DUTCH).read_cells()


def test_real_pages_have_cells_and_their_text_has_none_of_their_markup(greek) -> None:  # type: ignore[no-untyped-def]
    table = ds.dataset(greek.articles_folder).to_table(
        columns=["redirect_to", "text", "heading_lines", "cells"]
    )
    cells = [cell for page in table["cells"].to_pylist() for cell in page]
    kinds = {kind: sum(cell["kind"] == kind for cell in cells) for kind in ("infobox", "table", "quotation")}
    assert kinds["infobox"] > 1000 and kinds["table"] > 1000 and kinds["quotation"] > 10
    assert not any("\n" in cell["text"] for cell in cells)
    leaked = [cell["text"] for cell in cells if re.search(r"\{\{|\}\}|\[\[|''|rowspan|style=", cell["text"])]
    assert len(leaked) < 0.005 * len(cells), leaked[:10]
    headings = sum(map(len, table["heading_lines"].to_pylist()))
    assert headings > 1000
