"""Whether a full stop belongs to the word before it: an abbreviation, an initial, an ordinal number.

Only marks after a short word or a number are judged here, one at a time; `boundaries` selects them.
"""

from __future__ import annotations

import re
from functools import lru_cache

from factroots_dagster.text.sentences.characters import TITLE_BRACKETS
from factroots_dagster.text.sentences.rules import Rules, rules_for

MAX_ABBREVIATION = 8
"""Letters of the longest abbreviation; a mark after a longer word belongs to no abbreviation."""

MAX_TITLE = 40
"""How far from a mark the brackets of a title may be."""

EXCLAMATION_NAMES = frozenset(("yahoo", "jeopardy", "joomla", "wham"))
"""Names that end in an exclamation mark wherever they occur."""

APOSTROPHES = "'’ʼ"
DEGREE_SIGNS = frozenset("°º")
FIRST_WORD = re.compile(r"([^\s'’.,;:]{1,16})[\s'’,]")
LINE_NUMBER = re.compile(r"\n[0-9]{1,3}$")
ROMAN_NUMBER = re.compile(r"[IVX]{2,5}")
NUMBER = re.compile(r"[0-9]|[IVXLC]+\b")
ET_CETERA = re.compile(r"(?<!\w)(?:т\. ?(?:д|п|ін)|κ\. ?[άα])$")
"""Russian, Ukrainian and Greek "etc.", which end sentences although single letters stand in them."""

DOTTED = re.compile(r"(?<![\w.])\w{1,3}\.\w{1,4}$")
"""Abbreviations of several words without spaces ("a.m.", "U.S.")."""

DIGRAPH = re.compile(r"[B-DF-HJ-NP-TV-Z][hjszžy]|Дж|Дз")
"""Two letters that stand for one at the beginning of a name."""

ORDINAL = re.compile(r"(?<![\w.,])[0-9]{1,2}$")


@lru_cache(maxsize=1 << 16)
def may_be_abbreviation(word: str, language: str) -> bool:
    """Whether a mark after `word` may belong to it in some context; an empty word stands for a number."""
    rules, lower = rules_for(language), word.lower()
    if not word or is_initial(word, "", rules) or is_digraph_or_roman_ordinal(word, rules):
        return True
    listed = (EXCLAMATION_NAMES, rules.titles, rules.abbreviations, rules.before_numbers)
    return any(lower in words for words in listed)


def is_digraph_or_roman_ordinal(word: str, rules: Rules) -> bool:
    """Whether a word is two letters that stand for one, or a Roman number that a full stop makes ordinal."""
    is_ordinal = rules.own.ordinals_with_full_stop and ROMAN_NUMBER.fullmatch(word) is not None
    return is_ordinal or DIGRAPH.fullmatch(word) is not None


def is_initial(word: str, before: str, rules: Rules) -> bool:
    """Whether a word after the character `before` (or any) is a letter or syllable that stands for a name."""
    letter = word[0]
    if any(map(str.isalpha, word[1:])) or before.isdigit() or before in DEGREE_SIGNS:
        return False
    if "\u0900" <= letter <= "\u0dff":
        return rules.own.syllable_initials
    if rules.own.initial_letters:
        return letter in rules.own.initial_letters
    # In other scripts without case, single characters are words.
    return letter < "\u0e00" or letter.lower() != letter.upper()


def belongs_to_word(text: str, mark: int, length: int, next_word: int, rules: Rules) -> bool:
    """Whether the mark at position `mark` belongs to the `length` letters before it, or to a number (0).

    next_word: position of the word after the mark.
    """
    word = text[mark - length : mark]
    lower = word.lower()
    if text[mark] == "!":
        return lower in EXCLAMATION_NAMES
    if lower in rules.titles:
        return True
    before = text[mark - length - 1] if mark > length else "\n"
    if not word:
        digits = text[mark - 4 : mark] if mark > 3 else "\n" + text[:mark]
        if LINE_NUMBER.search(digits):
            return True
        is_abbreviated = rules.own.ordinals_with_full_stop and ORDINAL.search(digits) is not None
    elif before in APOSTROPHES:
        is_abbreviated = word.isupper()
    else:
        is_abbreviated = (
            lower in rules.abbreviations
            or is_initial(word, before, rules)
            or is_digraph_or_roman_ordinal(word, rules)
            or (before == "." and DOTTED.search(text, max(0, mark - 9), mark) is not None)
        )
        if not is_abbreviated and lower in rules.before_numbers:
            return NUMBER.match(text, next_word) is not None
    if not is_abbreviated or ET_CETERA.search(text, max(0, mark - 8), mark):
        return False
    following = FIRST_WORD.match(text, next_word)
    return following is None or following[1] not in rules.first_words


def is_in_title(text: str, mark: int) -> bool:
    """Whether the mark is inside the title of a work in Chinese or Japanese brackets."""
    before, after = text[max(0, mark - MAX_TITLE) : mark], text[mark : mark + MAX_TITLE]
    for opening, closing in TITLE_BRACKETS:
        if before.rfind(opening) > max(before.rfind(closing), before.rfind("\n")):
            end = after.find(closing)
            return end >= 0 and "\n" not in after[:end]
    return False
