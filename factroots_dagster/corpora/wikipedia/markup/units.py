"""Numbers with units, as `convert` and its like begin with them."""

from __future__ import annotations

from factroots_dagster.corpora.wikipedia.markup.arguments import Arguments

RANGE_WORDS = {"-": "-", "–": "–", "to(-)": " to "} | {
    word: f" {word} " for word in ("to", "and", "or", "by", "x")
}
"""What `convert` shows between the ends of a range, by the argument between them."""

UNITS = frozenset(
    """
    km m cm mm µm nm km2 m2 cm2 km² m² ha hectare hectares sqkm sqm sqmi sqft acre acres dunam mi mile miles
    ft foot feet in inch yd nmi ftin kg g mg t tonne tonnes lb lbs oz st LT ST long_ton short_ton km/h kph mph
    kn knot m/s ft/s °C °F C F l L ml mL impgal USgal USgal/min gal m3 km3 m³ km³ cuft cuyd cumi hp kW MW GW
    kWh ly pc AU °C-change bar psi kPa MPa hPa Nm lbft bbl
    км м см мм км2 км² м2 м² м³ га кг г т км/год км/ч किमी किमी2 किमी² कि.मी. मी मीटर कि.ग्रा. কিমি মিটার
    """.replace("_", " ").split()
)
"""Units that make a template a measure, whatever its name, when they follow a number."""

SMALLER_UNITS = frozenset("in ft yd oz lb ch".split())  # noqa: SIM905
"""Units in which the rest of a measure is given: `9|ft|6|in`."""


def parse_measure(arguments: Arguments) -> list[str]:
    """The number or range that a measure begins with, as it is written, and its unit; more such pairs."""
    amount, index = [arguments.at(0)], 1
    while index + 1 < len(arguments) and arguments[index] in RANGE_WORDS:
        amount += [RANGE_WORDS[arguments[index]], arguments[index + 1]]
        index += 2
    parts = ["".join(amount), arguments.at(index)]
    while arguments.at(index + 2) in SMALLER_UNITS and arguments[index + 1][:1].isdecimal():
        parts += arguments[index + 1 : index + 3]
        index += 2
    return parts
