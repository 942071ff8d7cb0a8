"""The facts of relations that have several templates, asked by each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.probing.causal import RankedBy
from factroots_dagster.probing.probe import probe
from factroots_dagster.probing.prompts import MaskCounts
from factroots_dagster.probing.schema import PROMPT_ANSWERS
from factroots_dagster.tables import FACT_KEY, zip_columns


def ask_further_prompts(
    model: LoadedModel,
    split: pa.Table,
    further: pa.Table,
    predictions: pa.Table,
    *,
    mask_counts: MaskCounts = "relation",
    ranked_by: RankedBy = "sentence",
    candidates: Mapping[str, Iterable[str]] | None = None,
    progress: Callable[[str], None] | None = None,
) -> pa.Table:
    """PROMPT_ANSWERS of the relations that have further templates, by prompt, in the order of the split.

    split, further: MLAMA_SPLIT and FURTHER_TEMPLATES of one language. predictions: PREDICTIONS of the split,
    which are those of the first prompt. mask_counts, ranked_by, candidates, progress: see `probe.probe`.
    Raises InputError for broken templates and logits that are not finite.
    """
    relations = pc.unique(further["relation"])
    tables = [_answers(predictions.filter(pc.is_in(predictions["relation"], relations)), 1)]
    for prompt in sorted(pc.unique(further["prompt"]).to_pylist()):
        of_prompt = further.filter(pc.equal(further["prompt"], prompt))
        rows = _with_templates(split, dict(zip_columns(of_prompt, "relation", "template")))
        with TemporaryDirectory() as folder:
            asked = probe(
                model,
                rows,
                Path(folder),
                mask_counts=mask_counts,
                ranked_by=ranked_by,
                candidates=candidates,
                progress=progress,
            )
        tables.append(_answers(asked, prompt))
    return pa.concat_tables(tables)


def _with_templates(split: pa.Table, templates: dict[str, str]) -> pa.Table:
    """The facts of some relations, with these templates."""
    rows = split.filter(pc.is_in(split["relation"], pa.array(list(templates), pa.string())))
    column = pa.array([templates[relation] for relation in rows["relation"].to_pylist()], pa.string())
    position = rows.schema.get_field_index("template")
    return rows.set_column(position, rows.schema.field(position), column)


def _answers(predictions: pa.Table, prompt: int) -> pa.Table:
    best = [ranking[0] if ranking else None for ranking in predictions["ranking"].to_pylist()]
    columns = {field.name: predictions[field.name] for field in FACT_KEY}
    columns |= {"prompt": pa.repeat(pa.scalar(prompt, pa.int32()), len(best))}
    columns |= {"answer": pa.array(best, pa.string()), "full_match": predictions["full_match"]}
    return pa.table([columns[name] for name in PROMPT_ANSWERS.names], schema=PROMPT_ANSWERS)
