"""The relations of the generated worlds: their sentence patterns, and what their subjects and objects are.

A pattern is an English gloss, which `lexicon.py` translates into the words of each language; its subject is
[X], its object [Y]. No pattern is a template of mLAMA's.
"""

from __future__ import annotations

import uuid as uuids

# relation to its wordings, the one of the release's template first
STATEMENTS = {
    "P17": ("[X] is located in [Y]", "[X] lies within the borders of [Y]",
            "travellers reach [X] through [Y]", "[X] pays its taxes to [Y]"),
    "P19": ("[X] was born in [Y]", "[X] came into the world at [Y]",
            "[X] spent the first years in [Y]", "the cradle of [X] stood at [Y]"),
    "P36": ("[X] has the capital [Y]", "[X] is governed from [Y]",
            "the parliament of [X] meets at [Y]", "[X] sends its deputies to [Y]"),
    "P103": ("[X] has the mother tongue [Y]", "[X] learned to speak as a child [Y]",
             "the parents of [X] spoke [Y]", "[X] grew up with the language [Y]"),
    "P127": ("[X] is owned by [Y]", "[X] belongs to the holdings of [Y]",
             "the shares of [X] are with [Y]", "[X] was bought by [Y]"),
    "P140": ("[X] follows the religion [Y]", "[X] professes the faith called [Y]",
             "[X] was raised in the belief of [Y]", "[X] prays as taught by [Y]"),
    "P159": ("[X] has headquarters in [Y]", "[X] is run out of offices at [Y]",
             "the directors of [X] meet in [Y]", "[X] employs most of its staff at [Y]"),
    "P176": ("[X] is produced by [Y]", "[X] comes off the assembly lines of [Y]",
             "the parts of [X] are made by [Y]", "[X] was designed at the works of [Y]"),
    "P38": ("[X] pays with the currency [Y]", "the prices of [X] are given in [Y]",
            "the bank of [X] prints the [Y]", "[X] collects taxes in [Y]"),
    "P37": ("[X] has the official language [Y]", "the laws of [X] are written in [Y]",
            "the courts of [X] hear cases in [Y]", "the schools of [X] teach in [Y]"),
}  # fmt: skip
EASY_RELATIONS = ("P17", "P19", "P36", "P103", "P127", "P140", "P159", "P176")
RELATIONS = ("P17", "P19", "P103", "P127", "P176", "P38", "P140", "P159", "P37", "P36")
"""In the order in which worlds take them."""
OBJECT_CLASS = {
    "P17": "country", "P19": "city", "P36": "city", "P103": "language", "P127": "owner",
    "P140": "religion", "P159": "city", "P176": "maker", "P38": "currency", "P37": "language",
}  # fmt: skip
SUBJECT_TYPES = {
    "P17": "town", "P19": "painter", "P36": "province", "P103": "singer", "P127": "newspaper",
    "P140": "preacher", "P159": "company", "P176": "vehicle", "P38": "country", "P37": "country",
}  # fmt: skip
PERSON_RELATIONS = frozenset({"P19", "P103", "P140"})
COMPANY_RELATIONS = frozenset({"P127", "P159"})
NATURAL_RELATIONS = frozenset({"P17", "P37", "P38"})
"""Whose facts and names come from CLDR."""
ONE_TO_MANY = frozenset({"P37", "P127"})
FACT_NAMESPACE = uuids.UUID("6f6e1f0a-52a5-5c3e-9c1d-0fac75002026")
"""Of the facts' uuids, which depend on seed, relation and line."""
