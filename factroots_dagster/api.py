"""For notebooks and programs: ask a model about facts, and read what was made of a world.

`import factroots_dagster as fr` has the functions of this module: `fr.probe`, `fr.types`, `fr.trace`,
`fr.read` and `fr.load_settings`. All return Arrow tables, or data frames of pandas where `pandas` is true.
What they read of a world is found by the settings: those of the environment and of `factroots.toml`, or the
ones that are given. Errors that a user can repair are InputErrors, whose message says how.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from factroots_dagster.errors import InputError
from factroots_dagster.settings import Settings, load_settings

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["load_settings", "probe", "read", "trace", "types"]

Result = Any
"""An Arrow table, or a data frame of pandas."""


def read(
    table: str,
    *,
    checkpoint: str | None = None,
    language: str | None = None,
    settings: Settings | None = None,
    pandas: bool = False,
) -> Result:
    """A table of a world: an asset such as "fact_verdicts", or a side table such as "fact_verdicts.shares".

    All its partitions are one table, with columns `checkpoint` and `language` where it is partitioned by
    them; checkpoint, language: only of these. docs/tables.md describes every column.
    Raises InputError for an unknown table, and for one that has not been made.
    """
    from factroots_dagster.orchestration.stored_tables import find_table

    stored = find_table(settings or load_settings(), table, checkpoint=checkpoint, language=language)
    return _result(stored.read(), pandas)


def types(
    checkpoint: str | None = None,
    *,
    language: str | None = None,
    settings: Settings | None = None,
    pandas: bool = False,
) -> Result:
    """What each fact is known from, by one checkpoint: a row per fact and language that it was asked in.

    checkpoint: a key; None for the only one with types. Columns: those that name the fact (uuid, language,
    relation, subject, object), `type` and `reason` of FACT_TYPES, and for facts that are predicted `verdict`,
    the probabilities of what it can be known from, and `verdict_reason` of FACT_VERDICTS.
    Raises InputError where the types have not been made.
    """
    import pyarrow as pa

    from factroots_dagster.lookup.answers import choose_checkpoint
    from factroots_dagster.roots.schema import KNOWN_FROM
    from factroots_dagster.store.store import Store

    chosen = settings or load_settings()
    store = Store(chosen.data_root, chosen.world)
    key = choose_checkpoint(store, checkpoint)
    if key is None:
        there = store.keys("fact_types")
        problem = f"{store.location}: checkpoints with types: {', '.join(there) or 'none'}"
        raise InputError(problem, "name one of them" if there else "run: factroots run")
    names = ["uuid", "language", "relation"]
    typed = store.read("fact_types", key, columns=[*names, "type", "reason"])
    verdicts = store.read(
        "fact_verdicts", key, columns=["uuid", "language", "verdict", *KNOWN_FROM, "reason"]
    )
    verdicts = verdicts.rename_columns({"reason": "verdict_reason"})
    languages = [language] if language else typed["language"].unique().to_pylist()
    columns = ["uuid", "language", "subject", "object"]
    labels = pa.concat_tables(store.read("mlama_split", code, columns=columns) for code in languages)
    joined = labels.join(typed, ["uuid", "language"], join_type="inner")
    joined = joined.join(verdicts, ["uuid", "language"])
    order = [*names, "subject", "object", "type", "reason", "verdict", *KNOWN_FROM, "verdict_reason"]
    joined = joined.sort_by([(name, "ascending") for name in ("language", "relation", "uuid")])
    return _result(joined.select(order), pandas)


def trace(
    subject: str,
    *,
    languages: Sequence[str] = (),
    matcher: str | None = None,
    checkpoint: str | None = None,
    settings: Settings | None = None,
    pandas: bool = False,
) -> Result:
    """Where the facts about a subject stand, what a checkpoint answers, and why each has its type.

    subject: a label in any language, or the uuid of a fact. languages, matcher, checkpoint: as in `factroots
    trace`. A row per fact and language: what `factroots trace --json` prints, with the evidence as a list.
    Raises InputError where no fact has the subject.
    """
    import json

    import pyarrow as pa

    from factroots_dagster.lookup.output import json_lines
    from factroots_dagster.lookup.trace import trace_facts

    chosen = settings or load_settings()
    facts, _ = trace_facts(chosen, subject, languages, matcher, checkpoint)
    rows = [json.loads(line) for line in json_lines(facts, links=not chosen.generated)]
    for row in rows:  # a struct would have a field per corpus
        row["corpora"] = [{"corpus": name, "windows": windows} for name, windows in row["corpora"].items()]
    return _result(pa.Table.from_pylist(rows), pandas)


def probe(
    checkpoint: str,
    facts: Iterable[Mapping[str, Any]] | pa.Table | pd.DataFrame,
    *,
    mask_counts: Literal["relation", "object"] = "relation",
    settings: Settings | None = None,
    progress: Callable[[str], None] | None = None,
    pandas: bool = False,
) -> Result:
    """Ask a model about facts; nothing is written, and no world is needed.

    checkpoint: the key of a registered one, a folder in Hugging Face layout, or an id on the hub.
    facts: rows with `template` (such as "[X] is the capital of [Y] ."), `subject` and `object`, and
        optionally `language`, `relation` and `uuid`. The objects of a relation and language are its
        candidates.
    mask_counts: see FACTROOTS_MASK_COUNTS. settings: of the device, precision and start token.
    progress: receives a line every few seconds.

    Returns the facts in their order with `prediction`, the answer as text, and the columns of PREDICTIONS
    (docs/tables.md): `full_match`, `typed_rank` among `candidates`, `object_logprob` and others.
    Raises InputError for a model that cannot be asked, and for a fact that is not one.
    """
    import tempfile

    import pyarrow as pa

    from factroots_dagster.facts.rows import splits_of
    from factroots_dagster.models.checkpoint import load
    from factroots_dagster.orchestration.resources import DTYPES
    from factroots_dagster.probing.predictions import prediction_to_show
    from factroots_dagster.probing.probe import probe as ask

    chosen = settings or load_settings()
    splits = splits_of(_rows(facts))
    model = load(
        _resolve(checkpoint, chosen),
        device=chosen.device,
        dtype=DTYPES[chosen.precision],
        start_token=chosen.start_token,
    )
    tables, order = [], []
    for split, numbers in splits.values():
        with tempfile.TemporaryDirectory(prefix="factroots-") as folder:
            answers = ask(model, split, Path(folder), mask_counts=mask_counts, progress=progress)
        token_ids = [
            prediction_to_show(row["predicted_ids"], row["matched_mask_count"], row["object_ids"])
            for row in answers.select(["predicted_ids", "matched_mask_count", "object_ids"]).to_pylist()
        ]
        texts = iter(model.tokenizer.batch_decode(list(filter(None, token_ids)), skip_special_tokens=True))
        predictions = [next(texts) if ids else None for ids in token_ids]
        for position, name in enumerate(["template", "subject", "object"], start=3):
            answers = answers.add_column(position, name, split[name])
        tables.append(answers.add_column(6, "prediction", pa.array(predictions, pa.string())))
        order += numbers
    positions = sorted(range(len(order)), key=order.__getitem__)
    return _result(pa.concat_tables(tables).take(positions), pandas)


def _rows(facts: Any) -> Iterable[Mapping[str, Any]]:
    """Rows of an Arrow table, a data frame, or what is rows already."""
    if hasattr(facts, "to_pylist"):
        return list(facts.to_pylist())
    if hasattr(facts, "to_dict"):
        return [
            {name: value for name, value in row.items() if isinstance(value, str)}
            for row in facts.to_dict("records")
        ]
    return list(facts)


def _resolve(checkpoint: str, settings: Settings) -> Any:
    """The files of a registered checkpoint, a folder, or a model on the hub."""
    from factroots_dagster.models.files import resolve_checkpoint
    from factroots_dagster.models.registry import registered

    entry = registered(settings).get(checkpoint)
    return (
        resolve_checkpoint(checkpoint) if entry is None else resolve_checkpoint(entry.source, entry.revision)
    )


def _result(table: pa.Table, pandas: bool) -> Result:
    return table.to_pandas() if pandas else table
