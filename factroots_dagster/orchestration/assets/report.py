"""Group `report`: the type of every fact, the page that people open, and checkpoints side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from urllib.parse import quote

import pyarrow as pa

from factroots_dagster.models.registry import CheckpointSource, registered
from factroots_dagster.models.runs import find_runs
from factroots_dagster.orchestration.assets.asked import asks_questions, read_asked
from factroots_dagster.orchestration.assets.step import Step
from factroots_dagster.roots import schema as tables
from factroots_dagster.store.versions import CURRENT


def fact_types(step: Step, checkpoint: str) -> None:
    """Categorize the facts of every language that has predictions and sources."""
    from factroots_dagster.probing.slots import name_token_ids
    from factroots_dagster.roots.easy_effects import EasyEffects
    from factroots_dagster.roots.evidence import list_statistics
    from factroots_dagster.roots.markup import reads_markup
    from factroots_dagster.roots.sensitivity import Sensitivity
    from factroots_dagster.roots.types import categorize_facts

    (model_row,) = step.read("checkpoint", checkpoint).to_pylist()
    tokenizer = step.model_resource().tokenizer(checkpoint)
    nearest = step.read_side("nearest", "neuron_similarity", checkpoint)
    predicted = step.languages_with("predictions", checkpoint)
    sensitivity, effects, types = Sensitivity(list_statistics(nearest)), EasyEffects(), []
    with step.writer.stream(tables.VARIANTS, side="variants") as append:
        for language in step.languages_with("fact_sources", among=predicted):
            result = categorize_facts(
                step.read("mlama_split", language),
                step.read("predictions", checkpoint, language),
                step.read("fact_sources", language),
                nearest,
                tokenize=partial(name_token_ids, tokenizer),
                corpora=model_row["corpora"],
                with_markup=reads_markup(model_row["corpora"], model_row["corpus"]),
            )
            append(result.variants)
            sensitivity.add(language, result.variants)
            effects.add(language, result.unsourced)
            types.append(result.types)
    step.writer.write(pa.concat_tables(types), tables.FACT_TYPES)
    step.writer.write(sensitivity.table(), tables.SENSITIVITY, side="sensitivity")
    step.writer.write(effects.table(), tables.EASY_EFFECTS, side="easy_effects")


def fact_verdicts(step: Step, checkpoint: str) -> None:
    """Say with probabilities what every predicted fact is known from."""
    from factroots_dagster.roots.missed import read_coverage
    from factroots_dagster.roots.transfer import collect_cells, estimate_transfer, sourced_facts
    from factroots_dagster.roots.verdict_shares import share_verdicts
    from factroots_dagster.roots.verdicts import find_predicted, judge_facts
    from factroots_dagster.tracing.matchers import names_of_matcher

    types = step.read("fact_types", checkpoint)
    sourced = sourced_facts(types)
    columns = ["uuid", "language", "full_match", "prior_logprob"]
    predictions = {
        language: step.read("predictions", checkpoint, language, columns=columns) for language in sourced
    }
    cells = collect_cells(predictions, sourced)
    trained = estimate_transfer(cells, step.read("name_access", checkpoint))
    untrained = estimate_transfer(cells, step.read_side("untrained", "name_access", checkpoint))
    coverage = [step.read_side("coverage", "entity_mentions", language) for language in sourced]
    names = {names_of_matcher(matcher) for matcher in types["matcher"].unique().to_pylist()}
    facts = find_predicted(types, cells, read_coverage(pa.concat_tables(coverage), names))
    verdicts = judge_facts(facts, trained.estimate(), untrained.estimate())
    shares = share_verdicts(verdicts, facts, trained)
    step.writer.write(verdicts, tables.FACT_VERDICTS)
    step.writer.write(shares, tables.VERDICT_SHARES, side="shares")


def categorization_report(step: Step, checkpoint: str) -> None:
    """Write the page of one checkpoint, its figures and its data."""
    from factroots_dagster.report.asking import describe_facts
    from factroots_dagster.report.inputs import read_report_inputs
    from factroots_dagster.report.lineage import trace_lineage
    from factroots_dagster.report.page import write_report

    tokenizer = step.model_resource().tokenizer(checkpoint).tokenizer
    settings = step.settings
    inputs = read_report_inputs(
        step,
        checkpoint,
        tokenizer.batch_decode,
        generated=settings.generated,
        read_facts=partial(read_asked, step, checkpoint),
    )
    asked = describe_facts(
        settings.relations,
        settings.sample,
        settings.sample_seed,
        questions=asks_questions(step, checkpoint),
    )
    write_report(
        step.folder,
        inputs,
        trace_lineage(step.store, step.writer.inputs),
        asked_facts=asked,
        comparison=_link_page(("categorization_report", checkpoint), "checkpoint_comparison"),
    )


def checkpoint_comparison(step: Step) -> None:
    """Compare the checkpoints, in the order in which they are registered."""
    from factroots_dagster.report.comparison_page import write_comparison
    from factroots_dagster.report.language_names import language_names
    from factroots_dagster.roots.comparison import compare_checkpoints

    done = set(step.store.keys("fact_types")) & set(step.store.keys("probing_scores"))
    checkpoints = registered(step.settings)
    order = [key for key in checkpoints if key in done]
    if not order:
        step.store.require("fact_types", next(iter(checkpoints), "none"))
    types = {key: step.read("fact_types", key) for key in order}
    scores = {key: step.read("probing_scores", key) for key in order}
    table, changed = compare_checkpoints(types, scores, order)
    step.writer.write(table, tables.CHECKPOINT_COMPARISON)
    step.writer.write(changed, tables.CHANGED_FACTS, side="changed_facts")
    write_comparison(
        step.folder,
        table,
        changed,
        (step.read("mlama_split", language) for language in sorted(set(changed["language"].to_pylist()))),
        language_names(),
        {key: step.read_side("sensitivity", "fact_types", key) for key in order},
        (step.read("knowledge_timeline"), step.read_side("languages", "knowledge_timeline")),
        {key: _link_page(("checkpoint_comparison",), "categorization_report", key) for key in order},
        _steps_of_one_run([checkpoints[key] for key in order]),
        {
            key: step.read_side("shares", "fact_verdicts", key)
            for key in order
            if step.store.exists("fact_verdicts", key)
        },
    )


def _steps_of_one_run(checkpoints: Sequence[CheckpointSource]) -> dict[str, int] | None:
    """Checkpoint to training step; None unless all are of one run."""
    runs = find_runs(checkpoints)
    steps = {key: number for run in runs for number, key in run.checkpoints.items()}
    return steps if len(runs) == 1 and len(steps) == len(checkpoints) > 1 else None


def _link_page(here: tuple[str, ...], *there: str) -> str:
    """The address of a partition's page relative to another's; people open both in the folder CURRENT."""
    return "../" * (len(here) + 1) + "/".join(quote(part) for part in (*there, CURRENT, "index.html"))
