"""Dates in templates: as the wiki writes them where its months are known here, else as ISO 8601."""

from __future__ import annotations

import re

from factroots_dagster.corpora.wikipedia.markup.arguments import Arguments
from factroots_dagster.corpora.wikipedia.markup.patterns import Renderer

FORMATS = {
    "ca": (
        "{day} {month} de {year}",
        "de_gener de_febrer de_març d'abril de_maig de_juny de_juliol d'agost de_setembre d'octubre "
        "de_novembre de_desembre",
    ),
    "cs": (
        "{day}. {month} {year}",
        "ledna února března dubna května června července srpna září října listopadu prosince",
    ),
    "es": (
        "{day} de {month} de {year}",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    ),
    "fr": (
        "{day} {month} {year}",
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    ),
    "gl": (
        "{day} de {month} de {year}",
        "xaneiro febreiro marzo abril maio xuño xullo agosto setembro outubro novembro decembro",
    ),
    "he": (
        "{day} ב{month} {year}",
        "ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר",
    ),
    "it": (
        "{day} {month} {year}",
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    ),
    "pl": (
        "{day} {month} {year}",
        "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    ),
    "pt": (
        "{day} de {month} de {year}",
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    ),
    "sk": (
        "{day}. {month} {year}",
        "januára februára marca apríla mája júna júla augusta septembra októbra novembra decembra",
    ),
}
"""By language, how a day is written and the names of the months as they stand there (`_` is a space)."""

ISO_DATE = re.compile(r"([0-9]{1,4})-([0-9]{1,2})-([0-9]{1,2})")


def date_renderer(language: str) -> Renderer:
    """The renderer of dates in the wiki of a language: year, month and day in either order, or one ISO date.

    Parts that are not all numbers are shown as they are written.
    """
    pattern, months = FORMATS.get(language, ("", ""))
    names = [name.replace("_", " ") for name in months.split()]

    def render(arguments: Arguments) -> str:
        parts = [argument for argument in arguments[:3] if argument]
        if len(parts) == 1 and (date := ISO_DATE.fullmatch(parts[0])):
            parts = list(date.groups())
        if not all(part.isdecimal() for part in parts):
            return " ".join(parts)
        if len(parts) > 1 and len(parts[0]) < 3 <= len(parts[-1]):
            parts.reverse()
        if pattern and len(parts) == 3 and 0 < int(parts[1][:9]) <= len(names):
            return pattern.format(year=parts[0], month=names[int(parts[1]) - 1], day=parts[2].lstrip("0"))
        return "-".join(part.zfill(2) if part.isascii() else part for part in parts)

    return render
