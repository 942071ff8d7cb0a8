"""The languages of mLAMA 1.1, as its folders are named: ISO 639 codes. To add one, add its place."""

from __future__ import annotations

from factroots_dagster.languages.geography import MLAMA_PLACES

MLAMA_LANGUAGES: tuple[str, ...] = tuple(MLAMA_PLACES)
