"""Templates of single Wikipedias, in the same way as the common ones of `template_names`, which they precede.

Data only.
"""

from __future__ import annotations

FIRST = "{1|text}"
SECOND = "{2|text|texte}"

WIKIS: dict[str, dict[str, str]] = {
    "ar": {
        FIRST: "إنج إنك فرن اقتباس_مضمن مض",
        SECOND: "لغ لغة",
        "measure": "تحويل عدد",
        "country": "علم علم_بلد",
        "interlanguage link": "وإو",
        "date": "تاريخ",
    },
    "bn": {SECOND: "ভাষা", "measure": "রূপান্তর", "country": "পতাকা"},
    "ca": {
        FIRST: "versaleta",
        "segle {1}": "segle",
        "«{1}»": "citació",
        "country": "bandera2",
        "date": "data",
    },
    "cs": {
        SECOND: "cizojazyčně",
        "name of the language": "vjazyce2",
        "{1} km²": "km2",
        "country": "vlajka_a_název",
        "date": "datum datum_narození datum_úmrtí",
        "interlanguage link": "link-interwiki",
    },
    "de": {FIRST: "kapitälchen", "„{1}“": "zitat"},
    "el": {FIRST: "μικρά", "measure": "μονάδα μετατροπή μετατροπε"},
    "en": {FIRST: "linktext", "fl. {1}[–{2}]": "floruit fl."},
    "es": {
        FIRST: "esd versalita versalitas",
        "measure": "unidad convertir",
        "siglo {1}": "siglo",
        "«{1}»": "cita",
        "country": "bandera2",
        "date": "fecha",
    },
    "eu": {"measure": "unitatea", "country": "bandera", "date": "data"},
    "fa": {FIRST: "کوچک انگلیسی", SECOND: "زبان", "measure": "تبدیل", "country": "پرچم", "date": "تاریخ"},
    "fr": {
        FIRST: """
            petit romain incise abréviation abr abrd nombre_romain souverain souverain- grand gras italique
            citation_étrangère exp
        """,
        "centuries": "s s- -s sp sp- s2 s2-",
        "« {1} »": "citation guillemets",
        "measure": "unité unité/2 nombre conversion converti",
        "date": "date date- date_de_naissance date_de_décès date_de_naissance- date_de_décès-",
        "interlanguage link": "lien",
        "nihongo": "japonais",
        "{c+s+t+p|1}": "chinois",
        "country": "drapeau2 pays",
    },
    "gl": {FIRST: "versaleta", "measure": "unidade converter", "date": "data", "country": "bandeira2"},
    "he": {
        FIRST: """
            אנג אנגלית ערבית צרפתית גרמנית רוסית יוונית לטינית איטלקית ספרדית פורטוגזית הולנדית פולנית צ'כית
            הונגרית יפנית סינית קוריאנית טורקית פרסית ארמנית גאורגית אוקראינית יידיש
        """,
        '"{1}"': "ציטוטון",
        "date": "תאריך",
    },
    "hi": {SECOND: "भाषा", "measure": "रूपांतर रूपान्तर", "country": "ध्वज देशध्वज", "date": "जन्म_तिथि"},
    "hr": {SECOND: "jez"},
    "hu": {FIRST: "szám", "measure": "átváltás", "country": "zászló2"},
    "hy": {SECOND: "լեզու", "nihongo": "նիհոնգո", "country": "դրոշավորում"},
    "it": {
        FIRST: "maiuscoletto tutto_attaccato",
        "measure": "m converti",
        "country": "bandiera",
        "country in second argument": "naz naznb",
        "interlanguage link": "interlink",
    },
    "ja": {
        FIRST: """
            ふりがな ruby-ja 要出典範囲 要検証範囲 独自研究範囲 誰範囲 いつ範囲 cp932フォント jis2004フォント
            jis90フォント 補助漢字フォント 拡張漢字 旧字体 僻字
        """,
        "measure": "単位変換",
        "interlanguage link": "仮リンク",
        "nihongo": "読み仮名 読み仮名_ruby不使用",
        "date": "年月日",
    },
    "ko": {
        FIRST: "한자",
        SECOND: "llang",
        "measure": "단위_변환",
        "interlanguage link": "임시링크 임시링크2",
    },
    "lv": {"name of the language": "val"},
    "mr": {"country": "देशध्वज"},
    "pl": {
        FIRST: "liczba",
        "name of the language": "w_języku",
        "{1} km": "km",
        "date": "data",
        "country": "państwo",
    },
    "pt": {
        FIRST: "versalete",
        "século {1}": "século",
        "measure": "converter unidade fmtn",
        "date": "dni dtlink",
    },
    "ru": {
        FIRST: "s число ударение нобр мелкий крупный подсказка",
        "{1} год": "год",
        "{1} век": "век века",
        "country": "флагификация",
        "interlanguage link": """
            нп нп1 нп2 нп3 нп4 нп5 iw не_переведено не_переведено_2 не_переведено_3 не_переведено_4
            не_переведено_5
        """,
        "nihongo": "нихонго",
        "date": "дата oldstyledate дн дс дн2 дс2",
    },
    "sk": {"{1} km²": "km2"},
    "sr": {SECOND: "јез jez", "date": "датум"},
    "th": {SECOND: "ภาษา", "measure": "แปลงหน่วย", "nihongo": "ญี่ปุ่น"},
    "tr": {SECOND: "dil", "measure": "dönüştür çevir"},
    "uk": {
        FIRST: "s число наголос нобр",
        SECOND: "мова",
        "country": "прапорифікація",
        "interlanguage link": """
            нп нп1 нп2 нп3 нп4 нп5 iw лис не_перекладено не_перекладено_2 не_перекладено_3 не_перекладено_4
            не_перекладено_5
        """,
        "nihongo": "нихонго",
        "date": "дата дата- дн дс дн2 дс2 oldstyledate",
    },
    "ur": {"measure": "تبدیل"},
    "vi": {
        FIRST: "nhạt nhỏ số_dân",
        "measure": "đổi chuyển_đổi",
        "interlanguage link": "liên_kết_ngôn_ngữ_khác",
        "date": "ngày_tháng ngày_sinh ngày_mất",
    },
    "zh": {
        FIRST: "僻字 link-en link-de link-fr link-ja link-ru link-es link-it link-ko le ilh",
        "interlanguage link": "internal_link_helper",
        "life dates": "bd",
    },
}
"""By language, then by pattern or renderer, the names of templates."""
