"""Folders of activations as the prober writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save_file

from factroots_dagster.models.schema import ACTIVATION_INDEX


def write_activations(folder: Path, relations: dict[str, np.ndarray], language: str = "qaa") -> Path:
    """Write a folder of activations; facts are named <relation>-<row>.

    relations: relation to its activations [facts, layers, neurons]. Returns the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for relation, values in relations.items():
        save_file({"activations": values.astype(np.float32)}, folder / f"{relation}.safetensors")
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
