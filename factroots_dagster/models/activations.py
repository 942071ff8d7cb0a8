"""The activation files of one partition: `<relation>.safetensors` and their index, written and read here.

A file holds one tensor "activations", float32 or bfloat16 [facts, layers, neurons], or four bits a neuron
(`models/four_bits.py`); the index has the columns of ACTIVATION_INDEX. What fewer bits do to inner products
is said in docs/method.md. Where layers differ in width, narrower ones are filled up with zeros, and the
file's metadata name the widths.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from safetensors import SafetensorError, deserialize, safe_open
from safetensors.numpy import load_file, save_file

from factroots_dagster.errors import InputError
from factroots_dagster.models.four_bits import pack, read_bfloat16, unpack
from factroots_dagster.models.schema import ACTIVATION_INDEX
from factroots_dagster.tables import storage_schema

if TYPE_CHECKING:
    import torch  # statistics on saved activations should not have to load it

Stored = Literal["fp32", "bf16", "int4"]
"""The number format of activation files."""

INDEX_FILE = "data.parquet"
TENSOR = "activations"
_GRIDS, _NEURONS, _SEED = "grids", "neurons", "seed"  # of files in four bits
_WIDTHS = "widths"
_REMEDY = "materialize neuron_activations for this partition again"


class Layers(Protocol):
    """What the activations are of: see `feed_forward.FeedForward`."""

    @property
    def widths(self) -> Sequence[int]: ...
    @property
    def neurons(self) -> int: ...
    def routed_experts(self, activations: torch.Tensor) -> list[list[int]] | None: ...


class ActivationWriter:
    """Writes a folder of activations: one tensor file per relation, and at the end their index.

    ffn: what the activations are of. stored: the number format of the files.
    """

    def __init__(self, folder: Path, ffn: Layers, stored: Stored = "fp32"):
        self.folder, self.ffn, self.stored = folder, ffn, stored
        self.index: list[dict[str, object]] = []

    def add(
        self,
        relation: str,
        facts: Sequence[tuple[str, str]],
        mask_counts: Sequence[int],
        activations: Sequence[torch.Tensor],
    ) -> None:
        """Writes `<relation>.safetensors`; no file for a relation without facts.

        facts: (uuid, language). mask_counts: for each fact the number of masks of its correct prompt (of a
        decoder, the number of tokens of its answer). activations: [layers, neurons] for each fact.
        """
        if not activations:
            return
        file = f"{relation}.safetensors"
        widths = list(self.ffn.widths)
        metadata = {_WIDTHS: json.dumps(widths)} if min(widths) < self.ffn.neurons else {}
        if self.stored == "bf16":
            _save_bfloat16(activations, self.folder / file, metadata)
        else:
            values = np.stack([tensor.float().cpu().numpy() for tensor in activations])
            tensors = {TENSOR: values}
            if self.stored == "int4":
                seed = zlib.crc32(f"{relation}/{facts[0][1]}".encode())  # noise differs between files
                tensors = dict(zip((TENSOR, _GRIDS), pack(values, seed), strict=True))
                metadata |= {_NEURONS: str(self.ffn.neurons), _SEED: str(seed)}
            save_file(tensors, self.folder / file, metadata)
        common = {"relation": relation, "file": file}
        for row, ((uuid, language), mask_count) in enumerate(zip(facts, mask_counts, strict=True)):
            fact = {"uuid": uuid, "language": language, "row": row, "mask_count": mask_count}
            experts = self.ffn.routed_experts(activations[row])
            self.index.append(fact | common | {"experts": experts})

    def close(self) -> None:
        """Writes the index."""
        table = pa.Table.from_pylist(self.index, schema=storage_schema(ACTIVATION_INDEX))
        pq.write_table(table, self.folder / INDEX_FILE, compression="zstd")


def _save_bfloat16(activations: Sequence[torch.Tensor], path: Path, metadata: dict[str, str]) -> None:
    import torch
    from safetensors.torch import save_file as save_tensors

    values = torch.stack([tensor.cpu().to(torch.bfloat16) for tensor in activations])
    save_tensors({TENSOR: values}, path, metadata)


def read_index(folder: Path) -> pa.Table:
    """ACTIVATION_INDEX of a folder of activations, sorted by relation and row."""
    path = folder / INDEX_FILE
    if not path.is_file():
        raise InputError(f"{path} is missing", _REMEDY)
    return pq.read_table(path).sort_by([("relation", "ascending"), ("row", "ascending")])


def read_relation(folder: Path, relation: str) -> npt.NDArray[np.float32]:
    """The activations of one relation: float32 [facts, layers, neurons].

    Raises InputError where the file is missing or damaged.
    """
    path = folder / f"{relation}.safetensors"
    try:
        with safe_open(path, framework="numpy") as file:
            form, metadata = file.get_slice(TENSOR).get_dtype(), file.metadata() or {}
        if form == "U8":
            tensors = load_file(path)
            return unpack(tensors[TENSOR], tensors[_GRIDS], int(metadata[_NEURONS]), int(metadata[_SEED]))
        if form != "BF16":
            return load_file(path)[TENSOR]
        tensor = dict(deserialize(path.read_bytes()))[TENSOR]  # type: ignore[no-untyped-call]
        return read_bfloat16(np.frombuffer(tensor["data"], np.uint16)).reshape(tensor["shape"])
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise InputError(f"{path} cannot be read as activations ({error})", _REMEDY) from error


def read_neurons(folder: Path, relation: str) -> npt.NDArray[np.int64]:
    """The numbers (layer * neurons + index) of the neurons that there are, without those filled up.

    Raises InputError where the file is missing or damaged.
    """
    path = folder / f"{relation}.safetensors"
    try:
        with safe_open(path, framework="numpy") as file:
            _, layers, columns = file.get_slice(TENSOR).get_shape()
            metadata = file.metadata() or {}
            neurons = int(metadata.get(_NEURONS, columns))
            widths = json.loads(metadata.get(_WIDTHS, "null"))
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(f"{path} cannot be read as activations ({error})", _REMEDY) from error
    return number_neurons(widths or [neurons] * layers, neurons)


def number_neurons(widths: Sequence[int], neurons: int) -> npt.NDArray[np.int64]:
    """The numbers of the neurons of layers that have so many. neurons: those of the widest layer."""
    return np.concatenate([np.arange(width) + layer * neurons for layer, width in enumerate(widths)])


def select_neurons(
    values: npt.NDArray[np.float32], numbers: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """The columns of some neurons, ascending, of values [facts, neurons]; no copy where these are all."""
    return values if len(numbers) == values.shape[1] else values[:, numbers]


def read_relations(folder: Path) -> Iterator[tuple[str, pa.Table, npt.NDArray[np.float32]]]:
    """One relation at a time: its name, its index rows, its activations float32 [facts, layers * neurons].

    Raises InputError where index and tensor disagree, or an activation is not finite.
    """
    index = read_index(folder)
    for relation in sorted(set(index.column("relation").to_pylist())):
        rows = index.filter(pc.equal(index.column("relation"), relation))
        activations = read_relation(folder, relation)
        found = f"{folder / relation}.safetensors holds"
        if rows.column("row").to_pylist() != list(range(len(activations))):
            raise InputError(f"{found} {len(activations)} facts, its index {len(rows)}", _REMEDY)
        if not np.isfinite(activations).all():
            raise InputError(f"{found} NaN or infinite activations", _REMEDY)
        yield relation, rows, activations.reshape(len(activations), -1)
