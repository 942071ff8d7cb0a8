"""Armenian. Source: Dum-Tragut, Armenian: Modern Eastern Armenian (2009). Left out is -երեն (languages)."""

from __future__ import annotations

from itertools import product

from factroots_dagster.text.inflection.rules import Inflection, stem_changes, suffixes_by_stem_end

ARTICLE = "ն"
CASES = ("ի", "ից", "ով", "ում", "ին")
PLURALS = frozenset(map("".join, product(("եր", "ներ"), ("", "ը", *CASES, ARTICLE))))

INFLECTION = Inflection(
    suffixes_after=suffixes_by_stem_end(
        ("ությ", frozenset(("ան", "անը", "անն", "ամբ"))),
        ("[աո]", PLURALS | {ARTICLE, *(f"յ{case}" for case in CASES)}),
        ("[իեէ]|ու", PLURALS | {ARTICLE, *CASES}),
        ("", PLURALS | {"ը", ARTICLE, *CASES}),
    ),
    stem_changes=stem_changes("ու>վ", "ություն>ությ"),
)
