"""Aliases of a label in its Wikipedia: titles of redirects to its article, and names in bold in it.

The articles' table is streamed by its small columns, so that memory grows with the labels and their names,
not with the pages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from factroots_dagster.errors import InputError
from factroots_dagster.store.parquet import main_files
from factroots_dagster.text.letter_case import DOTTED_I, capitalize
from factroots_dagster.text.normalization import compose, normalize, normalize_all

BATCH_ROWS = 1 << 16
DISAMBIGUATOR = re.compile(r"\s*[(（]([^()（）]*)[)）]$")
SYLLABIC = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]")
"""Kana, Han and Hangul: scripts in which two characters make a name."""

DISAMBIGUATIONS = {
    "af": "dubbelsinnig",
    "ar": "توضيح",
    "az": "dəqiqləşdirmə", "be": "значэнні", "bg": "пояснение", "bn": "দ্ব্যর্থতা নিরসন", "bs": "čvor",
    "ca": "desambiguació", "cs": "rozcestník", "cy": "gwahaniaethu", "da": "flertydig",
    "de": "Begriffsklärung", "el": "αποσαφήνιση", "es": "desambiguación", "et": "täpsustus",
    "eu": "argipena",
    "fa": "ابهام‌زدایی",
    "fi": "täsmennyssivu", "fr": "homonymie", "ga": "idirdhealú", "gl": "homónimos",
    "he": "פירושונים",
    "hi": "बहुविकल्पी", "hr": "razdvojba", "hu": "egyértelműsítő lap", "hy": "այլ կիրառումներ",
    "id": "disambiguasi", "it": "disambigua", "ja": "曖昧さ回避", "ka": "მრავალმნიშვნელოვანი",
    "ko": "동음이의", "la": "discretiva", "lt": "reikšmės", "lv": "nozīmju atdalīšana", "ms": "nyahkekaburan",
    "nl": "doorverwijspagina", "no": "andre betydninger", "pl": "ujednoznacznienie", "pt": "desambiguação",
    "ro": "dezambiguizare", "ru": "значения", "sk": "rozlišovacia stránka", "sl": "razločitev",
    "sq": "kthjellim", "sr": "вишезначна одредница", "sv": "olika betydelser",
    "ta": "பக்கவழி நெறிப்படுத்தல்", "th": "แก้ความกำกวม", "tr": "anlam ayrımı", "uk": "значення",
    "ur": "ضد ابہام",
    "vi": "định hướng", "zh": "消歧义",
}  # fmt: skip
"""What titles of disambiguation pages end with, in brackets; the English word is used in all languages."""


Aliases = dict[str, list[str]]
Targets = dict[str, frozenset[str]]
"""The titles by which links lead to a label's article, normalized."""


class LabelNames(NamedTuple):
    """What a Wikipedia tells of labels: the aliases of each label that has any, the targets of each, and the
    title of the article of each that has one."""

    aliases: Aliases
    targets: Targets
    articles: dict[str, str]


def find_names_of_labels(articles_folder: Path, labels: Sequence[str], language: str) -> LabelNames:
    """The aliases, targets and articles of labels.

    articles_folder: WIKIPEDIA_ARTICLES of the labels' language. A label's article has the label as its title,
    or is reached from the redirect of that title in one step or two; never by way of a section, nor if its
    title is marked as a disambiguation page. Aliases are the article's title, the titles of redirects to it
    and its names in bold, in this order, without disambiguators in brackets and stress marks. Wikis
    capitalize all titles; so for a label that begins with a small letter each title is an alias with a small
    letter, too. Left out are names of something else (a label in `labels`, an alias of another of their
    articles), names without a letter, and short names: one character, or two in alphabetic scripts unless
    both are capitals.

    Targets of a label without an article are what its title would be: links lead to pages that a part of a
    dump does not hold.

    Raises InputError when the folder holds no articles.
    """
    if not main_files(articles_folder):
        raise InputError(f"{articles_folder} holds no articles", "materialize wikipedia_articles first")
    label_forms = dict(zip(labels, map(str.strip, normalize_all(labels, language)), strict=True))
    article_of_label = find_articles(articles_folder, label_forms, language)
    pages, bold_names = find_names(articles_folder, set(article_of_label.values()), language)
    titles = {
        article: [DISAMBIGUATOR.sub("", title) for title in names if not is_disambiguation(title, language)]
        for article, names in pages.items()
    }
    targets = {
        label: frozenset(
            as_title(title, language) for title in normalize_all(pages[article_of_label[label]], language)
        )
        if label in article_of_label
        else frozenset((as_title(form, language),))
        for label, form in label_forms.items()
    }
    aliases_of_label: dict[str, dict[str, str]] = {}
    articles_of_form: dict[str, set[str]] = {}
    for label, article in article_of_label.items():
        spelled = chain.from_iterable(spellings(title, label, language) for title in titles[article])
        for alias in (*spelled, *bold_names[article]):
            form = normalize(alias, language).strip()
            aliases_of_label.setdefault(label, {}).setdefault(form, alias)
            articles_of_form.setdefault(form, set()).add(article)
    ambiguous = {form for form, articles in articles_of_form.items() if len(articles) > 1}
    excluded = ambiguous.union(label_forms.values())
    kept = {
        label: [alias for form, alias in aliases.items() if form not in excluded and is_distinctive(form)]
        for label, aliases in aliases_of_label.items()
    }
    aliases = {label: names for label, names in kept.items() if names}
    return LabelNames(aliases, targets, article_of_label)


def find_articles(folder: Path, label_forms: dict[str, str], language: str) -> dict[str, str]:
    """The title of the article of each label that has one; `label_forms` are the labels' normalized forms."""
    title_of_label = {label: as_title(form, language) for label, form in label_forms.items()}
    pages: dict[str, list[tuple[str, str | None]]] = {}
    titles = pa.array(sorted(set(title_of_label.values())), pa.string())

    def has_title(batch: pa.RecordBatch) -> pa.Array:
        return pc.is_in(pa.array(normalize_all(batch["title"].to_pylist(), language), pa.string()), titles)

    for title, target in filter_pages(folder, has_title):
        pages.setdefault(normalize(title, language), []).append((title, target))
    # Targets of redirects are compared exactly, because a wiki always spells them like the titles.
    target_of_title = find_targets(folder, {target for rows in pages.values() for _, target in rows})
    target_of_title |= find_targets(folder, {*target_of_title.values()} - target_of_title.keys())

    def follow_redirects(title: str, target: str | None) -> str | None:
        for _ in range(3):
            if target is None:
                return None if is_disambiguation(title, language) else title
            if target not in target_of_title:
                return None
            title, target = target, target_of_title[target]
        return None

    article_of_label = {}
    for label, normalized_title in title_of_label.items():
        # Articles come before redirects, and the label's own spelling before others.
        rows = sorted(
            pages.get(normalized_title, ()),
            key=lambda row: (row[1] is not None, row[0] != as_title(label, language), row[0]),
        )
        article = next(filter(None, (follow_redirects(*row) for row in rows)), None)
        if article is not None:
            article_of_label[label] = article
    return article_of_label


def find_targets(folder: Path, titles: set[str | None]) -> dict[str, str | None]:
    """The target of each page with one of these titles, None for an article; no redirects to sections."""
    values = pa.array(sorted(filter(None, titles)), pa.string())
    return dict(filter_pages(folder, lambda batch: pc.is_in(batch["title"], values))) if len(values) else {}


Names = dict[str, list[str]]
"""Names of articles by the article's title."""


def find_names(folder: Path, articles: set[str], language: str) -> tuple[Names, Names]:
    """Of each article the titles, its own and those of redirects; its names in bold."""
    redirects: Names = {article: [] for article in articles}
    bold_names: Names = {article: [] for article in articles}
    values = pa.array(sorted(articles), pa.string())
    for title, target in filter_pages(folder, lambda batch: pc.is_in(batch["redirect_to"], values)):
        redirects[target].append(title)

    def is_one(batch: pa.RecordBatch) -> pa.Array:
        return pc.and_(pc.is_null(batch["redirect_to"]), pc.is_in(batch["title"], values))

    for title, names in filter_pages(folder, is_one, "names"):
        bold_names[title] += map(without_reading_aids, names or ())
    return {article: [article, *sorted(redirects[article])] for article in articles}, bold_names


def filter_pages(
    folder: Path, test: Callable[[pa.RecordBatch], pa.Array], column: str = "redirect_to"
) -> Iterator[tuple[str, Any]]:
    """Title and another column of the pages that pass a test of whole batches; no redirects to sections."""
    columns = sorted({"title", "redirect_to", "redirect_fragment", column})
    for path in main_files(folder):
        for batch in pq.ParquetFile(path).iter_batches(BATCH_ROWS, columns=columns):
            kept = batch.filter(pc.and_(test(batch), pc.is_null(batch["redirect_fragment"])))
            yield from zip(kept["title"].to_pylist(), kept[column].to_pylist(), strict=True)


def as_title(form: str, language: str) -> str:
    """A normalized label as a wiki would write it in a title: single spaces, the first letter a capital."""
    return capitalize(" ".join(form.replace("_", " ").split()), language)


def spellings(title: str, label: str, language: str) -> list[str]:
    """A title, and unless it is an abbreviation with a small letter, too, if the label begins with one."""
    if not label[:1].islower() or not title[:1].isupper() or title[1:2].isupper():
        return [title]
    first = {"I": "ı", "İ": "i"}.get(title[0]) if language in DOTTED_I else None
    return [title, (first or title[0].lower()) + title[1:]]


def without_reading_aids(name: str) -> str:
    """A bold name without the marks that only first sentences have, such as the stress in Украї́на."""
    return compose(name).strip(" ,;:")


def is_disambiguation(title: str, language: str) -> bool:
    """Whether a title is marked as that of a disambiguation page."""
    match = DISAMBIGUATOR.search(title)
    markers = (DISAMBIGUATIONS.get(language.partition("-")[0], ""), "disambiguation")
    return match is not None and normalize(match[1], language) in normalize_all(markers, language)


def is_distinctive(form: str) -> bool:
    """Whether a normalized alias can be searched for without matching mostly other things."""
    is_long_enough = len(form) > 2 or form.isupper() or SYLLABIC.search(form) is not None
    return is_long_enough and len(form) > 1 and any(map(str.isalpha, form))
