"""The facts of CLDR as a release in mLAMA's format."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa

from factroots_dagster.facts.cldr.names import name_entities
from factroots_dagster.facts.cldr.templates import RELATIONS, TEMPLATES
from factroots_dagster.facts.imports.draft import Draft, make_uuid
from factroots_dagster.facts.imports.write import write_release
from factroots_dagster.facts.mlama.release import describe_release
from factroots_dagster.sandbox.natural import Named, natural_pairs

LICENCE = "Unicode License v3 (CLDR, read through Babel); templates: Apache-2.0"
CURRENCY_DAY = datetime.date(2026, 7, 1)
"""The day of which the currencies are."""
DEPENDENT = frozenset([
    "AI", "AS", "AW", "AX", "BL", "BM", "BQ", "BV", "CC", "CK", "CW", "CX", "EA", "EH", "FK", "FO",
    "GF", "GG", "GI", "GL", "GP", "GS", "GU", "HK", "HM", "IC", "IM", "IO", "JE", "KY", "MF", "MO",
    "MP", "MQ", "MS", "NC", "NF", "NU", "PF", "PM", "PN", "PR", "RE", "SH", "SJ", "SX", "TA", "TC",
    "TF", "TK", "UM", "VG", "VI", "WF", "YT",
])  # fmt: skip
"""Territories that are no countries: overseas and autonomous ones, associated states, Western Sahara."""
NO_CITIES = frozenset([
    "America/Antigua", "America/Argentina/Catamarca", "America/Argentina/Jujuy",
    "America/Argentina/Tucuman", "America/Bahia", "America/Noronha", "America/St_Kitts",
    "America/St_Vincent",
    "Antarctica/Macquarie", "Asia/Kamchatka", "Asia/Sakhalin", "Atlantic/Azores", "Atlantic/Canary",
    "Atlantic/Madeira", "Australia/Lindeman", "Australia/Lord_Howe", "Indian/Mahe",
    "Pacific/Bougainville", "Pacific/Chatham", "Pacific/Chuuk", "Pacific/Easter", "Pacific/Efate",
    "Pacific/Galapagos", "Pacific/Guadalcanal", "Pacific/Kanton", "Pacific/Kiritimati",
    "Pacific/Kosrae", "Pacific/Kwajalein", "Pacific/Pohnpei", "Pacific/Tarawa", "Pacific/Tongatapu",
])  # fmt: skip
"""Time zones that are named after islands, states, provinces and stations."""
NOT_OFFICIAL = {
    ("BF", "fr"): "constitutional law 045-2023 of 30 December 2023: a working language",
    ("DZ", "fr"): "constitution of 2020, articles 3 and 4: Arabic and Tamazight",
    ("IL", "ar"): "Basic Law of 19 July 2018, section 4: Hebrew; Arabic has a special status",
    ("ML", "fr"): "constitution of 22 July 2023: a working language",
    ("NE", "fr"): "charter of 26 March 2025: a working language",
    ("TN", "fr"): "constitution of 2022: Arabic",
}
"""Countries and languages that CLDR calls official there, against what the country's law says."""

Triple = tuple[str, Named, Named]
"""A relation, its subject and its object."""


def write_cldr(folder: Path, languages: Sequence[str] = tuple(TEMPLATES)) -> pa.Table:
    """Write the facts of CLDR into the empty `folder`; returns MLAMA_RELEASE with its provenance."""
    draft = Draft()
    for language in languages:
        _add_language(language, draft)
    draft.finish()
    write_release(draft, folder)
    return describe_release(folder, f"Babel {version('babel')}", LICENCE)


def _add_language(language: str, draft: Draft) -> None:
    triples = list_triples()
    for relation, template in zip(RELATIONS, TEMPLATES[language], strict=True):
        draft.add_template(language, relation, template, "templates.py")
    names = name_entities({entity for _, *entities in triples for entity in entities}, language)
    for relation, subject, answer in triples:
        if subject in names and answer in names:
            uris = [":".join(entity) for entity in (subject, answer)]
            draft.add_fact(
                language,
                relation,
                make_uuid(relation, *uris),
                names[subject],
                names[answer],
                "CLDR",
                subject_uri=uris[0],
                object_uri=uris[1],
            )


@cache
def list_triples() -> tuple[Triple, ...]:
    """Every fact, by relation and CLDR's codes. Cities that have the name of their country are left out."""
    return tuple(_list_triples())


def _list_triples() -> Iterator[Triple]:
    for relation in RELATIONS:
        pairs = natural_pairs(relation, CURRENCY_DAY)
        english = name_entities({entity for pair in pairs.items() for entity in (pair[0], *pair[1])}, "en")
        for subject, answers in pairs.items():
            country = answers[0][1] if relation == "P17" else subject[1]
            if country in DEPENDENT or subject[1] in NO_CITIES:
                continue
            for answer in answers:
                if relation == "P37" and (country, answer[1]) in NOT_OFFICIAL:
                    continue
                name = english.get(subject, "")
                if "," not in name and name != english.get(answer):
                    yield relation, subject, answer
