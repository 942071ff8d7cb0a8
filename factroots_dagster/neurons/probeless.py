"""Which neurons a fact activates: Probeless scores and the highest activations, within (language, relation).

Probeless ranks neurons without training a probe: the score of neuron n for fact f is the mean of
|a_f,n - a_g,n| over the relation's other facts g (Antverg & Belinkov, "On the Pitfalls of Analyzing
Individual Neurons in Language Models", ICLR 2022, arXiv 2110.07483, with every fact its own class). Neurons
that vary more score higher for every fact; `standardised` divides each neuron's scores by its
standard deviation over the relation's facts, and so ranks by how unusual the fact is for the neuron.

The arithmetic is written once for numpy arrays and torch tensors; with a GPU the chunks are computed on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.models.activations import read_neurons, read_relations, select_neurons
from factroots_dagster.neurons.rankings import PROBELESS, SIGNED, STANDARDISED, STORED
from factroots_dagster.neurons.schema import ACTIVE_NEURONS, LAYER_PROFILE
from factroots_dagster.tables import zip_columns

CHUNK_NUMBERS = 1 << 21
"""Numbers in one chunk of neurons: 16 MB as float64, and a few such arrays are alive at once."""

SMALLEST_STANDARDISED = 3
"""Facts of a relation below which standardised scores mean nothing: of two facts, every neuron scores 2."""

Scores = npt.NDArray[np.float64]


def default_k(neurons: int) -> int:
    """How many neurons count as active: 2% of them, 50 at most (the paper's figure for mBERT's 36,864)."""
    return min(50, max(1, round(0.02 * neurons)))


def used_k(active: Iterable[pa.Table]) -> int:
    """How many neurons count as active in tables of ACTIVE_NEURONS; 1 where all are empty."""
    return max((pc.max(table["k"]).as_py() for table in active if len(table)), default=1)


def probeless_scores(activations: Any) -> Any:
    """Mean absolute difference of each fact's activation to those of all other facts, exactly.

    activations: [facts, neurons], at least two facts; a numpy array or torch tensor of any float type.
    Returns float64 [facts, neurons], an array or a tensor on the same device.
    By sorting: for the i-th smallest of n values (i from 0) with prefix sum P_i = x_0 + ... + x_i,
    sum_j |x_i - x_j| = (2i + 2 - n) x_i - 2 P_i + P_(n-1), so O(n log n) per neuron instead of O(n^2).
    """
    facts = len(activations)
    if not isinstance(activations, np.ndarray):
        import torch

        ordered, order = activations.T.contiguous().sort(dim=1)
        ordered = ordered.double()
        rank: Any = torch.arange(facts, dtype=torch.float64, device=activations.device)
    else:
        by_neuron = np.ascontiguousarray(activations.T)
        order = np.argsort(by_neuron, axis=1)
        ordered = np.take_along_axis(by_neuron, order, axis=1).astype(np.float64)
        rank = np.arange(facts, dtype=np.float64)
    # Shifting changes no difference and reduces rounding errors of the sums.
    ordered = ordered - ordered[:, facts // 2, None]
    prefix = ordered.cumsum(1)
    total = ((2 * rank + 2 - facts) * ordered - 2 * prefix + prefix[:, -1:]).clip(min=0) / (facts - 1)
    if isinstance(activations, np.ndarray):
        np.put_along_axis(ordered, order, total, axis=1)
        return ordered.T
    return ordered.scatter_(1, order, total).T


def standardised(scores: Any, activations: Any) -> Any:
    """Probeless scores over each neuron's standard deviation across the facts; 0 where it does not vary.

    Both [facts, neurons], numpy or torch.
    """
    centred = activations - activations.mean(axis=0)
    spread = (centred * centred).mean(axis=0) ** 0.5
    spread[spread == 0] = np.inf
    return scores / spread


def top_k(scores: Any, k: int) -> npt.NDArray[np.int64]:
    """Columns of the k highest scores of each row, best first; of equal scores the lower column first.

    scores: [rows, columns], k <= columns, numpy or torch. Returns [rows, k]. Selects before it sorts:
    O(columns) per row.
    """
    if isinstance(scores, np.ndarray):
        lowest = np.partition(scores, scores.shape[1] - k, axis=1)[:, -k, None]
    else:
        lowest = scores.topk(k, dim=1).values[:, -1:]
    above, tied = scores > lowest, scores == lowest
    remaining = k - above.sum(axis=1, keepdims=True)
    selected = above | (tied & (tied.cumsum(1) <= remaining))
    columns = _numpy(selected).nonzero()[1].reshape(len(scores), k)
    values = _numpy(scores[selected]).reshape(len(scores), k)
    return np.take_along_axis(columns, np.argsort(-values, axis=1, kind="stable"), axis=1)


def active_neurons(
    activations_folder: Path,
    *,
    k: int | None = None,
    device: str | None = None,
    chunk_numbers: int = CHUNK_NUMBERS,
) -> pa.Table:
    """ACTIVE_NEURONS of one language: top k by Probeless, standardised Probeless, activation above the mean.

    activations_folder: as `probing.probe.probe` writes it. A fact that is its relation's only correct one
    has no other to differ from: it gets no row; with fewer than SMALLEST_STANDARDISED facts the standardised
    lists are empty. Equal scores: lower neuron first. k: None for `default_k`. device: a torch device to
    compute on; None: numpy. Memory: one relation's activations, and a few chunks of `chunk_numbers`.
    """
    tables = [ACTIVE_NEURONS.empty_table()]
    for relation, index, values in read_relations(activations_folder):
        numbers = read_neurons(activations_folder, relation)
        facts, neurons = len(values), len(numbers)
        if facts < 2:
            continue
        size = min(neurons, default_k(neurons) if k is None else k)
        stored = max(size, min(STORED, neurons))
        existing = select_neurons(values, numbers)
        best = best_neurons(existing, stored, device=device, chunk_numbers=chunk_numbers)
        ranked, signed, unusual = (numbers[best[name].columns] for name in (PROBELESS, SIGNED, STANDARDISED))
        standardised_size = size if facts >= SMALLEST_STANDARDISED else 0
        columns = {
            **{name: index.column(name) for name in ("uuid", "language", "relation")},
            "k": pa.array([size] * facts, pa.int32()),
            "neurons": _lists(ranked[:, :size], np.int32),
            "scores": _lists(best[PROBELESS].scores[:, :size], np.float32),
            "signed_neurons": _lists(signed[:, :size], np.int32),
            "standardised_neurons": _lists(unusual[:, :standardised_size], np.int32),
            "ranked_neurons": _lists(ranked, np.int32),
        }
        tables.append(pa.table(columns, schema=ACTIVE_NEURONS))
    return pa.concat_tables(tables).combine_chunks()


def best_neurons(
    activations: npt.NDArray[np.floating],
    k: int,
    *,
    device: str | None = None,
    chunk_numbers: int = CHUNK_NUMBERS,
) -> dict[str, BestColumns]:
    """The k best neurons of facts, by each of `rankings.RANKINGS`.

    activations: [facts, neurons], at least two facts. device, chunk_numbers: as for `active_neurons`.
    """
    facts, neurons = activations.shape
    best = {name: BestColumns() for name in (PROBELESS, STANDARDISED, SIGNED)}
    width = max(1, chunk_numbers // facts)
    for start in range(0, neurons, width):
        chunk = _to_device(activations[:, start : start + width], device)
        precise = chunk.astype(np.float64) if isinstance(chunk, np.ndarray) else chunk.double()
        scores = probeless_scores(chunk)
        rankings = {
            PROBELESS: scores,
            STANDARDISED: standardised(scores, precise),
            SIGNED: precise - precise.mean(axis=0),
        }
        for name, ranking in rankings.items():
            best[name].add(ranking, start, k)
    return best


def _to_device(chunk: npt.NDArray[np.floating], device: str | None) -> Any:
    if device is None:
        return chunk
    import torch

    return torch.from_numpy(np.ascontiguousarray(chunk)).to(device)


def _numpy(values: Any) -> npt.NDArray[Any]:
    return values if isinstance(values, np.ndarray) else values.cpu().numpy()


def _lists(values: npt.NDArray[Any], dtype: type[np.generic]) -> pa.Array:
    """[rows, k] as an Arrow list array, without a Python object for each number."""
    rows, k = values.shape
    flat = pa.array(values.astype(dtype).ravel())
    return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32) * k), flat)


class BestColumns:
    """The k best columns of each row and their scores, best first, found chunk of columns by chunk."""

    def __init__(self) -> None:
        self.scores: Scores = np.empty((0, 0))
        self.columns: npt.NDArray[np.int64] = np.empty((0, 0), np.int64)

    def add(self, scores: Any, start: int, k: int) -> None:
        """Adds the scores [rows, columns] of the columns from `start` on."""
        columns = top_k(scores, min(k, scores.shape[1]))
        values = _numpy(scores[np.arange(len(columns))[:, None], columns])
        columns = columns + start
        if self.columns.size:
            # Earlier columns come first, so that ties still go to the lower column.
            values = np.concatenate([self.scores, values], axis=1)
            columns = np.concatenate([self.columns, columns], axis=1)
            best = top_k(values, min(k, values.shape[1]))
            values, columns = (np.take_along_axis(part, best, axis=1) for part in (values, columns))
        self.scores, self.columns = values, columns


def layer_profile(active: Iterable[pa.Table], *, layers: int, neurons_per_layer: int) -> pa.Table:
    """LAYER_PROFILE: each language's active neurons by layer. active: tables of ACTIVE_NEURONS."""
    counts: dict[str, npt.NDArray[np.int64]] = {}
    for table in active:
        for language, neurons in zip_columns(table, "language", "neurons"):
            by_layer = np.bincount(np.array(neurons) // neurons_per_layer, minlength=layers)
            counts[language] = counts.get(language, 0) + by_layer
    rows = [
        {"language": language, "layer": layer, "share": float(share)}
        for language, by_layer in sorted(counts.items())
        for layer, share in enumerate(by_layer / by_layer.sum())
    ]
    return pa.Table.from_pylist(rows, schema=LAYER_PROFILE)
