"""Codes under which corpora keep the languages of mLAMA: ISO 639-3 with the script's code (ISO 15924).

Where corpora differ, all of a language's codes stand here: FineWeb-2 has fas_Arab, HPLT pes_Arab.
"""

from __future__ import annotations

from collections.abc import Mapping

LANGUAGE_SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "af": ("afr_Latn",), "ar": ("arb_Arab", "ara_Arab"), "az": ("azj_Latn", "aze_Latn"), "be": ("bel_Cyrl",),
    "bg": ("bul_Cyrl",), "bn": ("ben_Beng",), "ca": ("cat_Latn",), "ceb": ("ceb_Latn",), "cs": ("ces_Latn",),
    "cy": ("cym_Latn",), "da": ("dan_Latn",), "de": ("deu_Latn",), "el": ("ell_Grek",), "en": ("eng_Latn",),
    "es": ("spa_Latn",), "et": ("ekk_Latn", "est_Latn"), "eu": ("eus_Latn",), "fa": ("fas_Arab", "pes_Arab"),
    "fi": ("fin_Latn",), "fr": ("fra_Latn",), "ga": ("gle_Latn",), "gl": ("glg_Latn",), "he": ("heb_Hebr",),
    "hi": ("hin_Deva",), "hr": ("hrv_Latn",), "hu": ("hun_Latn",), "hy": ("hye_Armn",), "id": ("ind_Latn",),
    "it": ("ita_Latn",), "ja": ("jpn_Jpan",), "ka": ("kat_Geor",), "ko": ("kor_Hang", "kor_Kore"),
    "la": ("lat_Latn",), "lt": ("lit_Latn",), "lv": ("lvs_Latn", "lav_Latn"), "ms": ("zsm_Latn", "msa_Latn"),
    "nl": ("nld_Latn",), "pl": ("pol_Latn",), "pt": ("por_Latn",), "ro": ("ron_Latn",), "ru": ("rus_Cyrl",),
    "sk": ("slk_Latn",), "sl": ("slv_Latn",), "sq": ("als_Latn", "sqi_Latn"), "sr": ("srp_Cyrl",),
    "sv": ("swe_Latn",), "ta": ("tam_Taml",), "th": ("tha_Thai",), "tr": ("tur_Latn",), "uk": ("ukr_Cyrl",),
    "ur": ("urd_Arab",), "vi": ("vie_Latn",), "zh": ("cmn_Hani", "zho_Hans", "zho_Hant"),
}  # fmt: skip

FORMER_CODES = {"he": "iw", "id": "in"}
"""Codes of ISO 639-1 that were replaced and that some corpora still use."""


def short_codes(language: str) -> tuple[str, ...]:
    """What `{language}` stands for: mLAMA's code, and the code that it replaced."""
    return (language, FORMER_CODES[language]) if language in FORMER_CODES else (language,)


def script_codes(language: str) -> tuple[str, ...]:
    """What `{language_script}` stands for; the code itself for a language that is not mLAMA's."""
    return LANGUAGE_SCRIPTS.get(language, (language,))


def all_codes(language: str) -> frozenset[str]:
    """Every code that a column of languages may hold for a language."""
    scripts = script_codes(language)
    return frozenset((*short_codes(language), *scripts, *(code.partition("_")[0] for code in scripts)))
