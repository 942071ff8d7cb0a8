"""Templates, parser functions and names as single Wikipedias have them; the sentences are invented."""
# ruff: noqa: E501  (a case is one line)

from __future__ import annotations

import pytest

from factroots_dagster.corpora.wikipedia.markup.countries import country_names
from factroots_dagster.corpora.wikipedia.markup.dialect import dialect_of
from factroots_dagster.corpora.wikipedia.markup.magic_words import magic_words
from factroots_dagster.corpora.wikipedia.markup.wikitext import extract_prose
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces
from factroots_dagster.languages.geography import MLAMA_PLACES

CASES = [
    ("ar", "قال «{{اقتباس مضمن|دمشق}}» ({{إنج|Damascus}}، {{لغ|fr|Damas}})", "قال «دمشق» (Damascus، Damas)"),
    ("ar", "سكانها {{عدد|5000|نسمة}} في {{علم|مصر}}، {{تاريخ الميلاد|1950|1|2}}", "سكانها 5000 نسمة في مصر، 1950-01-02"),
    ("cs", "({{Vjazyce2|de|Brünn}}, {{cizojazyčně|en|Brno}}), {{km2|230}}", "(německy Brünn, Brno), 230 km²"),
    ("cs", "{{datum narození|1950|1|2}} v {{Vlajka a název|Polsko}} a {{Vlajka a název|AUT}}", "2. ledna 1950 v Polsko a Rakousko"),
    ("de", "für {{DEU|#}} [[Deutschland]], {{FRA}}, {{BEL|Belgien}} und {{AUT-1|ja}}", "für Deutschland, Frankreich, Belgien und Österreich"),
    ("el", "{{μονάδα|412|km2}} στην {{flag|Ελλάδα}}{{σημαία|Κύπρος}}", "412 km2 στην Ελλάδα"),
    ("en", "The ''Eagle'''s stage, {{convert|9|ft|6|in|m}}, {{height|ft=6|in=2}}", "The Eagle's stage, 9 ft 6 in, 6 ft 2 in"),
    ("en", "{{US$|25 million}}, {{£|300}}, {{INR|500}}, {{Euro|20}}", "US$25 million, £300, ₹500, €20"),
    ("en", "({{reign|1399|1413}}), {{BCE|44}}, {{CE|70}}", "(r. 1399–1413), 44 BCE, 70 CE"),
    ("en", "{{marriage|[[Ann Lee]]|1950|1960}}, {{marriage|Eve|1970}}", "Ann Lee (m. 1950–1960), Eve (m. 1970)"),
    ("en", "{{flag|Japan}}, {{FRA}}, {{flagicon|GER}} [[Germany]], {{fb|BRA}}, {{flagcountry|ITA}}", "Japan, France, Germany, Brazil, Italy"),
    ("en", "{{val|1.5|u=kg}}, {{val|3|e=8|u=m/s}}, {{gaps|1|000|000}}, {{10^|6}}, {{sqrt|2}}", "1.5 kg, 3×10^8 m/s, 1000000, 10^6, √2"),
    ("en", "{{math|''x'' {{=}} 1}} a{{!}}b {{nowrap|a{{!}}b}}", "x = 1 a|b a|b"),
    ("en", "{{music|flat}}B, C{{music|#}}, {{key press|Ctrl|C}}, {{angbr|th}}", "♭B, C♯, Ctrl+C, ⟨th⟩"),
    ("en", "{{korean|hangul=서울|rr=Seoul}}, {{zh|c=北京|p=Běijīng}}, {{lang-rus|Москва|Moskva}}", "서울; Seoul, 北京; Běijīng, Москва"),
    ("en", "{{small caps|Hull}} {{nobold|x}} {{em|Bath}} {{unknown|y}}z", "Hull x Bath z"),
    ("en", "{{div col|2}}\n* Leeds\n{{div col end}}\n{{columns-list|2|\n* Bath\n* Hull\n}}", "Leeds\nBath\nHull"),
    ("en", "In: {{plainlist|\n* [[Ann]]\n* Bob\n}} and {{hlist|Leeds|York}}, {{ubl|a|b}}", "In:\nAnn\nBob\nand Leeds, York, a, b"),
    ("es", "{{bandera2|Perú}} mide {{unidad|2672|km2}}, {{fecha|18|1|1535}}", "Perú mide 2672 km2, 18 de enero de 1535"),
    ("es", "{{esd|10 km}}, {{siglo|XVI}}, {{cita|Ciudad}}, {{Versalitas|a}}", "10 km, siglo XVI, «Ciudad», a"),
    ("eu", "{{bandera|Espainia}} {{data|2001|2|3}}, {{unitatea|5|km}}", "Espainia 2001-02-03, 5 km"),
    ("fr", "né le {{date de naissance|4|mars|1901}}, mort le {{date de décès|9|6|1970}}", "né le 4 mars 1901, mort le 9 juin 1970"),
    ("fr", "au {{s|XIX}}, au {{s-|XII}}, au {{-s|IV}}, {{s|I}}, {{sp|XVIII|e|XIX|e}}", "au XIXe siècle, au XIIe siècle, au IVe siècle, Ier siècle, XVIIIe et XIXe siècles"),
    ("fr", "{{citation|La ville}} en {{abréviation|fév.|février}} sous {{Souverain-|Louis XIV}}", "« La ville » en fév. sous Louis XIV"),
    ("fr", "au {{XIXe siècle}}, le {{1er}} mai{{Jer}} {{France}}", "au XIXe siècle, le 1er mai France"),
    ("he", 'ב{{אנג|Haifa}} {{ציטוטון|עיר}} {{כ}}{{תאריך|1|1|1909}}', 'בHaifa "עיר" 1 בינואר 1909'),
    ("hi", "{{भाषा|en|Delhi}} {{ध्वज|नेपाल}} {{जन्म तिथि|1950|1|2}}", "Delhi नेपाल 1950-01-02"),
    ("it", "in {{ITA}}, {{Bandiera|FRA|nome}}, {{Naz|CA|DEU}}, {{Calcio Milan|N}}", "in Italia, Francia, Germania, Milan"),
    ("ja", "{{JPN}}、{{日本}}、{{USA}}、{{旧字体|國}}、{{年月日|2001|2|3}}", "日本、日本、アメリカ合衆国、國、2001-02-03"),
    ("ja", "{{仮リンク|東京|en|Tokyo|label=都}}、{{読み仮名|富士|ふじ}}", "都、富士 (ふじ)"),
    ("ko", "{{llang|en|Seoul}}, {{한자|首爾}}, {{lang|zh|首尔}} {{숫자형식:1234}}", "Seoul, 首爾, 首尔 1234"),
    ("lv", "{{val|de|Riga}}, {{val|xx|Riga}}", "vācu: Riga, Riga"),
    ("pl", "({{fr|Paris}}, {{w języku|en|Paris}}), {{km|5}}, {{liczba|22}}, {{data|2001-02-03}}, {{FRA}}", "(fr. Paris, ang. Paris), 5 km, 22, 3 lutego 2001, Francja"),
    ("ru", "{{СССР}} и {{Флагификация|Франция}}, {{год|1950}}, {{века|XIX}}, {{ДН|14|3|1854|2}}", "СССР и Франция, 1950 год, XIX век, 1854-03-14"),
    ("ru", "{{нп5|Старый город|город|fr|Vieille ville}}, {{нп5|Старый|Vieux|fr|Vieux}}", "город, Старый"),
    ("uk", "{{дата|5 мая|1900}}, {{FRA}}, {{нп|Місто||en|Town}}", "5 мая 1900, Франція, Місто"),
    ("vi", "{{VNM}}, {{nhạt|x}}, {{liên kết ngôn ngữ khác|Bob|en|Bob}}", "Việt Nam, x, Bob"),
    ("zh-yue", "{{bd|1893年|12月26日|1976年|9月9日}}", "（1893年12月26日－1976年9月9日）"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "wikitext", "expected"), CASES)
def test_templates_are_those_of_the_wiki(language: str, wikitext: str, expected: str) -> None:
    assert extract_prose(wikitext, Namespaces.for_wiki(language)).text == expected


def test_a_name_means_in_each_wiki_what_it_means_there() -> None:
    wikitext = "{{val|1.5|2}} {{s|XIX}} {{fr|Paris}}x"
    shown = {
        wiki: extract_prose(wikitext, Namespaces.for_wiki(wiki)).text
        for wiki in ("en", "fr", "lv", "ru", "pl")
    }
    assert shown == {
        "en": "1.5 x",
        "fr": "1.5 XIXe siècle x",
        "lv": "2 x",
        "ru": "1.5 XIX x",
        "pl": "1.5 fr. Parisx",
    }


FUNCTIONS = [
    ("en", "{{formatnum:{{#expr:12*1000}}}}, {{formatnum:751,485|R}}, {{number|3}}", "12000, 751485, 3"),
    ("de", "{{formatnum:751.485,5|R}} {{ZAHLENFORMAT:12}}", "751485.5 12"),
    ("en", "{{#if:{{{a|}}}|big|small}}, {{#if:x|big|small}}, {{#if:{{unknown}}|a|b}}", "small, big, b"),
    ("en", "{{#ifeq:a|a|yes|no}}, {{#ifeq:1.0|1|yes|no}}, {{#ifeq:a|b|yes|no}}", "yes, yes, no"),
    ("en", "{{#switch:x|x=England|y=Wales}}, {{#switch:y|x|y=b|c}}, {{#switch:z|x=a|#default=d|y=b}}", "England, b, d"),
    ("en", "{{#switch:z|x=a|last}} {{#expr:1+1}} km, {{#expr:(1+2)*3^2/2}}, {{#expr:1+}}.", "last 2 km, 13.5, ."),
    ("en", "{{#ifexpr:2>1 and not 0|yes|no}} {{#iferror:a|b|c}} {{#ifexist:a|b|c}}", "yes c b"),
    ("en", "{{#time:Y|2001-02-03}} {{#time:j.n.Y|2001-02-03}} {{#time:F Y|2001-02-03}}.", "2001 3.2.2001."),
    ("en", "{{lc:LEEDS}} {{ucfirst:leeds}} {{uc:uk}} {{lcfirst:ABC}} {{plural:2|city|cities}} {{plural:1|a|b}}", "leeds Leeds UK aBC cities a"),
    ("en", "{{#invoke:x|y}}{{#tag:ref|x}}a {{#unknown:1|2}}b", "a b"),
    ("uk", "{{#якщо:x|так|ні}} {{ВР:київ}} {{#вибірка:а|а=1|#інакше=2}} {{#вибірка:б|а=1|#інакше=2}}", "так КИЇВ 1 2"),
    ("fr", "{{#si:x|oui|non}} {{FORMATNOMBRE:5}} {{majus:a}}", "oui 5 A"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "wikitext", "expected"), FUNCTIONS)
def test_parser_functions_are_evaluated(language: str, wikitext: str, expected: str) -> None:
    assert extract_prose(wikitext, Namespaces.for_wiki(language)).text == expected


@pytest.mark.parametrize(
    ("language", "variable"),
    [
        ("en", "PAGENAME"),
        ("en", "FULLPAGENAME"),
        ("de", "SEITENNAME"),
        ("uk", "НАЗВА_СТОРІНКИ"),
        ("he", "שם הדף"),
    ],
)
def test_the_title_is_shown_where_a_variable_names_it(language: str, variable: str) -> None:
    wikitext = f"'''{{{{{variable}}}}}''' is [[{{{{{variable}}}}}]] {{{{nowrap|{{{{{variable}}}}}}}}}"
    page = extract_prose(wikitext, Namespaces.for_wiki(language), "Leeds")
    assert (page.text, page.names) == ("Leeds is Leeds Leeds", ["Leeds"])


# Names that a dump's siteinfo does not list, from the wikis' own settings of 2022.

ALIASES = """
    az:6:FL az:14:KAT ceb:6:Imahen cs:6:Obrázok es:14:CAT ga:14:Rang gl:6:Arquivo gl:6:Imagem he:6:קו he:14:קט
    hi:14:श्र hr:6:DT hr:14:CT hr:14:KT it:14:CAT ja:14:カテゴリ ro:6:Fişier ru:14:К sq:14:Kategori sr:6:Fotografija
    sr:6:Фотографија tr:14:KAT uk:6:Изображение uk:14:Категория ur:6:ملف zh:6:图片 zh:6:圖片 zh:14:CAT
""".split()  # noqa: SIM905
SWITCHES = """
    af:__IO__ el:__ΠΠ__ ga:__CÁ__ hu:__TJ__ ja:__目次__ ko:__색인__ ko:__목차__ sq:__TP__ zh:__索引__ zh:__目录__
    zh:__目錄__ en:__TOC__ fr:__SOMMAIRE__ ru:__БЕЗ_ОГЛ__ nl:__GEENINHOUD__
""".split()  # noqa: SIM905
NUMBER_FUNCTIONS = """
    bn:নম্বর_বিন্যাস bn:নম্বরবিন্যাস ca:FORMATNOMBRE cs:FORMÁTUJČÍSLO cy:FFORMATIORHIF de:ZAHLENFORMAT
    el:ΜΟΡΦΟΠΟΙΗΣΗΑΡΙΘΜΟΥ es:FORMATONÚMERO es:FORMATONUMERO et:ARVUVORMINDUS fa:آرایش_عدد fi:MUOTOILELUKU
    fr:FORMATNOMBRE he:עיצוב_מספר hi:संख्या_रूप hr:OBLIKBROJA hu:FORMÁZOTTSZÁM hu:SZÁMFORMÁZÁS hu:SZÁMFORM
    hy:ՁԵՎԵԼ_ԹԻՎԸ id:FORMATANGKA id:FORANG ja:数整形 ko:수형식 nl:FORMATTEERNUM nl:NUMFORMATTEREN ro:FORMATNR
    ru:ФОРМАТИРОВАТЬ_ЧИСЛО sk:FORMÁTUJČÍSLO sv:FORMATERANUM sv:FORMATERATAL tr:BİÇİMNUM uk:ФОРМАТУВАТИ_ЧИСЛО
    uk:ФОРМАТИРОВАТЬ_ЧИСЛО ur:صیغہ_عدد vi:PHÂN_CHIA_SỐ vi:PHÂNCHIASỐ ar:صيغة_رقم ko:숫자형식 zh:格式化数字 en:formatnum
""".split()  # noqa: SIM905


@pytest.mark.parametrize("alias", ALIASES)
def test_links_by_an_alias_of_files_or_categories_are_removed(alias: str) -> None:
    language, number, name = alias.split(":")
    namespaces = Namespaces.for_wiki(language)
    assert extract_prose(f"a[[{name}:b|c]][[{name.lower()}:d]]", namespaces).text == "a"
    assert namespaces.number_of(f"{name}:B") == int(number)


@pytest.mark.parametrize("switch", SWITCHES)
def test_behavior_switches_are_removed(switch: str) -> None:
    language, _, name = switch.partition(":")
    assert extract_prose(f"Alpha {name} beta.", Namespaces.for_wiki(language)).text == "Alpha beta."


@pytest.mark.parametrize("function", NUMBER_FUNCTIONS)
def test_numbers_are_kept_under_every_name_of_their_function(function: str) -> None:
    language, _, name = function.partition(":")
    assert extract_prose(f"a {{{{{name}:1234}}}} b", Namespaces.for_wiki(language)).text == "a 1234 b"


@pytest.mark.parametrize("language", MLAMA_PLACES)
def test_every_language_of_mlama_has_names_of_countries_and_of_namespaces(language: str) -> None:
    assert len(country_names(language)) > 200
    assert len(magic_words(language, "files")) > 2 - (language == "en")
    assert extract_prose("x {{FRA}} {{GER}}", Namespaces.for_wiki(language)).text.count(" ") >= 2
    assert dialect_of(language).language == language


def test_links_to_languages_without_a_wikipedia_of_that_code_are_removed() -> None:
    assert extract_prose("a[[nb:B]][[shy:B]][[egl:B]]", Namespaces.for_wiki("en")).text == "a"


def test_names_of_a_dump_s_own_siteinfo_hold_in_its_wiki() -> None:
    namespaces = Namespaces.for_wiki("nl", [(-2, "Geluid"), (6, "Plaat"), (14, "Soort"), (100, "Poort")])
    wikitext = (
        "a[[Plaat:b|c]][[soort:d]] [[Geluid:x.ogg|horen]] [[Geluid:x.ogg]][[Media:x.ogg|hier]] [[File:b.ogg]]"
    )
    assert extract_prose(wikitext, namespaces).text == "a horen hier"
    titles = ["Poort:A", "Talk:A", "CSI: Miami", "soort:A", "A", "User talk:B"]
    assert [namespaces.number_of(title) for title in titles] == [100, 1, 0, 14, 0, 3]


BRACKETS = [
    ("{{nowrap|[[Leeds|city [of] Leeds]]}} is old.", "city [of] Leeds is old."),
    ("{{nowrap|[[File:a.jpg|thumb|[[b|c]] d|e]] f}}", "f"),
    ("{{lang|de|[http://a.b die [Stadt]]}} [http://a.b x [y] z]", "die [Stadt] x [y z]"),
    ("{{nowrap|[[a|b}}", "[[a"),
    ("{{lang|zh|-{zh-hans:a|x}-}}", "a|x"),
]


@pytest.mark.parametrize(("wikitext", "expected"), BRACKETS)
def test_brackets_in_a_kept_template_protect_bars_when_they_are_closed(wikitext: str, expected: str) -> None:
    assert extract_prose(wikitext, Namespaces.for_wiki("en")).text == expected


ATTRIBUTES = [
    ("""<span style="color:red" data-x='a>b'>Leeds</span> <div class="x">York</div>""", "Leeds\nYork"),
    ("""<span a="1>2" b='3>4' c="5">x</span> <ref name="a>b" />y<ref name='c>d'>z</ref>""", "x y"),
    ("""<span style="color:red>Leeds</span> a="b>c" d""", 'Leeds a="b>c" d'),
    ("""a = "b > c" and d > e""", 'a = "b > c" and d > e'),
]


@pytest.mark.parametrize(("wikitext", "expected"), ATTRIBUTES)
def test_attributes_may_have_angle_brackets_in_quotes(wikitext: str, expected: str) -> None:
    assert extract_prose(wikitext, Namespaces.for_wiki("en")).text == expected


SPACES = [
    ("Paris {{unknown}}, a {{x}} {{y}}. (b {{z}})", "Paris, a. (b)"),
    ("a, {{x}}, b {{y}} c {{z}}: d {{FRA}}, e", "a, , b c: d France, e"),
    ("'''Paris''' {{x}}, [[a]] {{y}}; {{z}} , b", "Paris, a; , b"),
]


@pytest.mark.parametrize(("wikitext", "expected"), SPACES)
def test_no_space_stays_before_punctuation_where_a_template_was(wikitext: str, expected: str) -> None:
    assert extract_prose(wikitext, Namespaces.for_wiki("en")).text == expected
