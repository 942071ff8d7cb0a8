"""Which neurons a fact activates: Probeless scores and the highest activations, within (language, relation).

Probeless ranks neurons without training a probe: the score of neuron n for fact f is the mean of
|a_f,n - a_g,n| over the relation's other facts g (Antverg & Belinkov, "On the Pitfalls of Analyzing
Individual Neurons in Language Models", ICLR 2022, arXiv 2110.07483, with every fact its own class).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.neurons.activations import relations
from factroots_dagster.neurons.schema import ACTIVE_NEURONS, LAYER_PROFILE

CHUNK_NUMBERS = 1 << 21  # float64 numbers of one chunk of neurons: 16 MB, a few of which are alive at once
Scores = npt.NDArray[np.float64]


def default_k(layers: int, neurons: int) -> int:
    """How many neurons count as active: 2% of them, 50 at most (the paper's figure for mBERT's 36,864)."""
    return min(50, max(1, round(0.02 * layers * neurons)))


def probeless_scores(activations: npt.NDArray[np.floating]) -> Scores:
    """Mean absolute difference of each fact's activation to those of all other facts, exactly.

    activations: [facts, neurons], at least two facts. Returns float64 [facts, neurons].
    By sorting: for the i-th smallest of n values (i from 0) with prefix sum P_i = x_0 + ... + x_i,
    sum_j |x_i - x_j| = (2i + 2 - n) x_i - 2 P_i + P_(n-1), so O(n log n) a neuron in place of O(n^2).
    """
    values = activations.astype(np.float64)
    facts = len(values)
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)
    ordered -= ordered[facts // 2]  # differences are the same, and the sums lose less to rounding
    prefix = np.cumsum(ordered, axis=0)
    rank = np.arange(facts, dtype=np.float64)[:, None]
    total = (2 * rank + 2 - facts) * ordered - 2 * prefix + prefix[-1]
    scores = np.empty_like(total)
    np.put_along_axis(scores, order, np.maximum(total, 0.0) / (facts - 1), axis=0)
    return scores


def top_k(scores: Scores, k: int) -> npt.NDArray[np.int64]:
    """Columns of the k highest scores of each row, best first; of equal scores the lower column first.

    scores: [rows, columns], k <= columns. Returns [rows, k]. Selects before it sorts: O(columns) a row.
    """
    rows = len(scores)
    threshold = -np.partition(-scores, k - 1, axis=1)[:, k - 1 : k]
    above = scores > threshold
    tied = scores == threshold
    room = k - above.sum(axis=1, keepdims=True)
    chosen = np.nonzero(above | (tied & (np.cumsum(tied, axis=1) <= room)))[1].reshape(rows, k)
    order = np.argsort(-np.take_along_axis(scores, chosen, axis=1), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, axis=1)


def active_neurons(activations_folder: Path, *, k: int | None = None) -> pa.Table:
    """ACTIVE_NEURONS of one language: the top k of Probeless, and signed (highest above the mean).

    activations_folder: as `probing.engine.probe` writes it. A fact that is its relation's only correct one
    has no other to differ from: it gets no row. Equal scores: lower neuron first. Memory: one relation.
    """
    tables = [ACTIVE_NEURONS.empty_table()]
    for _relation, index, values in relations(activations_folder):
        facts, neurons = values.shape
        if facts < 2:
            continue
        wanted = min(neurons, default_k(1, neurons) if k is None else k)
        kept, signed = _Best(facts, wanted), _Best(facts, wanted)
        width = max(1, CHUNK_NUMBERS // facts)
        for start in range(0, neurons, width):
            chunk = values[:, start : start + width].astype(np.float64)
            kept.add(probeless_scores(chunk), start)
            signed.add(chunk - chunk.mean(axis=0), start)
        columns = {
            **{name: index.column(name) for name in ("uuid", "language", "relation")},
            "k": pa.array([wanted] * facts, pa.int32()),
            "neurons": pa.array(list(kept.columns.astype(np.int32)), pa.list_(pa.int32())),
            "scores": pa.array(list(kept.scores.astype(np.float32)), pa.list_(pa.float32())),
            "signed_neurons": pa.array(list(signed.columns.astype(np.int32)), pa.list_(pa.int32())),
        }
        tables.append(pa.table(columns, schema=ACTIVE_NEURONS))
    return pa.concat_tables(tables).combine_chunks()


class _Best:
    """The k best columns of each row, over chunks of columns that come in order."""

    def __init__(self, rows: int, k: int):
        self.k = k
        self.scores: Scores = np.empty((rows, 0))
        self.columns: npt.NDArray[np.int64] = np.empty((rows, 0), np.int64)

    def add(self, scores: Scores, start: int) -> None:
        columns = np.broadcast_to(np.arange(start, start + scores.shape[1]), scores.shape)
        # Earlier columns stand first, so that a tie keeps going to the lower column.
        together = np.concatenate([self.scores, scores], axis=1)
        numbers = np.concatenate([self.columns, columns], axis=1)
        best = top_k(together, min(self.k, together.shape[1]))
        self.scores = np.take_along_axis(together, best, axis=1)
        self.columns = np.take_along_axis(numbers, best, axis=1)


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
