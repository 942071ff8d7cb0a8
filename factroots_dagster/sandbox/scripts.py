"""Spells names made of Latin letters in other scripts, as public romanization standards reverse.

Cyrillic: ISO 9 (Ukrainian and Belarusian: the national systems, UN 2012). Greek: ISO 843, foreign stops as
digraphs. Armenian: ISO 9985. Georgian: ISO 9984. Hebrew: ISO 259 with vowel letters. Arabic, Persian, Urdu:
ISO 233 with vowel letters and the added letters. Devanagari, Bengali, Tamil: ISO 15919. Thai: ISO 11940.
Hangul: Revised Romanization (2000). Katakana: ISO 3602 and the Cabinet notice of 1991 on loanwords. Chinese:
Xinhua's syllable table for foreign names. The made-up languages keep the letters of the first release.
"""

from __future__ import annotations

import functools
import re

from factroots_dagster.sandbox.languages import Language

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_VOWELS = "aeiou"
_INVENTED = {
    "Cyrl": dict(zip(_LETTERS, "абцдефгхийклмнопжрстувўщыз", strict=True)),
    "Grek": dict(zip(_LETTERS, "αβψδεφγχιξκλμνοπθρστυωϝϟηζ", strict=True)),
}
_ALPHABETS = {
    "Cyrl": "а б к д е ф г х и й к л м н о п к р с т у в в кс и з",
    "Grek": "α μπ κ ντ ε φ γκ χ ι τζ κ λ μ ν ο π κ ρ σ τ ου β β ξ υ ζ",
    "Armn": "ա բ կ դ ե ֆ գ հ ի ջ կ լ մ ն ո պ ք ր ս տ ու վ վ քս յ զ",
    "Geor": "ა ბ კ დ ე ფ გ ჰ ი ჯ კ ლ მ ნ ო პ ყ რ ს ტ უ ვ ვ ქს ი ზ",
    "Hebr": "א ב ק ד א פ ג ה י ג ק ל מ נ ו פ ק ר ס ט ו ב ו קס י ז",
    "Arab": "ا ب ك د ي ف غ ه ي ج ك ل م ن و ب ق ر س ت و ف و كس ي ز",
}
_VARIANTS = {
    "uk": {"i": "і", "y": "и", "g": "ґ"}, "be": {"i": "і", "y": "ы", "u": "у", "v": "в"},
    "sr": {"j": "ј"}, "fa": {"p": "پ", "g": "گ", "k": "ک", "v": "و", "i": "ی", "e": "ی", "y": "ی"},
    "ur": {"p": "پ", "g": "گ", "k": "ک", "v": "و", "i": "ی", "e": "ی", "y": "ی"},
}  # fmt: skip
_FINAL_LETTERS = {
    "Grek": {"σ": "ς"},
    "Hebr": {"מ": "ם", "נ": "ן", "פ": "ף"},
}
# consonants b d f g h j k l m n p r s t v z; signs and letters of the vowels a e i o u; the sign of no vowel
_CONSONANTS = "bdfghjklmnprstvz"
_ABUGIDAS = {
    "Deva": ("ब द फ ग ह ज क ल म न प र स त व ज़", "ा े ि ो ु", "आ ए इ ओ उ", "्"),
    "Beng": ("ব দ ফ গ হ জ ক ল ম ন প র স ত ভ ঝ", "া ে ি ো ু", "আ এ ই ও উ", "্"),
    "Taml": ("ப த ஃப க ஹ ஜ க ல ம ன ப ர ஸ ட வ ஸ", "ா ெ ி ொ ு", "ஆ எ இ ஒ உ", "்"),
}
_THAI = ("บ ด ฟ ก ห จ ค ล ม น พ ร ส ท ว ซ", {"a": "{}า", "e": "เ{}", "i": "{}ิ", "o": "โ{}", "u": "{}ุ"})
_SYLLABARIES = {  # per consonant: with a, e, i, o, u and alone; the last entry: vowels alone
    "Jpan": """バ ベ ビ ボ ブ ブ; ダ デ ディ ド ドゥ ド; ファ フェ フィ フォ フ フ; ガ ゲ ギ ゴ グ グ;
        ハ ヘ ヒ ホ フ フ; ジャ ジェ ジ ジョ ジュ ジ; カ ケ キ コ ク ク; ラ レ リ ロ ル ル; マ メ ミ モ ム ム;
        ナ ネ ニ ノ ヌ ン; パ ペ ピ ポ プ プ; ラ レ リ ロ ル ル; サ セ シ ソ ス ス; タ テ ティ ト トゥ ト;
        ヴァ ヴェ ヴィ ヴォ ヴ ヴ; ザ ゼ ズィ ゾ ズ ズ; ア エ イ オ ウ""",
    "Hans": """巴 贝 比 博 布 布; 达 德 迪 多 杜 德; 法 费 菲 福 富 夫; 加 格 吉 戈 古 格; 哈 赫 希 霍 胡 赫;
        贾 杰 季 乔 朱 奇; 卡 克 基 科 库 克; 拉 莱 利 洛 卢 尔; 马 梅 米 莫 穆 姆; 纳 内 尼 诺 努 恩;
        帕 佩 皮 波 普 普; 腊 雷 里 罗 鲁 尔; 萨 塞 西 索 苏 斯; 塔 特 蒂 托 图 特; 瓦 韦 维 沃 武 夫;
        扎 泽 齐 佐 祖 兹; 阿 埃 伊 奥 乌""",
}
_HANGUL_INITIALS = dict(
    zip(_CONSONANTS, (7, 3, 17, 0, 18, 12, 15, 5, 6, 2, 17, 5, 9, 16, 7, 12), strict=True)
)
_HANGUL_VOWELS = dict(zip(_VOWELS, (0, 5, 20, 8, 13), strict=True))
_HANGUL_FINALS = {"l": 8, "r": 8, "n": 4, "m": 16}
_DROPPED_AT_THE_END = {"Deva": "्", "Beng": "্"}
_SILENT, _UNWRITTEN_VOWEL = 11, 18
_RESPELLED = str.maketrans({"c": "k", "q": "k", "w": "v", "x": "ks", "y": "i"})
_SYLLABLE = re.compile(f"([{_CONSONANTS}]?)([{_VOWELS}]?)")


def transliterate(text: str, language: Language) -> str:
    """Spell `text` (Latin letters; other characters stay) in the script of `language`."""
    if language.script == "Latn":
        return text
    if language.script in _ALPHABETS or language.invented:
        return re.sub(r"\w+", lambda word: _spell_by_letters(word[0], language), text)
    return re.sub(r"[A-Za-z]+", lambda word: _spell_by_syllables(word[0].lower(), language.script), text)


def has_letters_of(text: str, script: str) -> bool:
    """Whether all letters of `text` belong to `script`, and all else is spaces and hyphens."""
    return re.fullmatch(f"(?:[{_LETTER_RANGES[script]}]|[ -])+", text) is not None


_LETTER_RANGES = {
    "Latn": "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff", "Cyrl": "\u0400-\u04ff",
    "Grek": "\u0386\u0388-\u03ff", "Armn": "\u0531-\u0556\u0561-\u0587", "Geor": "\u10d0-\u10fa",
    "Hebr": "\u05d0-\u05ea", "Arab": "\u0621-\u064a\u066e-\u06d3", "Deva": "\u0900-\u0963",
    "Beng": "\u0980-\u09e3", "Taml": "\u0b80-\u0bd7", "Thai": "\u0e01-\u0e4e", "Kore": "\uac00-\ud7a3",
    "Jpan": "\u3041-\u3096\u30a1-\u30fa\u30fc\u4e00-\u9fff", "Hans": "\u4e00-\u9fff",
}  # fmt: skip


@functools.cache
def _alphabet(script: str, code: str) -> dict[str, str]:
    letters = dict(zip(_LETTERS, _ALPHABETS[script].split(), strict=True))
    return letters | _VARIANTS.get(code, {})


def _spell_by_letters(word: str, language: Language) -> str:
    if language.invented:
        table, finals = _INVENTED[language.script], {}
    else:
        table = _alphabet(language.script, language.code)
        finals = _FINAL_LETTERS.get(language.script, {})
    spelled = "".join(
        table[letter] if letter in table
        else table[letter.lower()].capitalize() if letter.lower() in table
        else letter
        for letter in word
    )  # fmt: skip
    spelled = spelled.replace("νντ", "ντ")  # Greek: the digraph for d has an n already
    return spelled[:-1] + finals.get(spelled[-1], spelled[-1])


@functools.cache
def _syllables(script: str) -> dict[tuple[str, str], str]:
    """(consonant or "", vowel or "") to its spelling."""
    table: dict[tuple[str, str], str] = {}
    if script in _SYLLABARIES:
        *rows, alone = [row.split() for row in _SYLLABARIES[script].split(";")]
        for consonant, row in zip(_CONSONANTS, rows, strict=True):
            table |= {(consonant, vowel): text for vowel, text in zip((*_VOWELS, ""), row, strict=True)}
        return table | {("", vowel): text for vowel, text in zip(_VOWELS, alone, strict=True)}
    if script == "Thai":
        for consonant, letter in zip(_CONSONANTS, _THAI[0].split(), strict=True):
            table |= {(consonant, vowel): form.format(letter) for vowel, form in _THAI[1].items()}
            table[consonant, ""] = letter
        return table | {("", vowel): form.format("อ") for vowel, form in _THAI[1].items()}
    if script == "Kore":
        for consonant, initial in (*_HANGUL_INITIALS.items(), ("", _SILENT)):
            for vowel, number in (*_HANGUL_VOWELS.items(), ("", _UNWRITTEN_VOWEL)):
                table[consonant, vowel] = chr(0xAC00 + (initial * 21 + number) * 28)
        return table
    consonants, signs, letters, no_vowel = _ABUGIDAS[script]
    for consonant, letter in zip(_CONSONANTS, consonants.split(), strict=True):
        table |= {
            (consonant, vowel): letter + sign for vowel, sign in zip(_VOWELS, signs.split(), strict=True)
        }
        table[consonant, ""] = letter + no_vowel
    return table | dict(zip((("", vowel) for vowel in _VOWELS), letters.split(), strict=True))


def _spell_by_syllables(word: str, script: str) -> str:
    table = _syllables(script)
    spelled: list[str] = []
    for match in _SYLLABLE.finditer(word.translate(_RESPELLED)):
        consonant, vowel = match.groups()
        if not consonant and not vowel:
            continue
        is_open = bool(spelled) and script == "Kore" and (ord(spelled[-1]) - 0xAC00) % 28 == 0
        if is_open and not vowel and consonant in _HANGUL_FINALS:
            spelled[-1] = chr(ord(spelled[-1]) + _HANGUL_FINALS[consonant])
        else:
            spelled.append(table[consonant, vowel])
    return "".join(spelled).removesuffix(_DROPPED_AT_THE_END.get(script, ""))
