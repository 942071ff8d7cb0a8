"""Suites of the data side: sources, mLAMA, Wikipedia, tracing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from factroots_dagster.corpora.schema import WIKIPEDIA, WIKIPEDIA_ARTICLES
from factroots_dagster.orchestration.checks import expect
from factroots_dagster.orchestration.checks.suite import suite_of
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store
from factroots_dagster.store.versions import PartitionVersion
from factroots_dagster.tracing.kinds import MENTION_KINDS
from factroots_dagster.tracing.matchers import (
    MATCHERS,
    SURFACE,
    WITH_ALIASES,
    WITH_FORMS,
    WITH_SUFFIXES,
    WORDPIECE_CHUNK,
    matchers_for,
    names_of_matcher,
)
from factroots_dagster.tracing.schema import ENTITY_MENTIONS, MIN_COVERAGE, MIN_PRECISION

if TYPE_CHECKING:
    import pandas as pd

ONE_SUBJECT = r"(?s)^(?!.*\[X\].*\[X\]).*\[X\]"
ONE_OBJECT = r"(?s)^(?!.*\[Y\].*\[Y\]).*\[Y\]"
RELATION = r"^(P\d+|place_of_birth|place_of_death|date_of_birth)$"
KNOWN_RELATION = "every relation is named as in mLAMA: P and a number, or a Google-RE relation"
SHA1 = r"^[0-9a-f]{40}$"
SHA256 = r"^[0-9a-f]{64}$"
MIN_LINKS = 100
"""Held-out links from which shares of them mean anything."""
UUID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"

# mLAMA 1.1, counted in the release (method.md, section 1)
MLAMA_ROWS, MLAMA_LANGUAGE_COUNT = 843_143, 53
MLAMA_MULTI_ANSWER_ROWS, MLAMA_OBJECT_IN_SUBJECT_ROWS, MLAMA_FACTS = 165_742, 76_821, 37_535


@suite_of("mlama_release")
def release_suite(settings: Settings) -> Sequence[Any]:
    """Files parse, templates hold one [X] and one [Y]; for mLAMA the published totals (warning)."""
    published = (
        expect.total("rows", MLAMA_ROWS, severity="warning")
        + expect.distinct("language", MLAMA_LANGUAGE_COUNT, severity="warning")
        if settings.world == "mlama"
        else []
    )
    return [
        *expect.rows(1),
        *expect.not_null("language", "relation"),
        *expect.unique("language", "relation"),
        *expect.within("rows", 0),
        *_known_relations(settings),
        *expect.matching("sha256", SHA256, "sha256 is 64 hexadecimal digits"),
        *expect.matching("template", ONE_SUBJECT, "every template has exactly one [X]"),
        *expect.matching("template", ONE_OBJECT, "every template has exactly one [Y]"),
        *published,
    ]


def _known_relations(settings: Settings) -> Sequence[Any]:
    """Relations have mLAMA's names; those of other fact sets, which are imported, may have any."""
    if settings.imported:
        return []
    return expect.matching("relation", RELATION, KNOWN_RELATION, severity="warning")


@suite_of("wikipedia_dump")
def dump_suite(settings: Settings, language: str) -> Sequence[Any]:
    return [
        *expect.rows(1),
        *expect.among("language", [language]),
        *expect.not_null("path", "sitename", "namespaces"),
        *expect.unique("corpus", "file"),
        *expect.within("bytes", 1),
        *expect.matching("sha1", SHA1, "sha1 is 40 hexadecimal digits"),
        *expect.matching("snapshot", r"^\d{8}$", "the snapshot is a date (YYYYMMDD)", severity="warning"),
    ]


@suite_of("mlama_split")
def split_suite(settings: Settings, language: str) -> Sequence[Any]:
    return [
        *expect.rows(1),
        *expect.among("language", [language]),
        *expect.unique("uuid"),
        *expect.matching("uuid", UUID, "uuid is a UUID in its usual form", severity="warning"),
        *_known_relations(settings),
        *expect.matching("template", ONE_SUBJECT, "every template has exactly one [X]"),
        *expect.matching("template", ONE_OBJECT, "every template has exactly one [Y]"),
        *[
            expectation
            for name in ("subject", "object", "subject_uri", "object_uri")
            for expectation in expect.matching(name, r"\S", f"{name} is not blank")
        ],
        *expect.not_null("candidate_set", "object_in_subject"),
    ]


def coverage_frame(store: Store) -> pd.DataFrame:
    frame: pd.DataFrame = store.read("fact_coverage").to_pandas()
    frame["relations_of_fact"] = frame.groupby("uuid")["relation"].transform("nunique")
    return frame


@suite_of(coverage_frame)
def coverage_suite(settings: Settings) -> Sequence[Any]:
    published = (
        expect.rows(MLAMA_ROWS, MLAMA_ROWS, severity="warning")
        + expect.distinct("uuid", MLAMA_FACTS, severity="warning")
        + expect.total("multi_answer", MLAMA_MULTI_ANSWER_ROWS, severity="warning")
        + expect.total("object_in_subject", MLAMA_OBJECT_IN_SUBJECT_ROWS, severity="warning")
        if settings.world == "mlama" and not (settings.languages or settings.relations or settings.sample)
        else []
    )
    return [
        *expect.rows(1),
        *expect.unique("uuid", "language"),
        *expect.within("relations_of_fact", 1, 1, meaning="every fact belongs to one relation"),
        *expect.within("languages", 1, len(settings.active_languages)),
        *expect.within("answers", 1),
        *expect.within("candidates", 1),
        *expect.at_most("answers", "candidates"),
        *expect.not_null("majority_object", "majority_correct"),
        *published,
    ]


def articles_frame(store: Store, language: str) -> pd.DataFrame:
    """One row of counts over the streamed pages: the text itself never is in memory at once."""
    import pandas as pd

    counts, ids = [], []
    for table in _batches(WIKIPEDIA_ARTICLES, store.version("wikipedia_articles", language)):
        redirect, text = pc.is_valid(table["redirect_to"]), pc.fill_null(table["text"], "")
        empty = pc.equal(pc.utf8_length(text), 0)
        batch = {
            "articles": _count(pc.invert(redirect)),
            "null_ids": table["page_id"].null_count,
            "null_corpora": table["corpus"].null_count,
            "null_revisions": _count(
                pc.and_(pc.equal(table["corpus"], WIKIPEDIA), pc.is_null(table["revision_id"]))
            ),
            "light_documents": _count(pc.less(pc.fill_null(table["weight"], 0), 1)),
            "null_titles": table["title"].null_count,
            "null_texts": table["text"].null_count,
            "empty_articles": _count(pc.and_(empty, pc.invert(redirect))),
            "articles_with_braces": _count(pc.match_substring(text, "{{")),
            "redirects_with_text": _count(pc.and_(redirect, pc.invert(empty))),
        }
        counts.append(batch)
        ids.append(table["page_id"].to_numpy())
    frame = pd.DataFrame(counts).sum().to_frame().T
    page_ids = np.concatenate(ids)
    frame["duplicate_ids"] = len(page_ids) - len(np.unique(page_ids))
    articles = frame["articles"].clip(lower=1)
    frame["empty_share"] = frame["empty_articles"] / articles
    frame["braces_share"] = frame["articles_with_braces"] / articles
    return frame


def _batches(schema: pa.Schema, version: PartitionVersion) -> Iterator[pa.Table]:
    """A partition's main table in batches, of which there is one, without rows, even where it is empty."""
    return chain([schema.empty_table()], version.read_batches())


def _count(condition: pa.ChunkedArray) -> int:
    return int(pc.sum(condition).as_py() or 0)


@suite_of(articles_frame)
def articles_suite(settings: Settings, language: str) -> Sequence[Any]:
    return [
        *expect.within("articles", 1),
        *expect.zero(
            null_ids="every page has a page id",
            null_corpora="every page is of a corpus",
            null_revisions="every page of Wikipedia has a revision id",
            light_documents="every page counts once or more",
            null_titles="every page has a title",
            null_texts="every page has a text, which may be empty",
            duplicate_ids="no two pages have the same id",
            redirects_with_text="redirects have no text",
        ),
        *expect.share_at_most(0.05, empty_share="at most 5% of the articles are empty"),
        *expect.share_at_most(0.02, braces_share="at most 2% of the articles hold braces of a template"),
    ]


def volume_frame(store: Store, language: str) -> pd.DataFrame:
    frame: pd.DataFrame = store.read("wikipedia_volume", language).to_pandas()
    frame["namespace_0"] = frame["articles"] + frame["redirects"]
    frame["damaged_share"] = frame["damaged_pages"] / (frame["pages"] + frame["damaged_pages"]).clip(lower=1)
    frame["lost_share"] = frame["lost_bytes"] / (frame["wikitext_bytes"] + frame["lost_bytes"]).clip(lower=1)
    # Only a dump with a multistream index tells how many pages there should be.
    expected = frame["indexed_pages"].fillna(frame["pages"])
    frame["missing_pages"] = (expected - frame["pages"]).clip(lower=0).astype(int)
    frame["missing_share"] = frame["missing_pages"] / expected.clip(lower=1)
    return frame


def summarize_losses(frame: pd.DataFrame) -> str:
    """A dump that ends in mid-page is usable, and must not go unnoticed."""
    row = frame.iloc[0]
    return (
        f"{row['damaged_pages']} damaged pages ({row['lost_bytes']:,} bytes lost), "
        f"{row['unfinished_pages']} unfinished, {row['missing_pages']} of the dump's index missing"
    )


@suite_of(volume_frame, summary=summarize_losses)
def volume_suite(settings: Settings, language: str) -> Sequence[Any]:
    return [
        *expect.rows(1, 1),
        *expect.within("articles", 1),
        *expect.at_most("namespace_0", "pages"),
        *expect.at_most("words", "characters"),
        *expect.within("words", 1),
        *expect.share_at_most(
            0.01,
            damaged_share="at most 1% of the pages are damaged",
            lost_share="at most 1% of the bytes are lost in damaged pages",
            missing_share="at most 1% of the pages of the dump's index are missing",
        ),
        *expect.zero("warning", unfinished_pages="no page was given up as too slow"),
    ]


def mentions_frame(store: Store, language: str) -> pd.DataFrame:
    """One row of counts over the streamed mentions."""
    import pandas as pd

    pages = set(store.read("wikipedia_articles", language, columns=["page_id"])["page_id"].to_pylist())
    counts = []
    for table in _batches(ENTITY_MENTIONS, store.version("entity_mentions", language)):
        length = pc.subtract(table["end"], table["start"])
        label_length = pc.cast(pc.utf8_length(table["label"]), length.type)
        least = pc.min_element_wise(table["start"], table["sentence"], table["chunk"])
        batch = {
            "mentions": len(table),
            "nulls": sum(column.null_count for column in table.columns),
            "negative_positions": _count(pc.less(least, 0)),
            "empty_spans": _count(pc.less_equal(length, 0)),
            "length_differs": _count(
                pc.and_(pc.equal(table["kind"], "label"), pc.not_equal(length, label_length))
            ),
            "unknown_pages": len(set(pc.unique(table["page_id"]).to_pylist()) - pages),
            "strange_kinds": _count(pc.invert(pc.is_in(table["kind"], pa.array(MENTION_KINDS)))),
        }
        counts.append(batch)
    frame = pd.DataFrame(counts).sum().to_frame().T
    # normalisation drops invisible characters, so a span may be longer than its label
    frame["length_differs_share"] = frame["length_differs"] / frame["mentions"].clip(lower=1)
    return frame.assign(**_unseen_names(store.read_side("coverage", "entity_mentions", language)))


def _unseen_names(coverage: pa.Table) -> dict[str, float]:
    """How much the names that are searched for with their forms miss, and how much of it is wrong."""
    rows = {row["names"]: row for row in coverage.to_pylist()}
    row = rows[names_of_matcher(WITH_FORMS[0])]
    return {
        "forms_unseen": 1 - row["coverage"] if row["links"] >= MIN_LINKS else 0.0,
        "forms_wrong": 1 - row["precision"] if row["added"] >= MIN_LINKS else 0.0,
    }


@suite_of(mentions_frame)
def mentions_suite(settings: Settings, language: str) -> Sequence[Any]:
    return [
        *expect.within("mentions", 1, severity="warning"),
        *expect.zero(
            nulls="no value is null",
            negative_positions="no position is negative",
            empty_spans="no mention is empty",
            unknown_pages="every mention is on a page of wikipedia_articles",
            strange_kinds="every mention is of a known kind",
        ),
        *expect.share_at_most(
            0.05, length_differs_share="at most 5% of the labels' mentions differ in length from the label"
        ),
        *expect.share_at_most(
            round(1 - MIN_COVERAGE, 6),
            forms_unseen=f"at least {MIN_COVERAGE:.0%} of the forms of names in held-out links are seen",
        ),
        *expect.share_at_most(
            round(1 - MIN_PRECISION, 6),
            forms_wrong=f"at least {MIN_PRECISION:.0%} of the forms of names lead where held-out links lead",
        ),
    ]


def sources_frame(store: Store, language: str) -> pd.DataFrame:
    table = store.read("fact_sources", language)
    shown = pc.list_value_length(table["evidence"])
    frame: pd.DataFrame = table.drop(["evidence"]).to_pandas()
    frame["shown"] = shown.to_numpy()
    frame["best_first"] = _is_best_first(table["evidence"].combine_chunks())
    frame["evidence_agrees"] = (frame["shown"] > 0) == (frame["windows"] > 0)
    key = ["uuid", "corpus"]
    frame["probability_agrees"] = (frame["stated_probability"] > 0) == (frame["windows"] > 0)
    windows = frame.pivot_table(index=key, columns="matcher", values="windows", aggfunc="sum")
    windows = windows.reindex(columns=list(MATCHERS), fill_value=0).fillna(0)
    # Two labels in one sentence or chunk are in one article, and other forms only add to the labels.
    agrees = windows["article"] >= 0
    for family in (SURFACE, WITH_ALIASES, WITH_SUFFIXES, WITH_FORMS):
        sentence, chunk, article = family
        agrees &= (windows[article] > 0) | ((windows[sentence] == 0) & (windows[chunk] == 0))
    windows["article_agrees"] = agrees
    for names in ("aliases", "forms"):
        windows[f"{names}_agree"] = windows[f"article_with_{names}"] >= windows["article"]
    frame = frame.join(windows[["article_agrees", "aliases_agree", "forms_agree"]], on=key)
    frame["flag_agrees"] = frame["unknown_pieces"].notna() == (frame["matcher"] == WORDPIECE_CHUNK)
    facts = set(store.read("mlama_split", language, columns=["uuid"])["uuid"].to_pylist())
    wanted = matchers_for(language, has_tokenizer=bool((frame["matcher"] == WORDPIECE_CHUNK).any()))
    corpora = frame["corpus"].unique()
    traced = frame[frame["matcher"].isin(wanted)].groupby(key)["matcher"].nunique()
    expected = {(uuid, corpus) for uuid in facts for corpus in corpora}
    frame["facts_missing"] = len(expected - set(traced[traced == len(wanted)].index))
    return frame


def _is_best_first(evidence: pa.Array) -> NDArray[np.bool_]:
    """Whether each list of passages begins with the one that most probably states the fact, and so on."""
    probability = pc.struct_field(evidence.flatten(), "stated_probability").to_numpy(zero_copy_only=False)
    row = pc.list_parent_indices(evidence).to_numpy()
    rises = (np.diff(row) == 0) & ~(np.diff(probability) <= 0)
    best_first: NDArray[np.bool_] = np.bincount(row[1:][rises], minlength=len(evidence)) == 0
    return best_first


@suite_of(sources_frame)
def sources_suite(settings: Settings, language: str) -> Sequence[Any]:
    return [
        *expect.rows(1),
        *expect.unique("uuid", "corpus", "matcher"),
        *expect.not_null("corpus"),
        *expect.among("language", [language]),
        *expect.among("matcher", MATCHERS),
        *expect.within("windows", 0),
        *expect.within("shown", 0, 3, meaning="at most 3 passages are kept as evidence"),
        *expect.within("stated_probability", 0, 1),
        *expect.true(
            evidence_agrees="a fact has evidence exactly when a window holds it",
            best_first="evidence begins with the passage that most probably states the fact",
            probability_agrees="a fact may be stated exactly when a window holds it",
            article_agrees="what stands together in a sentence or chunk does so in an article",
            aliases_agree="aliases never take a window away",
            forms_agree="inflected forms never take a window away",
            flag_agrees="only the wordpiece matcher flags unknown pieces",
        ),
        *expect.zero(facts_missing="every fact has a row for every corpus and matcher of its language"),
    ]
