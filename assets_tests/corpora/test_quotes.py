"""Bold and italic marks, against values of MediaWiki's own parser tests, and on random lines."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factroots_dagster.corpora.wikipedia.markup.quotes import BOLD, mark_bold, mark_labels, remove_quotes

SHOWN = {
    "''foo''": "foo",
    "''foo'''": "foo'",
    "''foo''''": "foo''",
    "''foo'''''": "foo",
    "'''foo''": "'foo",
    "'''foo''''": "foo'",
    "''''foo''": "''foo",
    "''''foo'''": "'foo",
    "''''foo''''": "'foo'",
    "''''foo'''''": "'foo",
    "'''''foo''": "foo",
    "'''''foo''''": "foo'",
    "'''''foo''''''": "foo'",
    "''foo''''bar''": "foo'bar",
    "''foo''''bar'''": "foo'bar",
    "''foo''''bar''''": "foo'bar'",
    "'''foo''''bar''": "foo'bar",
    "''this is about '''foo's family'''''": "this is about foo's family",
    "'''this is about ''foo'''s family''": "this is about foos family",
    "'''this is about ''foo'''s family'''": "'this is about foos family",
    "a b'''c ''d e'''f'' g h'''i ''j": "a b'c d ef g hi j",
    "'''bold''''''bold''bolditalics'''''": "'bold'boldbolditalics",
    "'''''Pie''''' was in 1997. In ''Pie'''s notes": "Pie was in 1997. In Pie's notes",
}
"""From `tests/parser/parserTests.txt` of MediaWiki 1.38, whose results have tags instead of the marks."""


@pytest.mark.parametrize("line", SHOWN)
def test_quotes_are_balanced_as_mediawiki_does(line: str) -> None:
    assert remove_quotes(line) == SHOWN[line]


def test_an_apostrophe_of_a_bold_mark_is_found_behind_a_short_word_first() -> None:
    assert remove_quotes("d'''Athènes''") == "d'Athènes"
    assert remove_quotes("d'''Athènes'' l'''été'''") == "dAthènes l'été"
    assert remove_quotes("Le ''a'' l'''ami''. ") == "Le a l'ami. "
    # A letter of several bytes makes no word of one letter for MediaWiki, which counts bytes.
    assert remove_quotes("ab'''c а'''б ''в'''") == "ab'c аб в"


def test_lines_are_balanced_on_their_own() -> None:
    assert remove_quotes("'''Le gras'''\n\net l'''italique''\n'''") == "Le gras\n\net l'italique\n"


def test_marks_in_the_label_of_a_link_do_not_run_together_with_those_around_it() -> None:
    linked = mark_labels("''[[A (film)|''A'' (film)]]'' [[b|'''b''']] [[c|''c'''s]] [[d|'''d]]")
    assert linked == f"''[[A (film)|A (film)]]'' [[b|{BOLD}b{BOLD}]] [[c|c's]] [[d|d]]"


@given(st.lists(st.sampled_from(["''", "'''", "'", "a", "bc", " ", "é"]), max_size=14).map("".join))
def test_no_mark_remains_and_no_word_is_lost(line: str) -> None:
    shown = remove_quotes(line)
    assert shown.replace("'", "") == line.replace("'", "")
    assert shown.count("'") <= line.count("'")
    assert mark_bold(line).replace(BOLD, "") == shown
    assert mark_bold(line, closed=True).count(BOLD) % 2 == 0
    if not re.search("'''", line):
        assert "''" not in shown
