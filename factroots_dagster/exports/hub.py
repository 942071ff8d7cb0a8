"""A world's facts, and a checkpoint's results, as the folder of a data set for the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import yaml

from factroots_dagster.exports.asked import family_of, read_facts, recorded_licence
from factroots_dagster.exports.lm_eval import make_empty
from factroots_dagster.facts.questions import QuestionSource
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.probing.schema import PREDICTIONS
from factroots_dagster.roots.schema import FACT_TYPES, FACT_VERDICTS, KNOWN_FROM
from factroots_dagster.store.parquet import write_table
from factroots_dagster.store.store import Store
from factroots_dagster.tables import description_of

FACTS = ("uuid", "language", "relation", "template", "subject", "object", "subject_uri", "object_uri")
ANSWERS = ("full_match", "typed_rank", "candidates", "object_logprob")
TYPES = ("type", "windows", "stated_probability")
VERDICTS = ("verdict", *KNOWN_FROM)
KEY = ["uuid", "language"]
LICENCES: Mapping[str, Mapping[str, str]] = {
    "CC BY-NC-SA 4.0": {"license": "cc-by-nc-sa-4.0"},
    "CC BY-NC 4.0": {"license": "cc-by-nc-4.0"},
    "Unicode License v3": {
        "license": "other",
        "license_name": "unicode-3.0",
        "license_link": "https://www.unicode.org/license.txt",
    },
}
"""Names of licences, as they are recorded with facts, to what the header of a card says of them."""


def export_dataset(
    store: Store,
    folder: Path,
    languages: Sequence[str],
    *,
    title: str,
    licence: str | None = None,
    checkpoint: str | None = None,
    questions: QuestionSource = "none",
) -> int:
    """Write `data/<language>.parquet` and the card `README.md` into a new folder; returns the rows.

    checkpoint: whose answers, types and verdicts the rows have, too. licence: an identifier of the hub's;
    None: what is recorded with the facts. questions: those that decoders are asked; they are the templates
    where the checkpoint is a decoder.
    Raises InputError where something has not been made, and for a folder that holds something.
    """
    make_empty(folder)
    (folder / "data").mkdir()
    rows = 0
    if checkpoint is None or family_of(store, checkpoint) == "masked":
        questions = "none"
    for language in languages:
        table = read_facts(store, language, FACTS, questions)
        if checkpoint is not None:
            table = _with_results(store, table, checkpoint, language)
        write_table(table.replace_schema_metadata(None), folder / "data" / f"{language}.parquet")
        rows += len(table)
    terms = _terms_of(store) if licence is None else {"license": licence}
    card = _card(store, languages, title, terms, checkpoint, table.column_names)
    (folder / "README.md").write_text(card, encoding="utf-8")
    return rows


def _with_results(store: Store, facts: pa.Table, checkpoint: str, language: str) -> pa.Table:
    answers = store.read("predictions", checkpoint, language, columns=[*KEY, *ANSWERS])
    types = store.read("fact_types", checkpoint, columns=[*KEY, *TYPES])
    verdicts = store.read("fact_verdicts", checkpoint, columns=[*KEY, *VERDICTS])
    facts = facts.append_column("order", pa.array(range(len(facts))))
    for table in (answers, types, verdicts):
        facts = facts.join(table, KEY)
    return facts.sort_by("order").select([*FACTS, *ANSWERS, *TYPES, *VERDICTS])


def _terms_of(store: Store) -> Mapping[str, str]:
    """The licence that is recorded with the facts of a world, as the header of a card has it."""
    recorded = recorded_licence(store)
    return next((terms for name, terms in LICENCES.items() if name in recorded), {"license": "other"})


def _card(
    store: Store,
    languages: Sequence[str],
    title: str,
    terms: Mapping[str, str],
    checkpoint: str | None,
    columns: Sequence[str],
) -> str:
    header = {
        **terms,
        "pretty_name": title,
        "task_categories": ["fill-mask"],
        "configs": [
            {"config_name": language, "data_files": f"data/{language}.parquet"} for language in languages
        ],
    }
    described = {
        field.name: description_of(field)
        for schema in (FACT_VERDICTS, FACT_TYPES, PREDICTIONS, MLAMA_SPLIT)
        for field in schema
    }
    lines = ["---", yaml.safe_dump(header, sort_keys=False, allow_unicode=True).rstrip(), "---", ""]
    lines += [f"# {title}", "", f"Cloze questions about facts in {len(languages)} languages, a row per fact."]
    if checkpoint is not None:
        (model,) = store.read("checkpoint", checkpoint, columns=["source", "revision"]).to_pylist()
        lines += [
            "With them what one model answers, and what its answers are known from, computed by factroots: "
            f"{model['source']} at revision {model['revision']}."
        ]
    if recorded := recorded_licence(store):
        lines += ["", f"Licence of the facts: {recorded}."]
    lines += ["", "| column | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {described[name].replace('|', '&#124;')} |" for name in columns]
    return "\n".join(lines) + "\n"
