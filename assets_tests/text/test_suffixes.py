"""Inflected forms by hand: for every language what is a form of a label, and what is another word."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factroots_dagster.text.inflection.suffixes import SUFFIX_LANGUAGES, endings_after, is_suffix, stems

FORMS = {
    "tr": {
        "kitap": "kitaba kitabı kitapta kitaptan kitaplar kitapları kitaplardan kitabında kitaptır",
        "İngilizce": "İngilizceden İngilizcenin İngilizcede İngilizceye İngilizcedir İngilizceyle",
        "doktor": "doktora doktoru doktorun doktorlar doktorları "
        "doktorların doktorlarından doktordu doktormuş",
        "başkent": "başkenti başkentidir başkentte başkentinde başkentinden başkentine başkentler başkentin",
        "şehir": "şehirde şehirden şehirler şehirlerin şehirlerinde şehirdir şehirlerindeki",
        "saat": "saati saatler saatte saatin",
        "gol": "golü goller golde golün",
        "Türk": "Türkler Türklerin Türklere Türkleri Türklerdir Türkün",
        "ada": "adası adasında adaya adayı adanın adadır adalarda adadaki adasıdır",
        "üzüm": "üzümü üzümün üzümle üzümden",
        "İstanbul": "İstanbulda İstanbuldan İstanbuldaki İstanbulun",
        "NATO": "NATOda NATOnun NATOya",
        "BBC": "BBCnin BBCde BBCden",
    },
    "az": {
        "Bakı": "Bakıda Bakıdan Bakıya Bakının Bakını Bakıdır Bakıdakı Bakısı Bakıyla",
        "London": "Londona Londonda Londondan Londonun Londonu Londondur Londondakı Londonla",
        "Paris": "Parisə Parisdə Parisdən Parisin Parisi Parisdir Parisdəki",
        "Türkiyə": "Türkiyənin Türkiyəyə Türkiyədə Türkiyədən Türkiyəni Türkiyədir Türkiyədəki",
        "şəhər": "şəhəri şəhərin şəhərlər şəhərlərin şəhərində şəhəridir şəhərlərdən şəhərə şəhərdə",
        "uşaq": "uşağı uşaqlar uşaqların uşağın uşağa",
        "çörək": "çörəyi çörəyin çörəklər",
        "göl": "gölü gölün göldə gölünü göldür",
        "Rusiya": "Rusiyada Rusiyanın Rusiyaya Rusiyadan Rusiyanı",
    },
    "hu": {
        "Párizs": "Párizsban Párizsba Párizsból Párizst Párizson Párizsra Párizsnak Párizzsal Párizstól",
        "Európa": "Európában Európába Európát Európának Európával Európáról Európáért Európáig Európaként",
        "Berlin": "Berlinben Berlinbe Berlint Berlinnel Berlinnek Berlinből Berlinért Berlinig Berlinhez",
        "Budapest": "Budapesten Budapestet Budapesttel Budapestre Budapestről Budapestnek Budapestté",
        "Köln": "Kölnben Kölnt Kölnhöz Kölnnel Kölnbe",
        "Oslo": "Oslóban Oslót Oslónak Oslóval Oslóba",
        "ország": "országok országot országban országa országának országai országaiban országokkal országuk",
        "német": "németül németek németeket németekkel németet",
        "híd": "hídon hídnak híddal",
        "zongora": "zongorán zongorát zongorája zongorával zongorák zongorákat zongorái",
        "Kennedy": "Kennedyt Kennedyvel Kennedynek Kennedyben",
        "Ágnes": "Ágnessel Ágnest Ágnesnek",
        "Norvégia": "Norvégiában Norvégiának Norvégiából",
        "György": "Györggyel Györgynek Györgyöt",
        "kávé": "kávét kávéval kávék kávénak",
    },
    "fi": {
        "Ranska": "Ranskan Ranskassa Ranskasta Ranskaan Ranskaa Ranskalla Ranskaksi Ranskankin Ranskallekin",
        "Helsinki": "Helsingin Helsingissä Helsingistä Helsinkiin Helsinkiä Helsingiksi",
        "Englanti": "Englannissa Englannin Englantiin Englantia Englannista",
        "Amerikka": "Amerikan Amerikassa Amerikkaan Amerikkaa",
        "Eurooppa": "Euroopan Euroopassa Eurooppaan Eurooppaa",
        "New York": "New Yorkin New Yorkissa New Yorkiin New Yorkia New Yorkista",
        "Lontoo": "Lontoon Lontoossa Lontooseen Lontoota Lontoosta",
        "Tampere": "Tampereen Tampereella Tampereelle Tamperetta",
        "Suomi": "Suomen Suomessa Suomesta",
        "Turku": "Turun Turussa",
        "Virtanen": "Virtasen Virtasta Virtaselle",
        "talo": "talot talojen taloja taloissa taloihin talonsa talossaan talosta",
        "Madrid": "Madridin Madridissa Madridiin",
        "Berliini": "Berliinissä Berliiniä Berliinin",
        "Columbus": "Columbuksen Columbukselle",
        "pankki": "pankkien pankin pankit pankissa",
        "Olympia": "Olympiassa Olympiaan",
    },
    "et": {
        "London": "Londoni Londonis Londonist Londonisse Londonile Londonit Londoniga Londoniks",
        "Tallinn": "Tallinna Tallinnas Tallinnast Tallinnasse Tallinnale Tallinnaga",
        "Eesti": "Eestis Eestist Eestisse Eestit Eestile Eestiga Eestini "
        "Eestina Eestita Eestiks Eestil Eestilt",
        "eestlane": "eestlase eestlased eestlast eestlaste eestlastele eestlasena eestlasega",
        "linn": "linna linnas linnad linnade linnadele linnadest linnasid linnu",
        "Saksamaa": "Saksamaal Saksamaale Saksamaalt Saksamaad Saksamaaga",
        "auto": "autod autode autosid autole autodega",
        "Pariis": "Pariisi Pariisis Pariisist",
        "keel": "keele keeles keeli keeled",
    },
    "ko": {
        "서울": "서울은 서울이 서울을 서울과 서울의 서울에 서울에서 서울로 "
        "서울까지 서울부터 서울이다 서울이며 서울에는 서울로부터",
        "파리": "파리는 파리가 파리를 파리와 파리의 파리에 파리에서 "
        "파리로 파리다 파리였다 파리에서는 파리와의 파리이다",
        "한국": "한국은 한국이 한국을 한국과 한국의 한국에 한국에서 "
        "한국으로 한국이었다 한국이라는 한국에서도 한국에게",
        "모차르트": "모차르트는 모차르트도 모차르트가 모차르트에게 모차르트의 "
        "모차르트와는 모차르트였으며 모차르트라고",
        "의사": "의사들 의사들은 의사들이 의사들의 의사들에게 의사이자 의사인데 의사였던 의사로서",
        "BBC": "BBC는 BBC가 BBC의 BBC에서 BBC와 BBC도",
        "런던": "런던으로 런던처럼 런던보다 런던이고 런던으로부터",
    },
    "bn": {
        "ভারত": "ভারতের ভারতে ভারতকে ভারতই ভারতও ভারতেও ভারতেই ভারতেরই",
        "ঢাকা": "ঢাকার ঢাকায় ঢাকাকে ঢাকাতে ঢাকাও ঢাকারও ঢাকাই ঢাকায়ও",
        "শহর": "শহরটি শহরটির শহরগুলো শহরগুলোর শহরগুলি শহরগুলির শহরের শহরে শহরটিতে শহরটিকে শহরসমূহ শহরসমূহের",
        "লেখক": "লেখকরা লেখকেরা লেখকদের লেখকের লেখককে লেখকদেরকে",
        "নদী": "নদীর নদীতে নদীটি নদীগুলো নদীগুলোতে নদীকে",
        "টোকিও": "টোকিওর টোকিওতে টোকিওকে টোকিওয়",
        "শাহ": "শাহর শাহের শাহকে",
        "বই": "বইয়ের বইটি বইগুলি বইতে বইটা",
    },
    "hy": {
        "Երևան": "Երևանի Երևանում Երևանից Երևանը Երևանին Երևանով Երևանն",
        "Գերմանիա": "Գերմանիայի Գերմանիայում Գերմանիայից Գերմանիան Գերմանիային Գերմանիայով",
        "քաղաք": "քաղաքը քաղաքի քաղաքում քաղաքներ քաղաքների քաղաքները "
        "քաղաքներում քաղաքներից քաղաքներով քաղաքին",
        "գիրք": "գիրքը",
        "Բաքու": "Բաքվի Բաքվում Բաքվից Բաքուն Բաքվին",
        "Տոկիո": "Տոկիոյի Տոկիոյում Տոկիոն Տոկիոյից",
        "հայ": "հայեր հայերի հայերը հայը հայի հայերին հայերից",
        "Դելի": "Դելիի Դելիում Դելին Դելիից",
        "հանրապետություն": "հանրապետության հանրապետությունը հանրապետությունում "
        "հանրապետությամբ հանրապետություններ",
    },
}

OTHERS = {
    "tr": {
        "Türk": "Türkçe Türkiye Türkmen Türklük Türkü",
        "kitap": "kitaplık kitapçı kitaplı kitapsız kitapdan kitapyı",
        "Alman": "Almanya Almanca Almanyalı",
        "Kore": "Koreli Korece Koreyan",
        "İstanbul": "İstanbullu İstanbulspor İstanbulcuk",
        "ada": "adalı adam adana adalet adacık adade adaı",
        "doktor": "doktorlük doktorasyon doktorler",
        "Ann": "Anna Anne Anni",
    },
    "az": {
        "Bakı": "Bakılı Bakıxanov Bakıdə",
        "rus": "rusca Rusiya rusiya rusdilli",
        "türk": "türkcə türkmən türkdilli Türkiyə",
        "London": "Londonlu Londonər Londonlar1 Londondə",
        "Azərbaycan": "Azərbaycanlı Azərbaycanca Azərbaycançı",
        "alman": "almanca almaniya almanlı Almaniya",
        "şəhər": "şəhərli şəhərcik şəhərsiz şəhərçi",
        "Paris": "Parisli Parisda",
    },
    "hu": {
        "Párizs": "Párizsi Párizsiak Párizsbeli",
        "Magyar": "Magyarország Magyarul1 Magyarosan Magyarság",
        "Berlin": "Berlini Berlinban Berlinvel Berliner",
        "Ann": "Anna Anne Anni Annában",
        "Ren": "René Rend",
        "Európa": "Európaban Európai Európat Európabajnok",
        "ország": "országos országgyűlés országút országház",
        "Karl": "Karla Karlos Karlsruhe",
        "zongora": "zongorista zongorázik zongoraban",
        "német": "németes németföld",
    },
    "fi": {
        "Suomi": "Suomilainen Suominen",
        "Ranska": "Ranskalainen Ranskanska Ranskatar Ranskassä",
        "Saksa": "Saksalainen Saksanmaa Saksaton",
        "Helsinki": "Helsinkiläinen Helsinkijärvi Helsinkissa",
        "Norja": "Norjalainen Norjameri Norjanmeri",
        "talo": "talous taloton talollinen talosä",
        "Viro": "Virolainen Virolahti Virola",
        "York": "Yorkshire Yorkilainen Yorktown Yorkssa",
        "Berliini": "Berliiniläinen Berliinissa",
        "Lontoo": "Lontoolainen Lontooa",
    },
    "et": {
        "Eesti": "Eestimaa Eestlane Eestikeelne Eestilane",
        "Saksa": "Saksamaa Saksakeelne Saksalane",
        "London": "Londonlane Londonlik Londonsse Londonderry",
        "Tallinn": "Tallinnlane Tallinnfilm Tallinnsse",
        "linn": "linnlane linnus1 linnuke linnapea linnuk",
        "Mark": "Markus Markko Marko",
        "auto": "automaat autor autobuss autonoomia",
        "Pariis": "Pariislane Pariisik Pariisx",
        "Rootsi": "Rootslane Rootsikeelne",
    },
    "ko": {
        "한국": "한국어 한국인 한국계 한국전쟁 한국학 한국사 한국는 한국가 한국로 한국를 한국식",
        "미국": "미국인 미국령 미국산 미국와",
        "파리": "파리은 파리을 파리과 파리으로 파리만 파리인 파리시",
        "멕시코": "멕시코만 멕시코시티 멕시코인 멕시코은",
        "경기": "경기도 경기고 경기장",
        "서울": "서울으로 서울시 서울대 서울역 서울는",
    },
    "bn": {
        "ভারত": "ভারতীয় ভারতবর্ষ ভারতর ভারতয় ভারতমাতা ভারতি",
        "বাংলা": "বাংলাদেশ বাংলাের বাংলাভাষী বাংলাদেশি",
        "ঢাকা": "ঢাকাের ঢাকাে ঢাকাইয়া ঢাকাবাসী",
        "জাপান": "জাপানি জাপানী জাপানর জাপানয়",
        "জন": "জনগণ জনতা জনপ্রিয় জনসংখ্যা",
        "নদী": "নদীের নদীমাতৃক নদীপথ নদীে",
        "রাজ": "রাজা রাজধানী রাজশাহী",
    },
    "hy": {
        "հայ": "հայերեն հայկական հայաստան հայուհի Հայաստան",
        "Երևան": "Երևանցի Երևանյան Երևանյի Երևանյան",
        "Գերմանիա": "Գերմանիաում Գերմանիաի Գերմանիաը Գերմանիացի",
        "Ռուս": "Ռուսաստան Ռուսերեն Ռուսական Ռուսաց",
        "Պետրոս": "Պետրոսյան Պետրոսյանց",
        "քաղաք": "քաղաքացի քաղաքական քաղաքապետ քաղաքային",
        "Տոկիո": "Տոկիոում Տոկիոի Տոկիոցի",
        "Բաքու": "Բաքուը Բաքվեցի",
    },
}


def is_form(word: str, label: str, language: str) -> bool:
    """Whether `word` is `label` inflected, by way of any of its stems."""
    word, label = (unicodedata.normalize("NFC", text) for text in (word, label))
    return any(
        word.startswith(stem) and is_suffix(word[len(stem) :], stem, language)
        for stem in (label, *stems(label, language))
    )


def cases(table: dict[str, dict[str, str]]) -> list[tuple[str, str, str]]:
    rows = []
    for language, labels in table.items():
        for label, words in labels.items():
            # A label of two words stands in each of its forms.
            head, _, tail = label.rpartition(" ")
            words = words.replace(f"{head} ", "") if head else words
            rows += [(language, label, f"{head} {word}".strip()) for word in words.split() if tail or word]
    return rows


@pytest.mark.parametrize("language", sorted(SUFFIX_LANGUAGES))
def test_forms_are_known(language: str) -> None:
    rows = [(label, word) for code, label, word in cases(FORMS) if code == language]
    assert len(rows) >= 40
    assert [row for row in rows if not is_form(row[1], row[0], language)] == []


@pytest.mark.parametrize("language", sorted(SUFFIX_LANGUAGES))
def test_other_words_are_no_forms(language: str) -> None:
    rows = [(label, word) for code, label, word in cases(OTHERS) if code == language]
    assert len(rows) >= 25
    assert [row for row in rows if is_form(row[1], row[0], language)] == []


def test_a_label_alone_and_other_languages_have_no_endings() -> None:
    for language, labels in FORMS.items():
        assert not any(is_suffix("", label, language) for label in labels)
    assert not is_suffix("s", "cat", "en")
    assert stems("Європа", "uk") == [] and not is_suffix("", "", "tr")


def test_names_keep_their_spelling_in_turkish() -> None:
    assert stems("kitap", "tr") == ["kitab"]
    assert stems("Zonguldak", "tr") == []


@given(st.text(max_size=8), st.text(max_size=8), st.sampled_from(sorted(SUFFIX_LANGUAGES)))
def test_any_stem_has_an_answer(rest: str, stem: str, language: str) -> None:
    assert is_suffix(rest, stem, language) == (rest in endings_after(stem, language))
    for other in stems(stem, language):
        assert other != stem


def test_endings_are_few_short_and_quickly_found() -> None:
    labels = [(label, language) for language, table in FORMS.items() for label in table]
    assert max(len(endings_after(*label)) for label in labels) < 500
    assert endings_after("Berlin", "hu") is endings_after("Lenin", "hu")  # stems of a kind share one set
    longest = max(len(ending) for label in labels for ending in endings_after(*label))
    assert longest <= 16  # the mentions look no further for a word's end
    began = time.process_time()
    for _ in range(1000):
        for label, language in labels:
            is_suffix("nowhere", label, language)
    assert (time.process_time() - began) / (1000 * len(labels)) < 5e-6
