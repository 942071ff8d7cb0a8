"""Endings that inflect a label in languages that inflect by suffix, where no word border stands behind it.

Endings are built from small tables in the order of their slots (plural, possessor, case, copula or clitic),
each with the sounds that the stem before it asks for; so a lookup is one set per kind of stem. Only what an
encyclopaedia says of its subjects is built: third persons, no first or second. Left out are endings that
make another word of a name, though they look alike: Hungarian -i ("of Paris"), Turkish -lı and -ca, Korean
-어 and -인 (language, person), Bengali -ীয়, Armenian -երեն; and a lone -a, -e or -é behind a Hungarian name
and a lone vowel behind a Turkish one, which far more often end another name (Ann-a, Ren-é) than a case.

Where foreign names break vowel harmony, both kinds of endings are taken: in Hungarian behind a back vowel
followed by e, é, i or í, in Finnish where a name holds vowels of both kinds, in Turkish behind back vowels
before a consonant that is often soft (saatler, golü), and everywhere behind a label without vowels (BBC).
A Turkish apostrophe and a Hungarian hyphen are word borders already, and need nothing here.

Sources of the forms: Göksel and Kerslake, Turkish (2005); Öztopçu, Elementary Azerbaijani (2000); Rounds,
Hungarian (2001); Karlsson, Finnish (2008); Erelt (ed.), Estonian Language (2003); Yeon and Brown, Korean
(2011); Thompson, Bengali (2010); Dum-Tragut, Armenian: Modern Eastern Armenian (2009).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import product

Endings = frozenset[str]


def is_suffix(rest: str, stem: str, language: str) -> bool:
    """Whether `rest`, the end of a word that begins with `stem`, inflects it in `language`.

    `stem` is a label or one of its `stems`; both are compared as `normalization.normalized` makes them.
    """
    return rest in endings_after(stem, language)


@lru_cache(maxsize=1 << 16)
def endings_after(stem: str, language: str) -> Endings:
    """All endings that a stem takes; none where the language has no entry."""
    rule = ENDINGS.get(language)
    return rule(stem) if rule and stem else frozenset()


def stems(label: str, language: str) -> list[str]:
    """Other stems of a label that stand before endings only, without the label itself."""
    return [
        label[: found.start()] + found.expand(new)
        for pattern, new in STEMS.get(language, ())
        if (found := pattern.search(label))
    ]


@lru_cache(maxsize=1 << 12)
def united(rule: Callable[..., Endings], *kinds: tuple[object, ...]) -> Endings:
    """The endings of stems of several kinds: one set for all stems of the same kinds."""
    return frozenset().union(*(rule(*kind) for kind in kinds))


def last_of(letters: str, stem: str) -> str:
    """The last letter of `stem` that is among `letters`; empty where none is."""
    return next((letter for letter in reversed(stem) if letter in letters), "")


# Turkish and Azerbaijani: A is a low vowel and I a high one in harmony with the last, D is d or t, and a
# letter in brackets stands behind vowels only.

HIGH = {"a": "ı", "ı": "ı", "o": "u", "u": "u", "e": "i", "ə": "i", "i": "i", "ö": "ü", "ü": "ü"}
FRONTED = {"a": "e", "ı": "i", "o": "ö", "u": "ü"}
OFTEN_SOFT = "ltkfpb"
VOICELESS = "çfhkpsşt"
TURKISH_LOWER = str.maketrans("IİÂÎÛâîû", "ıiaiuaiu")
CASES = {
    "tr": ("", "(y)I", "(y)A", "DA", "DAki", "DAn", "(n)In", "(y)lA"),
    "az": ("", "(n)I", "(y)A", "DA", "DAkI", "DAn", "(n)In", "(y)lA"),
}
POSSESSED_CASES = ("", "nI", "nA", "nDA", "nDAki", "nDAn", "nIn", "ylA")
COPULAS = ("", "DIr", "(y)DI", "(y)mIş")


def turkic(stem: str, language: str) -> Endings:
    """Endings of a Turkish or Azerbaijani stem."""
    lower = stem.translate(TURKISH_LOWER).lower()
    vowel = last_of("".join(HIGH), lower)
    final = lower[-1] if lower[-1].isalpha() else ""
    kind = "a" if final in HIGH else "t" if final in VOICELESS else "n"
    named = stem[0].isupper() and language == "tr"
    vowels = [vowel] if vowel else ["a", "e", "o", "ö"]
    if language == "tr" and final in OFTEN_SOFT and vowel in FRONTED:
        vowels.append(FRONTED[vowel])
    kinds = kind if vowel and final else "atn"
    return turkic_endings("".join(vowels), kinds, language, named)


@lru_cache
def turkic_endings(vowels: str, finals: str, language: str, named: bool) -> Endings:
    """Endings behind last vowels and kinds of last sounds (a vowel, a voiceless or a voiced consonant)."""
    chains: set[str] = set()
    for plural, copula in product(("", "lAr"), COPULAS):
        chains.update(plural + case + copula for case in CASES[language])
        if not named:
            chains.update(f"{plural}(s)I{case}{copula}" for case in POSSESSED_CASES)
    found = (
        harmonious(chain, vowel, final, language) for chain, vowel, final in product(chains, vowels, finals)
    )
    return frozenset(ending for ending in found if len(ending) > named)


def harmonious(chain: str, vowel: str, sound: str, language: str) -> str:
    """A chain of endings as it is written behind a last vowel and a last sound."""
    written = ""
    for buffer, letter in re.findall(r"\((.)\)|(.)", chain):
        if buffer:
            letter = buffer if sound in HIGH else ""
        elif letter == "A":
            letter = "a" if vowel in FRONTED else {"tr": "e", "az": "ə"}[language]
        elif letter == "I":
            letter = HIGH[vowel]
        elif letter == "D":
            letter = "t" if sound in VOICELESS and language == "tr" else "d"
        written += letter
        sound = letter or sound
        vowel = letter if letter in HIGH and letter else vowel
    return written


# Hungarian

HUNGARIAN_BACK, HUNGARIAN_ROUND, HUNGARIAN_NEUTRAL = "aáoóuú", "öőüű", "eéií"
HUNGARIAN_VOWELS = HUNGARIAN_BACK + HUNGARIAN_ROUND + HUNGARIAN_NEUTRAL
BACK_CASES = ("ban", "ba", "ból", "ra", "ról", "nál", "tól", "nak", "hoz", "ig", "ért", "kor", "ként")
FRONT_CASES = ("ben", "be", "ből", "re", "ről", "nél", "től", "nek", "hez", "höz", "ig", "ért", "kor", "ként")
DOUBLED_DIGRAPH = re.compile(r"(ssz|zzs|ccs|ggy|lly|nny|tty)$")


def hungarian(stem: str) -> Endings:
    """Endings of a Hungarian stem; -val and -vá take the stem's last consonant twice."""
    lower = stem.lower()
    vowel = last_of(HUNGARIAN_VOWELS, lower)
    back = bool(last_of(HUNGARIAN_BACK, lower)) if vowel in HUNGARIAN_NEUTRAL else vowel in HUNGARIAN_BACK
    if vowel == "í" and sum(letter in HUNGARIAN_VOWELS for letter in lower) == 1:
        back = True  # híd, hídon, but víz, vízen
    fronts = ([False] if back else []) + ([True] if vowel not in HUNGARIAN_BACK or not vowel else [])
    final = lower[-1]
    final = "i" if final == "y" and lower[-2:-1] not in set("glnt") else final
    doubled = DOUBLED_DIGRAPH.search(lower) is not None
    return united(hungarian_endings, *((front, final, stem[0].isupper(), doubled) for front in fronts))


@lru_cache
def hungarian_endings(front: bool, final: str, named: bool, doubled: bool) -> Endings:
    if final in "aeoö":
        # They are long before endings: see STEMS.
        return frozenset(("ként", "kor"))
    vowel = final in HUNGARIAN_VOWELS
    low, links = ("e", "eö") if front else ("a", "oa")
    found = set(hungarian_cases(front, final))
    for plural in ("k",) if vowel else tuple(f"{link}k" for link in links):
        found.update(plural + case for case in ("", *hungarian_cases(front, "k")))
    if doubled:
        found.update(("el", "é") if front else ("al", "á"))
    if named:
        return frozenset(found)
    high = "ü" if front else "u"
    for glide in ("j",) if vowel else ("", "j"):
        long = glide + ("é" if front else "á")
        found.update((glide + low, f"{glide}{high}k"))
        found.update(long + case for case in hungarian_cases(front, "á"))
        found.update(f"{glide}{high}k{case}" for case in hungarian_cases(front, "k"))
        if not vowel or final in "áéóő":
            several = "i" if vowel else f"{glide}{low}i"
            found.update(several + case for case in ("", "k", *hungarian_cases(front, "i")))
    return frozenset(found)


def hungarian_cases(front: bool, final: str) -> list[str]:
    """Case endings behind a stem, a plural or a possessor that ends in `final`."""
    low, long, links = ("e", "é", "eö") if front else ("a", "á", "oa")
    found = list(FRONT_CASES if front else BACK_CASES)
    if final in HUNGARIAN_VOWELS:
        return [*found, "n", "t", f"v{low}l", f"v{long}"]
    found += [f"{link}n" for link in links if link != "a"] + [f"{link}t" for link in links]
    found += ["ül" if front else "ul", f"{final}{low}l", f"{final}{long}"]
    return [*found, "t"] if final in "jlnrszy" else found


# Finnish and Estonian

FINNISH_BACK, FINNISH_FRONT = "aouå", "äöy"
FINNISH_LONG = re.compile(r"(?!i[aäoö]|e[aäo])[aouåäöyei]{2}$")


def finnish(stem: str) -> Endings:
    """Endings of a Finnish stem; names that end in a consonant take i before them."""
    lower = stem.lower()
    back, front = bool(last_of(FINNISH_BACK, lower)), bool(last_of(FINNISH_FRONT, lower))
    lows = ("a" if back else "") + ("ä" if front or not back else "")
    vowels = FINNISH_BACK + FINNISH_FRONT + "ei"
    if not last_of(vowels, lower):
        lows = "aä"
    final = lower[-1] if lower[-1] in vowels else "s" if lower[-1] == "s" else ""
    long = FINNISH_LONG.search(lower) is not None
    return united(finnish_endings, *((low, final, long) for low in lows))


@lru_cache
def finnish_endings(low: str, final: str, long: bool) -> Endings:
    if final in ("", "s"):
        found = {"i" + ending for ending in finnish_endings(low, "i", False) - {"kin", "kaan", "kään"}}
        found |= {"e" + ending for ending in finnish_plurals(low)}
        return frozenset(found | ({f"t{low}", "ten"} if final else set()))
    inner = [f"ss{low}", f"st{low}", f"ll{low}", f"lt{low}", f"n{low}", "lle", "kse"]
    found = {"n", "t", "ksi", f"tt{low}", f"ns{low}", *inner[:-1]}
    found |= {case + owner for case in inner for owner in (f"{case[-1]}n", f"ns{low}")}
    found |= {f"t{low}", f"h{final}n", "seen"} if long else {low, f"{final}n"}
    if final in "oöuy":
        found |= finnish_plurals(low)
    if final == "i":
        found.add("en")
    clitics = ("", "kin", f"k{low}{low}n")
    return frozenset(ending + clitic for ending in ("", *found) for clitic in clitics if ending + clitic)


def finnish_plurals(low: str) -> set[str]:
    cases = ("ss", "st", "ll", "lt", "n", "tt")
    return {f"j{low}", "jen", "ihin", "ille", "iksi"} | {f"i{case}{low}" for case in cases}


ESTONIAN_CASES = ("", "sse", "s", "st", "le", "l", "lt", "ks", "ni", "na", "ta", "ga")


def estonian(stem: str) -> Endings:
    """Endings of an Estonian stem; the vowel of the genitive stands before those of a final consonant."""
    final = stem[-1].lower()
    return estonian_endings(final if final in "aeiouõäöüs" else "", "aei" if stem[0].isupper() else "aeiu")


@lru_cache
def estonian_endings(final: str, genitives: str) -> Endings:
    singular = {case for case in ESTONIAN_CASES if case}
    plural = {"d", "id", "sid", *(f"de{case}" for case in ESTONIAN_CASES)}
    if final not in ("", "s"):
        return frozenset(singular | plural | {"t"})
    found = {vowel + ending for vowel in genitives for ending in {"", "t", *singular, *plural} - {"id"}}
    return frozenset(
        found | {"eid", "aid"} | ({"t", *(f"te{case}" for case in ESTONIAN_CASES)} if final else set())
    )


# Korean: the form behind a consonant | behind a vowel; without a bar, behind both.

PARTICLES = """
은|는 이|가 을|를 과|와 과의|와의 과는|와는 과도|와도 이나|나 이랑|랑 의 에 에는 에도 에만 에의 에서 에서는
에서도 에서만 에서의 에서부터 에게 에게는 에게도 에게서 에게로 한테 께 께서 께서는 까지 까지의 까지는 까지도
부터 부터의 부터는 마저 조차 밖에 보다 보다는 보다도 처럼 같이 만큼 대로 마다 뿐 뿐만 으로|로 으로는|로는
으로도|로도 으로만|로만 으로의|로의 으로서|로서 으로서의|로서의 으로써|로써 으로부터|로부터 이라도|라도
이란|란 이든|든 이든지|든지 인데 이다 이며 이고 이자 이지만 이기도 이므로 이라고 이라는 이라서 이면서 이던
입니다 이다|다 이며|며 이지만|지만 이라고|라고 이라는|라는 이라며|라며 이라서|라서 이었다|였다
이었으며|였으며 이었고|였고 이었던|였던 이었으나|였으나 이었지만|였지만 이었습니다|였습니다
"""


def korean(stem: str) -> Endings:
    """Particles and copulas behind a Korean stem, by whether its last syllable ends in a consonant.

    Behind at most two syllables -도 ("too") is left out: it makes provinces and islands of their names; so is
    -만 ("only") everywhere, which makes gulfs.
    """
    if not "가" <= stem[-1] <= "힣":
        return united(korean_with_plural, ("", True), ("ㄱ", True))
    code = (ord(stem[-1]) - ord("가")) % 28
    return united(korean_with_plural, ("" if code == 0 else "ㄹ" if code == 8 else "ㄱ", len(stem) > 2))


@lru_cache
def korean_endings(final: str, too: bool) -> Endings:
    """Endings behind a final ㄹ, another consonant (ㄱ) or none; -으로 drops its vowel behind ㄹ."""
    found = {"도"} if too else set()
    for entry in PARTICLES.split():
        behind_consonant, _, behind_vowel = entry.partition("|")
        contracted = not final or (final == "ㄹ" and entry.startswith("으"))
        found.add(behind_vowel or behind_consonant if contracted else behind_consonant)
    return frozenset(found)


def korean_with_plural(final: str, too: bool) -> Endings:
    """The same, and those of the plural 들."""
    plural = {"들" + particle for particle in ("", *korean_endings("ㄹ", True))}
    return korean_endings(final, too) | plural


# Bengali and Armenian

BENGALI_VOWELS = "ািীুূৃেৈোৌঅআইঈউঊএঐওঔ"
BENGALI_DEFINITE = ("টি", "টা", "টির", "টার", "টিকে", "টাকে", "টিতে", "টাতে", "টায়", "খানা", "খানি")
BENGALI_PLURAL = tuple(
    word + case
    for words, cases in ((("গুলি", "গুলো"), ("", "র", "কে", "তে")), (("সমূহ",), ("", "ের", "ে", "কে")))
    for word, case in product(words, cases)
)


def bengali(stem: str) -> Endings:
    """Endings of a Bengali stem, by whether it ends in a vowel; a final হ may be heard as one."""
    return united(bengali_endings, *{(stem[-1] in BENGALI_VOWELS,), (stem[-1] in BENGALI_VOWELS + "হ",)})


@lru_cache
def bengali_endings(vowel: bool) -> Endings:
    cases = ["র", "য়ের", "এর", "য়", "তে", "রা"] if vowel else ["ের", "ে", "এর", "এ", "তে", "েরা", "রা"]
    cases += ["কে", "দের", "দেরকে", *BENGALI_DEFINITE, *BENGALI_PLURAL]
    return composed(case + clitic for case in ("", *cases) for clitic in ("", "ই", "ও"))


def composed(endings: Iterable[str]) -> Endings:
    """Endings as normalised texts spell them."""
    return frozenset(unicodedata.normalize("NFC", ending) for ending in endings if ending)


ARMENIAN_CASES = ("ի", "ից", "ով", "ում", "ին", "ն")


def armenian(stem: str) -> Endings:
    """Endings of an Armenian stem; behind a vowel a յ stands before those that begin with one."""
    lower = stem.lower()
    return armenian_endings("ությ" if lower.endswith("ությ") else "ու" if lower.endswith("ու") else lower[-1])


@lru_cache
def armenian_endings(final: str) -> Endings:
    plural = {f"{plural}{case}" for plural in ("եր", "ներ") for case in ("", "ը", *ARMENIAN_CASES)}
    if final == "ությ":
        return frozenset(("ան", "անը", "անն", "ամբ"))
    if final in ("ա", "ո"):
        return frozenset({"ն", *(f"յ{case}" for case in ARMENIAN_CASES[:-1]), *plural})
    if final in ("ի", "ե", "է", "ու"):
        return frozenset({*ARMENIAN_CASES, *plural})
    return frozenset({"ը", *ARMENIAN_CASES, *plural})


ENDINGS: dict[str, Callable[[str], Endings]] = {
    "tr": lambda stem: turkic(stem, "tr"),
    "az": lambda stem: turkic(stem, "az"),
    "hu": hungarian,
    "fi": finnish,
    "et": estonian,
    "ko": korean,
    "bn": bengali,
    "hy": armenian,
}
SUFFIX_LANGUAGES = frozenset(ENDINGS)


def _changes(*rules: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Rules "pattern>replacement" of a label's end."""
    return tuple((re.compile(rule.partition(">")[0] + "$"), rule.partition(">")[2]) for rule in rules)


STEMS = {
    # The last vowel grows long, or a digraph double before -val and -vá.
    "hu": _changes(
        "a>á",
        "e>é",
        "o>ó",
        "ö>ő",
        *(f"(?<!{d[0]}){d}>{d[0]}{d}" for d in ("sz", "zs", "cs", "gy", "ly", "ny", "ty")),
    ),
    # The last consonant of common nouns grows soft; names keep their spelling.
    "tr": _changes(
        *(rf"(?<=^[a-zçğıöşü])(.*[a-zçğıöşü]){old}>\g<1>{new}" for old, new in ("pb", "çc", "td", "kğ"))
    ),
    "az": _changes(*(rf"(?<=^[a-zçəğıöşü])(.*[a-zçəğıöşü]){old}>\g<1>{new}" for old, new in ("ky", "qğ"))),
    # Consonant gradation, -nen, -us, e-stems, and the old i-stems that place names are made of.
    "fi": _changes(
        *(
            rf"(?<=[aeiouyäölnr]){old}([aeiouyäö])>{new}\1"
            for old, new in (("kk", "k"), ("pp", "p"), ("tt", "t"))
        ),
        *(
            rf"{old}([aeiouyäö])>{new}\1"
            for old, new in (("nk", "ng"), ("nt", "nn"), ("mp", "mm"), ("lt", "ll"), ("rt", "rr"))
        ),
        *(
            "nen>se",
            "nen>s",
            "us>ukse",
            "ys>ykse",
            "(?<=[^e])e>ee",
            "([Ss])uomi>\\1uome",
            "([Tt])urku>\\1uru",
        ),
        *("järvi>järve", "saari>saare", "niemi>nieme", "vuori>vuore", "koski>koske", "joki>joe", "meri>mere"),
        *("lahti>lahde", "lampi>lamme", "kieli>kiele"),
    ),
    "et": _changes("ne>se", "ne>s"),
    "hy": _changes("ու>վ", "ություն>ությ"),
}
"""How the end of a label changes before endings, by language."""
