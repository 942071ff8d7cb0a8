"""Reading saved activations, one relation at a time. They are written by `probing.engine`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from safetensors import SafetensorError
from safetensors.numpy import load_file

from factroots_dagster.errors import InputError

INDEX_FILE = "data.parquet"
TENSOR = "activations"


def read_index(folder: Path) -> pa.Table:
    """ACTIVATION_INDEX of a folder of activations, relation by relation, row by row."""
    path = folder / INDEX_FILE
    if not path.is_file():
        raise InputError(f"{path} is missing; materialize neuron_activations for this partition again")
    return pq.read_table(path).sort_by([("relation", "ascending"), ("row", "ascending")])


def read_relation(folder: Path, relation: str) -> npt.NDArray[np.float32]:
    """Activations of one relation: float32 [facts, layers, neurons]. InputError if missing or damaged."""
    path = folder / f"{relation}.safetensors"
    try:
        return load_file(path)[TENSOR]
    except (OSError, KeyError, SafetensorError) as error:
        raise InputError(
            f"{path}: not readable as activations ({error}); materialize neuron_activations again"
        ) from error


def relations(folder: Path) -> Iterator[tuple[str, pa.Table, npt.NDArray[np.float32]]]:
    """Relation, its index rows, and its activations float32 [facts, layers * neurons], one at a time.

    Raises InputError where index and tensor disagree, or an activation is not finite.
    """
    index = read_index(folder)
    for relation in sorted(set(index.column("relation").to_pylist())):
        rows = index.filter(pc.equal(index.column("relation"), relation))
        values = read_relation(folder, relation)
        if rows.column("row").to_pylist() != list(range(len(values))):
            raise InputError(
                f"{folder / relation}.safetensors holds {len(values)} facts, its index {len(rows)}; "
                "materialize neuron_activations again"
            )
        if not np.isfinite(values).all():
            raise InputError(f"{folder / relation}.safetensors holds NaN or infinite activations")
        yield relation, rows, values.reshape(len(values), -1)
