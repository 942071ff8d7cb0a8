"""What a terminal is shown: printable text that fits its width, and no style but rich's own."""

from __future__ import annotations

import io
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.lookup.stores import evidence, fact, trace, write_language
from factroots_dagster.lookup.terminal import (
    make_console,
    print_indented,
    print_table_row,
    printable,
    table_widths,
)
from factroots_dagster.store.store import Store

EVIL = "\x1b[2J\x1b]0;title\x07Ev\u202eil\x9b31m\r\n\u2066 [bold red]x[/] :smile: 'y' 42"
STYLES = re.compile(r"\x1b\[[\d;]*m")


def width_of(text: str) -> int:
    """Columns that a text takes on a terminal: two for a wide character, none for a mark."""
    return sum(
        0
        if unicodedata.category(character) in ("Mn", "Me", "Cf")
        else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )


@pytest.fixture
def evil_store(tmp_path: Path) -> Store:
    """Facts whose labels, titles and sentences hold what controls a terminal."""
    store = Store(tmp_path / "data", "mlama")
    sources = {("u1", "sentence"): [evidence(f"{EVIL} in\tB.", EVIL, "B", title=EVIL)]}
    write_language(store, "en", [fact("u1", EVIL, "B")], sources)
    return store


@pytest.mark.parametrize("arguments", [["u1"], ["u1", "--json"]])
def test_nothing_that_controls_a_terminal_is_printed(evil_store: Store, arguments: list[str]) -> None:
    output = trace(evil_store, *arguments).output
    assert "Evil" in output and "0;title" not in output
    assert all(character == "\n" or character.isprintable() for character in output)


def test_a_terminal_gets_only_the_styles_of_rich_itself(
    evil_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither markup, emoji codes nor highlighting in the data change the styles."""
    plain = trace(evil_store, "u1").output
    monkeypatch.setenv("FORCE_COLOR", "1")
    styled = trace(evil_store, "u1").output
    assert styled != plain and STYLES.sub("", styled) == plain
    assert "[bold red]x[/] :smile: 'y' 42" in plain
    evidence_lines = [line for line in styled.splitlines() if line.startswith("    ")]
    assert evidence_lines and not any("\x1b" in line for line in evidence_lines)


@given(st.text(alphabet=st.sampled_from("ab é日本ก็\u0301 漢한[]"), max_size=80), st.integers(2, 30))
def test_wrapped_lines_fit_and_lose_nothing(text: str, width: int) -> None:
    out = io.StringIO()
    print_indented(make_console(file=out, width=width), text)
    lines = out.getvalue().splitlines()
    assert all(width_of(line) <= width for line in lines)
    assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", printable(text))


@given(
    st.lists(st.text(alphabet=st.sampled_from("ab é日本ก漢한"), max_size=40), min_size=2, max_size=4),
    st.integers(70, 90),
)
def test_rows_of_a_table_fit_and_lose_nothing(cells: list[str], width: int) -> None:
    out = io.StringIO()
    widths = table_widths([cells], range(len(cells)), width)
    print_table_row(make_console(file=out, width=width), cells, widths)
    assert all(width_of(line) <= width for line in out.getvalue().splitlines())
    assert sorted(re.sub(r"\s", "", out.getvalue())) == sorted(re.sub(r"\s", "", "".join(cells)))


def test_a_table_that_cannot_shrink_to_the_width_keeps_all_its_columns(store: Store) -> None:
    header, rule, *_ = trace(store, "u1", width=30).output.splitlines()
    assert header.split() == ["language", "relation", "subject", "—", "object", "matcher", "windows"]
    assert rule == 30 * "-"


def test_a_table_with_wide_characters_fills_the_width(tmp_path: Path) -> None:
    store = Store(tmp_path / "data", "mlama")
    subject, sentence = "東京" * 40, "日本の" * 60
    sources = {("u1", "sentence"): [evidence(f"{subject}は{sentence}首都。", subject, "首都")]}
    write_language(store, "ja", [fact("u1", subject, "首都")], sources)
    lines = trace(store, "u1", width=60).output.splitlines()
    assert all(width_of(line) <= 60 for line in lines) and max(map(width_of, lines)) >= 59
    assert lines[0].index("windows") + len("windows") == 60
    assert subject in "".join(line.strip() for line in lines if line.startswith("        ")).replace("[", "")


@given(st.text())
def test_printable_text_is_one_line_without_controls(text: str) -> None:
    assert all(
        character.isprintable() or character in "\u200c\u200d" or width_of(character)
        for character in printable(text)
    )
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", printable(text))
