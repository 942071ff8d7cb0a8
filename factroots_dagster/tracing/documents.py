"""What sources need to know of the documents in a file: their corpus, and how many times each counts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from factroots_dagster.corpora.schema import WIKIPEDIA


def corpus_of_file(articles: Path) -> str | None:
    """The corpus of a file of WIKIPEDIA_ARTICLES; None when it has no rows."""
    first = next(pq.ParquetFile(articles).iter_batches(1, columns=["corpus"]), None)
    return None if first is None else first["corpus"][0].as_py() or WIKIPEDIA


@dataclass(frozen=True)
class PageWeights:
    """How many times each document of a file counts; [documents] each, by page id."""

    page_ids: NDArray[np.int64]
    weights: NDArray[np.int64]

    @classmethod
    def read(cls, articles: Path) -> PageWeights:
        """From a file of WIKIPEDIA_ARTICLES."""
        table = pq.read_table(articles, columns=["page_id", "weight"], partitioning=None)
        page_ids, weights = table["page_id"].to_numpy(), pc.fill_null(table["weight"], 1).to_numpy()
        order = np.argsort(page_ids, kind="stable")
        return cls(page_ids[order], weights[order])

    def of(self, page_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The weights of these pages, all of which the file has."""
        return self.weights[np.searchsorted(self.page_ids, page_ids)]
