"""Renderers of templates for which a pattern of their arguments does not do."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from factroots_dagster.corpora.wikipedia.markup.arguments import Arguments
from factroots_dagster.corpora.wikipedia.markup.dates import date_renderer
from factroots_dagster.corpora.wikipedia.markup.patterns import Renderer
from factroots_dagster.corpora.wikipedia.markup.units import parse_measure
from factroots_dagster.corpora.wikipedia.namespace_names import LANGUAGE_CODES


def render_interlanguage_link(arguments: Arguments) -> str:
    """The label of a link to another Wikipedia, else its target in this one, not the one there."""
    if label := arguments.first_named("lt", "label", "trad", "text", "texte", "текст", "d"):
        return label
    if arguments.at(0) in LANGUAGE_CODES and len(arguments) > 1:
        return arguments.at(2) or arguments[1]
    if not arguments:
        return arguments.first_named("fr", "надо")
    if arguments.at(1) in LANGUAGE_CODES:
        return arguments[0]
    # A label that only repeats the foreign title, in a script that this wiki's title is not in, is none.
    if arguments.at(1) == arguments.at(3) and arguments[0].isascii() != arguments.at(1).isascii():
        return arguments[0]
    return arguments.at(1) or arguments[0]


def render_nihongo(arguments: Arguments) -> str:
    """English, kanji, romaji as `English (kanji, romaji)`."""
    words = arguments.at(0)
    gloss = ", ".join(part for part in arguments[1:3] if part)
    return f"{words} ({gloss})".strip() if gloss else words


def render_measure(arguments: Arguments) -> str:
    """`convert`: the number or range and its unit, or several numbers with theirs."""
    return " ".join(parse_measure(arguments)).strip()


def render_life_dates(arguments: Arguments) -> str:
    """Chinese `bd`: year and day of birth, year and day of death."""
    born, died = "".join(arguments[:2]), "".join(arguments[2:4])
    return f"（{born}－{died}）" if died else f"（{born}－）"


def render_fraction(arguments: Arguments) -> str:
    """`frac`: the denominator of one, numerator and denominator, or a whole number before them."""
    if len(arguments) < 2:
        return f"1/{arguments.at(0)}"
    return f"{' '.join(arguments[:-2])} {arguments[-2]}/{arguments[-1]}".strip()


def render_list(arguments: Arguments) -> str:
    """Lines of their own: the list items that the last argument holds."""
    return f"\n{arguments[-1]}\n" if arguments else ""


def render_centuries(arguments: Arguments) -> str:
    """French `s`: Roman numerals of centuries, some with the endings of ordinals behind them."""
    numerals = [argument for argument in arguments if argument and set(argument) <= set("IVXL")]
    ordinals = [numeral + ("er" if numeral == "I" else "e") for numeral in numerals]
    return f"{' et '.join(ordinals)} {'siècle' if len(ordinals) == 1 else 'siècles'}" if ordinals else ""


MUSICAL_SIGNS = dict.fromkeys(("flat", "b"), "♭") | dict.fromkeys(("sharp", "#"), "♯") | {"natural": "♮"}


def render_musical_sign(arguments: Arguments) -> str:
    """An accidental; other musical signs are not prose."""
    return MUSICAL_SIGNS.get(arguments.at(0).lower(), "")


def country_renderer(countries: Mapping[str, str], index: int = 0) -> Renderer:
    """The renderer of a flag with a country's name, which the argument with this index gives, or its code."""

    def render(arguments: Arguments) -> str:
        name = arguments.at(index)
        # An unknown code is that of a region or of an organization.
        return countries.get(name) or ("" if len(name) <= 3 and name.isupper() else name)

    return render


def language_renderer(names: Mapping[str, str]) -> Renderer:
    """The renderer of a language's code and words in it, which shows the language's name before them."""

    def render(arguments: Arguments) -> str:
        name, words = names.get(arguments.at(0), ""), arguments.at(1)
        return f"{name} {words}" if name and words else words

    return render


RENDERERS: dict[str, Renderer] = {
    "interlanguage link": render_interlanguage_link,
    "nihongo": render_nihongo,
    "measure": render_measure,
    "life dates": render_life_dates,
    "fraction": render_fraction,
    "list": render_list,
    "centuries": render_centuries,
    "musical sign": render_musical_sign,
}
LANGUAGE_RENDERERS: dict[str, Callable[[str, Mapping[str, str]], Renderer]] = {
    "date": lambda language, countries: date_renderer(language),
    "country": lambda language, countries: country_renderer(countries),
    "country in second argument": lambda language, countries: country_renderer(countries, 1),
}
"""Renderers that depend on the wiki: from its language and its names of countries (`country_names`)."""
