"""Names of the templates that occur in the middle of a sentence, in the Wikipedias' own languages.

Data only. Each key of ROWS names a renderer of `templates`, which says what a reader sees of the template.
Names are lower case, with spaces for underscores; here `_` stands for a space within a name.
"""

from __future__ import annotations

import re

ROWS = {
    # Templates that format their text.
    "first argument": """
        nowrap nobr nobreak small smaller big larger unicode polytonic script abbr tooltip
        comment val num nts ruby sc smallcaps em strong mvar angbr angle_bracket vr iast sup sub
        smallsup smallsub visible_anchor vanchor vanc redwd μονάδα liczba szám s esd versalita
        petit romain incise число ruby-ja ふりがな
        要出典範囲 要検証範囲 独自研究範囲 誰範囲 いつ範囲 cp932フォント jis2004フォント jis90フォント
        補助漢字フォント 拡張漢字 旧字体 僻字
        link-en link-de link-fr link-ja link-ru link-es link-it link-ko le ilh nihongo2
    """,
    # A language's code, then the words in that language.
    "second argument": """
        lang langx lang2 langi langue rtl-lang llang wikt-lang мова јез jez dil cizojazyčně
        ภาษา भाषा ভাষা
    """,
    "last argument": "transl transliteration tlit",
    # Links to an article of another Wikipedia.
    "interlanguage link": """
        ill ill2 illm iw iw2 нп нп1 нп2 нп3 нп4 нп5 interlanguage_link interlanguage_link_multi
        лис не_перекладено не_переведено не_переведено_2 не_переведено_3 не_переведено_4
        не_переведено_5 仮リンク 임시링크 tsl internal_link_helper lien link-interwiki
        liên_kết_ngôn_ngữ_khác
    """,
    # The words in this wiki's language, kanji, romaji.
    "nihongo": "nihongo nihongo3 нихонго նիհոնգո japonais 読み仮名 読み仮名_ruby不使用 ญี่ปุ่น",
    "chinese names": "zh lang-zh",
    "measure": """
        convert cvt convertir converter converti conversion átváltás dönüştür çevir chuyển_đổi
        đổi रूपांतर रूपान्तर রূপান্তর แปลงหน่วย تحويل تبدیل μετατροπή 単位変換 단위_변환 unité unité/2
        unidad unitats unit nombre
    """,
    "date": """
        date dts dob start_date end_date birth_date death_date release_date film_date
        birth_date_and_age birth_year_and_age start_date_and_age death_date_and_age as_of as-of
        date- dtlink fecha дата дата- дн дс дн2 дс2 oldstyledate ngày_tháng 年月日
    """,
    "life dates": "bd",
    "fraction": "frac sfrac fraction",
    "power of ten": "e",
    "circa": "circa c.",
    "all arguments": "chem chem2 s- sp-",
    "ship": "ship",
    "country": "flag flagcountry flagu noflag পতাকা देशध्वज դրոշավորում флагификация",
}

RENDERER_BY_NAME = {
    name.replace("_", " "): renderer for renderer, names in ROWS.items() for name in names.split()
}
"""The renderer of a template, by the template's name."""

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

NUMBER_FUNCTION = re.compile(
    r"(?:formatnum|#formatdate|#dateformat|숫자형식|格式化数字|格式化數字|صيغة رقم):", re.IGNORECASE
)
"""Parser functions that format a number or date, with their names in other languages."""

UNITS = frozenset(
    """
    km m cm mm µm nm km2 m2 cm2 km² m² ha hectare hectares sqkm sqm sqmi sqft acre acres dunam mi mile miles
    ft foot feet in inch yd nmi ftin kg g mg t tonne tonnes lb lbs oz st LT ST long_ton short_ton km/h kph mph
    kn knot m/s ft/s °C °F C F l L ml mL impgal USgal USgal/min gal m3 km3 m³ km³ cuft cuyd cumi hp kW MW GW
    kWh ly pc AU °C-change bar psi kPa MPa hPa Nm lbft bbl
    км м см мм км2 км² м2 м² м³ га кг г т км/год км/ч किमी किमी2 किमी² कि.मी. मी मीटर कि.ग्रा. কিমি মিটার
    """.replace("_", " ").split()
)
"""Units that make a template a measure, whatever its name, when they follow a number."""

DATE_WORD = re.compile(
    r"(?<!up)date|дата|датум|дати|fecha|datum|data\b|dato\b|dátum|tarih|tanggal|ngày|תאריך|تاريخ|تاریخ|তারিখ|दिनांक|तारीख"
    r"|तिथि|วันเกิด|วันที่|年月日|日付|날짜|출생일|사망일|ամսաթիվ|თარიღი|ημερομηνία|naissance|décès"
)
"""Words that occur in the names of templates that show a date."""
