"""Wikitext of the generated articles: the world's sentences with the markup an editor would have added.

A wikitext cleaner has to drop the infoboxes, tables, references, captions and comments. Some of them name the
object of a fact that the prose does not state, so that a cleaner that lets them through is noticed.
"""

from __future__ import annotations

import numpy as np

from factroots_dagster.sandbox.records import Article, ArticleSection, Mention, Sentence

FILE, CATEGORY = 6, 14  # namespace numbers


def render_article(
    article: Article, namespaces: dict[int, str], random: np.random.Generator, hidden_labels: tuple[str, ...]
) -> str:
    """Render the page source of `article`.

    `hidden_labels` are labels that markup outside the prose names; a cleaner must not bring them to light.
    """
    blocks = []
    if article.uri is not None:
        blocks.append(_infobox(article, random, hidden_labels))
    if random.random() < 0.3:
        blocks.append(_image(article, namespaces[FILE] if random.random() < 0.5 else "File", hidden_labels))
    if random.random() < 0.2:
        blocks.append(f"<!-- {article.title}: {', '.join(hidden_labels) or 'check the sources'}. -->")
    for number, section in enumerate(article.sections):
        blocks.append(_section(section, article, random, is_lead=number == 0))
    if random.random() < 0.2:
        blocks.append(_table(article, random, hidden_labels))
    if random.random() < 0.3:
        blocks.append("<references />")
    category = namespaces[CATEGORY] if random.random() < 0.7 else "Category"
    blocks.append(f"[[{category}:{article.topic}]]")
    return "\n\n".join(blocks)


def _infobox(article: Article, random: np.random.Generator, hidden_labels: tuple[str, ...]) -> str:
    lines = ["{{Infobox", f"| name = {article.title}", f"| code = {int(random.integers(1000, 9999))}"]
    if hidden_labels:
        lines.append(f"| known for = {{{{nowrap|[[{hidden_labels[0]}]]}}}}")
    return "\n".join([*lines, "}}"])


def _image(article: Article, namespace: str, hidden_labels: tuple[str, ...]) -> str:
    name = article.title.replace(" ", "_")
    caption = (
        f"[[{article.title}]] ([[{hidden_labels[0]}|{hidden_labels[0]}]])"
        if hidden_labels
        else f"'''{article.title}'''"
    )
    return f"[[{namespace}:{name}.jpg|thumb|220px|{caption}]]"


def _table(article: Article, random: np.random.Generator, hidden_labels: tuple[str, ...]) -> str:
    value = hidden_labels[0] if hidden_labels else str(int(random.integers(1, 99)))
    return f'{{| class="wikitable"\n! A !! B\n|-\n| {article.title} || {value}\n|}}'


def _section(section: ArticleSection, article: Article, random: np.random.Generator, is_lead: bool) -> str:
    if section.markup:
        return _rows(section)
    lines = []
    if section.title:
        lines.append(f"== {section.title} ==")
    paragraphs = [
        _paragraph(sentences, article, random, bold=is_lead and number == 0)
        for number, sentences in enumerate(section.paragraphs)
    ]
    if section.listed:
        return "\n".join([*lines, *(f"* {paragraph}" for paragraph in paragraphs)])
    return "\n".join([*lines, "\n\n".join(paragraphs)])


def _rows(section: ArticleSection) -> str:
    """The rows of an infobox or a table: a subject and its object each."""
    pairs = [sentence.mentions for (sentence,) in section.paragraphs]
    if section.markup == "infobox":
        lines = [f"| {subject.label} = [[{object_.label}]]" for subject, object_ in pairs]
        return "\n".join(["{{Infobox", *lines, "}}"])
    lines = [f"|-\n| {subject.label} || [[{object_.label}]]" for subject, object_ in pairs]
    return "\n".join(['{| class="wikitable"', *lines, "|}"])


def _paragraph(
    sentences: tuple[Sentence, ...], article: Article, random: np.random.Generator, bold: bool
) -> str:
    texts = []
    for number, sentence in enumerate(sentences):
        text = "".join(
            part if isinstance(part, str) else _mention(part, article, random, bold and number == 0)
            for part in sentence.parts
        )
        draw = random.random()
        if draw < 0.1:
            text += f"<ref>{{{{cite book|title={article.topic}|page={int(random.integers(1, 400))}}}}}</ref>"
        elif draw < 0.15:
            text += '<ref name="old" />'
        texts.append(text)
    return " ".join(texts)


def _mention(mention: Mention, article: Article, random: np.random.Generator, bold: bool) -> str:
    """Render a label in bold (the article's own title, in its first sentence), as a link, or plain."""
    if mention.uri == article.uri:
        return f"'''{mention.label}'''" if bold else mention.label
    draw = random.random()
    if draw < 0.55 and mention.title:
        return f"[[{mention.title}|{mention.label}]]"
    if draw < 0.4:
        return f"[[{mention.label}]]"
    if draw < 0.55:
        return f"[[{mention.label}|{mention.label}]]"
    if draw < 0.6:
        return f"''{mention.label}''"
    return mention.label
