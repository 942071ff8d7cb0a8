"""Language-variant markup, `-{zh-hans:..;zh-hant:..}-`: one of several spellings is kept."""

from __future__ import annotations

import re

from factroots_dagster.corpora.wikipedia.markup.templates import MAX_NESTING

VARIANT_BRACKET = re.compile(r"-\{|\}-")
PREFERRED_VARIANTS = {
    "zh": ("zh-hans", "zh-cn", "zh-sg", "zh", "zh-hant", "zh-tw", "zh-hk"),
    "sr": ("sr-ec", "sr-cyrl", "sr-el", "sr-latn"),
}
"""Variant codes by language, in order of preference."""
VARIANT_RULE = re.compile(r"(?:^|;)\s*([a-z]{2,3}(?:-[a-z]{2,8})?)\s*:")
VARIANT_FLAGS = re.compile(r"[\sA-Za-z;-]{0,60}")
HIDING_FLAGS = frozenset("HT-")
"""Flags of blocks that define a conversion and show nothing."""


def choose_variants(text: str, language: str) -> str:
    """`text` with each `-{...}-` replaced by the words of one variant of the language."""
    out: list[str] = []
    stack: list[list[str]] = []
    position = 0
    for bracket in VARIANT_BRACKET.finditer(text):
        out.append(text[position : bracket.start()])
        position = bracket.end()
        if bracket[0] == "-{":
            stack.append(out)
            out = []
        elif stack:
            body = "".join(out) if len(stack) <= MAX_NESTING else ""
            out = stack.pop()
            out.append(render_variant(body, language))
        else:
            out.append(bracket[0])
    out.append(text[position:])
    return "".join([piece for before in stack for piece in before] + out)


def render_variant(body: str, language: str) -> str:
    """The words of a variant block: those of the preferred variant, the only ones, or none."""
    flags, bar, words = body.partition("|")
    if not bar or not VARIANT_FLAGS.fullmatch(flags):
        words = body
    elif not HIDING_FLAGS.isdisjoint(flag.strip().upper() for flag in flags.split(";")):
        return ""
    codes = list(VARIANT_RULE.finditer(words))
    if not codes:
        return words
    rules: dict[str, str] = {}
    ends = [*(code.start() for code in codes[1:]), len(words)]
    for code, end in zip(codes, ends, strict=True):
        rules.setdefault(code[1], words[code.end() : end].strip().removesuffix(";").rstrip())
    preferred = PREFERRED_VARIANTS.get(language.split("-")[0], ())
    return next((rules[code] for code in preferred if code in rules), next(iter(rules.values())))
