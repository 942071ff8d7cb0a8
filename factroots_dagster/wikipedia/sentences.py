"""Where sentences begin and end: one set of rules over Unicode, plus the marks and habits of each script.

A line always ends a sentence. Within a line a sentence ends after a full stop of any script, with the
closing quotes and brackets behind it; a stop that also shortens words (`.`) must be followed by a space
and then by something that can begin a sentence, and must not follow an initial, a known abbreviation or,
where languages write ordinals so, a short number.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

CLOSERS = r"\"'”’»«“)\]）」』】〕》›"
FULL_STOPS = "。！？｡।॥։۔؟።፧။។៕᙮᠃᠉꓿𑅁"
"""Marks that do nothing but end a sentence: no space need follow them."""

STOPS = {"el": ".!?…;", "hy": ".!?…։:", "": ".!?…"}
"""Marks that end a sentence where a space follows; Greek asks with `;`, Armenian is often typed with `:`."""

ABBREVIATIONS = frozenset(
    """
    mr mrs ms dr prof st sr jr rev gen col lt sgt capt cmdr adm gov sen rep hon pres vs etc cf ca approx
    no nr vol vols fig ed eds pp p op art al inc ltd co corp dept univ est bros mt ft jan feb mar apr jun
    jul aug sep sept oct nov dec
    bzw bspw usw evtl ggf vgl geb gest hl str tel abb nr bd sog inkl zzgl
    m mme mlle mm av apr env éd sté ste
    sig sigg dott ing avv on sgg ecc pag pagg
    sra srta dra ud uds pág págs núm art aprox
    exma exmo dto ltda
    dhr mevr mw ir drs blz enz bijv nl o.a
    ul al św im pl tzw tzn np itd itp ok wg r w
    tj tzv např č př kr mj resp
    pl dr id ifj özv ún stb kb ld
    т р см ст ім тис млн млрд рр рік стор обл вул просп пл акад проф доц св о напр тзв бл гр сер
    г гг в вв руб коп им др пр ул пос дер рис табл изд изм англ лат греч рус укр нем фр франц итал исп
    тел гл ред род ок кв км кг см мм га тг тз нар пом
    κ π χ μ δρ αγ βλ σελ αρ τηλ λεωφ
    հ թ էջ տես օր
    """.split()  # noqa: SIM905
)
"""Words that a full stop shortens, without it, lower case, in the scripts that have cases."""

ORDINAL_LANGUAGES = frozenset(
    "de da nb nn no fi et lv hu cs sk sl hr sr bs sh is fo lb ksh als bar nds tr az".split()  # noqa: SIM905
)
"""Languages that write ordinal numbers with a full stop."""

THAI_SENTENCE = 80
"""Thai marks no sentence ends; there a space ends one that has run this many characters."""

THAI_SPACE = re.compile(r"(?<=[\u0e00-\u0e7f]) +(?=[\u0e00-\u0e7f])")
WORD_BEFORE = re.compile(r"(?:[^\W\d_]|[\u0300-\u036f'’.-])+$")
NUMBER_BEFORE = re.compile(r"(?<![\w.,])[0-9]{1,2}$|(?<!\w)[IVX]{1,5}$")
OPENER = re.compile(r"[\"'“”„‘’«»(\[（「『【〔《‹¿¡—–*-]*")


def _pattern(stops: str) -> re.Pattern[str]:
    return re.compile(
        rf"\n+|[{FULL_STOPS}]+[{CLOSERS}]*\s*|(?P<stop>[{re.escape(stops)}]+)[{CLOSERS}]*[ \t]+(?=\S)"
    )


PATTERNS = {language: _pattern(stops) for language, stops in STOPS.items()}


def sentence_starts(text: str, language: str = "") -> NDArray[np.int64]:
    """Where each sentence of `text` begins, ascending, the first at 0; shape [sentences].

    A sentence reaches to the next one's beginning; blanks and line ends belong to the one before.
    """
    starts = [0]
    language = language.split("-")[0]
    pattern = PATTERNS.get(language) or PATTERNS[""]
    for found in pattern.finditer(text):
        end = found.end()
        if found["stop"] is not None and not ends_sentence(text, found, language):
            continue
        if end < len(text):
            starts.append(end)
    if language == "th":
        starts = with_thai_spaces(text, starts)
    return np.array(starts, dtype=np.int64)


def ends_sentence(text: str, found: re.Match[str], language: str) -> bool:
    """Whether a stop followed by a space ends its sentence, from the words on both sides."""
    follower = text[OPENER.match(text, found.end(), found.end() + 8).end() :][:1]  # type: ignore[union-attr]
    if follower.islower():
        return False
    if found["stop"] != "." or not text[found.end("stop")].isspace():
        return True
    before = text[max(0, found.start() - 24) : found.start()]
    if word := WORD_BEFORE.search(before):
        shortened = word[0].strip("'’-").lower()
        last = shortened.rpartition(".")[2]
        if len(last) == 1 and last.isalpha() and not unspaced_single(text, found.start()):
            return False
        return shortened not in ABBREVIATIONS and last not in ABBREVIATIONS
    return not (language in ORDINAL_LANGUAGES and NUMBER_BEFORE.search(before))


def unspaced_single(text: str, stop: int) -> bool:
    """Whether the one letter before a stop has no case, so that it is no initial."""
    letter = text[stop - 1]
    return letter.lower() == letter.upper()


def with_thai_spaces(text: str, starts: list[int]) -> list[int]:
    """`starts` and the spaces between Thai letters that end a long enough run."""
    merged: list[int] = []
    spaces = [found.end() for found in THAI_SPACE.finditer(text)]
    at = 0
    for number, start in enumerate(starts):
        merged.append(start)
        stop = starts[number + 1] if number + 1 < len(starts) else len(text)
        while at < len(spaces) and spaces[at] < stop:
            if spaces[at] - merged[-1] >= THAI_SENTENCE:
                merged.append(spaces[at])
            at += 1
    return merged
