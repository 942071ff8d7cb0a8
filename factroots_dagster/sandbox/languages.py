"""The languages of the generated worlds: what a language is, and the eight made-up ones of the easy world.

Only plain constants and functions of them belong here (no third-party import): partitions and settings read
this module when the code location loads. The made-up languages have private-use codes of ISO 639-2 (qaa-qtz),
so they cannot collide with real ones, which are in `real_languages.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CANONICAL_NAMESPACES = {
    -2: "Media", -1: "Special", 0: "", 1: "Talk", 2: "User", 3: "User talk", 4: "Project", 5: "Project talk",
    6: "File", 7: "File talk", 8: "MediaWiki", 9: "MediaWiki talk", 10: "Template", 11: "Template talk",
    12: "Help", 13: "Help talk", 14: "Category", 15: "Category talk", 828: "Module", 829: "Module talk",
}  # fmt: skip


@dataclass(frozen=True)
class Language:
    """One language of a generated world.

    `script` is its ISO 15924 code. `volume` is how many sentences state a fact of average popularity there,
    `stated` the probability that such a fact is stated, `articles` the probability that the subject of an
    unstated fact has an article of its own and not only a redirect. `order` is the word order ("svo" or
    "sov"). `namespaces` are localized namespace names (the word for talk, user, project, file, template,
    help, category). `latitude` and `longitude` are in degrees. An `invented` language has its own letters and
    words, kept as they were in the first release.
    """

    code: str
    name: str
    script: str
    role: str
    volume: int
    stated: float
    articles: float
    order: str
    namespaces: tuple[str, str, str, str, str, str, str]
    latitude: float
    longitude: float
    invented: bool = True


LANGUAGES: dict[str, Language] = {
    language.code: language
    for language in (
        Language("qaa", "Hubbish", "Latn", "hub", 6, 0.95, 0.95, "svo",
                 ("Talk", "User", "Hubpedia", "File", "Template", "Help", "Category"),
                 51.0, 0.0),
        Language("qab", "Salvan", "Latn", "large", 4, 0.80, 0.80, "svo",
                 ("Palavra", "Usanto", "Salvapedia", "Archivo", "Plantila", "Ayudo", "Clasera"),
                 40.5, -4.0),
        Language("qac", "Torino", "Latn", "large", 4, 0.75, 0.80, "svo",
                 ("Discorsi", "Utento", "Toripedia", "Schedario", "Modelo", "Aiutare", "Categorio"),
                 42.0, 12.5),
        Language("qad", "Nusari", "Latn", "middle", 3, 0.65, 0.50, "sov",
                 ("Bicara", "Penguna", "Nusapedia", "Berkasa", "Templata", "Bantuana", "Kategoria"),
                 -6.0, 107.0),
        Language("qae", "Velder", "Latn", "low", 3, 0.55, 0.25, "svo",
                 ("Bespreke", "Gebruik", "Veldpedia", "Leeri", "Sjabloni", "Hulpe", "Kategori"),
                 -34.0, 20.0),
        Language("qaf", "Ruthar", "Cyrl", "large", 4, 0.75, 0.80, "svo",
                 ("Беседа", "Участар", "Рутапедия", "Файлар", "Шаблонар", "Помощар", "Категорар"),
                 55.5, 37.5),
        Language("qag", "Ukhari", "Cyrl", "low", 3, 0.55, 0.25, "svo",
                 ("Розмова", "Користу", "Ухапедия", "Файлу", "Шаблону", "Довидка", "Категору"),
                 50.5, 30.5),
        Language("qah", "Elarin", "Grek", "unlinked", 4, 0.75, 0.60, "sov",
                 ("Συζητο", "Χρηστο", "Ελαπεδια", "Αρχειο", "Προτυπο", "Βοηθο", "Κατηγορο"),
                 38.0, 23.5),
    )
}  # fmt: skip
"""The made-up languages, by code."""


def linked_languages(code: str, languages: Mapping[str, Language]) -> tuple[str, ...]:
    """The other languages of `code`'s script; larger corpora first."""
    script = languages[code].script
    others = [other for other in languages.values() if other.script == script and other.code != code]
    return tuple(other.code for other in sorted(others, key=lambda other: (-other.volume, other.code)))


def namespace_names(language: Language) -> dict[int, str]:
    """MediaWiki namespace number to localized name, as in a dump's siteinfo."""
    talk, user, project, file, template, help_, category = language.namespaces
    local = {2: user, 4: project, 6: file, 10: template, 12: help_, 14: category}
    names = dict(CANONICAL_NAMESPACES)
    names[1] = talk
    for number, name in local.items():
        names[number] = name
        names[number + 1] = f"{talk} {name}"
    return names
