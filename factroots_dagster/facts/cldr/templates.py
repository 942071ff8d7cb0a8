"""Cloze templates of the relations in every language, written for this project.

Labels are in the form of a dictionary, so the sentences are such that this form fits: the object follows a
copula or "is called", and an apposition ("of the country [X]") stands for the genitive where a language has
one. Where the word order allows it the object comes last, as decoders need it.
"""

from __future__ import annotations

RELATIONS = ("P17", "P37", "P38")

TEMPLATES: dict[str, tuple[str, str, str]] = {
    "af": (
        "Die land waarin die stad [X] lê, is [Y].",
        "Die amptelike taal van [X] is [Y].",
        "Die geldeenheid van [X] is die [Y].",
    ),
    "ar": (
        "البلد الذي تقع فيه مدينة [X] هو [Y].",
        "اللغة الرسمية في [X] هي [Y].",
        "العملة الرسمية في [X] هي [Y].",
    ),
    "az": (
        "[X] şəhərinin yerləşdiyi ölkə [Y] adlanır.",
        "[X] ölkəsinin rəsmi dili [Y] dilidir.",
        "[X] ölkəsinin pul vahidi [Y] adlanır.",
    ),
    "be": (
        "Краіна, у якой знаходзіцца горад [X], — [Y].",
        "Дзяржаўная мова краіны [X] — [Y].",
        "Валюта краіны [X] — [Y].",
    ),
    "bg": (
        "Държавата, в която се намира град [X], е [Y].",
        "Официалният език на [X] е [Y].",
        "Валутата на [X] е [Y].",
    ),
    "bn": (
        "[X] শহর যে দেশে অবস্থিত তা হল [Y]।",
        "[X]-এর সরকারি ভাষা হল [Y]।",
        "[X]-এর মুদ্রা হল [Y]।",
    ),
    "ca": (
        "El país on es troba la ciutat de [X] es diu [Y].",
        "La llengua oficial del país [X] és [Y].",
        "La moneda del país [X] es diu [Y].",
    ),
    "ceb": (
        "Ang nasod diin nahimutang ang dakbayan sa [X] mao ang [Y].",
        "Ang opisyal nga pinulongan sa [X] mao ang [Y].",
        "Ang kuwarta sa [X] mao ang [Y].",
    ),
    "cs": (
        "Země, ve které leží město [X], se jmenuje [Y].",
        "Úředním jazykem země [X] je [Y].",
        "Měnou země [X] je [Y].",
    ),
    "cy": (
        "Y wlad lle mae dinas [X] yw [Y].",
        "Iaith swyddogol [X] yw [Y].",
        "Arian cyfred [X] yw [Y].",
    ),
    "da": (
        "Landet, hvor byen [X] ligger, hedder [Y].",
        "Det officielle sprog i [X] er [Y].",
        "Valutaen i [X] er [Y].",
    ),
    "de": (
        "Das Land, in dem die Stadt [X] liegt, heißt [Y].",
        "Die Amtssprache des Landes [X] ist [Y].",
        "Die Währung des Landes [X] heißt [Y].",
    ),
    "el": (
        "Η χώρα στην οποία βρίσκεται η πόλη [X] ονομάζεται [Y].",
        "Η επίσημη γλώσσα της χώρας [X] είναι τα [Y].",
        "Το νόμισμα της χώρας [X] ονομάζεται [Y].",
    ),
    "en": (
        "The country in which the city of [X] is located is [Y].",
        "The official language of [X] is [Y].",
        "The currency of [X] is the [Y].",
    ),
    "es": (
        "El país en el que se encuentra la ciudad de [X] es [Y].",
        "El idioma oficial de [X] es el [Y].",
        "La moneda de [X] se llama [Y].",
    ),
    "et": (
        "Riik, kus asub linn [X], on [Y].",
        "Riigi [X] ametlik keel on [Y] keel.",
        "Riigi [X] rahaühik on [Y].",
    ),
    "eu": (
        "[X] hiria dagoen herrialdea [Y] da.",
        "[X] herrialdeko hizkuntza ofiziala [Y] da.",
        "[X] herrialdeko moneta [Y] da.",
    ),
    "fa": (
        "شهر [X] در کشور [Y] قرار دارد.",
        "زبان رسمی کشور [X]، [Y] است.",
        "واحد پول کشور [X]، [Y] است.",
    ),
    "fi": (
        "Maa, jossa kaupunki [X] sijaitsee, on [Y].",
        "Maan [X] virallinen kieli on [Y].",
        "Maan [X] valuutta on [Y].",
    ),
    "fr": (
        "Le pays où se trouve la ville de [X] s'appelle [Y].",
        "La langue officielle du pays [X] s'appelle [Y].",
        "La monnaie du pays [X] s'appelle [Y].",
    ),
    "ga": (
        "Is í an tír ina bhfuil cathair [X] ná [Y].",
        "Is í teanga oifigiúil na tíre darb ainm [X] ná [Y].",
        "Is é airgeadra na tíre darb ainm [X] ná [Y].",
    ),
    "gl": (
        "O país no que se atopa a cidade de [X] chámase [Y].",
        "A lingua oficial do país [X] é o [Y].",
        "A moeda do país [X] chámase [Y].",
    ),
    "he": (
        "המדינה שבה נמצאת העיר [X] היא [Y].",
        "השפה הרשמית של [X] היא [Y].",
        "המטבע של [X] הוא [Y].",
    ),
    "hi": (
        "[X] शहर जिस देश में स्थित है, वह [Y] है।",
        "[X] की आधिकारिक भाषा [Y] है।",
        "[X] की मुद्रा [Y] है।",
    ),
    "hr": (
        "Država u kojoj se nalazi grad [X] zove se [Y].",
        "Službeni jezik države [X] je [Y].",
        "Valuta države [X] je [Y].",
    ),
    "hu": (
        "[X] városa ebben az országban található: [Y].",
        "[X] hivatalos nyelve: [Y].",
        "[X] pénzneme: [Y].",
    ),
    "hy": (
        "Երկիրը, որտեղ գտնվում է [X] քաղաքը, կոչվում է [Y]։",
        "[X] երկրի պաշտոնական լեզուն կոչվում է [Y]։",
        "[X] երկրի արժույթը կոչվում է [Y]։",
    ),
    "id": (
        "Kota [X] terletak di negara [Y].",
        "Bahasa resmi [X] adalah bahasa [Y].",
        "Mata uang [X] adalah [Y].",
    ),
    "it": (
        "Il paese in cui si trova la città di [X] si chiama [Y].",
        "La lingua ufficiale del paese [X] si chiama [Y].",
        "La valuta del paese [X] si chiama [Y].",
    ),
    "ja": (
        "[X]がある国は[Y]です。",
        "[X]の公用語は[Y]です。",
        "[X]の通貨は[Y]です。",
    ),
    "ka": (
        "ქვეყანა, სადაც მდებარეობს ქალაქი [X], არის [Y].",
        "ქვეყანაში, რომელსაც ჰქვია [X], ოფიციალური ენა არის [Y].",
        "ქვეყანაში, რომელსაც ჰქვია [X], ვალუტა არის [Y].",
    ),
    "ko": (
        "도시 [X]의 소속 국가는 [Y]입니다.",
        "[X]의 공용어는 [Y]입니다.",
        "[X]의 통화는 [Y]입니다.",
    ),
    "la": (
        "Terra in qua urbs [X] sita est appellatur [Y].",
        "Lingua publica terrae quae [X] appellatur est [Y].",
        "Moneta terrae quae [X] appellatur est [Y].",
    ),
    "lt": (
        "Šalis, kurioje yra miestas [X], vadinasi [Y].",
        "Šalies [X] oficialioji kalba yra [Y] kalba.",
        "Šalies [X] valiuta yra [Y].",
    ),
    "lv": (
        "Valsts, kurā atrodas pilsēta [X], ir [Y].",
        "Valsts [X] oficiālā valoda ir [Y] valoda.",
        "Valsts [X] valūta ir [Y].",
    ),
    "ms": (
        "Negara tempat terletaknya bandar [X] ialah [Y].",
        "Bahasa rasmi [X] ialah bahasa [Y].",
        "Mata wang [X] ialah [Y].",
    ),
    "nl": (
        "Het land waarin de stad [X] ligt, is [Y].",
        "De officiële taal van [X] is het [Y].",
        "De munteenheid van [X] heet [Y].",
    ),
    "pl": (
        "Państwo, w którym leży miasto [X], to [Y].",
        "Język urzędowy państwa [X] to [Y].",
        "Waluta państwa [X] to [Y].",
    ),
    "pt": (
        "O país onde fica a cidade de [X] chama-se [Y].",
        "A língua oficial do país [X] é o [Y].",
        "A moeda do país [X] chama-se [Y].",
    ),
    "ro": (
        "Țara în care se află orașul [X] este [Y].",
        "Limba oficială a țării [X] este [Y].",
        "Moneda țării [X] este [Y].",
    ),
    "ru": (
        "Страна, в которой находится город [X], — [Y].",
        "Официальный язык страны [X] — [Y].",
        "Валюта страны [X] — [Y].",
    ),
    "sk": (
        "Krajina, v ktorej leží mesto [X], sa volá [Y].",
        "Úradným jazykom krajiny [X] je [Y].",
        "Menou krajiny [X] je [Y].",
    ),
    "sl": (
        "Država, v kateri leži mesto [X], se imenuje [Y].",
        "Uradni jezik države [X] je [Y].",
        "Valuta države [X] je [Y].",
    ),
    "sq": (
        "Vendi ku ndodhet qyteti [X] quhet [Y].",
        "Në vendin [X] flitet zyrtarisht [Y].",
        "Monedha e vendit [X] quhet [Y].",
    ),
    "sr": (
        "Држава у којој се налази град [X] зове се [Y].",
        "Службени језик државе [X] је [Y].",
        "Валута државе [X] је [Y].",
    ),
    "sv": (
        "Landet där staden [X] ligger heter [Y].",
        "Det officiella språket i [X] är [Y].",
        "Valutan i [X] heter [Y].",
    ),
    "ta": (
        "[X] நகரம் அமைந்துள்ள நாடு [Y] ஆகும்.",
        "[X] நாட்டின் அதிகாரப்பூர்வ மொழி [Y] ஆகும்.",
        "[X] நாட்டின் நாணயம் [Y] ஆகும்.",
    ),
    "th": (
        "เมือง[X]ตั้งอยู่ในประเทศ[Y]",
        "ภาษาราชการของประเทศ[X]คือภาษา[Y]",
        "สกุลเงินของประเทศ[X]คือ[Y]",
    ),
    "tr": (
        "[X] şehrinin bulunduğu ülke: [Y].",
        "[X] ülkesinin resmî dili: [Y].",
        "[X] ülkesinin para birimi: [Y].",
    ),
    "uk": (
        "Країна, у якій розташоване місто [X], — [Y].",
        "Офіційна мова країни [X] — [Y].",
        "Валюта країни [X] — [Y].",
    ),
    "ur": (
        "شہر [X] جس ملک میں واقع ہے وہ [Y] ہے۔",
        "[X] کی سرکاری زبان [Y] ہے۔",
        "[X] کی کرنسی [Y] ہے۔",
    ),
    "vi": (
        "Quốc gia nơi có thành phố [X] là [Y].",
        "Ngôn ngữ chính thức của [X] là [Y].",
        "Tiền tệ của [X] là [Y].",
    ),
    "zh": (
        "[X]所在的国家是[Y]。",
        "[X]的官方语言是[Y]。",
        "[X]的货币是[Y]。",
    ),
}
"""By language, the templates of RELATIONS."""
