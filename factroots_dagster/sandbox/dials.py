"""The dials of a generated world, its presets, and the languages that they choose.

Every dial has a default (the demo world), a range outside which values are refused, and a line that says
what it does. Importing this module imports no third-party package: settings read it when the code location
loads.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from factroots_dagster.errors import InputError
from factroots_dagster.sandbox.languages import LANGUAGES, Language
from factroots_dagster.sandbox.real_languages import REAL_LANGUAGES


def _dial(default: Any, about: str, low: float | None = None, high: float | None = None) -> Any:
    return dataclasses.field(default=default, metadata={"about": about, "low": low, "high": high})


def _check(field: dataclasses.Field[Any], value: Any) -> None:
    low, high = field.metadata["low"], field.metadata["high"]
    if low is not None and not low <= value <= high:  # NaN is refused too
        raise InputError(f"the dial {field.name} is {value}", f"give a value from {low} to {high}")


@dataclass(frozen=True)
class Dials:
    """What kind of world is generated; shares are from 0 to 1. Raises InputError for a value out of range."""

    # size
    languages: int = _dial(8, "number of languages, from the front of real_languages.py", 2, 53)
    relations: int = _dial(5, "number of relations, from the front of relations.RELATIONS", 1, 10)
    facts_per_relation: int = _dial(40, "facts in each relation, fewer where CLDR has fewer", 2, 400)
    invented: bool = _dial(False, "the eight made-up languages with the easy world's fixed plan of facts")
    # names
    cognates: float = _dial(0.2, "share of names that add a language's own ending or letters to a stem", 0, 1)
    unrelated: float = _dial(0.3, "share of names that have nothing to do with the hub's", 0, 1)
    exonyms: float = _dial(
        1.0, "share of made-up objects' names that have nothing to do with the hub's", 0, 1
    )
    namesakes: float = _dial(
        0.45, "share of facts whose name belongs to another subject in some languages", 0, 1
    )
    shared_pieces: bool = _dial(True, "whether languages share letters; off: an alphabet for each")
    # how a fact can cross
    local_facts: float = _dial(0.3, "share of facts that one language alone states", 0, 1)
    bilingual_leads: float = _dial(0.1, "share of articles whose lead adds another language's spelling", 0, 1)
    parallel_articles: float = _dial(0.8, "share of facts that all languages of a script state alike", 0, 1)
    code_switching: float = _dial(
        0.02, "share of statements with a name in another language's spelling", 0, 1
    )
    alignment: float = _dial(
        0.8, "share of names whose vectors are alike in all languages from the start", 0, 1
    )
    loanwords: float = _dial(0.2, "share of function words that languages have in common", 0, 1)
    # how facts are spread
    coverage: float = _dial(1.0, "factor of a language's chance to state a fact", 0.05, 2)
    object_skew: float = _dial(0.15, "share of a relation's facts that have its commonest object", 0, 0.72)
    popularity: float = _dial(0.0, "exponent of the law of how often a fact is stated, by its rank", 0, 1.5)
    passing_statements: float = _dial(0.05, "share of stated facts that a language states only once", 0, 1)
    answers: int = _dial(2, "most objects that a subject has in the one-to-many relations", 1, 4)
    contradictions: float = _dial(0.02, "share of facts with another object in some languages", 0, 1)
    # how articles state them
    wordings: int = _dial(2, "sentence patterns per relation", 1, 4)
    bare_statements: float = _dial(0.6, "share of facts stated once in just the template's words", 0, 1)
    inflection: float = _dial(
        0.1, "share of mentions with a case ending or prefix, where names have any", 0, 1
    )
    hidden_statements: float = _dial(0.03, "share of stated facts only in an infobox, table or list", 0, 1)
    missed_statements: float = _dial(
        0.06, "share of stated facts only by pronoun, later sentence or alias", 0, 1
    )
    chance_cooccurrence: float = _dial(0.03, "share of unstated facts whose names meet in a sentence", 0, 1)
    learned_after: tuple[tuple[str, int], ...] = _dial((), "language:step before which it states nothing")
    # the model and its training
    vocabulary_share: float = _dial(1.0, "share of the tokens that it takes to keep words whole", 0.2, 1)
    layers: int = _dial(3, "layers of the model", 1, 12)
    hidden: int = _dial(128, "width of the model's hidden layers, a multiple of 32", 32, 768)
    learning_rate: float = _dial(
        0.0015, "highest learning rate; from 0.002 on trainings differ much", 1e-5, 0.1
    )
    steps: int = _dial(1800, "training steps", 1, 1_000_000)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check(field, getattr(self, field.name))
        if self.cognates + self.unrelated > 1:
            raise InputError(
                f"the dials cognates ({self.cognates}) and unrelated ({self.unrelated}) exceed 1 together",
                "lower one of them: the rest of the names are spelt alike",
            )
        if self.hidden % 32:
            raise InputError(f"the dial hidden is {self.hidden}", "give a multiple of 32")
        for code, step in self.learned_after:
            if code not in languages_of(self) or step < 0:
                raise InputError(
                    f"the dial learned_after names {code}:{step}",
                    f"give one of the languages {', '.join(languages_of(self))} and a step of 0 or more",
                )
        for name, value in EASY_PLAN.items():
            if self.invented and getattr(self, name) != value:
                raise InputError(
                    f"the dial {name} has no effect on the made-up languages, whose plan of facts is fixed",
                    f"leave {name} at {value}, or take another preset than easy",
                )


def with_nothing_in_common(dials: Dials) -> Dials:
    """The dials of the control: languages share neither letters nor vectors, all else is as it was."""
    return dataclasses.replace(dials, shared_pieces=False, alignment=0.0)


EASY_PLAN: dict[str, Any] = {
    "languages": 8, "relations": 8, "facts_per_relation": 59, "cognates": 0.0, "unrelated": 0.0,
    "exonyms": 0.0, "namesakes": 0.0, "local_facts": 0.0, "parallel_articles": 0.0, "loanwords": 0.0,
    "coverage": 1.0, "object_skew": 0.0, "popularity": 0.0, "passing_statements": 0.0, "answers": 1,
    "contradictions": 0.0, "hidden_statements": 0.0, "missed_statements": 0.07,
    "chance_cooccurrence": 0.03,
}  # fmt: skip
"""What the easy world's plan of facts fixes."""

PRESETS: dict[str, Dials] = {
    "demo": Dials(),
    # As in mBERT one answer in ten is right, about 20 in a language and relation, so statements are scarce.
    # Most facts stand in at most five languages; the others stand side by side in all of a script, lest the
    # number of languages that know a name without stating it tells what is shared. Alignment is nearly
    # complete: with less of it names written otherwise share too seldom, and equal strings tell the rest.
    "mbert_like": Dials(
        languages=24,
        relations=3,
        facts_per_relation=200,
        unrelated=0.4,
        local_facts=0.2,
        parallel_articles=0.1,
        alignment=0.95,
        coverage=0.1,
        object_skew=0.15,
        popularity=0.4,
        steps=2800,
    ),
    "disjoint": with_nothing_in_common(Dials()),
    "easy": Dials(
        invented=True,
        **EASY_PLAN,
        bilingual_leads=0.0,
        code_switching=0.0,
        alignment=0.0,
        inflection=0.0,
        bare_statements=0.15,
        vocabulary_share=0.745,
        layers=2,
        learning_rate=0.002,
        steps=3000,
    ),
}


def languages_of(dials: Dials) -> dict[str, Language]:
    """The languages of a world with these dials, by code; the first one is the hub."""
    if dials.invented:
        return dict(LANGUAGES)
    return dict(list(REAL_LANGUAGES.items())[: dials.languages])


def parse_dials(preset: str, overrides: str = "") -> Dials:
    """The dials of a preset with "name=value,name=value" changed.

    Switches are "on" or "off"; `learned_after` is "hu:600+ru:900". Raises InputError for unknown names and
    for values that are no number or out of range.
    """
    if preset not in PRESETS:
        raise InputError(f"there is no preset {preset!r}", f"choose one of {', '.join(PRESETS)}")
    fields = {field.name: field for field in dataclasses.fields(Dials)}
    values: dict[str, Any] = {}
    for entry in filter(None, (part.strip() for part in overrides.split(","))):
        name, equals, text = (part.strip() for part in entry.partition("="))
        if name not in fields or not equals:
            raise InputError(f"{entry!r} sets no dial", f"write name=value with one of {', '.join(fields)}")
        try:
            values[name] = _parse(fields[name].default, text)
        except ValueError as error:
            raise InputError(
                f"the dial {name} cannot be {text!r}", f"give a value like {fields[name].default!r}"
            ) from error
    return dataclasses.replace(PRESETS[preset], **values)


def _parse(default: Any, text: str) -> Any:
    """A value of the same type as `default`; raises ValueError."""
    if isinstance(default, bool):
        return {"on": True, "off": False}[text] if text in ("on", "off") else _refuse(text)
    if isinstance(default, tuple):
        pairs = [entry.partition(":") for entry in text.split("+") if entry]
        return tuple((code, int(step)) for code, _, step in pairs)
    return type(default)(text)


def _refuse(text: str) -> None:
    raise ValueError(text)
