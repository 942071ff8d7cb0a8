"""A model beside its untrained twins: the placebo of every figure about neurons, and of RankC.

A twin has the model's configuration and tokenizer, and weights drawn anew. It has learnt nothing, but it is
not without structure: the same words give the same neurons, so that two languages that write a name alike
have similar neurons and rankings in any model. What a model exceeds its twins by was learnt. All are read at
the same places, those where the model answers right, of the same facts, by the same functions. The facts are
a random sample of each language's: what is compared are means, and the neurons of all facts of a large model
would have to be stored once more.

Small random networks differ from one another by more than the facts leave uncertain, so there are several
twins, and an interval leaves out zero only where a further twin would hardly be like the model
(`stats.intervals.placebo_interval`).

Neurons are identified, and candidates ranked, among the facts of a relation. So the sample takes relation
after relation, and enough facts of each. Relations and facts come in the order of hashes of their names: two
languages have as many sampled facts in common as there can be, and the order of the facts does not matter.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import eq
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.untrained import with_random_weights
from factroots_dagster.neurons.interventions import interventions
from factroots_dagster.neurons.probeless import active_neurons, default_k
from factroots_dagster.neurons.schema import NAMES, UNTRAINED_SAMPLE, UNTRAINED_TWINS
from factroots_dagster.neurons.similarity import compare_languages
from factroots_dagster.neurons.twin_values import (
    FACT_VALUES,
    consistency_values,
    intervention_values,
    layer_values,
    similarity_values,
    stability_values,
)
from factroots_dagster.probing.answer_neurons import write_answer_neurons
from factroots_dagster.probing.causal import RankedBy
from factroots_dagster.probing.consistency import fact_consistency
from factroots_dagster.probing.probe import probe
from factroots_dagster.stats.intervals import placebo_interval
from factroots_dagster.tables import zip_columns

MOST_FACTS = 300
"""Facts of a language that are compared: mBERT's 36,864 neurons at them are 44 MB, in 53 languages 2.3 GB."""

MOST_ASKED = 150
"""Facts of a language whose candidates are ranked, which takes a model several passes per fact."""

MOST_OF_RELATION = 25
"""Facts of one relation and language."""

LANGUAGES_IN_FULL = 20
"""With more languages the samples of each are smaller, so that all together are as large as with so many."""

TWINS = 5
"""Models with random weights."""

Tables = Mapping[str, pa.Table]


class Twins(NamedTuple):
    """UNTRAINED_TWINS and UNTRAINED_SAMPLE."""

    figures: pa.Table
    sample: pa.Table


def compare_with_untrained(
    model: LoadedModel,
    splits: Tables,
    predictions: Tables,
    scratch: Path,
    *,
    seed: int,
    most_facts: int = MOST_FACTS,
    most_asked: int = MOST_ASKED,
    twins: int = TWINS,
    ranked_by: RankedBy = "sentence",
    progress: Callable[[str], None] | None = None,
) -> Twins:
    """Measures a model and its untrained twins on the same facts.

    By language: splits (MLAMA_SPLIT), predictions (PREDICTIONS of the model; rows without a match may be left
    out). scratch: an existing folder with room for the sampled facts' neurons; nothing is left there. seed:
    of the twins' weights, and of all that is drawn. most_facts, most_asked: of a language, fewer with more
    than LANGUAGES_IN_FULL of them. twins: models with random weights, two or more for intervals. ranked_by:
    see `probe.probe`. Raises InputError as the probers do.
    """
    most_facts, most_asked = (sample_size(most, len(splits)) for most in (most_facts, most_asked))
    relations = {code: dict(zip_columns(table, "uuid", "relation")) for code, table in splits.items()}
    predicted = {code: _predicted(table) for code, table in predictions.items()}
    sampled = {
        code: draw_facts({uuid: relations[code][uuid] for uuid in uuids}, most_facts, seed)
        for code, uuids in predicted.items()
    }
    asked = {code: draw_facts(relation_of, most_asked, seed) for code, relation_of in relations.items()}
    known_splits, asked_splits = _select(splits, sampled), _select(splits, asked)
    values = []
    for number in range(1 + twins):
        name = f"untrained {number}" if number else "trained"
        each = with_random_weights(model, seed + number) if number else model
        with TemporaryDirectory(dir=scratch) as folder:
            say = None if progress is None else lambda line, name=name: progress(f"{name}: {line}")
            parts = [
                *_neuron_values(each, known_splits, splits, predictions, Path(folder), seed, say),
                *_consistency_values(each, asked_splits, Path(folder), seed, ranked_by),
            ]
        values.append(pa.concat_tables([FACT_VALUES.empty_table(), *parts]))
    counts = [
        [len(of_language[code]) for code in sorted(splits)] for of_language in (predicted, sampled, asked)
    ]
    sample = pa.table([sorted(splits), *counts], schema=UNTRAINED_SAMPLE)
    return Twins(compare_values(values[0], values[1:], splits), sample)


def sample_size(most: int, languages: int) -> int:
    """How many facts of each language are sampled. most: of one language where there are few."""
    return min(most, math.ceil(most * LANGUAGES_IN_FULL / max(1, languages)))


def draw_facts(
    relations: Mapping[str, str], most: int, seed: int, *, most_of_relation: int = MOST_OF_RELATION
) -> list[str]:
    """At most so many facts of `relations` (fact to relation), relation after relation, by their hashes."""

    def place(name: str) -> tuple[int, str]:
        return zlib.crc32(f"{seed} {name}".encode()), name

    order = sorted(relations, key=lambda uuid: (place(relations[uuid]), place(uuid)))
    number: Counter[str] = Counter()
    drawn = []
    for uuid in order:
        number[relations[uuid]] += 1
        if number[relations[uuid]] <= most_of_relation:
            drawn.append(uuid)
    return drawn[:most]


def _predicted(predictions: pa.Table) -> list[str]:
    matched = pc.greater(predictions["matched_mask_count"], 0)
    return list(predictions["uuid"].filter(matched).to_pylist())


def _select(splits: Tables, kept: Mapping[str, list[str]]) -> dict[str, pa.Table]:
    """The rows of the kept facts, in the order of the splits."""
    return {
        code: table.filter(pc.is_in(table["uuid"], value_set=pa.array(kept[code], pa.string())))
        for code, table in sorted(splits.items())
    }


def _neuron_values(
    model: LoadedModel,
    sampled: Tables,
    splits: Tables,
    predictions: Tables,
    folder: Path,
    seed: int,
    progress: Callable[[str], None] | None,
) -> Iterator[pa.Table]:
    """FACT_VALUES of the sampled facts' neurons in one model. sampled: their rows of the splits."""
    folders = {code: folder / "neurons" / code for code in sampled}
    for code, split in sampled.items():
        folders[code].mkdir(parents=True)
        write_answer_neurons(model, split, predictions[code], folders[code])
    device = str(model.device) if model.device.type == "cuda" else None
    active = {code: active_neurons(path, device=device) for code, path in folders.items()}
    compared = compare_languages(active, folders, sampled, seed=seed, progress=progress)
    yield from similarity_values(compared.language_pairs)
    k = default_k(len(model.ffn.existing()))
    yield from stability_values(folders, k=k, seed=seed)
    yield from layer_values(active, layers=model.ffn.layers, neurons=model.ffn.neurons)
    effects = interventions(model, splits, predictions, active, seed=seed, progress=progress)
    yield from intervention_values(effects)


def _consistency_values(
    model: LoadedModel, asked: Tables, folder: Path, seed: int, ranked_by: RankedBy
) -> Iterator[pa.Table]:
    """FACT_VALUES of RankC in one model. The candidates are the objects of the asked facts."""
    answers = []
    for code, split in asked.items():
        unused = folder / "answers" / code
        unused.mkdir(parents=True)
        answers.append((code, probe(model, split, unused, ranked_by=ranked_by), split))
    yield from consistency_values(fact_consistency(answers, seed=seed))


def compare_values(trained: pa.Table, untrained: Sequence[pa.Table], splits: Tables) -> pa.Table:
    """UNTRAINED_TWINS of the values of a model and of its twins, each FACT_VALUES.

    Only what all of them have counts. splits: by language MLAMA_SPLIT, for the names of the facts.
    """
    key = FACT_VALUES.names[:-1]
    frame = trained.to_pandas().rename(columns={"value": "trained"})
    twins = [f"twin {number}" for number in range(len(untrained))]
    for name, table in zip(twins, untrained, strict=True):
        frame = frame.merge(table.to_pandas().rename(columns={"value": name}), on=key)
    frame = frame.dropna(subset=["trained", *twins])
    frame["names"] = _names(frame, splits)
    of_measure = ["figure", "measure"]
    rows = [
        {**dict(zip(of_measure, name, strict=True)), **row}
        for name, part in frame.groupby(of_measure, sort=False)
        for row in _rows(part, twins)
    ]
    return pa.Table.from_pylist(rows, schema=UNTRAINED_TWINS)


def _rows(part: Any, twins: list[str]) -> Iterator[dict[str, Any]]:
    """The rows of one measure: of all facts, by their names, and by language.

    part: a pandas frame. twins: its columns of untrained models.
    """
    everywhere = {"language_a": "*", "language_b": "*"}
    yield {"names": NAMES[0], **everywhere, **_summary(part, twins)}
    for names in NAMES[1:]:
        if (part["names"] == names).any():
            yield {"names": names, **everywhere, **_summary(part[part["names"] == names], twins)}
    for (a, b), of_languages in part.groupby(["language_a", "language_b"]):
        yield {"names": NAMES[0], "language_a": a, "language_b": b, **_summary(of_languages, twins)}


def _summary(part: Any, twins: list[str]) -> dict[str, Any]:
    facts, trained, untrained = (part[name].to_numpy() for name in ("uuid", "trained", twins))
    low, high = placebo_interval(trained[:, None] - untrained, facts)
    means = untrained.mean(axis=0)
    return {
        "n": len(part),
        "facts": len(set(facts)),
        "trained": float(trained.mean()),
        "untrained": float(means.mean()),
        "untrained_least": float(means.min()),
        "untrained_most": float(means.max()),
        "twins": len(twins),
        "difference": float(trained.mean() - means.mean()),
        "difference_low": low,
        "difference_high": high,
    }


def _names(frame: Any, splits: Tables) -> list[str | None]:
    """How each row's two languages write the fact's names, of NAMES; None where there is one language."""
    compared = list(frame["uuid"].unique())
    written = {
        code: {uuid: names for uuid, *names in zip_columns(table, "uuid", "subject", "object")}
        for code, table in _select(splits, dict.fromkeys(splits, compared)).items()
    }
    by_equal = {2: "alike", 1: "partly", 0: "different"}
    return [
        None if a == b else by_equal[sum(map(eq, written[a][uuid], written[b][uuid]))]
        for a, b, uuid in zip(frame["language_a"], frame["language_b"], frame["uuid"], strict=True)
    ]
