"""The catalog: one row per asset, from which everything that Dagster knows of it is derived.

Dependencies, code versions, checks, jobs, the stages of `factroots run`, the data dictionary
(`docs/tables.md`) and the table and graph of `docs/assets.md` all come from these rows. To add an asset, add
its row here, its body in `assets/` and its suite in `checks/`, and if you like a picture in `previews.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product

import pyarrow as pa

from factroots_dagster.corpora import schema as corpora_tables
from factroots_dagster.facts import schema as fact_tables
from factroots_dagster.languages import schema as language_tables
from factroots_dagster.models import schema as model_tables
from factroots_dagster.neurons import schema as neuron_tables
from factroots_dagster.orchestration import metrics
from factroots_dagster.orchestration.assets import (
    facts,
    languages,
    neurons,
    probing,
    report,
    sandbox,
    sources,
    wikipedia,
)
from factroots_dagster.orchestration.checks import data, models, results, similarity, timeline, twins
from factroots_dagster.orchestration.checks.suite import Suite
from factroots_dagster.orchestration.partitions import BLOCK, CELL, CHECKPOINT, LANGUAGE, Parts
from factroots_dagster.probing import schema as probing_tables
from factroots_dagster.roots import schema as root_tables
from factroots_dagster.roots.timeline import schema as timeline_tables
from factroots_dagster.sandbox import schema as sandbox_tables
from factroots_dagster.settings import Settings
from factroots_dagster.store.versions import Schemas
from factroots_dagster.tracing import schema as tracing_tables
from factroots_dagster.yardstick import schema as yardstick_tables

MODEL_POOL, SPARK_POOL = "model", "spark"


@dataclass(frozen=True)
class AssetRow:
    """Everything that is declared of one asset.

    name: the asset key, a contract with users and with the data layout.
    group: the group in the UI.
    description: what it is, in words that a newcomer understands.
    body: makes one partition: `body(step, *parts)` reads, calls one function of the library, and writes.
        Rows with the same body are made in one pass.
    kinds: what the UI shows as the asset's technologies.
    number: the version of the asset's code. Raise it when the code, or another default of a setting, gives
        other results; a test compares results with the numbers under which they were recorded.
    partitioned_by: `()`, `(LANGUAGE,)`, `(CHECKPOINT,)` or `CELL`.
    reads: the assets that it reads; those that do not exist in a world are passed over there.
    does_without: those of them without which it can be made, too.
    tokenizer_setting: the setting that names a checkpoint whose tokenizer it reads.
    settings: the settings that it reads itself; what is downstream learns of a change through the data.
    libraries: the packages whose versions are part of its code version.
    settings_if_generated: the settings that it reads in a generated world, where these differ.
    schema: the main table; None where the asset is not a table.
    side_tables: the tables beside the main one, by name.
    suite: makes the expectations of its checks.
    metrics: the numbers that Dagster plots over time, from `(store, *parts)`.
    pool: the pool whose runs wait for one another.
    resources: the Dagster resources that the body uses.
    attempts: how often the step is tried when something outside cannot be reached.
    retry_seconds: the pause before the second attempt; each further one is twice as long.
    resumable: whether a killed run's folder is taken up by the next one.
    max_age: how old the data may be before the UI calls them overdue, in a world of real data.
    generated_only: whether it exists in generated worlds only.
    on_demand: whether it is made only when somebody asks for it: it takes long, and nothing waits for it.
    """

    name: str
    group: str
    description: str
    body: Callable[..., None]
    suite: Callable[[Settings], Suite]
    kinds: tuple[str, ...] = ("parquet",)
    number: int = 1
    partitioned_by: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    does_without: tuple[str, ...] = ()
    tokenizer_setting: str | None = None
    settings: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    settings_if_generated: tuple[str, ...] | None = None
    schema: pa.Schema | None = None
    side_tables: Mapping[str, pa.Schema] = field(default_factory=dict)
    metrics: Callable[..., Mapping[str, float | int | str | None]] | None = None
    pool: str | None = None
    resources: tuple[str, ...] = ()
    attempts: int = 1
    retry_seconds: float = 10.0
    resumable: bool = False
    max_age: timedelta | None = None
    generated_only: bool = False
    on_demand: bool = False

    def partitions(self, keys: Mapping[str, Iterable[str]]) -> list[Parts]:
        """All its partitions, given the keys of each dimension."""
        return list(product(*(keys[dimension] for dimension in self.partitioned_by)))


WORLD_SETTINGS = ("sandbox_seed", "dials")
"""What a generated world follows from; the dials themselves, so that a preset may change."""
TRAINING_SETTINGS = (*WORLD_SETTINGS, "sandbox_training_seed", "active_languages")

ROWS = (
    AssetRow(
        name="mlama_release",
        group="sources",
        description="The facts that models are asked: a verified local copy of the mLAMA release (in other "
        "worlds one that was written from the seed or from CLDR, or imported), as an inventory of its files "
        "and cloze templates.",
        body=sources.mlama_release,
        kinds=("python", "json"),
        suite=data.release_suite,
        number=2,
        settings=("mlama_source", "fact_set"),
        settings_if_generated=WORLD_SETTINGS,
        schema=fact_tables.MLAMA_RELEASE,
        metrics=metrics.release,
        attempts=4,
    ),
    AssetRow(
        name="wikipedia_dump",
        group="sources",
        description="The files of one language's corpora, of Wikipedia a dump: where they are, their date, "
        "checksums and namespaces. Files in a folder stay there; a dump from the web is downloaded, resumed "
        "and verified.",
        body=sources.wikipedia_dump,
        number=2,
        kinds=("xml",),
        suite=data.dump_suite,
        partitioned_by=(LANGUAGE,),
        settings=("corpora", "wikipedia_source", "wikipedia_snapshot"),
        settings_if_generated=WORLD_SETTINGS,
        schema=corpora_tables.WIKIPEDIA_DUMP,
        metrics=metrics.dump,
        resources=("spark",),
        attempts=4,
        resumable=True,
        max_age=timedelta(days=90),
    ),
    AssetRow(
        name="planted_truth",
        group="sandbox",
        description="Generated worlds only: what was planted for every fact in every language, whether it is "
        "stated, linked to another language, easy to guess, or nowhere to be read.",
        body=sandbox.planted_truth,
        suite=results.truth_suite,
        number=4,
        reads=("mlama_release",),
        settings=(*WORLD_SETTINGS, "active_languages"),
        schema=sandbox_tables.PLANTED_TRUTH,
        generated_only=True,
    ),
    AssetRow(
        name="mlama_split",
        group="mlama",
        description="The facts in one language: a row per fact with its cloze template, the labels of "
        "subject and object, and their Wikidata ids.",
        body=facts.mlama_split,
        suite=data.split_suite,
        partitioned_by=(LANGUAGE,),
        reads=("mlama_release",),
        settings=("relations", "sample", "sample_seed"),
        schema=fact_tables.MLAMA_SPLIT,
        side_tables={
            "further_templates": fact_tables.FURTHER_TEMPLATES,
            "question_templates": fact_tables.QUESTION_TEMPLATES,
            "objects": fact_tables.MLAMA_OBJECTS,
        },
    ),
    AssetRow(
        name="fact_coverage",
        group="mlama",
        description="Which fact exists in which language, and what makes it easy: prompts with several "
        "answers, objects that stand in the subject, the majority object of the relation.",
        body=facts.fact_coverage,
        suite=data.coverage_suite,
        reads=("mlama_split",),
        settings=("active_languages",),
        schema=fact_tables.FACT_COVERAGE,
        metrics=metrics.coverage,
    ),
    AssetRow(
        name="wikipedia_articles",
        group="wikipedia",
        description="The articles of one Wikipedia as plain text, and its redirects, read and cleaned by "
        "Spark, and the documents of other corpora; damaged pages are listed beside them.",
        body=wikipedia.wikipedia_articles,
        kinds=("pyspark", "parquet"),
        suite=data.articles_suite,
        number=4,
        partitioned_by=(LANGUAGE,),
        reads=("wikipedia_dump",),
        settings=("wikipedia_lists",),
        schema=corpora_tables.WIKIPEDIA_ARTICLES,
        side_tables={
            "problems": corpora_tables.WIKIPEDIA_PROBLEMS,
            "counts": corpora_tables.WIKIPEDIA_COUNTS,
            "anchors": corpora_tables.WIKIPEDIA_ANCHORS,
        },
        metrics=metrics.articles,
        pool=SPARK_POOL,
        resources=("spark",),
        attempts=3,
        resumable=True,
    ),
    AssetRow(
        name="entity_mentions",
        group="wikipedia",
        description="Every place in the articles of one language where a subject or an object is named, "
        "overlapping mentions included.",
        body=wikipedia.entity_mentions,
        kinds=("pyspark", "parquet"),
        suite=data.mentions_suite,
        number=4,
        partitioned_by=(LANGUAGE,),
        reads=("wikipedia_articles", "mlama_split"),
        tokenizer_setting="wordpiece_checkpoint",
        settings=("wordpiece_checkpoint",),
        schema=tracing_tables.ENTITY_MENTIONS,
        side_tables={
            "aliases": tracing_tables.MENTION_ALIASES,
            "articles": tracing_tables.LABEL_ARTICLES,
            "forms": tracing_tables.MENTION_FORMS,
            "coverage": tracing_tables.NAME_COVERAGE,
            "pieces": tracing_tables.MENTION_PIECES,
        },
        metrics=metrics.mentions,
        pool=SPARK_POOL,
        resources=("spark", "models"),
        attempts=3,
        resumable=True,
    ),
    AssetRow(
        name="wikipedia_volume",
        group="wikipedia",
        description="How much there is to read in one language: pages, articles, bytes, words, entities "
        "mentioned, and what was lost to damage.",
        body=wikipedia.wikipedia_volume,
        suite=data.volume_suite,
        number=2,
        partitioned_by=(LANGUAGE,),
        reads=("wikipedia_articles", "wikipedia_dump", "entity_mentions"),
        schema=tracing_tables.WIKIPEDIA_VOLUME,
        metrics=metrics.volume,
    ),
    AssetRow(
        name="fact_sources",
        group="tracing",
        description="Where one language's corpora may state each fact: for every corpus and matcher the "
        "number of windows (sentence, chunk or article, or outside the text an infobox, table, list item, "
        "heading or quotation) that name both subject and object, with the best as evidence, how probable it "
        "is that these state the fact, and how many sources state nothing.",
        body=wikipedia.fact_sources,
        number=3,
        kinds=("pyspark", "parquet"),
        suite=data.sources_suite,
        partitioned_by=(LANGUAGE,),
        reads=("entity_mentions", "wikipedia_articles", "mlama_split"),
        schema=tracing_tables.FACT_SOURCES,
        side_tables={"errors": tracing_tables.SOURCE_ERRORS},
        metrics=metrics.sources,
        pool=SPARK_POOL,
        resources=("spark",),
        attempts=3,
    ),
    AssetRow(
        name="sandbox_training",
        group="sandbox",
        description="Generated worlds only: the small BERT trained on the articles of all languages, with "
        "checkpoints saved on the way, and the loss at every step.",
        body=sandbox.sandbox_training,
        kinds=("pytorch",),
        suite=results.training_suite,
        number=3,
        reads=("wikipedia_articles",),
        settings=TRAINING_SETTINGS,
        schema=sandbox_tables.LOSS_LOG,
        metrics=metrics.training,
        pool=MODEL_POOL,
        generated_only=True,
    ),
    AssetRow(
        name="retrained_answers",
        group="sandbox",
        description="Generated worlds only: what the sandbox's model predicts when it is trained again "
        "without a block of statements. Some minutes per block; made on demand.",
        body=sandbox.retrained_answers,
        kinds=("pytorch", "parquet"),
        suite=results.retrained_suite,
        number=3,
        partitioned_by=(BLOCK,),
        reads=("mlama_split",),
        settings=(*TRAINING_SETTINGS, "sandbox_blocks"),
        schema=yardstick_tables.RETRAINED_ANSWERS,
        metrics=metrics.retrained,
        pool=MODEL_POOL,
        generated_only=True,
        on_demand=True,
    ),
    AssetRow(
        name="counterfactual_truth",
        group="sandbox",
        description="Generated worlds only: what every fact was known from, told by the models that were "
        "trained without its statements: shared, independent, transferred, easy to guess, or luck.",
        body=sandbox.counterfactual_truth,
        suite=results.counterfactual_suite,
        reads=("retrained_answers",),
        settings=("sandbox_blocks",),
        schema=yardstick_tables.COUNTERFACTUAL_TRUTH,
        metrics=metrics.counterfactual,
        generated_only=True,
        on_demand=True,
    ),
    AssetRow(
        name="checkpoint",
        group="sources",
        description="A registered language model: its resolved commit, architecture, layers, neurons and "
        "training corpus, and digests of its weights and tokenizer. Only safetensors weights and fast "
        "tokenizers are accepted, never code from a checkpoint.",
        body=sources.checkpoint,
        kinds=("huggingface",),
        suite=models.checkpoint_suite,
        number=6,
        partitioned_by=(CHECKPOINT,),
        reads=("sandbox_training",),
        settings=("precision", "start_token"),
        libraries=("torch", "transformers"),
        schema=model_tables.CHECKPOINT,
        metrics=metrics.checkpoint,
        attempts=4,
    ),
    AssetRow(
        name="predictions",
        group="probing",
        description="What one model predicts for every fact in one language: the tokens at every number of "
        "masks, whether they match, the object's log-probability, rank and prior, and the best candidates.",
        body=probing.probe,
        kinds=("pytorch", "parquet"),
        suite=models.predictions_suite,
        number=4,
        partitioned_by=CELL,
        reads=("checkpoint", "mlama_split"),
        settings=("precision", "protocols", "mask_counts", "ranked_by", "questions"),
        schema=probing_tables.PREDICTIONS,
        side_tables={"prompts": probing_tables.PROMPT_ANSWERS},
        metrics=metrics.predictions,
        pool=MODEL_POOL,
        resources=("models",),
    ),
    AssetRow(
        name="neuron_activations",
        group="neurons",
        description="The feed-forward neurons of one model at the masks of the facts that it predicts in one "
        "language: per relation a tensor [facts, layers, neurons], and an index of its rows.",
        body=probing.probe,
        kinds=("pytorch", "safetensors"),
        suite=models.activations_suite,
        number=4,
        partitioned_by=CELL,
        reads=("checkpoint", "mlama_split"),
        settings=("precision", "ranked_by", "questions", "activations"),
        schema=model_tables.ACTIVATION_INDEX,
        pool=MODEL_POOL,
        resources=("models",),
    ),
    AssetRow(
        name="active_neurons",
        group="neurons",
        description="The top-k neurons of every correctly predicted fact, ranked by Probeless, standardised "
        "Probeless, and signed activation.",
        body=neurons.active_neurons,
        suite=models.active_suite,
        number=2,
        partitioned_by=CELL,
        reads=("neuron_activations",),
        schema=neuron_tables.ACTIVE_NEURONS,
    ),
    AssetRow(
        name="probing_scores",
        group="probing",
        description="P@1 of one model by language and relation, with intervals, and the baselines that it "
        "must be read against: the majority object, a uniform guess, the prior without the subject.",
        body=probing.probing_scores,
        suite=models.scores_suite,
        number=2,
        partitioned_by=(CHECKPOINT,),
        reads=("predictions", "fact_coverage", "mlama_split", "wikipedia_volume"),
        does_without=("wikipedia_volume",),
        settings=("sandbox_seed", "active_languages"),
        schema=probing_tables.PROBING_SCORES,
        side_tables={
            "mask_counts": probing_tables.MASK_COUNTS,
            "volume_relations": probing_tables.VOLUME_RELATIONS,
            "prompts": probing_tables.PROMPT_CONSISTENCY,
        },
        metrics=metrics.scores,
    ),
    AssetRow(
        name="language_clusters",
        group="analysis",
        description="Which languages know the same facts of one model: overlap of the predicted facts "
        "corrected for chance, clusters, and what goes with it (distance, script, shared subwords).",
        body=languages.language_clusters,
        kinds=("scipy", "parquet"),
        suite=results.clusters_suite,
        partitioned_by=(CHECKPOINT,),
        reads=("predictions",),
        settings=("sandbox_seed", "active_languages"),
        schema=language_tables.LANGUAGE_CLUSTERS,
        side_tables={"members": language_tables.CLUSTER_MEMBERS, "mantel": language_tables.MANTEL},
        metrics=metrics.clusters,
    ),
    AssetRow(
        name="language_consistency",
        group="analysis",
        description="How consistently one model answers in two languages: RankC of the candidates' rankings, "
        "beside what facts of the same object, of other objects, and the objects' popularity alone reach.",
        body=languages.language_consistency,
        suite=results.consistency_suite,
        partitioned_by=(CHECKPOINT,),
        reads=("predictions", "mlama_split"),
        settings=("sandbox_seed", "active_languages"),
        schema=probing_tables.LANGUAGE_CONSISTENCY,
        metrics=metrics.consistency,
    ),
    AssetRow(
        name="neuron_similarity",
        group="neurons",
        description="For every fact that two languages predict, how alike its neurons are in both, beside "
        "what other facts and random neurons reach.",
        body=neurons.neuron_similarity,
        suite=similarity.similarity_suite,
        number=3,
        partitioned_by=(CHECKPOINT,),
        reads=("checkpoint", "active_neurons", "neuron_activations", "mlama_split"),
        settings=("sandbox_seed", "active_languages", "questions"),
        schema=neuron_tables.NEURON_SIMILARITY,
        side_tables={
            "pairs": neuron_tables.SIMILARITY_PAIRS,
            "nearest": neuron_tables.NEAREST_LANGUAGE,
            "layers": neuron_tables.LAYER_PROFILE,
            "stability": neuron_tables.NEURON_STABILITY,
        },
        metrics=metrics.similarity,
    ),
    AssetRow(
        name="neuron_interventions",
        group="neurons",
        description="What a fact's neurons cause: they are set to zero or doubled as found in one language "
        "while the fact is asked in another, beside random neurons and those of other facts.",
        body=neurons.neuron_interventions,
        kinds=("pytorch", "parquet"),
        suite=models.interventions_suite,
        number=2,
        partitioned_by=(CHECKPOINT,),
        reads=("checkpoint", "active_neurons", "predictions", "mlama_split"),
        settings=("sandbox_seed", "active_languages", "precision", "questions"),
        schema=neuron_tables.NEURON_INTERVENTIONS,
        side_tables={"summary": neuron_tables.INTERVENTION_SUMMARY},
        metrics=metrics.interventions,
        pool=MODEL_POOL,
        resources=("models",),
    ),
    AssetRow(
        name="untrained_twins",
        group="neurons",
        description="The placebo of the figures about neurons and of RankC: what they come to in a model of "
        "the same configuration with random weights, at the same places of a sample of facts, and what the "
        "checkpoint exceeds it by; for all facts, and by whether languages write their names alike.",
        body=neurons.untrained_twins,
        kinds=("pytorch", "parquet"),
        suite=twins.twin_suite,
        number=4,
        partitioned_by=(CHECKPOINT,),
        reads=("checkpoint", "predictions", "mlama_split"),
        settings=("sandbox_seed", "active_languages", "precision", "questions", "ranked_by"),
        schema=neuron_tables.UNTRAINED_TWINS,
        side_tables={"sample": neuron_tables.UNTRAINED_SAMPLE},
        metrics=metrics.twin,
        pool=MODEL_POOL,
        resources=("models",),
    ),
    AssetRow(
        name="fact_types",
        group="report",
        description="The type of every fact in every language (shared, independent, transferred, or easy to "
        "guess), with the rule, the evidence and the language behind it, and what other settings give.",
        body=report.fact_types,
        suite=results.types_suite,
        number=5,
        partitioned_by=(CHECKPOINT,),
        reads=("checkpoint", "predictions", "neuron_similarity", "mlama_split", "fact_sources"),
        settings=("active_languages",),
        schema=root_tables.FACT_TYPES,
        side_tables={
            "variants": root_tables.VARIANTS,
            "sensitivity": root_tables.SENSITIVITY,
            "easy_effects": root_tables.EASY_EFFECTS,
        },
        metrics=metrics.types,
        resources=("models",),
    ),
    AssetRow(
        name="name_access",
        group="probing",
        description="What the names of one language bring up in the questions of the languages that know a "
        "fact and state it: how the fact could come across. Beside it what an untrained model of the same "
        "configuration answers.",
        body=probing.name_access,
        kinds=("pytorch", "parquet"),
        suite=models.access_suite,
        number=4,
        partitioned_by=(CHECKPOINT,),
        reads=("checkpoint", "predictions", "mlama_split", "fact_types"),
        settings=("sandbox_seed", "active_languages", "precision", "questions"),
        schema=probing_tables.NAME_ACCESS,
        side_tables={"untrained": probing_tables.NAME_ACCESS},
        metrics=metrics.access,
        pool=MODEL_POOL,
        resources=("models",),
    ),
    AssetRow(
        name="fact_verdicts",
        group="report",
        description="What every predicted fact is known from, with probabilities: its own language's text, "
        "other languages, both, its names, or luck; estimated from the facts that a language does not state, "
        "beside what an untrained model gives.",
        body=report.fact_verdicts,
        suite=results.verdicts_suite,
        number=4,
        partitioned_by=(CHECKPOINT,),
        reads=("fact_types", "predictions", "name_access", "entity_mentions"),
        settings=("active_languages",),
        schema=root_tables.FACT_VERDICTS,
        side_tables={"shares": root_tables.VERDICT_SHARES},
        metrics=metrics.verdicts,
    ),
    AssetRow(
        name="categorization_report",
        group="report",
        description="The page that people open: one self-contained HTML file per model, its figures, the "
        "data behind each of them, and a summary.",
        body=report.categorization_report,
        kinds=("html",),
        suite=results.report_suite,
        number=6,
        partitioned_by=(CHECKPOINT,),
        reads=(
            "checkpoint",
            "fact_types",
            "fact_verdicts",
            "probing_scores",
            "language_clusters",
            "language_consistency",
            "neuron_similarity",
            "neuron_interventions",
            "untrained_twins",
            "predictions",
            "mlama_split",
            "entity_mentions",
            "fact_sources",
            "wikipedia_volume",
            "planted_truth",
        ),
        settings=("questions",),
        metrics=metrics.report,
        resources=("models",),
    ),
    AssetRow(
        name="knowledge_timeline",
        group="analysis",
        description="When every fact was learnt in every language, over the checkpoints of a training run in "
        "the order of their steps, which language knew it first, and what the frequency of its own sources "
        "leaves unexplained. Checkpoints whose names differ in the step alone are one run.",
        body=languages.knowledge_timeline,
        suite=timeline.timeline_suite,
        number=2,
        reads=("checkpoint", "predictions", "mlama_split", "fact_sources"),
        settings=("active_languages",),
        schema=timeline_tables.KNOWLEDGE_TIMELINE,
        side_tables={
            "lags": timeline_tables.LANGUAGE_LAGS,
            "languages": timeline_tables.TIMELINE_LANGUAGES,
        },
        metrics=metrics.timeline,
    ),
    AssetRow(
        name="checkpoint_comparison",
        group="report",
        description="How P@1, what facts are known from, and the types move from checkpoint to checkpoint, "
        "when the facts of a run were learnt, and which facts changed type; a table and a page.",
        body=report.checkpoint_comparison,
        kinds=("parquet", "html"),
        suite=results.comparison_suite,
        number=3,
        reads=("fact_types", "fact_verdicts", "probing_scores", "mlama_split", "knowledge_timeline"),
        schema=root_tables.CHECKPOINT_COMPARISON,
        side_tables={"changed_facts": root_tables.CHANGED_FACTS},
        metrics=metrics.comparison,
    ),
)
"""Every asset, each after those that it reads. `device`, `spark_master`, `spark_memory` and `data_root` are
no settings of an asset: they say where work is done, not what comes out."""

CATALOG: Mapping[str, AssetRow] = {row.name: row for row in ROWS}

SCHEMAS: Mapping[str, Schemas] = {
    row.name: {**row.side_tables, **({} if row.schema is None else {"": row.schema})} for row in ROWS
}
"""What the tables of every asset are declared as: a view of the store with them refuses others."""


def rows_in(settings: Settings) -> list[AssetRow]:
    """The assets of the settings' world."""
    return [row for row in ROWS if settings.generated or not row.generated_only]


def parents(asset: str, settings: Settings) -> list[str]:
    """What an asset reads in the settings' world, sorted; `checkpoint/<key>` where it reads one partition."""
    row = CATALOG[asset]
    names = [name for name in row.reads if settings.generated or not CATALOG[name].generated_only]
    if row.tokenizer_setting and (key := getattr(settings, row.tokenizer_setting)):
        names.append(f"checkpoint/{key}")
    return sorted(names)


def ancestors(asset: str) -> set[str]:
    """Everything that an asset is made from, directly or not."""
    names: set[str] = set()
    for name in CATALOG[asset].reads:
        names |= {name, *ancestors(name)}
    return names


def needed_for(asset: str, settings: Settings) -> set[str]:
    """Everything without which an asset cannot be made in a world, directly or not."""
    row = CATALOG[asset]
    read = {other.name for other in rows_in(settings)}.intersection(row.reads) - {*row.does_without}
    return read.union(*(needed_for(name, settings) for name in read))


def passes(rows: Iterable[AssetRow]) -> list[list[AssetRow]]:
    """The rows grouped by body, in order: each group is made in one pass."""
    groups: dict[Callable[..., None], list[AssetRow]] = {}
    for row in rows:
        groups.setdefault(row.body, []).append(row)
    return list(groups.values())
