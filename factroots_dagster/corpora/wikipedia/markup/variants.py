"""Language-variant markup, `-{zh-hans:..;zh-hant:..}-`: one of several spellings is shown."""

from __future__ import annotations

import re

from factroots_dagster.corpora.wikipedia.markup.templates import NESTING

VARIANT_BRACKET = re.compile(r"-\{|\}-")
VARIANTS = {
    "zh": ("zh-hans", "zh-cn", "zh-sg", "zh", "zh-hant", "zh-tw", "zh-hk"),
    "sr": ("sr-ec", "sr-cyrl", "sr-el", "sr-latn"),
}
VARIANT_RULE = re.compile(r"(?:^|;)\s*([a-z]{2,3}(?:-[a-z]{2,8})?)\s*:")
VARIANT_FLAGS = re.compile(r"[\sA-Za-z;-]{0,60}")
HIDING_FLAGS = frozenset("HT-")


def with_variants(text: str, language: str) -> str:
    """`text` with `-{...}-` replaced by the words that one variant of the language shows."""
    out: list[str] = []
    stack: list[list[str]] = []
    at = 0
    for bracket in VARIANT_BRACKET.finditer(text):
        out.append(text[at : bracket.start()])
        at = bracket.end()
        if bracket[0] == "-{":
            stack.append(out)
            out = []
        elif stack:
            body = "".join(out) if len(stack) <= NESTING else ""
            out = stack.pop()
            out.append(variant(body, language))
        else:
            out.append(bracket[0])
    out.append(text[at:])
    return "".join([piece for before in stack for piece in before] + out)


def variant(body: str, language: str) -> str:
    """What is shown of a variant block: the preferred variant's words, the only words, or nothing."""
    flags, bar, words = body.partition("|")
    if not bar or not VARIANT_FLAGS.fullmatch(flags):
        words = body
    elif not HIDING_FLAGS.isdisjoint(flag.strip().upper() for flag in flags.split(";")):
        return ""
    codes = list(VARIANT_RULE.finditer(words))
    if not codes:
        return words
    rules: dict[str, str] = {}
    for code, following in zip(codes, [*codes[1:], None], strict=True):
        shown = words[code.end() : following.start() if following else len(words)]
        rules.setdefault(code[1], shown.strip().removesuffix(";").rstrip())
    wanted = VARIANTS.get(language.split("-")[0], ())
    return next((rules[code] for code in wanted if code in rules), next(iter(rules.values())))
