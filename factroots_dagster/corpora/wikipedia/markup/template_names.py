"""Templates that occur in the middle of a sentence, by what a reader sees of them: those of many Wikipedias.

Data only, like `wiki_templates` with those of single Wikipedias. Each key of a table is a pattern
(`patterns`) or the name of a renderer (`renderers`). Names are lower case, with spaces for underscores; here
`_` stands for a space within a name.
"""

from __future__ import annotations

import re

COMMON = {
    # Templates that format their text.
    "{1|text}": """
        nowrap nobr nobreak small smaller big larger unicode polytonic script abbr tooltip bold italic
        comment num number ruby sc smallcaps small_caps em strong mvar math vr iast sup sub nobold
        smallsup smallsub visible_anchor vanchor vanc redwd lang-rus key
    """,
    "{1}[×10^{e|ex}][ {u|ul}]": "val",
    "{1}": "nts",
    "{*}": "gaps chem chem2",
    "{*+}": "key_press keypress",
    "⟨{1}⟩": "angbr angle_bracket",
    "√{1}": "sqrt radic",
    "10^{1}": "10^",
    # A language's code, then the words in that language.
    "{2|text|texte}": "lang langx lang2 langi rtl-lang wikt-lang",
    "{-1}": "transl transliteration tlit",
    "{c+s+t+p+w+j+poj|1}": "zh lang-zh",
    "{hangul+hanja+rr+mr|1}": "korean lang-ko",
    "interlanguage link": "ill ill2 illm iw iw2 interlanguage_link interlanguage_link_multi tsl",
    "nihongo": "nihongo nihongo3",
    "{1|2}": "nihongo2",
    # Numbers and dates.
    "measure": "convert cvt",
    "[{ft|feet} ft][ {in|inch} in][{m|meters} m][{cm} cm]": "height",
    "date": """
        date dts dob start_date end_date birth_date death_date release_date film_date
        birth_date_and_age birth_year_and_age start_date_and_age death_date_and_age as_of as-of
    """,
    "fraction": "frac sfrac fraction",
    "×10^{1}": "e",
    "c. {1}": "circa c.",
    "r. {1}[–{2}]": "reign",
    "{1} BCE": "bce",
    "{1} BC": "bc",
    "{1} CE": "ce",
    "AD {1}": "ad",
    "{1}[ (m. {2}[–{3}])]": "marriage",
    "musical sign": "music",
    "US${1}": "us$ usd",
    "A${1}": "a$ aud",
    "C${1}": "c$ cad",
    "£{1}": "£ gbp pound_sterling",
    "€{1}": "€ euro eur",
    "₹{1}": "₹ inr indian_rupee",
    "¥{1}": "¥ jpy cny",
    # Lists, countries, ships.
    "list": "plainlist plain_list flatlist columns-list",
    "{*, }": "hlist ubl unbulleted_list",
    "country": "flag flagcountry flagu noflag fb",
    "[{1} ]{2}": "ship",
}

CHARACTERS = (
    dict.fromkeys(("ndash", "–", "en dash", "endash", "dash"), "–")
    | dict.fromkeys(("snd", "spaced ndash", "spnd", "sndash", "spaced en dash", "–~"), " – ")
    | dict.fromkeys(("mdash", "—", "em dash", "emdash"), "—")
    | dict.fromkeys(("mdashb", "spaced mdash", "smd"), " — ")
    | dict.fromkeys(("nbsp", "space", "spaces", "sp", "thinsp", "hairsp", "nnbsp", "spc"), " ")
    | dict.fromkeys(("•", "bull", "dot", "·", "middot", "bold middot"), " · ")
    | dict.fromkeys(("градус цельсія", "градус цельсия"), "°C")
    | {"'": "’", "'s": "’s", "'\"": "’”", "!": "|", "=": "="}
    | {era: era for era in ("до н. э.", "до н. е.", "н. э.", "н. е.")}
    | {"av. j.-c.": "av. J.-C.", "ap. j.-c.": "ap. J.-C.", "av jc": "av. J.-C.", "ap jc": "ap. J.-C."}
)
"""Templates that stand for characters (apostrophes are typographic ones: plain ones mark italics)."""

ORDINAL = re.compile(
    r"(?:[IVXLC]{1,7}|\d{1,4})(?:er|re|e|ème)(?: (?:siècle|millénaire))?(?: (?:av|ap)\. J\.-C\.)?"
)
"""French templates that show their own names: `{{1er}}`, `{{XIXe siècle}}`."""

MAX_CODE_LENGTH = 5
COUNTRY_CODE = re.compile(r"([A-Z]{3})(?:-\d)?")
"""Templates that show a country's name, some with the number of a former flag: `{{FRA}}`, `{{AUT-1}}`."""

DATE_WORD = re.compile(
    r"(?<!up)date|дата|датум|дати|fecha|datum|data\b|dato\b|dátum|tarih|tanggal|ngày|תאריך|تاريخ|تاریخ|তারিখ|दिनांक|तारीख"
    r"|तिथि|วันเกิด|วันที่|年月日|日付|날짜|출생일|사망일|ամսաթիվ|თარიღი|ημερομηνία|naissance|décès"
)
"""Words that occur in the names of templates that show a date."""


def read_names(names: str) -> list[str]:
    """The folded names in a cell of these tables."""
    return [name.replace("_", " ") for name in names.split()]
