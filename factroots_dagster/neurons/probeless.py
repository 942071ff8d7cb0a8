"""Which neurons a fact activates: Probeless scores and the highest activations, within (language, relation).

Probeless ranks neurons without training a probe: the score of neuron n for fact f is the mean of
|a_f,n - a_g,n| over the relation's other facts g (Antverg & Belinkov, "On the Pitfalls of Analyzing
Individual Neurons in Language Models", ICLR 2022, arXiv 2110.07483, with every fact its own class). Neurons
that vary more everywhere score higher for every fact; `standardised` divides each neuron's scores by its
standard deviation over the relation's facts, and so ranks by how unusual the fact is for the neuron.

The arithmetic is written once for numpy arrays and torch tensors: with a GPU the chunks are computed there.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.models.activations import relations
from factroots_dagster.neurons.schema import ACTIVE_NEURONS, LAYER_PROFILE

CHUNK_NUMBERS = 1 << 21  # numbers of one chunk of neurons: 16 MB as float64, a few of which are alive at once
SIZES = (10, 25, 50, 100, 200)  # other k for which sets of neurons are compared
RANKED = SIZES[-1]  # neurons whose order is kept, so that another k needs no activations
STANDARDISABLE = 3  # facts from which standardised scores mean something: of two, every neuron scores 2
Scores = npt.NDArray[np.float64]


def default_k(layers: int, neurons: int) -> int:
    """How many neurons count as active: 2% of them, 50 at most (the paper's figure for mBERT's 36,864)."""
    return min(50, max(1, round(0.02 * layers * neurons)))


def probeless_scores(activations: Any) -> Any:
    """Mean absolute difference of each fact's activation to those of all other facts, exactly.

    activations: [facts, neurons], at least two facts; numpy or torch, any float type. Returns float64
    [facts, neurons], of the same kind and on the same device.
    By sorting: for the i-th smallest of n values (i from 0) with prefix sum P_i = x_0 + ... + x_i,
    sum_j |x_i - x_j| = (2i + 2 - n) x_i - 2 P_i + P_(n-1), so O(n log n) a neuron in place of O(n^2).
    """
    facts = len(activations)
    ordered: Any
    order: Any
    rank: Any
    if isinstance(activations, np.ndarray):
        by_neuron = np.ascontiguousarray(activations.T)
        order = np.argsort(by_neuron, axis=1)
        ordered = np.take_along_axis(by_neuron, order, axis=1).astype(np.float64)
        rank = np.arange(facts, dtype=np.float64)
    else:
        import torch

        ordered, order = activations.T.contiguous().sort(dim=1)
        ordered = ordered.double()
        rank = torch.arange(facts, dtype=torch.float64, device=activations.device)
    # Differences are the same after the shift, and the sums lose less to rounding.
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
    O(columns) a row.
    """
    if isinstance(scores, np.ndarray):
        least = np.partition(scores, scores.shape[1] - k, axis=1)[:, -k, None]
    else:
        least = scores.topk(k, dim=1).values[:, -1:]
    above, tied = scores > least, scores == least
    room = k - above.sum(axis=1, keepdims=True)
    chosen = above | (tied & (tied.cumsum(1) <= room))
    columns = _numpy(chosen).nonzero()[1].reshape(len(scores), k)
    values = _numpy(scores[chosen]).reshape(len(scores), k)
    return np.take_along_axis(columns, np.argsort(-values, axis=1, kind="stable"), axis=1)


def active_neurons(activations_folder: Path, *, k: int | None = None, device: str | None = None) -> pa.Table:
    """ACTIVE_NEURONS of one language: top k by Probeless, standardised Probeless, activation above the mean.

    activations_folder: as `probing.engine.probe` writes it. A fact that is its relation's only correct one
    has no other to differ from: it gets no row; with fewer than STANDARDISABLE facts the standardised lists
    are empty. Equal scores: lower neuron first. device: a torch device to compute on; None: numpy.
    Memory: one relation's activations, and a few chunks of CHUNK_NUMBERS.
    """
    tables = [ACTIVE_NEURONS.empty_table()]
    for _relation, index, values in relations(activations_folder):
        facts, neurons = values.shape
        if facts < 2:
            continue
        wanted = min(neurons, default_k(1, neurons) if k is None else k)
        best = best_neurons(values, max(wanted, min(RANKED, neurons)), device=device)
        ranked = best["probeless"].columns
        unusual = best["standardised"].columns[:, : wanted if facts >= STANDARDISABLE else 0]
        columns = {
            **{name: index.column(name) for name in ("uuid", "language", "relation")},
            "k": pa.array([wanted] * facts, pa.int32()),
            "neurons": _lists(ranked[:, :wanted], np.int32),
            "scores": _lists(best["probeless"].scores[:, :wanted], np.float32),
            "signed_neurons": _lists(best["signed"].columns[:, :wanted], np.int32),
            "standardised_neurons": _lists(unusual, np.int32),
            "ranked_neurons": _lists(ranked, np.int32),
        }
        tables.append(pa.table(columns, schema=ACTIVE_NEURONS))
    return pa.concat_tables(tables).combine_chunks()


def best_neurons(
    activations: npt.NDArray[np.floating], k: int, *, device: str | None = None
) -> dict[str, Best]:
    """The k best neurons of facts by each of the three rankings: probeless, standardised, signed.

    activations: [facts, neurons], at least two facts. device: as for `active_neurons`.
    """
    facts, neurons = activations.shape
    best = {name: Best() for name in ("probeless", "standardised", "signed")}
    width = max(1, CHUNK_NUMBERS // facts)
    for start in range(0, neurons, width):
        chunk = _placed(activations[:, start : start + width], device)
        wide = chunk.astype(np.float64) if isinstance(chunk, np.ndarray) else chunk.double()
        scores = probeless_scores(chunk)
        rankings = {
            "probeless": scores,
            "standardised": standardised(scores, wide),
            "signed": wide - wide.mean(axis=0),
        }
        for name, ranking in rankings.items():
            best[name].add(ranking, start, k)
    return best


def _placed(chunk: npt.NDArray[np.floating], device: str | None) -> Any:
    """A chunk as it is, or as a tensor on the device if one is given."""
    if device is None:
        return chunk
    import torch

    return torch.from_numpy(np.ascontiguousarray(chunk)).to(device)


def _numpy(values: Any) -> npt.NDArray[Any]:
    return values if isinstance(values, np.ndarray) else values.cpu().numpy()


def _lists(values: npt.NDArray[Any], kind: type[np.generic]) -> pa.Array:
    """[rows, k] as an Arrow list array, without a Python object for each number."""
    rows, k = values.shape
    flat = pa.array(values.astype(kind).ravel())
    return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32) * k), flat)


class Best:
    """The k best columns of each row and their scores, best first, over chunks of columns in order."""

    def __init__(self) -> None:
        self.scores: Scores = np.empty((0, 0))
        self.columns: npt.NDArray[np.int64] = np.empty((0, 0), np.int64)

    def add(self, scores: Any, start: int, k: int) -> None:
        """Takes in the scores [rows, columns] of the columns from `start` on."""
        columns = top_k(scores, min(k, scores.shape[1]))
        values = _numpy(scores[np.arange(len(columns))[:, None], columns])
        columns = columns + start
        if self.columns.size:
            # Earlier columns stand first, so that a tie keeps going to the lower column.
            values = np.concatenate([self.scores, values], axis=1)
            columns = np.concatenate([self.columns, columns], axis=1)
            best = top_k(values, min(k, values.shape[1]))
            values, columns = (np.take_along_axis(part, best, axis=1) for part in (values, columns))
        self.scores, self.columns = values, columns


def layer_profile(active: Iterable[pa.Table], *, layers: int, neurons_per_layer: int) -> pa.Table:
    """LAYER_PROFILE: in which layers each language's active neurons lie, as shares of them."""
    rows = []
    counts: dict[str, npt.NDArray[np.int64]] = {}
    for table in active:
        for language, listed in zip(
            table.column("language").to_pylist(), table.column("neurons").to_pylist(), strict=True
        ):
            seen = np.bincount(np.array(listed) // neurons_per_layer, minlength=layers)
            counts[language] = counts.get(language, 0) + seen
    for language in sorted(counts):
        shares = counts[language] / counts[language].sum()
        rows += [
            {"language": language, "layer": layer, "share": float(share)}
            for layer, share in enumerate(shares)
        ]
    return pa.Table.from_pylist(rows, schema=LAYER_PROFILE)
