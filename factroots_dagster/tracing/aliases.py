"""Other names of a label in its Wikipedia: titles of redirects to its article, and bold names in it.

The articles' table is streamed by its small columns, and what is kept grows with the labels and their names,
not with the pages.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from factroots_dagster.errors import InputError
from factroots_dagster.store.store import main_files
from factroots_dagster.text.normalization import all_normalized, normalized

BATCH_ROWS = 1 << 16
DISAMBIGUATOR = re.compile(r"\s*[(（]([^()（）]*)[)）]$")
SYLLABIC = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]")
"""Kana, Han and Hangul: two characters of these make a name."""

READING_AIDS = re.compile(
    "(?<=[\u0400-\u052f])[\u0300\u0301]|[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]|[\u064b-\u0652\u0640]"
)
"""Stress in Cyrillic, points in Hebrew, vowel signs in Arabic."""

DOTTED_I = frozenset(("tr", "az"))
"""Languages in which i and ı are letters of their own."""

DISAMBIGUATIONS = {
    "af": "dubbelsinnig",
    "ar": "توضيح",
    "az": "dəqiqləşdirmə",
    "be": "значэнні",
    "bg": "пояснение",
    "bn": "দ্ব্যর্থতা নিরসন",
    "bs": "čvor",
    "ca": "desambiguació",
    "cs": "rozcestník",
    "cy": "gwahaniaethu",
    "da": "flertydig",
    "de": "Begriffsklärung",
    "el": "αποσαφήνιση",
    "es": "desambiguación",
    "et": "täpsustus",
    "eu": "argipena",
    "fa": "ابهام‌زدایی",
    "fi": "täsmennyssivu",
    "fr": "homonymie",
    "ga": "idirdhealú",
    "gl": "homónimos",
    "he": "פירושונים",
    "hi": "बहुविकल्पी",
    "hr": "razdvojba",
    "hu": "egyértelműsítő lap",
    "hy": "այլ կիրառումներ",
    "id": "disambiguasi",
    "it": "disambigua",
    "ja": "曖昧さ回避",
    "ka": "მრავალმნიშვნელოვანი",
    "ko": "동음이의",
    "la": "discretiva",
    "lt": "reikšmės",
    "lv": "nozīmju atdalīšana",
    "ms": "nyahkekaburan",
    "nl": "doorverwijspagina",
    "no": "andre betydninger",
    "pl": "ujednoznacznienie",
    "pt": "desambiguação",
    "ro": "dezambiguizare",
    "ru": "значения",
    "sk": "rozlišovacia stránka",
    "sl": "razločitev",
    "sq": "kthjellim",
    "sr": "вишезначна одредница",
    "sv": "olika betydelser",
    "ta": "பக்கவழி நெறிப்படுத்தல்",
    "th": "แก้ความกำกวม",
    "tr": "anlam ayrımı",
    "uk": "значення",
    "ur": "ضد ابہام",
    "vi": "định hướng",
    "zh": "消歧义",
}
"""What a disambiguation page's title ends in, in brackets; English is understood everywhere."""


def find_aliases(articles_folder: Path, labels: Sequence[str], language: str) -> dict[str, list[str]]:
    """Aliases of each label that has any, from the articles (WIKIPEDIA_ARTICLES) of its language.

    A label's article bears it as its title, or a redirect of that title leads there in one step or two;
    never by way of a section, nor to a title marked as a disambiguation. Aliases are the article's title, the
    titles of redirects to it and its bold names, in this order, without disambiguators in brackets and marks
    of stress. A wiki begins titles with a capital whatever they name; so a label that begins with a small
    letter has each title with a small letter too. Left out is what names something else as well (a label in
    `labels`, or an alias of another of their articles), what has no letter, and what is too short: one
    character, or two in scripts of letters unless both are capitals. Raises InputError when the folder holds
    no articles.
    """
    if not main_files(articles_folder):
        raise InputError(
            f"{articles_folder} holds no articles. Remedy: materialize wikipedia_articles first."
        )
    forms = map(str.strip, all_normalized(labels, language))
    label_forms = dict(zip(labels, forms, strict=True))
    article_of = find_articles(articles_folder, label_forms, language)
    titles, names = names_of_articles(articles_folder, set(article_of.values()), language)
    aliases_of: dict[str, dict[str, str]] = {}
    owners: dict[str, set[str]] = {}
    for label, article in article_of.items():
        own_titles = (spelt for title in titles[article] for spelt in spellings(title, label, language))
        for alias in (*own_titles, *names[article]):
            form = normalized(alias, language).strip()
            aliases_of.setdefault(label, {}).setdefault(form, alias)
            owners.setdefault(form, set()).add(article)
    taken = set(label_forms.values()) | {form for form, articles in owners.items() if len(articles) > 1}
    kept = {
        label: [alias for form, alias in aliases.items() if form not in taken and names_something(form)]
        for label, aliases in aliases_of.items()
    }
    return {label: aliases for label, aliases in kept.items() if aliases}


def find_articles(folder: Path, label_forms: dict[str, str], language: str) -> dict[str, str]:
    """The title of the article of each label that has one, by the labels' normalised forms."""
    wanted = {label: as_title(form, language) for label, form in label_forms.items()}
    pages: dict[str, list[tuple[str, str | None]]] = {}
    keys = pa.array(sorted(set(wanted.values())), pa.string())
    for batch in pages_where(folder, lambda batch: pc.is_in(normal_titles(batch["title"], language), keys)):
        for title, target in zip(batch["title"].to_pylist(), batch["redirect_to"].to_pylist(), strict=True):
            pages.setdefault(normalized(title, language), []).append((title, target))
    # Titles of redirects' targets are compared as they are: a wiki spells them alike.
    known = targets_of(folder, {target for rows in pages.values() for _, target in rows if target})
    known |= targets_of(folder, {target for target in known.values() if target} - known.keys())

    def article_at(title: str, target: str | None) -> str | None:
        for _ in range(3):
            if target is None:
                return None if is_disambiguation(title, language) else title
            if target not in known:
                return None
            title, target = target, known[target]
        return None

    found = {}
    for label, key in wanted.items():
        if key not in pages:
            continue
        # An article comes before a redirect, and the label's own spelling before others.
        rows = sorted(
            pages[key],
            key=lambda row: (row[1] is not None, row[0] != as_title(label, language), row[0]),
        )
        article = next(filter(None, (article_at(*row) for row in rows)), None)
        if article is not None:
            found[label] = article
    return found


def targets_of(folder: Path, titles: set[str]) -> dict[str, str | None]:
    """Where the pages of these titles lead to: None for an article; redirects to a section are left out."""
    found: dict[str, str | None] = {}
    if titles:
        values = pa.array(sorted(titles), pa.string())
        for batch in pages_where(folder, lambda batch: pc.is_in(batch["title"], values)):
            found |= zip(batch["title"].to_pylist(), batch["redirect_to"].to_pylist(), strict=True)
    return found


Names = dict[str, list[str]]


def names_of_articles(folder: Path, articles: set[str], language: str) -> tuple[Names, Names]:
    """For each article its title and those of redirects to it, without disambiguators; and its bold names."""
    redirects: Names = {article: [] for article in articles}
    names: Names = {article: [] for article in articles}
    values = pa.array(sorted(articles), pa.string())
    for batch in pages_where(folder, lambda batch: pc.is_in(batch["redirect_to"], values)):
        for title, target in zip(batch["title"].to_pylist(), batch["redirect_to"].to_pylist(), strict=True):
            redirects[target].append(title)
    bold = pages_where(
        folder,
        lambda batch: pc.and_(pc.is_null(batch["redirect_to"]), pc.is_in(batch["title"], values)),
        ["names"],
    )
    for batch in bold:
        for title, listed in zip(batch["title"].to_pylist(), batch["names"].to_pylist(), strict=True):
            names[title] += [as_in_running_text(name) for name in listed or ()]
    titles = {
        article: [
            DISAMBIGUATOR.sub("", title)
            for title in (article, *sorted(redirects[article]))
            if not is_disambiguation(title, language)
        ]
        for article in articles
    }
    return titles, names


def pages_where(
    folder: Path, test: Callable[[pa.RecordBatch], pa.Array], columns: Iterable[str] = ()
) -> Iterator[pa.RecordBatch]:
    """The pages that pass a test of whole batches, redirects to sections apart: some columns of them."""
    read = ["title", "redirect_to", "redirect_fragment", *columns]
    for path in main_files(folder):
        for batch in pq.ParquetFile(path).iter_batches(BATCH_ROWS, columns=read):
            kept = batch.filter(pc.and_(test(batch), pc.is_null(batch["redirect_fragment"])))
            if kept.num_rows:
                yield kept


def normal_titles(titles: pa.Array, language: str) -> pa.Array:
    """Titles as they are compared."""
    return pa.array(all_normalized(titles.to_pylist(), language), pa.string())


def as_title(form: str, language: str) -> str:
    """A normalised label as a wiki would title it: single spaces, the first letter a capital."""
    form = " ".join(form.replace("_", " ").split())
    first = "İ" if form[:1] == "i" and language in DOTTED_I else form[:1].title()
    return first + form[1:] if len(first) == 1 else form


def spellings(title: str, label: str, language: str) -> list[str]:
    """A title, and with a small letter where the label begins with one; not so abbreviations."""
    if not label[:1].islower() or not title[:1].isupper() or title[1:2].isupper():
        return [title]
    first = {"I": "ı", "İ": "i"}.get(title[0]) if language in DOTTED_I else None
    return [title, (first or title[0].lower()) + title[1:]]


def as_in_running_text(name: str) -> str:
    """A bold name without the marks that a first sentence alone puts on it: Украї́на."""
    return READING_AIDS.sub("", unicodedata.normalize("NFC", name)).strip(" ,;:")


def is_disambiguation(title: str, language: str) -> bool:
    """Whether a title says that its page only lists articles of the same name."""
    words = (DISAMBIGUATIONS.get(language.partition("-")[0], ""), "disambiguation")
    found = DISAMBIGUATOR.search(title)
    return found is not None and normalized(found[1], language) in {
        normalized(word, language) for word in words
    }


def names_something(form: str) -> bool:
    """Whether a normalised alias can be looked for in a text without finding mostly other things."""
    if not any(map(str.isalpha, form)) or len(form) < 2:
        return False
    return len(form) > 2 or form.isupper() or SYLLABIC.search(form) is not None
