"""Group `report`: the type of every fact, the page that people open, and checkpoints side by side."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import dagster as dg
import pyarrow as pa

from factroots_dagster.models.registry import registered
from factroots_dagster.orchestration.assets.base import (
    Shown,
    all_partitions,
    asset,
    available_languages,
    publish_each,
)
from factroots_dagster.orchestration.partitions import Platform
from factroots_dagster.orchestration.resources.models import ModelResource
from factroots_dagster.roots.schema import (
    CHANGED_FACTS,
    CHECKPOINT_COMPARISON,
    FACT_TYPES,
    SENSITIVITY,
    VARIANTS,
)
from factroots_dagster.sandbox.languages import LANGUAGES
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import PartitionWriter

if TYPE_CHECKING:
    from factroots_dagster.report.explorer import FactTables


def report_assets(platform: Platform) -> list[dg.AssetsDefinition]:
    """`fact_types`, `categorization_report` and `checkpoint_comparison`."""
    settings, store = platform.settings, platform.store
    truth = ["planted_truth"] if settings.generated else []

    @asset(
        group="report",
        kinds=("parquet",),
        schema=FACT_TYPES,
        partitions_def=platform.checkpoints,
        deps=[
            "checkpoint",
            "predictions",
            "neuron_similarity",
            *all_partitions("mlama_split", "fact_sources"),
        ],
    )
    def fact_types(context: dg.AssetExecutionContext, models: ModelResource) -> None:
        """The type of every fact in every language, and the rule, evidence and language pair behind it."""

        def build(work: PartitionWriter, checkpoint: str) -> Shown:
            from factroots_dagster.probing.prompts import object_token_ids
            from factroots_dagster.report.previews import types_picture
            from factroots_dagster.roots.evidence import statistics_of
            from factroots_dagster.roots.sensitivity import Sensitivity, Setting
            from factroots_dagster.roots.types import EASY_RULE, MATCHER, STATISTIC
            from factroots_dagster.roots.types import fact_types as categorize

            model = models.load(settings, work, checkpoint)
            nearest = work.read_side("nearest", "neuron_similarity", checkpoint)
            probed = available_languages(work, "predictions", settings.active_languages, checkpoint)
            traced = available_languages(work, "fact_sources", probed)
            default = Setting(MATCHER, STATISTIC, None, EASY_RULE)
            moved = Sensitivity(default, statistics_of(nearest))
            tables = []
            with work.stream(VARIANTS, side="variants") as append:
                for language in traced:
                    typed = categorize(
                        work.read("mlama_split", language),
                        work.read("predictions", checkpoint, language),
                        work.read("fact_sources", language),
                        nearest,
                        tokenize=lambda labels: object_token_ids(model.tokenizer, labels, model.space_id),
                    )
                    append(typed.variants)
                    moved.take(language, typed.variants)
                    tables.append(typed.types)
            table = pa.concat_tables(tables)
            work.write(table, FACT_TYPES)
            bands = moved.table()
            work.write(bands, SENSITIVITY, side="sensitivity")
            return Shown(types_picture(table, bands), {"languages": len(traced)})

        publish_each(context, store, build)

    @asset(
        group="report",
        kinds=("html",),
        partitions_def=platform.checkpoints,
        deps=[
            "checkpoint",
            "fact_types",
            "probing_scores",
            "language_clusters",
            "neuron_similarity",
            "neuron_interventions",
            "predictions",
            *all_partitions("mlama_split", "fact_sources", "wikipedia_volume"),
            *truth,
        ],
    )
    def categorization_report(context: dg.AssetExecutionContext, models: ModelResource) -> None:
        """One self-contained page per checkpoint, its figures, the data behind each, and a summary."""

        def build(work: PartitionWriter, checkpoint: str) -> Shown:
            from factroots_dagster.report.lazy_tables import OnDemand
            from factroots_dagster.report.lineage import lineage
            from factroots_dagster.report.page import write_report
            from factroots_dagster.report.previews import types_picture
            from factroots_dagster.roots.planted import planted_agreement, planted_scores

            types = work.read("fact_types", checkpoint)
            languages = sorted(set(types["language"].to_pylist()))
            sources = OnDemand(languages, lambda language: work.read("fact_sources", language))
            volume = pa.concat_tables(work.read("wikipedia_volume", language) for language in languages)
            facts = _fact_tables(work, models, checkpoint, types, sources, volume)
            moved = work.read_side("sensitivity", "fact_types", checkpoint)
            truth = work.read("planted_truth") if settings.generated else None
            found = write_report(
                work.folder,
                checkpoint=work.read("checkpoint", checkpoint),
                scores=work.read("probing_scores", checkpoint),
                mask_counts=work.read_side("mask_counts", "probing_scores", checkpoint),
                volume_relations=work.read_side("volume_relations", "probing_scores", checkpoint),
                clusters=work.read("language_clusters", checkpoint),
                members=work.read_side("members", "language_clusters", checkpoint),
                mantel=work.read_side("mantel", "language_clusters", checkpoint),
                types=types,
                sensitivity=moved,
                similarity_pairs=work.read_side("pairs", "neuron_similarity", checkpoint),
                splits=facts.splits,
                sources=sources,
                volume=volume,
                stability=work.read_side("stability", "neuron_similarity", checkpoint),
                intervention_summary=work.read_side("summary", "neuron_interventions", checkpoint),
                layer_profile=work.read_side("layers", "neuron_similarity", checkpoint),
                planted=planted_agreement(types, truth, sources.values()) if truth is not None else None,
                planted_scores=planted_scores() if settings.generated else None,
                language_names=_language_names(settings),
                facts=facts,
                lineage=lineage(store, work.inputs),
            )
            figures = {name: found[name] for name in ("facts", "predicted")}
            return Shown(types_picture(types, moved), figures)

        publish_each(context, store, build)

    def _fact_tables(
        work: PartitionWriter,
        models: ModelResource,
        checkpoint: str,
        types: pa.Table,
        sources: Mapping[str, pa.Table],
        volume: pa.Table,
    ) -> "FactTables":
        """What the page's fact explorer needs."""
        from factroots_dagster.report.explorer import SIMILARITY_COLUMNS, FactTables
        from factroots_dagster.report.lazy_tables import OnDemand

        tokenizer = models.load(settings, work, checkpoint).tokenizer
        return FactTables(
            types=types,
            splits=OnDemand(sources, lambda language: work.read("mlama_split", language)),
            predictions=OnDemand(sources, lambda language: work.read("predictions", checkpoint, language)),
            sources=sources,
            similarity=work.read("neuron_similarity", checkpoint, columns=SIMILARITY_COLUMNS),
            decode=lambda ids: tokenizer.batch_decode([list(run) for run in ids]),
            articles=dict(zip(volume["language"].to_pylist(), volume["articles"].to_pylist(), strict=True)),
            links=not settings.generated,
        )

    @asset(
        group="report",
        kinds=("parquet",),
        schema=CHECKPOINT_COMPARISON,
        deps=all_partitions("fact_types", "probing_scores", "mlama_split"),
    )
    def checkpoint_comparison(context: dg.AssetExecutionContext) -> None:
        """How P@1 and the types move from checkpoint to checkpoint, and which facts changed type."""

        def build(work: PartitionWriter) -> Shown:
            from factroots_dagster.report.comparison_page import write_comparison
            from factroots_dagster.report.previews import comparison_picture
            from factroots_dagster.roots.comparison import checkpoint_comparison as compare

            done = set(store.keys("fact_types")) & set(store.keys("probing_scores"))
            order = [key for key in registered(settings) if key in done]
            if not order:
                store.require("fact_types", next(iter(registered(settings)), "none"))
            types = {key: work.read("fact_types", key) for key in order}
            scores = {key: work.read("probing_scores", key) for key in order}
            table, changed = compare(types, scores, order)
            work.write(table, CHECKPOINT_COMPARISON)
            work.write(changed, CHANGED_FACTS, side="changed_facts")
            moved = {key: work.read_side("sensitivity", "fact_types", key) for key in order}
            names, labels = _language_names(settings), _labels(work, changed)
            write_comparison(work.folder, table, changed, labels, names, moved)
            figures = {"checkpoints": len(order), "changed": len(changed)}
            return Shown(comparison_picture(table, moved), figures)

        publish_each(context, store, build)

    return [fact_types, categorization_report, checkpoint_comparison]


def _labels(work: PartitionWriter, changed: pa.Table) -> Iterator[pa.Table]:
    """MLAMA_SPLIT of every language in which a fact changed its type."""
    languages = sorted(set(changed["language"].to_pylist()))
    return (work.read("mlama_split", language) for language in languages)


def _language_names(settings: Settings) -> dict[str, str]:
    """Names that stand beside the codes of the world's languages."""
    from factroots_dagster.report.reference import language_names

    return {code: made.name for code, made in LANGUAGES.items()} if settings.generated else language_names()
