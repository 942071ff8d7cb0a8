"""How single Wikipedias name their templates: which they share, and which are named after what they show.

Data only.
"""

from __future__ import annotations

RELATED = {
    "be": "ru", "bg": "ru", "hy": "ru", "ka": "ru", "uk": "ru", "ca": "es", "eu": "es", "gl": "es",
    "hr": "sr", "sr": "hr", "sk": "cs", "ur": "fa", "az": "tr", "mr": "hi",
}  # fmt: skip
"""The Wikipedia whose templates another has borrowed under their names."""

SELF_NAMED_COUNTRIES = frozenset({"fr", "ja", "ru", "uk", "zh"})
"""Wikipedias that have a template for the flag and name of each country under its name: `{{日本}}`."""

SELF_NAMED = {
    "ru": "СССР Российская_империя Россия США Великобритания ФРГ ГДР РСФСР",
    "uk": "СРСР Російська_імперія УРСР США Велика_Британія ФРН НДР",
    "fr": "États-Unis Royaume-Uni URSS Empire_français",
}
"""More templates of this kind, for states whose names `countries.csv` does not have."""

CHARACTERS = {"fr": {"e": "e", "er": "er", "re": "re", "ème": "e", ",": ""}}
"""Templates of single Wikipedias that stand for characters."""

TITLE_PREFIXES = {"it": ("Calcio ", "Basket ", "Volley ")}
"""Templates that show the team that their own name names after the word for a sport: `{{Calcio Milan|N}}`."""

LANGUAGE_NAMES = {
    "cs": """
        en:anglicky fr:francouzsky de:německy es:španělsky it:italsky ru:rusky la:latinsky pl:polsky
        sk:slovensky hu:maďarsky uk:ukrajinsky el:řecky pt:portugalsky nl:nizozemsky sv:švédsky da:dánsky
        no:norsky fi:finsky ja:japonsky zh:čínsky ko:korejsky ar:arabsky he:hebrejsky tr:turecky ro:rumunsky
        bg:bulharsky sr:srbsky hr:chorvatsky sl:slovinsky lt:litevsky lv:lotyšsky et:estonsky be:bělorusky
        ca:katalánsky eu:baskicky ga:irsky cy:velšsky fa:persky hi:hindsky ka:gruzínsky hy:arménsky
        vi:vietnamsky th:thajsky
    """,
    "lv": """
        de:vācu: en:angļu: fr:franču: es:spāņu: it:itāļu: ru:krievu: la:latīņu: pl:poļu: lt:lietuviešu:
        et:igauņu: fi:somu: sv:zviedru: no:norvēģu: da:dāņu: nl:nīderlandiešu: uk:ukraiņu: be:baltkrievu:
        cs:čehu: sk:slovāku: hu:ungāru: ro:rumāņu: bg:bulgāru: el:grieķu: tr:turku: ar:arābu: he:ivrits:
        ja:japāņu: zh:ķīniešu: ko:korejiešu: pt:portugāļu: ka:gruzīnu: hy:armēņu: az:azerbaidžāņu:
        kk:kazahu: fa:persiešu: hi:hindi: ca:katalāņu: sr:serbu: hr:horvātu: sl:slovēņu: eu:basku: ga:īru:
        cy:velsiešu: th:taju: vi:vjetnamiešu:
    """,
    "pl": """
        en:ang. de:niem. fr:fr. it:wł. es:hiszp. ru:ros. la:łac. el:gr. uk:ukr. cs:czes. sk:słow. hu:węg.
        pt:port. nl:nid. sv:szw. no:norw. da:duń. fi:fiń. lt:lit. lv:łot. et:est. be:biał. ja:jap. zh:chiń.
        ko:kor. ar:arab. he:hebr. tr:tur. ro:rum. bg:bułg. sr:serb. hr:chorw. sl:słoweń. ca:kat. eu:bask.
        ga:irl. cy:wal. fa:pers. vi:wiet. th:taj. ka:gruz. hy:orm.
    """,
}
"""What stands before words of another language, by wiki: code of the language, colon, its name there."""

LANGUAGE_CODE_TEMPLATES = frozenset({"pl"})
"""Wikipedias whose templates for words of another language are named by its code: `{{fr|Paris}}`."""
