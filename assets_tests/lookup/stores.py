"""Small stores with facts, sources, predictions and types, and the trace command on them."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
from click.testing import CliRunner, Result

from factroots_dagster.cli.main import main
from factroots_dagster.corpora.schema import WIKIPEDIA_ARTICLES, WIKIPEDIA_COUNTS
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.probing.schema import PREDICTIONS
from factroots_dagster.store.store import Store
from factroots_dagster.tracing.schema import FACT_SOURCES

MATCHERS = ("sentence", "chunk", "article", "sentence_with_aliases")


def fact(uuid: str, subject: str, answer: str, relation: str = "P36") -> dict[str, Any]:
    """A row of MLAMA_SPLIT, but for its language."""
    return {
        "uuid": uuid,
        "relation": relation,
        "template": "[X] [Y]",
        "subject": subject,
        "object": answer,
        "subject_uri": f"s{uuid}",
        "object_uri": f"o{uuid}",
        "object_in_subject": False,
        "line": 1,
    }


def evidence(
    text: str, subject: str, answer: str, sentence: str | None = None, **other: Any
) -> dict[str, Any]:
    """Evidence in an article `text`, whose sentence is the whole of it unless given."""
    s, o = text.index(subject), text.index(answer)
    return {
        "page_id": 5,
        "title": "Seite",
        "revision_id": 77,
        "subject_start": s,
        "subject_end": s + len(subject),
        "object_start": o,
        "object_end": o + len(answer),
        "sentence": text if sentence is None else sentence,
        "stated_probability": 0.5,
        **other,
    }


def write_language(
    store: Store,
    language: str,
    facts: list[dict[str, Any]],
    sources: dict[tuple[str, str], list[dict[str, Any]]] | None = None,
    articles: int | None = 1234,
) -> None:
    """Write the tables of one language. sources: evidence by (uuid, matcher); None: no table of sources."""
    rows = [dict(row, language=language, candidate_set=f"{language}/{row['relation']}") for row in facts]
    with store.write_partition("mlama_split", language, code_version="1") as work:
        work.write(pa.Table.from_pylist(rows, MLAMA_SPLIT), MLAMA_SPLIT)
    if sources is None:
        return
    source_rows = [
        {
            "uuid": row["uuid"],
            "language": language,
            "relation": row["relation"],
            "corpus": "wikipedia",
            "matcher": matcher,
            "windows": len(sources.get((row["uuid"], matcher), [])),
            "unknown_pieces": matcher == "sentence_with_aliases",
            "evidence": sources.get((row["uuid"], matcher), []),
        }
        for row in facts
        for matcher in MATCHERS
    ]
    with store.write_partition("fact_sources", language, code_version="1") as work:
        work.write(pa.Table.from_pylist(source_rows, FACT_SOURCES), FACT_SOURCES)
    if articles is not None:
        counts = dict.fromkeys(WIKIPEDIA_COUNTS.names, 0) | {"articles": articles}
        with store.write_partition("wikipedia_articles", language, code_version="1") as work:
            work.write(WIKIPEDIA_ARTICLES.empty_table(), WIKIPEDIA_ARTICLES)
            work.write(pa.Table.from_pylist([counts], WIKIPEDIA_COUNTS), WIKIPEDIA_COUNTS, side="counts")


def write_checkpoint(store: Store, checkpoint: str, correct: bool = True) -> None:
    """Write predictions of u3 (wrong) and u1 (correct or not) in German, types of both, a verdict on u1."""
    answers = [
        {"uuid": "u3", "full_match": False, "predicted_ids": [[], [8, 9]], "object_ids": [1, 2]},
        {"uuid": "u1", "full_match": correct, "predicted_ids": [[7]], "object_ids": [7]},
    ]
    predictions = [
        row
        | {"language": "de", "relation": "P36", "matched_mask_count": 1 if row["full_match"] else 0}
        | {"object_logprob": -0.5}
        for row in answers
    ]
    types = {"u1": ("shared", "2 chunks hold both."), "u3": ("not_predicted", "No number of masks.")}
    with store.write_partition("predictions", checkpoint, "de", code_version="1") as work:
        work.write(pa.Table.from_pylist(predictions, PREDICTIONS), PREDICTIONS)
    schema = pa.schema([(name, pa.string()) for name in ("uuid", "language", "relation", "type", "reason")])
    with store.write_partition("fact_types", checkpoint, code_version="1") as work:
        rows = [dict(zip(schema.names, (uuid, "de", "P36", *types[uuid]), strict=True)) for uuid in types]
        work.write(pa.Table.from_pylist(rows, schema), schema)
    schema = pa.schema(
        [(name, pa.string()) for name in ("uuid", "language", "relation", "verdict", "reason")]
    )
    with store.write_partition("fact_verdicts", checkpoint, code_version="1") as work:
        row = {"uuid": "u1", "language": "de", "relation": "P36", "verdict": "independent"}
        row |= {"reason": "P(stated here) = 0.90."}
        work.write(pa.Table.from_pylist([row], schema), schema)


def trace(store: Store, *arguments: str, world: str = "mlama", width: int = 100) -> Result:
    """Run `factroots trace` on a terminal of this width."""
    environment = {
        "FACTROOTS_WORLD": world,
        "FACTROOTS_DATA_ROOT": str(store.root.parent),
        "COLUMNS": str(width),
    }
    return CliRunner().invoke(main, ["trace", *arguments], env=environment)


def trace_as_json(store: Store, *arguments: str, world: str = "mlama") -> list[dict[str, Any]]:
    """The rows that `factroots trace --json` prints."""
    result = trace(store, *arguments, "--json", world=world)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.output.splitlines()]
