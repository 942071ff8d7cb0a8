"""A world's facts as tasks of lm-evaluation-harness, and a decoder's own answers beside them.

Decoders are asked as here: every object of the relation is put into the template, and the sentence with the
highest log-likelihood is the answer. `acc` of such a task is therefore the share of facts whose `typed_rank`
is 1, where the harness begins sentences with the same token. `full_match` asks for more (`probing.causal`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from factroots_dagster.errors import InputError
from factroots_dagster.exports import lm_eval_documents
from factroots_dagster.exports.asked import family_of, read_facts
from factroots_dagster.facts.objects import labels_by_relation
from factroots_dagster.facts.questions import QuestionSource
from factroots_dagster.store.store import Store

COLUMNS = ("uuid", "language", "relation", "template", "subject", "object")


def export_tasks(
    store: Store,
    folder: Path,
    languages: Sequence[str],
    checkpoint: str | None = None,
    *,
    questions: QuestionSource = "none",
) -> list[str]:
    """Write a task per language and a group of all into a new folder; returns the names of the tasks.

    checkpoint: whose stored answers `<language>/answers.<checkpoint>.jsonl` holds, a line per document.
    questions: those that decoders are asked.
    Raises InputError where facts or answers have not been made, for a model that is no decoder, and for a
    folder that holds something.
    """
    if checkpoint is not None:
        family = family_of(store, checkpoint)
        if family != "causal":
            kind = "a masked language model" if family == "masked" else "an encoder-decoder"
            raise InputError(
                f"{checkpoint} is {kind}, which these tasks cannot ask",
                "leave out --checkpoint, or name a decoder",
            )
    make_empty(folder)
    group = f"factroots_{store.root.name}"
    shutil.copyfile(lm_eval_documents.__file__, folder / "documents.py")
    tasks = []
    for language in languages:
        facts = read_facts(store, language, COLUMNS, questions).to_pylist()
        (folder / language).mkdir()
        _write_lines(folder / language / "facts.jsonl", facts)
        candidates = json.dumps(_candidates(store, language, facts), ensure_ascii=False)
        (folder / language / "candidates.json").write_text(candidates, encoding="utf-8")
        if checkpoint is not None:
            answers = _answers(store, checkpoint, language, [fact["uuid"] for fact in facts])
            _write_lines(folder / language / f"answers.{checkpoint}.jsonl", answers)
        tasks.append(f"{group}_{language}")
        _write_task(folder / f"{tasks[-1]}.yaml", tasks[-1], language)
    mean = {"metric": "acc", "aggregation": "mean", "weight_by_size": True}
    described = {"group": group, "task": tasks, "aggregate_metric_list": [mean], "metadata": {"version": 1}}
    _write_yaml(folder / f"{group}.yaml", described)
    return tasks


def make_empty(folder: Path) -> None:
    """Make a new folder; raises InputError where it holds something, or cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InputError(f"{folder} is not empty", "name a new folder")
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror})", "name another folder") from None


def _candidates(store: Store, language: str, facts: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """By relation, the labels among which answers are ranked, sorted: as `probing` ranks them."""
    labels: dict[str, set[str]] = {}
    for fact in facts:
        labels.setdefault(fact["relation"], set()).add(fact["object"])
    if store.has_side("objects", "mlama_split", language):
        sampled = labels_by_relation(store.read_side("objects", "mlama_split", language))
        for relation, others in sampled.items():
            if relation in labels:
                labels[relation] |= set(others)
    return {relation: sorted(found) for relation, found in labels.items()}


def _answers(store: Store, checkpoint: str, language: str, order: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The stored answers, in the order of the documents; `acc` is null where the fact was not asked."""
    columns = ["uuid", "typed_rank", "full_match", "object_logprob"]
    answers = store.read("predictions", checkpoint, language, columns=columns)
    rows = {row["uuid"]: row for row in answers.to_pylist()}
    for number, uuid in enumerate(order):
        row = rows[uuid]
        rank = row["typed_rank"]
        yield {"doc_id": number, **row, "acc": None if rank is None else float(rank == 1)}


def _write_task(path: Path, task: str, language: str) -> None:
    described = {
        "task": task,
        "dataset_kwargs": {"language": language},
        "output_type": "multiple_choice",
        "test_split": "test",
        "doc_to_text": "",
        "doc_to_choice": "choices",
        "doc_to_target": "answer",
        "target_delimiter": "",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": 1},
    }
    _write_yaml(path, described, "custom_dataset: !function documents.load\n")


def _write_yaml(path: Path, value: Mapping[str, Any], more: str = "") -> None:
    text = yaml.safe_dump(dict(value), sort_keys=False, allow_unicode=True)
    path.write_text(text + more, encoding="utf-8")


def _write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
