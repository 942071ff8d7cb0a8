"""Every expectation of every suite holds for a real world, and fails for data that break it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from assets_tests.conftest import CHECKPOINT, MaterializedWorld
from factroots_dagster.checks.bridge import Suite, to_check_result, validate
from factroots_dagster.checks.registry import BY_CELL, BY_CHECKPOINT, BY_LANGUAGE, GENERATED, UNPARTITIONED
from factroots_dagster.storage.store import Store, write_table

LANGUAGE = "qab"
PARTS = {
    **dict.fromkeys(BY_LANGUAGE, (LANGUAGE,)),
    **dict.fromkeys(BY_CHECKPOINT, (CHECKPOINT,)),
    **dict.fromkeys(BY_CELL, (CHECKPOINT, LANGUAGE)),
    **dict.fromkeys([*UNPARTITIONED, *GENERATED], ()),
}
MAKERS = {**BY_LANGUAGE, **BY_CHECKPOINT, **BY_CELL, **UNPARTITIONED, **GENERATED}
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Broken:
    """A way to break an asset: what happens to its folder, and which expectations must notice."""

    asset: str
    breaks: Callable[[Path], None]
    noticed: tuple[str, ...]  # "<expectation type>:<column>"
    name: str


def rows(change: Callable[[Rows], object]) -> Callable[[Path], None]:
    """Break the rows of the main table in place; the change may also return new rows."""

    def apply(folder: Path) -> None:
        files = sorted(p for p in folder.glob("*.parquet") if not p.name.startswith("_"))
        table = pa.concat_tables([pa.parquet.read_table(path) for path in files])
        listed = table.to_pylist()
        changed = change(listed)
        schema = pa.schema([field.with_nullable(True) for field in table.schema])
        kept = changed if isinstance(changed, list) else listed
        for path in files[1:]:
            path.unlink()
        write_table(pa.Table.from_pylist(kept, schema=schema), files[0])

    return apply


def put(column: str, value: object) -> Callable[[Path], None]:
    return rows(lambda listed: listed[0].update({column: value}))


def everywhere(column: str, value: object) -> Callable[[Path], None]:
    return rows(lambda listed: [row | {column: value} for row in listed])


def twice() -> Callable[[Path], None]:
    return rows(lambda listed: [*listed, listed[0]])


def emptied() -> Callable[[Path], None]:
    return rows(lambda listed: [])


def first(condition: Callable[[dict[str, Any]], bool], **values: object) -> Callable[[Path], None]:
    """Change the first row for which the condition holds."""

    def change(listed: Rows) -> None:
        next(row for row in listed if condition(row)).update(values)

    return rows(change)


def tensors(change: Callable[[np.ndarray], np.ndarray | None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        from safetensors.numpy import load_file, save_file

        path = min(folder.glob("*.safetensors"))
        values = load_file(path)["activations"]
        changed = change(values)
        save_file({"activations": values if changed is None else changed}, path)

    return apply


def summary(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / "summary.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return apply


def page(change: Callable[[str], str]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / "index.html"
        path.write_text(change(path.read_text()))

    return apply


def removed(pattern: str) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        for path in folder.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return apply


NULL, UNIQUE, PAIR = "not_be_null", "be_unique", "pair_values_a_to_be_greater_than_b"
BETWEEN, AMONG, REGEX = "values_to_be_between", "be_in_set", "match_regex"
ROWS, COMPOUND, DISTINCT = (
    "row_count_to_be_between",
    "compound_columns_to_be_unique",
    "unique_value_count_to_be_between",
)


def of(asset: str, *cases: tuple[Callable[[Path], None], str]) -> Iterator[Broken]:
    for number, (breaks, noticed) in enumerate(cases):
        yield Broken(asset, breaks, tuple(noticed.split(" ")), f"{asset}-{number}-{noticed.split(' ')[0]}")


def stated(row: dict[str, Any]) -> bool:
    return row["stated"]


def lost_cell(listed: Rows) -> Rows:
    return [
        row
        for row in listed
        if row["relation"] != next(r["relation"] for r in listed if r["relation"] != "*")
    ]


def shrink_neurons(listed: Rows) -> None:
    listed[0]["neurons"] = listed[0]["neurons"][1:]


def repeat_neuron(listed: Rows) -> None:
    listed[0]["neurons"][1] = listed[0]["neurons"][0]


def reverse_scores(listed: Rows) -> None:
    listed[0]["scores"] = listed[0]["scores"][::-1]


def foreign_neuron(listed: Rows) -> None:
    listed[0]["signed_neurons"][0] = 10**6


CASES: list[Broken] = [
    *of(
        "mlama_release",
        (emptied(), f"{ROWS}:table"),
        (put("language", None), f"{NULL}:language"),
        (put("relation", None), f"{NULL}:relation"),
        (twice(), f"{COMPOUND}:language,relation"),
        (put("rows", -1), f"{BETWEEN}:rows"),
        (put("relation", "capital"), f"{REGEX}:relation"),
        (put("sha256", "abc"), f"{REGEX}:sha256"),
        (put("template", "[X] is in [Y] and [Y] ."), f"{REGEX}:template"),
        (put("template", "[X] and [X] are in [Y] ."), f"{REGEX}:template"),
        (put("template", "it is in [Y] ."), f"{REGEX}:template"),
    ),
    *of(
        "wikipedia_dump",
        (emptied(), f"{ROWS}:table"),
        (put("language", "qaa"), f"{AMONG}:language"),
        (put("path", None), f"{NULL}:path"),
        (put("sitename", None), f"{NULL}:sitename"),
        (put("namespaces", None), f"{NULL}:namespaces"),
        (twice(), f"{UNIQUE}:file"),
        (put("bytes", 0), f"{BETWEEN}:bytes"),
        (put("sha1", "?"), f"{REGEX}:sha1"),
        (put("snapshot", "today"), f"{REGEX}:snapshot"),
    ),
    *of(
        "mlama_split",
        (emptied(), f"{ROWS}:table"),
        (put("language", "qaa"), f"{AMONG}:language"),
        (twice(), f"{UNIQUE}:uuid"),
        (put("uuid", "17"), f"{REGEX}:uuid"),
        (put("relation", "capital"), f"{REGEX}:relation"),
        (put("template", "[X] is nowhere ."), f"{REGEX}:template"),
        (put("template", "nobody is in [Y] ."), f"{REGEX}:template"),
        (put("subject", " "), f"{REGEX}:subject"),
        (put("object", ""), f"{REGEX}:object"),
        (put("subject_uri", ""), f"{REGEX}:subject_uri"),
        (put("object_uri", ""), f"{REGEX}:object_uri"),
        (put("candidate_set", None), f"{NULL}:candidate_set"),
        (put("object_in_subject", None), f"{NULL}:object_in_subject"),
    ),
    *of(
        "fact_coverage",
        (emptied(), f"{ROWS}:table"),
        (twice(), f"{COMPOUND}:uuid,language"),
        (put("relation", "P1"), f"{BETWEEN}:relations_of_fact"),
        (put("languages", 9), f"{BETWEEN}:languages"),
        (put("answers", 0), f"{BETWEEN}:answers"),
        (put("candidates", 0), f"{BETWEEN}:candidates {PAIR}:candidates,answers"),
        (put("majority_object", None), f"{NULL}:majority_object"),
        (put("majority_correct", None), f"{NULL}:majority_correct"),
    ),
    *of(
        "wikipedia_articles",
        (everywhere("redirect_to", "x"), f"{BETWEEN}:articles {BETWEEN}:redirects_with_text"),
        (put("page_id", None), f"{BETWEEN}:null_ids"),
        (put("title", None), f"{BETWEEN}:null_titles"),
        (put("text", None), f"{BETWEEN}:null_texts"),
        (twice(), f"{BETWEEN}:duplicate_ids"),
        (everywhere("text", ""), f"{BETWEEN}:empty_share"),
        (everywhere("text", "{{left}}"), f"{BETWEEN}:braces_share"),
    ),
    *of(
        "wikipedia_volume",
        (twice(), f"{ROWS}:table"),
        (put("articles", 0), f"{BETWEEN}:articles"),
        (put("articles", 10**9), f"{PAIR}:pages,namespace_0"),
        (put("words", 10**9), f"{PAIR}:characters,words"),
        (put("words", 0), f"{BETWEEN}:words"),
        (put("damaged_pages", 1), f"{BETWEEN}:damaged_pages"),
        (put("lost_bytes", 1), f"{BETWEEN}:lost_bytes"),
        (put("unfinished_pages", 1), f"{BETWEEN}:unfinished_pages"),
    ),
    *of(
        "entity_mentions",
        (emptied(), f"{BETWEEN}:mentions"),
        (put("entity_uri", None), f"{BETWEEN}:nulls"),
        (put("sentence", -1), f"{BETWEEN}:negative_positions"),
        (put("end", 0), f"{BETWEEN}:empty_spans"),
        (put("page_id", 10**9), f"{BETWEEN}:unknown_pages"),
        (everywhere("label", "another label altogether"), f"{BETWEEN}:length_differs_share"),
    ),
    *of(
        "fact_sources",
        (emptied(), f"{ROWS}:table"),
        (twice(), f"{COMPOUND}:uuid,matcher"),
        (put("language", "qaa"), f"{AMONG}:language"),
        (put("matcher", "guess"), f"{AMONG}:matcher {BETWEEN}:facts_missing"),
        (put("windows", -1), f"{BETWEEN}:windows"),
        (first(lambda row: row["windows"] > 0, evidence=[]), f"{AMONG}:evidence_agrees"),
        (
            first(
                lambda row: row["windows"] > 0,
                evidence=[
                    {
                        "page_id": 1,
                        "title": "",
                        "revision_id": 1,
                        "subject_start": 0,
                        "object_start": 1,
                        "sentence": "",
                    }
                ]
                * 4,
            ),
            f"{BETWEEN}:shown",
        ),
        (
            first(lambda row: row["matcher"] == "article" and row["windows"] > 0, windows=0),
            f"{AMONG}:article_agrees",
        ),
    ),
    *of(
        "checkpoint",
        (twice(), f"{ROWS}:table"),
        (put("checkpoint", "another"), f"{AMONG}:checkpoint"),
        (put("source", None), f"{NULL}:source"),
        (put("architecture", None), f"{NULL}:architecture"),
        *(
            (put(column, 0), f"{BETWEEN}:{column}")
            for column in ("layers", "hidden_size", "neurons", "parameters", "vocabulary", "max_length")
        ),
        (put("family", "oracle"), f"{AMONG}:family"),
        (put("corpus", "unknown"), f"{AMONG}:corpus"),
        (put("tokenizer_sha256", "abc"), f"{REGEX}:tokenizer_sha256"),
        (put("weights_sha256", "abc"), f"{REGEX}:weights_sha256"),
    ),
    *of(
        "predictions",
        (emptied(), f"{ROWS}:table"),
        (twice(), f"{UNIQUE}:uuid {AMONG}:facts_agree"),
        (put("language", "qaa"), f"{AMONG}:language"),
        (first(lambda row: row["full_match"], matched_mask_count=0), f"{AMONG}:match_agrees"),
        (first(lambda row: row["full_match"], partial_match=False), f"{AMONG}:match_agrees"),
        (put("object_logprob", float("nan")), f"{AMONG}:finite"),
        (put("predicted_ids", []), f"{AMONG}:asked"),
        (put("object_ids", []), f"{BETWEEN}:object_tokens"),
        (put("object_logprob", 0.5), f"{BETWEEN}:object_logprob"),
        (put("prior_logprob", 0.5), f"{BETWEEN}:prior_logprob"),
        (put("typed_rank", 0), f"{BETWEEN}:typed_rank"),
        (put("typed_rank", 10**6), f"{PAIR}:candidates,typed_rank"),
        (put("too_long", True), f"{AMONG}:too_long"),
    ),
    *of(
        "neuron_activations",
        (emptied(), f"{ROWS}:table"),
        (rows(lambda listed: listed[:-1]), f"{BETWEEN}:facts_missing {AMONG}:shape_agrees"),
        (tensors(lambda values: values[:, :, 1:]), f"{AMONG}:shape_agrees"),
        (tensors(lambda values: np.full_like(values, np.nan)), f"{BETWEEN}:not_finite"),
        (tensors(lambda values: values * 1e9), f"{BETWEEN}:largest"),
        (tensors(np.zeros_like), f"{BETWEEN}:spread"),
    ),
    *of(
        "active_neurons",
        (emptied(), f"{ROWS}:table"),
        (twice(), f"{UNIQUE}:uuid"),
        (put("language", "qaa"), f"{AMONG}:language"),
        (put("k", 0), f"{BETWEEN}:k"),
        (rows(shrink_neurons), f"{AMONG}:sizes_agree"),
        (rows(foreign_neuron), f"{AMONG}:in_range"),
        (rows(reverse_scores), f"{AMONG}:scores_ordered"),
        (rows(repeat_neuron), f"{BETWEEN}:repeated"),
    ),
    *of(
        "probing_scores",
        (emptied(), f"{ROWS}:table {DISTINCT}:language"),
        (twice(), f"{COMPOUND}:language,relation"),
        (put("n", 0), f"{BETWEEN}:n"),
        *(
            (put(column, 1.5), f"{BETWEEN}:{column}")
            for column in (
                "full_match",
                "partial_match",
                "typed_p1",
                "mrr",
                "multi_answer",
                "majority",
                "uniform",
                "full_match_low",
                "full_match_high",
                "macro_full_match",
                "prior_typed_p1",
            )
        ),
        (put("partial_match", -0.1), f"{PAIR}:partial_match,full_match"),
        (put("multi_answer", -0.1), f"{PAIR}:multi_answer,full_match"),
        (put("full_match_low", 1.0), f"{PAIR}:full_match,full_match_low"),
        (put("full_match_high", -0.1), f"{PAIR}:full_match_high,full_match"),
        (rows(lost_cell), f"{AMONG}:cells_add_up"),
    ),
    *of(
        "language_clusters",
        (emptied(), f"{ROWS}:table"),
        (twice(), f"{COMPOUND}:language_a,language_b"),
        (put("language_b", "qaa"), f"{AMONG}:two_languages"),
        (put("shared_facts", -1), f"{BETWEEN}:shared_facts"),
        (put("jaccard", 1.1), f"{BETWEEN}:jaccard"),
        (put("expected_jaccard", -0.1), f"{BETWEEN}:expected_jaccard"),
        (put("corrected", 1.1), f"{BETWEEN}:corrected"),
        (put("distance_km", 30000.0), f"{BETWEEN}:distance_km"),
    ),
    *of(
        "neuron_similarity",
        (emptied(), f"{ROWS}:table"),
        (twice(), f"{COMPOUND}:uuid,language_a,language_b"),
        (put("language_b", "qaa"), f"{AMONG}:ordered"),
        (put("jaccard", 1.1), f"{BETWEEN}:jaccard"),
        (put("signed_jaccard", -0.1), f"{BETWEEN}:signed_jaccard"),
        (put("cosine", 1.1), f"{BETWEEN}:cosine"),
        (put("mismatched_mean", 1.1), f"{BETWEEN}:mismatched_mean"),
        (put("random_mean", 1.1), f"{BETWEEN}:random_mean"),
        (put("p_value", 0.0), f"{BETWEEN}:p_value"),
        (put("q_value", 1.1), f"{BETWEEN}:q_value"),
        (put("q_value", 0.0), f"{PAIR}:q_value,p_value"),
    ),
    *of(
        "neuron_interventions",
        (emptied(), f"{ROWS}:table"),
        (twice(), f"{COMPOUND}:uuid,language_found,language_asked,intervention,neuron_set"),
        (put("intervention", "tickle"), f"{AMONG}:intervention"),
        (put("neuron_set", "lucky"), f"{AMONG}:neuron_set"),
        (put("logprob_before", 1.0), f"{BETWEEN}:logprob_before"),
        (put("logprob_change", float("inf")), f"{AMONG}:finite"),
        (
            rows(lambda listed: listed[0].update(language_asked=listed[0]["language_found"])),
            f"{AMONG}:two_languages",
        ),
        (put("flipped", None), f"{NULL}:flipped"),
    ),
    *of(
        "fact_types",
        (emptied(), f"{ROWS}:table {DISTINCT}:language"),
        (twice(), f"{COMPOUND}:uuid,language"),
        (put("type", "borrowed"), f"{AMONG}:type"),
        (put("reason", None), f"{NULL}:reason"),
        (first(lambda row: row["type"] == "not_predicted", type="shared"), f"{AMONG}:predicted_agrees"),
        (first(lambda row: row["type"] == "transferred", source_present=True), f"{AMONG}:source_agrees"),
        (first(lambda row: row["type"] == "shared", source_present=False), f"{AMONG}:source_agrees"),
    ),
    *of(
        "categorization_report",
        (page(lambda text: ""), f"{BETWEEN}:page_bytes"),
        (page(lambda text: text + '<img src="https://example.org/x.png">'), f"{BETWEEN}:fetches"),
        (removed("figures/*"), f"{BETWEEN}:figures"),
        (removed("data/*"), f"{BETWEEN}:tables"),
        (summary(lambda content: content["types"]["*"].update(shared=-1)), f"{AMONG}:counts_agree"),
        (summary(lambda content: content["p_at_1"].pop(LANGUAGE)), f"{AMONG}:scores_agree"),
    ),
    *of(
        "checkpoint_comparison",
        (emptied(), f"{ROWS}:table"),
        (twice(), f"{COMPOUND}:checkpoint,language,type {BETWEEN}:shares"),
        (put("type", "borrowed"), f"{AMONG}:type"),
        (put("facts", -1), f"{BETWEEN}:facts"),
        (put("share", 1.5), f"{BETWEEN}:share"),
        (put("full_match", 1.5), f"{BETWEEN}:full_match"),
        (
            rows(lambda listed: [row for row in listed if row["checkpoint"] != CHECKPOINT]),
            f"{BETWEEN}:checkpoints_missing",
        ),
    ),
    *of(
        "planted_truth",
        (emptied(), f"{ROWS}:table"),
        (twice(), f"{COMPOUND}:uuid,language"),
        (put("kind", "magic"), f"{AMONG}:kind"),
        (put("linked_source", "xx"), f"{AMONG}:linked_source"),
        (first(lambda row: row["kind"] == "transferred", stated=True), f"{AMONG}:transferred_agrees"),
        (first(lambda row: row["kind"] == "transferred", linked_source=None), f"{AMONG}:transferred_agrees"),
        (
            first(lambda row: row["kind"] == "shared" and row["stated"], stated=False),
            f"{AMONG}:stated_agrees",
        ),
        (first(lambda row: row["kind"] == "unknown", stated=True), f"{AMONG}:unread_agrees"),
        (rows(lambda listed: listed[0].update(linked_source=listed[0]["language"])), f"{AMONG}:itself"),
    ),
    *of(
        "sandbox_training",
        (emptied(), f"{ROWS}:table"),
        (twice(), f"{UNIQUE}:step"),
        (put("loss", float("nan")), f"{AMONG}:finite"),
        (everywhere("loss", 5.0), f"{AMONG}:learnt"),
    ),
]


def suite_of(world: MaterializedWorld, asset: str) -> Suite:
    return MAKERS[asset](world.settings)


def expectation_names(results: Any) -> set[str]:
    """`<type>:<columns>` of expectation results, without the words that all types share."""
    names = set()
    for result in results:
        kwargs = result.expectation_config.kwargs
        columns = kwargs.get("column_list") or [
            kwargs[key] for key in ("column", "column_A", "column_B") if key in kwargs
        ]
        kind = result.expectation_config.type
        for word in ("expect_", "column_values_to_", "column_", "table_"):
            kind = kind.removeprefix(word) if kind.startswith(word) else kind
        kind = {"be_between": BETWEEN}.get(kind, kind)
        names.add(f"{kind}:{','.join(columns) or 'table'}")
    return names


@pytest.mark.parametrize("asset", sorted(MAKERS))
def test_the_real_world_meets_every_expectation(world: MaterializedWorld, asset: str) -> None:
    suite = suite_of(world, asset)
    validation = validate(suite.frame(world.store, *PARTS[asset]), suite.expectations(*PARTS[asset]), asset)
    unmet = [result.expectation_config.type for result in validation.results if not result.success]
    assert validation.success, unmet


def overlay(world: MaterializedWorld, asset: str, folder: Path) -> tuple[Store, Path]:
    """A store that shows the world, with a copy of one partition that may be broken."""
    store = Store(folder, world.settings.world)
    target = store.path(asset, *PARTS[asset])
    source = world.store.path(asset, *PARTS[asset])
    below = store.root
    for part in ("", asset, *PARTS[asset])[: 1 + len(PARTS[asset])]:
        below = below / part if part else below
        below.mkdir(parents=True, exist_ok=True)
        for sibling in (world.store.root / below.relative_to(store.root)).iterdir():
            link = below / sibling.name
            if link not in (target, *target.parents):
                link.symlink_to(sibling)
    shutil.copytree(source, target)
    return store, target


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_broken_data_are_noticed(world: MaterializedWorld, tmp_path: Path, case: Broken) -> None:
    suite = suite_of(world, case.asset)
    store, folder = overlay(world, case.asset, tmp_path)
    case.breaks(folder)
    parts = PARTS[case.asset]
    validation = validate(suite.frame(store, *parts), suite.expectations(*parts), case.asset)
    unmet = expectation_names(result for result in validation.results if not result.success)
    assert set(case.noticed) <= unmet
    result = to_check_result(validation)
    assert not result.passed and result.metadata["unmet"].value == len(
        [r for r in validation.results if not r.success]
    )


@pytest.mark.parametrize("asset", sorted(MAKERS))
def test_no_expectation_is_without_data_that_break_it(world: MaterializedWorld, asset: str) -> None:
    suite = suite_of(world, asset)
    validation = validate(suite.frame(world.store, *PARTS[asset]), suite.expectations(*PARTS[asset]), asset)
    proved = {name for case in CASES if case.asset == asset for name in case.noticed}
    assert expectation_names(validation.results) - proved == set()
