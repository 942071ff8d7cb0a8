"""The 53 languages of mLAMA as the generated worlds use them: real codes, scripts and places; invented words.

A world takes the first languages of this list, so that the demo has three scripts and a hub. Corpora shrink
down the list, roughly as Wikipedias do. Nothing here is a third-party import.
"""

from __future__ import annotations

from factroots_dagster.languages.geography import MLAMA_PLACES
from factroots_dagster.sandbox.languages import Language

# code, English name; the demo's eight first
_NAMES = """
en English; de German; fr French; id Indonesian; hu Hungarian; ru Russian; uk Ukrainian; el Greek;
es Spanish; it Italian; pl Polish; nl Dutch; sv Swedish; pt Portuguese; fi Finnish; tr Turkish;
cs Czech; ar Arabic; he Hebrew; ja Japanese; zh Chinese; ko Korean; bg Bulgarian; ro Romanian;
fa Persian; vi Vietnamese; ca Catalan; da Danish; sr Serbian; hr Croatian; sk Slovak; sl Slovenian;
et Estonian; lt Lithuanian; eu Basque; gl Galician; hi Hindi; th Thai; ms Malay; be Belarusian;
hy Armenian; ka Georgian; az Azerbaijani; lv Latvian; bn Bengali; ta Tamil; ur Urdu; sq Albanian;
cy Welsh; af Afrikaans; ga Irish; la Latin; ceb Cebuano
"""
_VERB_LAST = frozenset(["hu", "ja", "ko", "tr", "az", "hi", "bn", "ta", "ur", "fa", "eu", "ka", "hy", "la"])
# sentences for an average fact, probability that it is stated, and that its subject has an article
_SIZES = {"hub": (6, 0.60, 0.95), "large": (4, 0.45, 0.80), "middle": (3, 0.35, 0.50), "low": (3, 0.25, 0.25)}
_LARGE = frozenset(["de", "fr", "ru", "es", "it", "pl", "nl", "sv", "pt", "ja", "zh", "ar"])
_LOW = frozenset(
    ("uk", "be", "hy", "ka", "az", "lv", "bn", "ta", "ur", "sq", "cy", "af", "ga", "la", "ceb", "ms", "th",
     "hi", "gl", "eu")
)  # fmt: skip
_ENGLISH_NAMESPACES = ("Talk", "User", "Wikipedia", "File", "Template", "Help", "Category")
# as MediaWiki's messages name them (translatewiki.net); the other wikis here use the English names
_NAMESPACES = {
    "de": ("Diskussion", "Benutzer", "Wikipedia", "Datei", "Vorlage", "Hilfe", "Kategorie"),
    "fr": ("Discussion", "Utilisateur", "Wikipédia", "Fichier", "Modèle", "Aide", "Catégorie"),
    "id": ("Pembicaraan", "Pengguna", "Wikipedia", "Berkas", "Templat", "Bantuan", "Kategori"),
    "hu": ("Vita", "Szerkesztő", "Wikipédia", "Fájl", "Sablon", "Segítség", "Kategória"),
    "ru": ("Обсуждение", "Участник", "Википедия", "Файл", "Шаблон", "Справка", "Категория"),
    "uk": ("Обговорення", "Користувач", "Вікіпедія", "Файл", "Шаблон", "Довідка", "Категорія"),
    "el": ("Συζήτηση", "Χρήστης", "Βικιπαίδεια", "Αρχείο", "Πρότυπο", "Βοήθεια", "Κατηγορία"),
}


def _size_of(code: str) -> str:
    if code == "en":
        return "hub"
    return "large" if code in _LARGE else "low" if code in _LOW else "middle"


def _language(code: str, name: str) -> Language:
    size, place = _size_of(code), MLAMA_PLACES[code]
    volume, stated, articles = _SIZES[size]
    return Language(
        code, name, place.script, size, volume, stated, articles, "sov" if code in _VERB_LAST else "svo",
        _NAMESPACES.get(code, _ENGLISH_NAMESPACES), place.latitude, place.longitude, invented=False,
    )  # fmt: skip


REAL_LANGUAGES: dict[str, Language] = {
    code: _language(code, name)
    for code, name in (entry.split() for entry in _NAMES.replace("\n", " ").split(";"))
}
"""The languages of mLAMA by code, in the order in which worlds take them."""
