"""Whether a folder holds a complete checkpoint: one that is still being copied is not used yet.

Only headers are read, and a folder is read again only after one of its files has changed: the checkpoint
sensor examines a hundred folders every minute.
"""

from __future__ import annotations

import json
from pathlib import Path

from factroots_dagster.errors import InputError
from factroots_dagster.models.files import tokenizer_files, weight_files

Signature = tuple[tuple[str, int, int, int], ...]
_INDEX = "model.safetensors.index.json"
_examinations: dict[Path, tuple[Signature, str | None]] = {}  # the last of each folder: its state, its defect


def folder_signature(folder: Path) -> Signature:
    """Name, size, inode and modification time of every file of a folder: equal while no file changes."""
    states = []
    for path in folder.iterdir():
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue  # removed meanwhile, or a dangling link
        states.append((path.name, stat.st_size, stat.st_ino, stat.st_mtime_ns))
    return tuple(sorted(states))


def find_defect(folder: Path) -> str | None:
    """Why a folder is not a complete checkpoint, as a clause ("config.json is missing"); None if it is one.

    Complete means: its JSON files parse; every shard of the index exists, opens with safetensors and holds
    the tensors that the index assigns to it; some matrix has as many rows as the config's vocabulary; and
    there is a tokenizer.
    """
    try:
        signature = folder_signature(folder)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    last = _examinations.get(folder)
    if last is None or last[0] != signature:
        last = _examinations[folder] = (signature, _find_defect(folder))
    return last[1]


def _find_defect(folder: Path) -> str | None:
    from safetensors import SafetensorError

    try:
        return _examine(folder)
    except SafetensorError as error:
        return f"its weights do not open ({error})"
    except RecursionError:
        return "it cannot be read (a JSON file is nested too deeply)"
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        return f"it cannot be read ({error})"


def _examine(folder: Path) -> str | None:
    if not (folder / "config.json").is_file():
        if any(folder.glob("*.gguf")):
            return "it is GGUF, which `factroots checkpoints add` registers"
        return "config.json is missing"
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    files = weight_files(folder)
    missing_files = [file.name for file in files if not file.is_file()]
    if missing_files or not files:
        return f"{', '.join(missing_files) or 'model.safetensors'} is missing"
    shapes: dict[str, list[int]] = {}
    for file in files:
        file_shapes = _tensor_shapes(file)
        missing_tensors = sorted(_indexed_tensors(folder, file.name) - file_shapes.keys())
        if missing_tensors:
            return f"{file.name} lacks {missing_tensors[0]}"
        shapes |= file_shapes
    vocabulary = config.get("vocab_size") or (config.get("text_config") or {}).get("vocab_size")
    if vocabulary and not any(shape[0] == vocabulary for shape in shapes.values() if len(shape) == 2):
        return f"no weight has the {vocabulary} rows of config.json's vocab_size"
    return None if tokenizer_files(folder) else "its tokenizer is missing"


def _tensor_shapes(file: Path) -> dict[str, list[int]]:
    """The shape of every tensor of a file; opening it compares the file's length with its header."""
    from safetensors import safe_open

    with safe_open(file, framework="numpy") as tensors:
        return {name: tensors.get_slice(name).get_shape() for name in tensors.keys()}  # noqa: SIM118


def _indexed_tensors(folder: Path, file: str) -> set[str]:
    """The tensors that the index assigns to a shard; none for a checkpoint of a single file."""
    if file == "model.safetensors" or not (folder / _INDEX).is_file():
        return set()
    index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    return {tensor for tensor, shard in index["weight_map"].items() if shard == file}
