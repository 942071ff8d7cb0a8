"""What every prober gives back in the same way: ranks, activations on disk, words about progress.

Nothing here runs a model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors.torch import save_file

from factroots_dagster.models.activations import INDEX_FILE, TENSOR
from factroots_dagster.models.schema import ACTIVATION_INDEX

_REPORT_SECONDS = 5.0


def typed_rank(scores: npt.NDArray[np.float64], candidate: int) -> int | None:
    """Rank of one candidate among `scores` [candidates], higher is better, 1 is best.

    A tie counts half of the tied, rounded up. None where the candidate's own score is not finite.
    """
    own = scores[candidate]
    if not np.isfinite(own):
        return None
    tied = int((scores == own).sum()) - 1
    return 1 + int((scores > own).sum()) + (tied + 1) // 2


class ActivationFiles:
    """Writes a folder of activations: one tensor a relation, and at the end their index."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.index: list[dict[str, object]] = []

    def add(
        self,
        relation: str,
        facts: Sequence[tuple[str, str]],
        counts: Sequence[int],
        vectors: Sequence[torch.Tensor],
    ) -> None:
        """Writes `<relation>.safetensors`: "activations", float32 [facts, layers, neurons]; none, no file.

        facts: (uuid, language). counts: of each fact's right prompt, its masks (a decoder's: tokens).
        vectors: [layers, neurons] each.
        """
        if not vectors:
            return
        file = f"{relation}.safetensors"
        save_file({TENSOR: torch.stack(list(vectors)).float().cpu()}, self.folder / file)
        for row, ((uuid, language), count) in enumerate(zip(facts, counts, strict=True)):
            told = {"uuid": uuid, "language": language, "relation": relation}
            self.index.append({**told, "row": row, "mask_count": count, "file": file})

    def close(self) -> None:
        """Writes `data.parquet` (ACTIVATION_INDEX)."""
        table = pa.Table.from_pylist(self.index, schema=ACTIVATION_INDEX)
        pq.write_table(table, self.folder / INDEX_FILE, compression="zstd")


class Report:
    """Says how far it is, at most every few seconds."""

    def __init__(self, progress: Callable[[str], None] | None, rows: int):
        self.progress, self.rows, self.done = progress, rows, 0
        self.started = self.last = time.monotonic()

    def __call__(self, rows: int) -> None:
        self.done += rows
        now = time.monotonic()
        if self.progress is None or (now - self.last < _REPORT_SECONDS and self.done < self.rows):
            return
        self.last = now
        rate = self.done / max(now - self.started, 1e-9)
        left = (self.rows - self.done) / max(rate, 1e-9)
        self.progress(f"{self.done} of {self.rows} rows, {rate:.0f} rows/s, {left:.0f} s left")
