"""The figures about one model, fact by fact: what a checkpoint and its untrained twins are compared in.

Each function gives rows of FACT_VALUES. The measures of a figure:

- similarity: every statistic of `statistics.BY_PAIR` of the fact in two languages, and how far it exceeds the
  mean of other facts with the same object (`<statistic>_beyond_same_object`). Facts with the same prompt in
  both languages are left out.
- stability: the Jaccard index of a fact's top neurons from two random halves of its relation's facts, by the
  ranking of each statistic of `statistics.OF_SETS`. The halves are the same for every model.
- layers: the share of a fact's active neurons in each layer.
- interventions: the change of the object's log-probability by the fact's own neurons (`ablate_own`), and how
  far it exceeds that by other neurons (`ablate_beyond_random`).
- consistency: RankC of the candidates' rankings in two languages, alone and beyond that of facts with the
  same object, and of facts with other objects (`rankc_beyond_other_object`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.models.activations import read_neurons, read_relations, select_neurons
from factroots_dagster.neurons.probeless import top_k
from factroots_dagster.neurons.rankings import RANKINGS
from factroots_dagster.neurons.similarity import PairComparison
from factroots_dagster.neurons.stability import SMALLEST_RELATION, half_scores
from factroots_dagster.neurons.statistics import BEYOND, BY_PAIR, OF_SETS, SAME_OBJECT

FACT_VALUES = pa.schema(
    {name: pa.string() for name in ("figure", "measure", "language_a", "language_b", "uuid")}
    | {"value": pa.float64()}
)
"""One row per figure, measure, languages and fact; language_b is language_a for figures of one language."""


def similarity_values(compared: Iterable[PairComparison]) -> Iterator[pa.Table]:
    """Of every fact that two languages predict. compared: as `similarity.compare_languages` gives them."""
    for pair in compared:
        kept = ~pair.identical_input
        for statistic in BY_PAIR:
            values = pair.values[statistic.name]
            measures = {statistic.name: values}
            if SAME_OBJECT in statistic.baselines:
                beyond = values - pair.baselines[statistic.name, SAME_OBJECT]
                measures[f"{statistic.name}_{BEYOND}_{SAME_OBJECT}"] = beyond
            for name, of_measure in measures.items():
                languages = (pair.language_a, pair.language_b)
                yield _table("similarity", name, languages, pair.uuids[kept], of_measure[kept])


def stability_values(activations: Mapping[str, Path], *, k: int, seed: int) -> Iterator[pa.Table]:
    """Of every fact of relations of SMALLEST_RELATION facts or more.

    activations: by language, a folder of activations. k: neurons of a set.
    """
    for language, folder in sorted(activations.items()):
        for relation, index, values in read_relations(folder):
            if len(values) < SMALLEST_RELATION:
                continue
            random = np.random.default_rng([seed, zlib.crc32(f"{language} {relation}".encode())])
            halves = np.array_split(random.permutation(len(values)), 2)
            existing = select_neurons(values, read_neurons(folder, relation))
            one, other = islice(half_scores(existing, np.arange(len(values)), halves), 2)
            for statistic in OF_SETS:
                ranking = RANKINGS.index(str(statistic.ranking))
                sets = (top_k(scores[ranking], min(k, existing.shape[1])) for scores in (one, other))
                overlaps = _jaccard(*sets)
                uuids = index["uuid"].to_numpy()
                yield _table("stability", statistic.name, (language, language), uuids, overlaps)


def _jaccard(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Jaccard index of the sets in each row, [rows, size] each."""
    common = np.array([len(np.intersect1d(*sets)) for sets in zip(a, b, strict=True)], np.float64)
    overlaps: npt.NDArray[np.float64] = common / (2 * a.shape[1] - common)
    return overlaps


def layer_values(active: Mapping[str, pa.Table], *, layers: int, neurons: int) -> Iterator[pa.Table]:
    """Of every fact with active neurons. active: by language, ACTIVE_NEURONS; neurons: of a layer."""
    for language, table in sorted(active.items()):
        layer_of = [np.array(chosen) // neurons for chosen in table["neurons"].to_pylist()]
        for layer in range(layers if layer_of else 0):
            shares = np.array([(of_fact == layer).mean() for of_fact in layer_of])
            yield _table("layers", str(layer), (language, language), table["uuid"].to_numpy(), shares)


def intervention_values(table: pa.Table) -> Iterator[pa.Table]:
    """Of every fact and ordered pair of languages. table: NEURON_INTERVENTIONS."""
    key = ["intervention", "language_found", "language_asked", "uuid"]
    frame = table.to_pandas()
    by_set = frame.pivot(index=key, columns="neuron_set", values="logprob_change").reset_index()
    for (intervention, found, asked), part in by_set.groupby(key[:3]):
        measures = {f"{intervention}_own": part["own"]}
        for other in by_set.columns.drop([*key, "own"]):
            measures[f"{intervention}_{BEYOND}_{other}"] = part["own"] - part[other]
        for name, values in measures.items():
            uuids = part["uuid"].to_numpy()
            yield _table("interventions", name, (found, asked), uuids, values.to_numpy(np.float64))


def consistency_values(table: pa.Table) -> Iterator[pa.Table]:
    """Of every fact and pair of languages. table: as `probing.consistency.fact_consistency` gives it."""
    frame = table.to_pandas()
    for languages, part in frame.groupby(["language_a", "language_b"]):
        measures = {"rankc": part["rankc"]}
        for control in (SAME_OBJECT, "other_object"):
            measures[f"rankc_{BEYOND}_{control}"] = part["rankc"] - part[control]
        for name, values in measures.items():
            yield _table("consistency", name, languages, part["uuid"].to_numpy(), values.to_numpy())


def _table(
    figure: str,
    measure: str,
    languages: tuple[str, str],
    uuids: npt.NDArray[np.object_],
    values: npt.NDArray[np.float64],
) -> pa.Table:
    key = (pa.repeat(name, len(uuids)) for name in (figure, measure, *languages))
    return pa.table([*key, pa.array(uuids, pa.string()), values], schema=FACT_VALUES)
