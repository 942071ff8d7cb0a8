"""Folders of activations as the prober writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save_file

from factroots_dagster.models.schema import ACTIVATION_INDEX


def write_activations(
    folder: Path,
    relations: Mapping[str, np.ndarray],
    language: str = "qaa",
    widths: Sequence[int] | None = None,
) -> Path:
    """Write a folder of activations; facts are named <relation>-<row>.

    relations: relation to its activations [facts, layers, neurons]. widths: the neurons of every layer, where
    they differ. Returns the folder.
    """
    metadata = None if widths is None else {"widths": json.dumps(list(widths))}
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for relation, values in relations.items():
        tensors = {"activations": values.astype(np.float32)}
        save_file(tensors, folder / f"{relation}.safetensors", metadata)
        for row in range(len(values)):
            rows.append(
                {
                    "uuid": f"{relation}-{row}",
                    "language": language,
                    "relation": relation,
                    "row": row,
                    "mask_count": 1,
                    "file": f"{relation}.safetensors",
                }
            )
    pq.write_table(pa.Table.from_pylist(rows, schema=ACTIVATION_INDEX), folder / "data.parquet")
    return folder
