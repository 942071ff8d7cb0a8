"""Inflected forms of labels, from the words that links show: of the label's own article, or on other names.

The anchors' table is streamed, so that memory grows with the labels and their forms, not with the links.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from factroots_dagster.text.inflection.endings import START, Endings, compare_words
from factroots_dagster.text.inflection.suffixes import SUFFIX_LANGUAGES, is_suffix, stems
from factroots_dagster.text.letter_case import capitalize
from factroots_dagster.text.normalization import normalize_all
from factroots_dagster.tracing.aliases import DISAMBIGUATOR, Targets, as_title, is_distinctive

ANCHOR_FILE = "_anchors.parquet"
BATCH_ROWS = 1 << 18

LEARNED_ROWS = 1 << 17
"""Rows of anchors that endings are learned from, three times those of the dumps measured; more
teach little and take time."""

MIN_SHARE = 0.5
"""Share of the links that show a form which lead to the label's article: others' forms are left out.

At 0.7 the dumps' recall falls by up to 4 points and precision does not rise: what remains are links from a
country's name to its history, in which the name does stand for the country.
"""

LINK, ENDING = "link", "ending"
"""Sources of a form: links to the label's article, or the ending."""


class HeldOut(NamedTuple):
    """Links on held-out pages to an article of a label: title, words shown (normalized), number of links."""

    target: str
    words: str
    links: int


@dataclass(frozen=True)
class AnchorForms:
    """What the anchors tell of labels.

    sources: label to form to its source, LINK or ENDING; forms are in normalized spelling.
    held_out: held-out links to the labels' articles.
    """

    sources: Mapping[str, Mapping[str, str]]
    held_out: list[HeldOut]


def find_anchor_forms(
    articles_folder: Path, label_forms: Mapping[str, str], targets: Targets, language: str
) -> AnchorForms:
    """Inflected forms of labels; none where the corpus has no anchors.

    label_forms: the normalized labels. targets: see `aliases.find_names_of_labels`. A form has as many words
    as the label, and each is that of the label with another ending or beginning (`endings.compare_words`); no
    capital becomes a small letter, as in adjectives. A form is shown by links, most of which lead to the
    label's article, or is expected from what links show of other names; then it is neither the title of
    another article nor a form of another label.
    """
    path = articles_folder / ANCHOR_FILE
    if not path.is_file():
        return AnchorForms({}, [])
    labels_of_target: defaultdict[str, list[str]] = defaultdict(list)
    for label in label_forms:
        for title in targets[label]:
            labels_of_target[title].append(label)
    endings, shown, held_out = _read_anchors(path, labels_of_target, label_forms, language)
    candidates = {
        label: dict.fromkeys(_expected_forms(form, endings, language), ENDING)
        | dict.fromkeys(shown.get(label, ()), LINK)
        for label, form in label_forms.items()
    }
    names = set(label_forms.values())
    labels_of_form: defaultdict[str, list[str]] = defaultdict(list)
    for label, forms in candidates.items():
        for form in forms:
            if form not in names and is_distinctive(form):
                labels_of_form[form].append(label)
    links, titles = _count_links(path, labels_of_form, targets, language)
    sources: dict[str, dict[str, str]] = {}
    for form, labels in labels_of_form.items():
        for label in _labels_with_form(form, labels, candidates, targets, links):
            source = candidates[label][form]
            if source == LINK or form not in titles or titles[form] in targets[label]:
                sources.setdefault(label, {})[form] = source
    return AnchorForms(sources, held_out)


def _read_anchors(
    path: Path, labels_of_target: Mapping[str, list[str]], label_forms: Mapping[str, str], language: str
) -> tuple[Endings, dict[str, set[str]], list[HeldOut]]:
    """The language's endings; the forms that links to each label's articles show; the held-out links."""
    endings, learned = Endings(), 0
    shown: defaultdict[str, set[str]] = defaultdict(set)
    held_out: Counter[tuple[str, str]] = Counter()
    needed = pa.array(sorted(labels_of_target), pa.string())
    for batch in _batches(path, language):
        if learned < LEARNED_ROWS:
            learned += batch.num_rows
            for title, words, links in _rows(batch, "links"):
                name = DISAMBIGUATOR.sub("", title) if title[-1] in ")）" else title
                endings.add(name, words, links)
        to_labels = batch.filter(pc.is_in(batch["target"], needed))
        for title, words, _ in _rows(to_labels, "links"):
            for label in labels_of_target[title]:
                if (form := as_form(label_forms[label], words)) is not None:
                    shown[label].add(form)
        for title, words, links in _rows(to_labels, "held_out_links"):
            held_out[title, words] += links
    return endings, shown, [HeldOut(*key, links) for key, links in held_out.items()]


def as_form(label: str, words: str) -> str | None:
    """The words that a link shows as an inflected form of a label, both normalized; None if they are none.

    A capital where the label has a small letter is that of the begin of a sentence.
    """
    changes = compare_words(label, words)
    if changes is None or not any(changes):
        return None
    if label[0].isupper() == words[0].isupper() or (changes[0] is not None and changes[0][0] == START):
        return words
    small = words[0].lower()
    return small + words[1:] if label[0].islower() and len(small) == 1 else None


def _expected_forms(form: str, endings: Endings, language: str) -> Iterator[str]:
    """The forms that endings make of a label and that the language's suffix table, if any, does not."""
    stems_of_label = [form, *stems(form, language)] if language in SUFFIX_LANGUAGES else []
    for expected in endings.forms_of(form):
        rests = ((expected.removeprefix(stem), stem) for stem in stems_of_label if expected.startswith(stem))
        if not any(is_suffix(rest, stem, language) for rest, stem in rests):
            yield expected


def _count_links(
    path: Path, labels_of_form: Mapping[str, list[str]], targets: Targets, language: str
) -> tuple[Counter[tuple[str, str]], dict[str, str]]:
    """Links that show each form, by form and label's article ("" for all), and the titles that forms are."""
    links: Counter[tuple[str, str]] = Counter()
    linked: set[str] = set()
    spelled = {capitalize(form, language): form for form in labels_of_form} | {
        form: form for form in labels_of_form
    }
    searched = pa.array(sorted(spelled), pa.string())
    title_of_form = {form: as_title(form, language) for form in labels_of_form}
    form_titles = pa.array(sorted(set(title_of_form.values())), pa.string())
    for batch in _batches(path, language):
        linked.update(batch["target"].filter(pc.is_in(batch["target"], form_titles)).to_pylist())
        for title, words, count in _rows(batch.filter(pc.is_in(batch["words"], searched)), "links"):
            form = spelled[words]
            links[form, ""] += count
            for label in labels_of_form[form]:
                if title in targets[label]:
                    links[form, label] += count
    return links, {form: title for form, title in title_of_form.items() if title in linked}


def _labels_with_form(
    form: str,
    labels: list[str],
    candidates: Mapping[str, Mapping[str, str]],
    targets: Targets,
    links: Counter[tuple[str, str]],
) -> list[str]:
    """The labels that a form may stand for: most links that show it lead there; none if they disagree."""
    total = links[form, ""]
    meant = [label for label in labels if not total or links[form, label] >= MIN_SHARE * total]
    shown = [label for label in meant if candidates[label][form] == LINK]
    chosen = shown or meant
    return chosen if len({targets[label] for label in chosen}) == 1 else []


def _batches(path: Path, language: str) -> Iterator[pa.RecordBatch]:
    """WIKIPEDIA_ANCHORS in normalized spelling, without what that leaves empty."""
    for stored in pq.ParquetFile(path).iter_batches(BATCH_ROWS):
        batch = _sum_up(stored)
        # Nearly all are titles already, and there are many.
        titles = [
            as_title(title, language) if title[:1].islower() else title
            for title in normalize_all(batch["target"].to_pylist(), language)
        ]
        words = [words.strip() for words in normalize_all(batch["words"].to_pylist(), language)]
        columns = [pa.array(titles, pa.string()), pa.array(words, pa.string())]
        columns += [batch["links_sum"], batch["held_out_links_sum"]]
        table = pa.RecordBatch.from_arrays(columns, stored.schema.names)
        yield table.filter(pc.and_(pc.not_equal(table["target"], ""), pc.not_equal(table["words"], "")))


def _sum_up(batch: pa.RecordBatch) -> pa.RecordBatch:
    """One row for what several parts of the dump have told of a title and words."""
    groups = pa.Table.from_batches([batch]).group_by(["target", "words"], use_threads=False)
    return groups.aggregate([("links", "sum"), ("held_out_links", "sum")]).combine_chunks().to_batches()[0]


def _rows(batch: pa.RecordBatch, count: str) -> Iterator[tuple[str, str, int]]:
    """Target, words and links of the rows that have any of the links counted."""
    counted = batch.filter(pc.greater(batch[count], 0))
    return zip(*(counted[name].to_pylist() for name in ("target", "words", count)), strict=True)
