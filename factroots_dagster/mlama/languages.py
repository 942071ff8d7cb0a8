"""The 53 languages of mLAMA 1.1 (ISO 639 codes as its folders are named)."""

from __future__ import annotations

MLAMA_LANGUAGES: tuple[str, ...] = (
    "af", "ar", "az", "be", "bg", "bn", "ca", "ceb", "cs", "cy", "da", "de", "el", "en", "es", "et",
    "eu", "fa", "fi", "fr", "ga", "gl", "he", "hi", "hr", "hu", "hy", "id", "it", "ja", "ka", "ko",
    "la", "lt", "lv", "ms", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "ta", "th",
    "tr", "uk", "ur", "vi", "zh",
)
