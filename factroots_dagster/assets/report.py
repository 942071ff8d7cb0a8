"""Group `report`: the type of every fact, the page that people open, and checkpoints side by side."""

import dagster as dg
import pyarrow as pa

from factroots_dagster.assets.base import Shown, all_partitions, asset, available_languages, publish_each
from factroots_dagster.partitions import Platform
from factroots_dagster.registry import registered
from factroots_dagster.report.schema import (
    CHANGED_FACTS,
    CHECKPOINT_COMPARISON,
    FACT_TYPES,
    SENSITIVITY,
    VARIANTS,
)
from factroots_dagster.resources.models import ModelResource
from factroots_dagster.sandbox.languages import LANGUAGES
from factroots_dagster.settings import Settings
from factroots_dagster.storage.store import Work


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

        def build(work: Work, checkpoint: str) -> Shown:
            from factroots_dagster.probing.prompts import object_token_ids
            from factroots_dagster.report.pictures import types_picture
            from factroots_dagster.report.types import EASY_RULE, MATCHER, STATISTIC
            from factroots_dagster.report.types import fact_types as categorize
            from factroots_dagster.report.variants import Sensitivity, Setting, statistics_of

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
            work.write(moved.table(), SENSITIVITY, side="sensitivity")
            return Shown(types_picture(table), {"languages": len(traced)})

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
            *all_partitions("mlama_split", "fact_sources", "wikipedia_volume"),
            *truth,
        ],
    )
    def categorization_report(context: dg.AssetExecutionContext) -> None:
        """One self-contained page per checkpoint, its figures, the data behind each, and a summary."""

        def build(work: Work, checkpoint: str) -> Shown:
            from factroots_dagster.report.html import write_report
            from factroots_dagster.report.pictures import types_picture
            from factroots_dagster.report.planted import planted_agreement

            types = work.read("fact_types", checkpoint)
            languages = sorted(set(types["language"].to_pylist()))
            sources = {language: work.read("fact_sources", language) for language in languages}
            volumes = [work.read("wikipedia_volume", language) for language in languages]
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
                similarity_pairs=work.read_side("pairs", "neuron_similarity", checkpoint),
                splits={language: work.read("mlama_split", language) for language in languages},
                sources=sources,
                volume=pa.concat_tables(volumes),
                interventions=work.read("neuron_interventions", checkpoint),
                layer_profile=work.read_side("layers", "neuron_similarity", checkpoint),
                planted=planted_agreement(types, work.read("planted_truth"), sources.values())
                if settings.generated
                else None,
                language_names=_language_names(settings),
            )
            return Shown(types_picture(types), {name: found[name] for name in ("facts", "predicted")})

        publish_each(context, store, build)

    @asset(
        group="report",
        kinds=("parquet",),
        schema=CHECKPOINT_COMPARISON,
        deps=all_partitions("fact_types", "probing_scores"),
    )
    def checkpoint_comparison(context: dg.AssetExecutionContext) -> None:
        """How P@1 and the types move from checkpoint to checkpoint, and which facts changed type."""

        def build(work: Work) -> Shown:
            from factroots_dagster.report.comparison import checkpoint_comparison as compare

            done = set(store.keys("fact_types")) & set(store.keys("probing_scores"))
            order = [key for key in registered(settings) if key in done]
            if not order:
                store.require("fact_types", next(iter(registered(settings)), "none"))
            types = {key: work.read("fact_types", key) for key in order}
            scores = {key: work.read("probing_scores", key) for key in order}
            table, changed = compare(types, scores, order)
            work.write(table, CHECKPOINT_COMPARISON)
            work.write(changed, CHANGED_FACTS, side="changed_facts")
            return Shown(figures={"checkpoints": len(order), "changed": len(changed)})

        publish_each(context, store, build)

    return [fact_types, categorization_report, checkpoint_comparison]


def _language_names(settings: Settings) -> dict[str, str]:
    """Names that stand beside the codes of a generated world's languages."""
    return {code: made.name for code, made in LANGUAGES.items()} if settings.generated else {}
