"""The cleaner on pages as Wikipedias of other languages write them; the sentences are invented."""
# ruff: noqa: E501  (a paragraph of wikitext is one line)

from __future__ import annotations

import pytest

from assets_tests.corpora import oracle
from factroots_dagster.corpora.wikipedia.markup.wikitext import extract_prose
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces

SITEINFO = {
    "ja": [(6, "ファイル"), (14, "Category")],
    "vi": [(6, "Tập tin"), (14, "Thể loại")],
    "mr": [(6, "चित्र"), (14, "वर्ग")],
    "zh": [(6, "File"), (14, "Category")],
    "th": [(6, "ไฟล์"), (14, "หมวดหมู่")],
    "ar": [(6, "ملف"), (14, "تصنيف")],
    "fr": [(6, "Fichier"), (14, "Catégorie")],
}

PAGES = {
    "ja": (
        """{{Otheruses|架空の町||青川 (曖昧さ回避)}}
{{日本の市
|画像 = [[ファイル:Aokawa.jpg|280px|青川の[[橋]]]]
|人口 = {{formatnum:12345}}
}}
'''青川市'''（あおかわし、{{lang-en-short|Aokawa City}}）は、[[日本]]の[[北山県]]にある[[市]]<ref name="a">{{Cite web|和書|title=市の歴史|url=http://example.org}}</ref>。{{読み仮名|'''赤水'''|あかみず}}とも呼ばれ、{{ruby|白石|しろいし}}町を含む{{要出典範囲|面積は{{convert|35|km2|sqmi}}である|date=2020年1月}}。
__目次非表示__

== 歴史 ==
[[ファイル:Old bridge.png|thumb|left|古い橋（[[1900年]]、[[川田太郎|川田]]撮影）]]
[[1889年]]（[[明治]]22年）に{{仮リンク|ジョン・グリーン|en|John Green|label=グリーン}}が訪れた{{R|a}}{{Efn|異説あり。}}。「[[ソニー|ソニー株式会社]]」の工場がある。
* [[学校]]：青川小学校
* {{JPN}} - [[国道1号]]
: 注記。

<gallery>
ファイル:a.jpg|橋
</gallery>
{{Normdaten}}
{{デフォルトソート:あおかわ}}
[[Category:日本の市]]
[[en:Aokawa]]
""",
        [
            "青川市（あおかわし、Aokawa City）は、日本の北山県にある市。赤水 (あかみず)とも呼ばれ、白石町を含む面積は35 km2である。",
            "歴史",
            "1889年（明治22年）にグリーンが訪れた。「ソニー株式会社」の工場がある。",
            "学校：青川小学校",
            "日本 - 国道1号",
            "注記。",
        ],
        [3, 4, 5],
        ["青川市", "赤水"],
    ),
    "vi": (
        """{{Thông tin đơn vị hành chính Việt Nam
| tên = Sông Xanh
| hình = Song Xanh.jpg
| dân số = {{số dân|12.345}}
}}
{{1000 bài cơ bản}}
'''Sông Xanh''' (còn gọi là '''[[Lam Giang]]''', {{lang-en|Green River}}) là một [[sông|con sông]] ở [[Việt Nam]]{{fact|date=5/2020}}, dài {{convert|120|km|mi|abbr=on}}, chảy qua {{vie}} và {{flag|Lào}}.<ref>[http://example.org Bản đồ], ''Nhà xuất bản A'', tr. 5</ref> Nguồn ở độ cao {{đổi|900|m|ft}}.

__KHÔNG_MỤC_LỤC__
== Lịch sử ==
[[Hình:Cau cu.jpg|nhỏ|phải|200px|Cầu cũ, do [[Pháp|người Pháp]] xây năm [[1902]]]]
[[Tập tin:Ban do.svg|thumb|{{lang|vi|Bản đồ}}]] Năm 1945, [[Chủ tịch nước Việt Nam|Chủ tịch]] [[Hồ Chí Minh]] đến đây.{{Sfn|Trần|2001|tr=7}}
# Huyện [[Đông Hà (huyện)|Đông Hà]]
# Ngày sinh: {{ngày sinh|1990|5|19}}
{| class="wikitable"
! Năm !! Mực nước
|-
| 1990 || 5 m
|}
{{tham khảo|2}}
{{sơ khai}}
[[Thể loại:Sông Việt Nam|Xanh]]
[[Category:Sông]]
[[fr:Rivière Verte]]
""",
        [
            "Sông Xanh (còn gọi là Lam Giang, Green River) là một con sông ở Việt Nam, dài 120 km, "
            "chảy qua và Lào. Nguồn ở độ cao 900 m.",
            "Lịch sử",
            "Năm 1945, Chủ tịch Hồ Chí Minh đến đây.",
            "Huyện Đông Hà",
            "Ngày sinh: 1990-05-19",
        ],
        [3, 4],
        ["Sông Xanh", "Lam Giang"],
    ),
    "mr": (
        """{{माहितीचौकट शहर
|नाव = हिरवेगाव
|चित्र = Hirvegaon.jpg
|लोकसंख्या = {{formatnum:५४३२१}}
}}
'''हिरवेगाव''' ({{lang-en|Hirvegaon}}; {{lang|hi|हिरवेगाँव}}) हे [[महाराष्ट्र]] राज्यातील एक [[गाव]] आहे.<ref name="क">{{स्रोत पुस्तक|नाव=गावे|वर्ष=२००१}}</ref> त्याचे क्षेत्रफळ {{convert|१२|km2|sqmi}} असून लोकसंख्या {{formatnum:५४३२१}}&nbsp;आहे।
__अनुक्रमणिकानाही__
[[चित्र:Mandir.jpg|इवलेसे|right|जुने [[मंदिर]] ([[इ.स. १७५०]])]]
[[File:Nadi.jpg|thumb|नदी]] [[संचिका:Pul.jpg|200px]]

== इतिहास ==
येथे {{देशध्वज|भारत}}ाचे पहिले [[शाळा|विद्यालय]] होते. {{संदर्भ हवा}} <!-- जुना मजकूर -->
* [[नदी]]: '''गोदा'''
* {{IND}} [[मुंबई]]

== संदर्भ ==
{{संदर्भयादी}}
[[वर्ग:महाराष्ट्रातील गावे]]
[[en:Hirvegaon]]
""",
        [
            "हिरवेगाव (Hirvegaon; हिरवेगाँव) हे महाराष्ट्र राज्यातील एक गाव आहे. त्याचे क्षेत्रफळ १२ km2 असून लोकसंख्या ५४३२१ आहे।",
            "इतिहास",
            "येथे भारताचे पहिले विद्यालय होते.",
            "नदी: गोदा",
            "मुंबई",
            "संदर्भ",
        ],
        [3, 4],
        ["हिरवेगाव"],
    ),
    "zh": (
        """{{NoteTA|G1=IT|1=zh-hans:网络;zh-hant:網路}}
'''-{zh-hans:青河;zh-hant:青河市}-'''（{{lang-en|Green River}}，{{bd|1893年|12月26日|1976年|9月9日}}）是-{[[城市|一座城]]}-，又名'''{{僻字|埗|「土」旁}}'''{{noteTag|註}}，有{{link-en|大桥|Great Bridge}}-{H|zh-cn:桥;zh-tw:橋}-。
[[文件:Bridge.jpg|缩略图|-{zh-hans:桥;zh-hant:橋}-的[[照片]]]]
[[分类:城市]]
""",
        ["青河（Green River，（1893年12月26日－1976年9月9日））是一座城，又名埗，有大桥。"],
        [],
        ["青河", "埗"],
    ),
    "th": (
        """{{กล่องข้อมูล เมือง|ชื่อ=เมืองเขียว}}
'''เมืองเขียว''' ({{lang-en|Green Town}}) เป็น[[เมือง]]ใน[[ประเทศไทย]] สูง {{แปลงหน่วย|120|m|ft}}
[[ไฟล์:a.jpg|thumb|ภาพ [[วัด]]]]
[[หมวดหมู่:เมือง]]
""",
        ["เมืองเขียว (Green Town) เป็นเมืองในประเทศไทย สูง 120 m"],
        [],
        ["เมืองเขียว"],
    ),
    "ar": (
        """{{معلومات مدينة|الاسم=خضراء}}
'''خضراء''' ({{lang-en|Khadra}}؛ {{إنج|x}}) [[مدينة]] تبعد {{تحويل|12|km|mi}} عن [[البحر الأحمر|البحر]]،<ref>مصدر</ref> سكانها {{formatnum:5000}}.
[[ملف:a.jpg|تصغير|[[سوق]] المدينة]]
__لافهرس__
[[تصنيف:مدن]]
""",
        ["خضراء (Khadra؛ x) مدينة تبعد 12 km عن البحر، سكانها 5000."],
        [],
        ["خضراء"],
    ),
    "fr": (
        """{{Infobox Ville|nom=Vertpré|population={{unité|5|km}}}}
'''Vertpré''' {{IPA|vɛʁpʁe}} est une [[ville]] du {{s-|XIX|e}}, à {{unité|12|km}} de [[Lyon]]{{,}}<ref group="n">voir [[A]]</ref>, fondée le {{date|1|mai|1850}} au {{XIXe siècle}}.
[[Image:V.jpg|vignette|La [[mairie]].]]
[[Catégorie:Ville]]
""",
        ["Vertpré est une ville du XIXe siècle, à 12 km de Lyon, fondée le 1 mai 1850 au XIXe siècle."],
        [],
        ["Vertpré"],
    ),
}


@pytest.mark.parametrize("language", PAGES)
def test_a_page_of_another_language_is_cleaned(language: str) -> None:
    wikitext, lines, list_lines, names = PAGES[language]
    page = extract_prose(wikitext, Namespaces.for_wiki(language, SITEINFO[language]))
    assert page.text.split("\n") == lines
    assert page.list_lines == list_lines
    assert page.names == names


@pytest.mark.parametrize("language", ["ja", "vi", "mr"])
def test_apart_from_templates_the_text_is_that_of_mwparserfromhell(language: str) -> None:
    """The oracle does not know the templates of these languages, so they are commented out."""
    wikitext = PAGES[language][0].replace("{{", "<!--").replace("}}", "-->")
    namespaces = Namespaces.for_wiki(language, SITEINFO[language])
    hidden = set(namespaces.files | namespaces.categories)
    theirs = oracle.prose(wikitext, hidden, set(namespaces.languages))
    ours = extract_prose(wikitext, namespaces).text
    difference = oracle.tokens(theirs)
    difference.subtract(oracle.tokens(ours))
    assert not {word for word, count in difference.items() if count and not word.startswith("__")}


@pytest.mark.parametrize(
    ("language", "hidden"),
    [
        ("mr", "[[चित्र:a.jpg]] [[संचिका:a.jpg|x]] [[file:a.jpg|x]] [[वर्ग:a]] [[hi:a]]"),
        (
            "vi",
            "[[Hình:a.jpg|x]] [[tập tin:a.jpg]] [[Tập_tin:a.jpg|x [[b]]]] [[Thể loại:a]] [[zh-min-nan:a]]",
        ),
        ("ja", "[[画像:a.jpg|x]] [[ファイル:a.jpg]] [[Image:a.jpg|x]] [[Category:a|あ]] [[zh-classical:a]]"),
    ],
)
def test_links_with_local_names_of_files_and_categories_are_removed(language: str, hidden: str) -> None:
    assert extract_prose(hidden, Namespaces.for_wiki(language, SITEINFO[language])).text == ""
