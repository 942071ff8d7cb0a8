"""Where each mLAMA language is spoken and how it is written: the only list of these languages.

One point per language, in whole degrees, as the typological atlases give it (WALS, https://wals.info;
Glottolog, https://glottolog.org; both CC BY 4.0), rounded; for Latin, Rome. A point is a rough approximation
for a language spoken on several continents, so small differences of distance mean nothing.
Codes are those of mLAMA 1.1, scripts the ISO 15924 codes of its labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import asin, cos, radians, sin, sqrt
from typing import NamedTuple

EARTH_RADIUS_KM = 6371.0088
"""Mean radius (IUGG)."""


class Place(NamedTuple):
    """Latitude (north positive) and longitude (east positive) in degrees, and the script's code."""

    latitude: float
    longitude: float
    script: str


MLAMA_PLACES: Mapping[str, Place] = {
    "af": Place(-31, 22, "Latn"), "ar": Place(27, 44, "Arab"), "az": Place(41, 49, "Latn"),
    "be": Place(53, 28, "Cyrl"), "bg": Place(43, 25, "Cyrl"), "bn": Place(24, 90, "Beng"),
    "ca": Place(41, 2, "Latn"), "ceb": Place(10, 124, "Latn"), "cs": Place(50, 15, "Latn"),
    "cy": Place(52, -4, "Latn"), "da": Place(56, 10, "Latn"), "de": Place(51, 10, "Latn"),
    "el": Place(38, 23, "Grek"), "en": Place(53, -1, "Latn"), "es": Place(40, -4, "Latn"),
    "et": Place(59, 26, "Latn"), "eu": Place(43, -2, "Latn"), "fa": Place(33, 53, "Arab"),
    "fi": Place(62, 25, "Latn"), "fr": Place(48, 2, "Latn"), "ga": Place(53, -8, "Latn"),
    "gl": Place(43, -8, "Latn"), "he": Place(32, 35, "Hebr"), "hi": Place(25, 77, "Deva"),
    "hr": Place(45, 16, "Latn"), "hu": Place(47, 20, "Latn"), "hy": Place(40, 45, "Armn"),
    "id": Place(-7, 109, "Latn"), "it": Place(43, 12, "Latn"), "ja": Place(35, 135, "Jpan"),
    "ka": Place(42, 44, "Geor"), "ko": Place(37, 128, "Kore"), "la": Place(42, 12, "Latn"),
    "lt": Place(55, 24, "Latn"), "lv": Place(57, 25, "Latn"), "ms": Place(3, 102, "Latn"),
    "nl": Place(52, 6, "Latn"), "pl": Place(52, 19, "Latn"), "pt": Place(39, -8, "Latn"),
    "ro": Place(46, 25, "Latn"), "ru": Place(56, 38, "Cyrl"), "sk": Place(49, 20, "Latn"),
    "sl": Place(46, 15, "Latn"), "sq": Place(41, 20, "Latn"), "sr": Place(44, 21, "Cyrl"),
    "sv": Place(60, 15, "Latn"), "ta": Place(11, 78, "Taml"), "th": Place(16, 101, "Thai"),
    "tr": Place(39, 35, "Latn"), "uk": Place(49, 31, "Cyrl"), "ur": Place(30, 70, "Arab"),
    "vi": Place(21, 106, "Latn"), "zh": Place(40, 116, "Hans"),
}  # fmt: skip


def distance_km(a: Place, b: Place) -> float:
    """Great-circle distance in kilometres (haversine formula on a sphere of Earth's mean radius)."""
    lat_a, lat_b = radians(a.latitude), radians(b.latitude)
    half_lat = sin((lat_b - lat_a) / 2) ** 2
    half_lon = sin(radians(b.longitude - a.longitude) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(half_lat + cos(lat_a) * cos(lat_b) * half_lon)))
