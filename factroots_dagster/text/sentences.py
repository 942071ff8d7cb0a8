"""Where sentences begin and end: one set of rules over Unicode, plus the marks and habits of each script.

A line always ends a sentence. Within a line a sentence ends after a full stop of any script, with the
closing quotes and brackets behind it. A mark that has other uses as well (`.`, `!`, `?`, `…`) must be
followed by a blank and by something that can begin a sentence; a `.` must not follow an initial, an
abbreviation of the language or, where languages write ordinals so, a short number, unless the next word is
one that begins sentences rather than names ("the U.S. The"). What cannot be told from that is not cut.

Marks are found and judged as arrays over all of a text, and only a full stop behind a short word or a number
is looked at by itself; so many pages may be handed over at once, joined by line ends.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.text.abbreviations import ABBREVIATIONS, FIRST_WORDS
from factroots_dagster.text.code_points import codes_of, looked_up

FULL_STOPS = "。！？｡।॥։۔؟።፧။។៕᙮᠃᠉꓿𑅁"
"""Marks that do nothing but end a sentence: no blank need follow them."""

WORD_SPACE = "፡"
"""Ethiopic: doubled, it is a full stop."""

STOPS = {"el": ".!?…‼⁇⁈⁉;\u037e", "hy": ".!?…‼⁇⁈⁉:", "": ".!?…‼⁇⁈⁉"}
"""Marks that end a sentence where a blank follows; Greek asks with `;`, Armenian is often typed with `:`."""

BLANKS = " \t\u3000"
"""A no-break space is none: it says that what follows belongs to what precedes."""

CLOSERS = "\"'”’»)])」』】〕》›〉）］"
LEFT_QUOTES = "“«‘"
"""They close a quotation in some languages, but only behind a mark that a blank follows."""

FRENCH_BLANKS = " \u00a0\u202f"
"""They stand before the closing mark of a French quotation."""

TITLE_CLOSERS = "》〉』"
"""A stop before one of them belongs to the title of a work."""

BRACKETS = "([（［"
"""A mark right behind one of them stands for something left out, or doubted."""

OPENERS = "\"'“”„‘’«»([（「『【〔《‹¿¡—–*-,"
CONTINUERS = ";:)]}.!?…·&+=/%|~<>،؛、，；：・)）」』】》"
"""Nothing that follows a sentence begins with one of these (a comma may be what a dropped template left)."""

PARTICLES, KANA_PARTICLES = "のをが", "とはにでもへや"
"""Japanese, behind a name that ends in a mark; the latter begin words too, where more hiragana follow."""

ORDINAL_LANGUAGES = frozenset(
    "de da nb nn no fi et lv hu cs sk sl hr sr bs sh is fo lb ksh als bar nds tr pl eu hsb dsb".split()  # noqa: SIM905
)
"""Languages that write ordinal numbers with a full stop."""

SYLLABLE_LANGUAGES = frozenset(("bn", "mr", "ta", "te", "kn", "ml"))
"""Indic languages whose initials are one syllable, and that have no verb so short to end sentences with."""

THAI_SENTENCE = 80
"""Thai marks no sentence ends; there a space ends one that has run this many characters."""

SAME_AS = {"nb": "no", "nn": "no", "bs": "hr", "sh": "hr", "ms": "id", "simple": "en"}
EXCLAIMED = frozenset(("yahoo", "jeopardy", "joomla", "wham"))
"""Names that end in an exclamation mark wherever they stand."""

TITLE_BRACKETS, LONGEST_TITLE = (("《", "》"), ("『", "』")), 40

LONGEST_SHORT = 8
"""Letters of the longest abbreviation; a longer word before a full stop needs no look."""

BLOCK, WORDS_KEPT = 1 << 19, 1 << 16
PAD = "\n" * 12
APOSTROPHES = "'’ʼ"
THAI_SPACE = re.compile(r"(?<=[\u0e00-\u0e7f]) +(?=[\u0e00-\u0e7f])(?!ๆ)")
FIRST_WORD = re.compile(r"([^\s'’.,;:]{1,16})[\s'’,]")
LINE_NUMBER = re.compile(r"\n[0-9]{1,3}$")
ROMAN = re.compile(r"[IVX]{2,5}")
NUMBER = re.compile(r"[0-9]|[IVXLC]+\b")
ET_CETERA = re.compile(r"(?<!\w)(?:т\. ?(?:д|п|ін)|κ\. ?[άα])$")
DOTTED = re.compile(r"(?<![\w.])\w{1,3}\.\w{1,4}$")
DIGRAPH = re.compile(r"[B-DF-HJ-NP-TV-Z][hjszžy]|Дж|Дз")
"""Two letters that stand for one in a name's beginning."""

ORDINAL = re.compile(r"(?<![\w.,])[0-9]{1,2}$")

LETTER, LOWER, DIGIT, CLOSER, LEFT, BLANK, OPENER, BRACKET, CONTINUER, FULL, HIRAGANA, THAI = (
    1 << bit for bit in range(12)
)
MARKS = {
    CLOSER: CLOSERS,
    LEFT: LEFT_QUOTES,
    BLANK: BLANKS,
    OPENER: OPENERS,
    BRACKET: BRACKETS,
    CONTINUER: CONTINUERS,
    FULL: FULL_STOPS,
}
PLANES = 0x20000
"""Size of the tables by code point; what lies behind are Han characters, all alike to them."""


@dataclass(frozen=True)
class Rules:
    """What one language does: its marks, and the words it shortens."""

    language: str
    marks: NDArray[np.uint8]
    titles: frozenset[str]
    shortened: frozenset[str]
    numbered: frozenset[str]
    first_words: frozenset[str]


@lru_cache(maxsize=1)
def classes() -> NDArray[np.uint16]:
    """The kinds of every code point below PLANES, as bits."""
    table = np.zeros(PLANES, dtype=np.uint16)
    for code in range(PLANES - 1):
        character = chr(code)
        category = unicodedata.category(character)
        if category[0] in "LM":
            table[code] = LETTER
            # Georgian letters count as lower case in Unicode, but no upper case begins its sentences.
            if category == "Ll" and not (0x10D0 <= code <= 0x10FF or 0x2D00 <= code <= 0x2D2F):
                table[code] |= LOWER
        elif category == "Nd":
            table[code] = DIGIT
    table[0x3041:0x3097] |= HIRAGANA
    table[0x0E00:0x0F00] |= THAI
    for kind, marks in MARKS.items():
        table[[ord(mark) for mark in marks]] |= kind
    return table


@lru_cache(maxsize=64)
def rules_of(language: str) -> Rules:
    """The rules of a language by its code; of one that is not listed, those of every language."""
    language = SAME_AS.get(language, language)
    marks = np.zeros(PLANES, dtype=np.uint8)
    marks[[ord(mark) for mark in "\n" + WORD_SPACE + FULL_STOPS + STOPS.get(language, STOPS[""])]] = 1
    groups = [set(group.split()) for group in ABBREVIATIONS[""].split("|")]
    if language in ABBREVIATIONS:
        for group, own in zip(groups, ABBREVIATIONS[language].split("|"), strict=True):
            group.update(own.split())
    # A word that a name may follow, or that is shortened everywhere, is not told by a number.
    titles, shortened = frozenset(groups[0]), frozenset(groups[1] - groups[0])
    numbered = frozenset(groups[2] - groups[1] - groups[0])
    return Rules(
        language, marks, titles, shortened, numbered, frozenset(FIRST_WORDS.get(language, "").split())
    )


def sentence_starts(text: str, language: str = "") -> NDArray[np.int64]:
    """Where each sentence of `text` begins, ascending, the first at 0; shape [sentences].

    A sentence reaches to the next one's beginning; blanks and line ends belong to the one before.
    """
    rules = rules_of(language.replace("_", "-").partition("-")[0])
    found = [np.zeros(1, dtype=np.int64)]
    at = 0
    while at < len(text):
        end = text.find("\n", at + BLOCK) + 1 or len(text)
        while end < len(text) and text[end] == "\n":
            end += 1
        if at:
            found.append(np.array([at]))
        found.append(at + starts_behind(text if end - at == len(text) else text[at:end], rules))
        at = end
    starts = np.concatenate(found)
    return with_thai_spaces(text, starts) if rules.language == "th" else starts


def starts_behind(text: str, rules: Rules) -> NDArray[np.int64]:
    """Where the sentences of `text` but the first begin."""
    codes = codes_of(f"{PAD}{text}{PAD}")
    marks = np.flatnonzero(looked_up(rules.marks, np.minimum(codes, PLANES - 1)))[len(PAD) : -len(PAD)]
    line_ends = codes[marks] == ord("\n")
    lines, stops = marks[line_ends], marks[~line_ends]
    starts: NDArray[np.int64] = lines[codes[lines + 1] != ord("\n")] + 1
    if len(stops):
        starts = np.sort(np.concatenate((starts, behind_stops(Padded(text, codes), stops, rules))))
    return starts - len(PAD)


@dataclass(frozen=True)
class Padded:
    """A text as code points between pads, so that every mark has neighbours."""

    text: str
    codes: NDArray[np.uint32]

    def kinds(self, places: NDArray[np.int64]) -> NDArray[np.uint16]:
        return classes().take(self.codes[places], mode="clip")

    def among(self, places: NDArray[np.int64], characters: str) -> NDArray[np.bool_]:
        return np.isin(self.codes[places], [ord(character) for character in characters])

    def skip(self, places: NDArray[np.int64], kind: int) -> NDArray[np.int64]:
        """The places behind a run of marks of a kind."""
        places = places.copy()
        inside = np.flatnonzero(self.kinds(places) & kind)
        for _ in range(8):
            places[inside] += 1
            inside = inside[(self.kinds(places[inside]) & kind) != 0]
        for number in inside:
            # Longer runs are not prose; a pattern passes each of them in one go.
            run = run_of(kind).match(self.text, places[number] - len(PAD))
            places[number] = run.end() + len(PAD) if run else places[number]
        return places

    def letters_before(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many letters stand right before each place, counted up to LONGEST_SHORT + 1."""
        lengths = np.zeros(len(places), dtype=np.int64)
        inside = np.arange(len(places))
        for step in range(1, LONGEST_SHORT + 2):
            inside = inside[(self.kinds(places[inside] - step) & LETTER) != 0]
            lengths[inside] = step
        return lengths


@lru_cache
def run_of(kind: int) -> re.Pattern[str]:
    """A pattern of a run of marks of a kind, which may be several joined."""
    return re.compile(f"[{re.escape(''.join(marks for bit, marks in MARKS.items() if bit & kind))}]*")


def behind_stops(text: Padded, stops: NDArray[np.int64], rules: Rules) -> NDArray[np.int64]:
    """Where the sentences begin that follow the marks at `stops`."""
    apart = np.flatnonzero(np.diff(stops) != 1) + 1
    first, last = stops[np.append(0, apart)], stops[np.append(apart, len(stops)) - 1]
    word_space = text.among(last, WORD_SPACE)
    full = ((text.kinds(first) | text.kinds(last)) & FULL != 0) | (word_space & (last > first))
    kept = (full | ~word_space) & (text.kinds(first - 1) & BRACKET == 0)
    first, last, full = first[kept], last[kept], full[kept]

    closed = text.skip(last + 1, CLOSER)
    closed[~full] = text.skip(closed[~full], CLOSER | LEFT)
    french = text.among(closed, FRENCH_BLANKS) & text.among(closed + 1, "»")
    french &= text.kinds(closed + 2) & (LETTER | DIGIT) == 0
    closed[french] += 2
    after = text.skip(closed, BLANK)
    spaced = after > closed
    ends = ~(text.among(after, "\n") | (text.kinds(after) & (CONTINUER | FULL) != 0))
    ends &= np.where(full, spaced | ~goes_on_unspaced(text, first, last, closed), spaced)
    begins = text.skip(after, OPENER)
    # Armenian shortens words with its full stop.
    ends &= (text.kinds(begins) & LOWER == 0) | (full & ~text.among(last, "։"))

    for place in np.flatnonzero(ends & text.among(last, "!?！？")).tolist():
        ends[place] = not in_title(text.text, int(last[place]) - len(PAD))
    ends &= ~(text.among(last, ".") & (text.kinds(first - 1) & THAI != 0))
    single = ends & (first == last) & text.among(last, ".!")
    lengths = text.letters_before(first)
    short = (lengths > 0) & (lengths <= LONGEST_SHORT)
    doubtful = np.flatnonzero(single & (short | (text.kinds(first - 1) & DIGIT != 0)))
    stops, lengths = first[doubtful], lengths[doubtful]
    places = zip((stops - lengths - len(PAD)).tolist(), (stops - len(PAD)).tolist(), strict=True)
    words = [text.text[start:stop] for start, stop in places]
    known = short_words(rules.language)
    short = np.fromiter(map(known.__getitem__, words), dtype=bool, count=len(words))
    short |= text.among(stops - lengths - 1, ".")
    columns = (doubtful[short], stops[short] - len(PAD), lengths[short], begins[doubtful[short]] - len(PAD))
    for place, stop, length, begin in zip(*map(np.ndarray.tolist, columns), strict=True):
        ends[place] = not shortens(text.text, stop, length, begin, rules)
    ended: NDArray[np.int64] = after[ends]
    return ended


def goes_on_unspaced(
    text: Padded, first: NDArray[np.int64], last: NDArray[np.int64], closed: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether a full stop without a blank behind it stands in a number, a title or before a particle."""
    follower = text.kinds(closed)
    behind_closer = closed > last + 1
    number = (text.kinds(first - 1) & DIGIT != 0) & (follower & DIGIT != 0) & ~behind_closer
    title = behind_closer & text.among(closed - 1, TITLE_CLOSERS)
    particle = text.among(closed, PARTICLES + ",")
    particle &= ~(text.among(closed + 1, "ちん"))
    particle |= text.among(closed, KANA_PARTICLES) & (text.kinds(closed + 1) & HIRAGANA == 0)
    particle |= behind_closer & text.among(closed, "と")
    goes_on: NDArray[np.bool_] = number | title | particle
    return goes_on


def in_title(text: str, stop: int) -> bool:
    """Whether the mark at `stop` stands inside the name of a work in Chinese or Japanese brackets."""
    before, behind = text[max(0, stop - LONGEST_TITLE) : stop], text[stop : stop + LONGEST_TITLE]
    for opening, closing in TITLE_BRACKETS:
        if before.rfind(opening) > max(before.rfind(closing), before.rfind("\n")):
            end = behind.find(closing)
            return end >= 0 and "\n" not in behind[:end]
    return False


class ShortWords(dict[str, bool]):
    """Words before a mark, and whether the mark may belong to them; those of one language that came up."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self.language = language

    def __missing__(self, word: str) -> bool:
        if len(self) >= WORDS_KEPT:
            self.clear()
        self[word] = may_be_short(word, self.language)
        return self[word]


@lru_cache(maxsize=8)
def short_words(language: str) -> ShortWords:
    return ShortWords(language)


def may_be_short(word: str, language: str) -> bool:
    """Whether a mark may belong to a word in some company; an empty word stands for a number."""
    rules, lower = rules_of(language), word.lower()
    if not word or lower in EXCLAIMED or is_initial(word, "", language) or is_sign(word, language):
        return True
    return lower in rules.titles or lower in rules.shortened or lower in rules.numbered


def is_sign(word: str, language: str) -> bool:
    """Whether a word is two letters that stand for one, or a Roman number that a full stop makes ordinal."""
    if DIGRAPH.fullmatch(word):
        return True
    return language in ORDINAL_LANGUAGES and ROMAN.fullmatch(word) is not None


def shortens(text: str, stop: int, length: int, begin: int, rules: Rules) -> bool:
    """Whether the mark at `stop` belongs to the `length` letters before it, or to a number.

    `begin` is the place of the next word.
    """
    word = text[stop - length : stop]
    lower = word.lower()
    if text[stop] == "!":
        return lower in EXCLAIMED
    if lower in rules.titles:
        return True
    before = text[stop - length - 1] if stop > length else "\n"
    if not word:
        digits = text[max(0, stop - 4) : stop] if stop > 3 else "\n" + text[:stop]
        if LINE_NUMBER.search(digits):
            return True
        shortened = rules.language in ORDINAL_LANGUAGES and ORDINAL.search(digits) is not None
    elif before in APOSTROPHES:
        shortened = word.isupper()
    else:
        shortened = (
            lower in rules.shortened
            or is_initial(word, before, rules.language)
            or is_sign(word, rules.language)
            or (before == "." and DOTTED.search(text, max(0, stop - 9), stop) is not None)
        )
        if not shortened and lower in rules.numbered:
            return NUMBER.match(text, begin) is not None
    if not shortened or ET_CETERA.search(text, max(0, stop - 8), stop):
        return False
    return not begins_sentence(text, begin, rules)


def begins_sentence(text: str, begin: int, rules: Rules) -> bool:
    """Whether a word of those that begin sentences stands at `begin`."""
    found = FIRST_WORD.match(text, begin)
    return found is not None and found[1] in rules.first_words


def is_initial(word: str, before: str, language: str) -> bool:
    """Whether a word is one letter, or one syllable, that stands for a name."""
    letter = word[0]
    if word[1:2].isalpha() or any(map(str.isalpha, word[2:])) or before.isdigit():
        return False
    if "\u0900" <= letter <= "\u0dff":
        return language in SYLLABLE_LANGUAGES
    if language == "vi":
        return letter.isascii() or letter == "Đ"
    # Syllables and characters with a meaning of their own are words.
    return letter < "\u0e00" or letter.lower() != letter.upper()


def with_thai_spaces(text: str, starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """`starts` and the spaces between Thai letters that end a long enough run."""
    merged: list[int] = []
    spaces = [found.end() for found in THAI_SPACE.finditer(text)]
    at = 0
    for start, stop in itertools.pairwise([*starts.tolist(), len(text)]):
        merged.append(start)
        while at < len(spaces) and spaces[at] < stop:
            if spaces[at] - merged[-1] >= THAI_SENTENCE:
                merged.append(spaces[at])
            at += 1
    return np.array(merged, dtype=np.int64)
