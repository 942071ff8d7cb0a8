"""Wikitext of the generated articles: what an editor would have typed around the world's sentences.

Only the prose is the world's; infoboxes, tables, references, captions and comments are what a cleaner has to
drop. Some of them hold an object that the prose does not state, so a cleaner that lets them through is found
out.
"""

from __future__ import annotations

import numpy as np

from factroots_dagster.sandbox.languages import namespace_names
from factroots_dagster.sandbox.model import Article, Mention, Section, Sentence

FILE, CATEGORY = 6, 14


def article_wikitext(article: Article, code: str, random: np.random.Generator, told: tuple[str, ...]) -> str:
    """The page source of `article`; `told` are labels that only markup outside the prose may name."""
    namespaces = namespace_names(code)
    blocks = []
    if article.uri is not None:
        blocks.append(_infobox(article, random, told))
    if random.random() < 0.3:
        blocks.append(_file(article, namespaces[FILE] if random.random() < 0.5 else "File", told))
    if random.random() < 0.2:
        blocks.append(f"<!-- {article.title}: {', '.join(told) or 'check the sources'}. -->")
    for number, section in enumerate(article.sections):
        blocks.append(_section(section, article, random, first=number == 0))
    if random.random() < 0.2:
        blocks.append(_table(article, random, told))
    if random.random() < 0.3:
        blocks.append("<references />")
    category = namespaces[CATEGORY] if random.random() < 0.7 else "Category"
    blocks.append(f"[[{category}:{article.topic}]]")
    return "\n\n".join(blocks)


def _infobox(article: Article, random: np.random.Generator, told: tuple[str, ...]) -> str:
    lines = ["{{Infobox", f"| name = {article.title}", f"| code = {int(random.integers(1000, 9999))}"]
    if told:
        lines.append(f"| known for = {{{{nowrap|[[{told[0]}]]}}}}")
    return "\n".join([*lines, "}}"])


def _file(article: Article, namespace: str, told: tuple[str, ...]) -> str:
    name = article.title.replace(" ", "_")
    caption = f"[[{article.title}]] ([[{told[0]}|{told[0]}]])" if told else f"'''{article.title}'''"
    return f"[[{namespace}:{name}.jpg|thumb|220px|{caption}]]"


def _table(article: Article, random: np.random.Generator, told: tuple[str, ...]) -> str:
    rows = [(article.title, told[0])] if told else [(article.title, str(int(random.integers(1, 99))))]
    body = "\n".join(f"|-\n| {left} || {right}" for left, right in rows)
    return f'{{| class="wikitable"\n! A !! B\n{body}\n|}}'


def _section(section: Section, article: Article, random: np.random.Generator, first: bool) -> str:
    lines = []
    if section.title:
        lines.append(f"== {section.title} ==")
    groups = [
        _group(group, article, random, bold=first and n == 0) for n, group in enumerate(section.paragraphs)
    ]
    if section.listed:
        return "\n".join([*lines, *(f"* {group}" for group in groups)])
    return "\n".join([*lines, "\n\n".join(groups)])


def _group(group: tuple[Sentence, ...], article: Article, random: np.random.Generator, bold: bool) -> str:
    sentences = []
    for number, sentence in enumerate(group):
        text = "".join(
            part if isinstance(part, str) else _mention(part, article, random, bold and number == 0)
            for part in sentence.parts
        )
        draw = random.random()
        if draw < 0.1:
            text += f"<ref>{{{{cite book|title={article.topic}|page={int(random.integers(1, 400))}}}}}</ref>"
        elif draw < 0.15:
            text += '<ref name="old" />'
        sentences.append(text)
    return " ".join(sentences)


def _mention(mention: Mention, article: Article, random: np.random.Generator, bold: bool) -> str:
    """A label in bold (the article's own, in its first sentence), linked, linked with a bar, or plain."""
    if mention.uri == article.uri:
        return f"'''{mention.label}'''" if bold else mention.label
    draw = random.random()
    if draw < 0.4:
        return f"[[{mention.label}]]"
    if draw < 0.55:
        return f"[[{mention.label}|{mention.label}]]"
    if draw < 0.6:
        return f"''{mention.label}''"
    return mention.label
