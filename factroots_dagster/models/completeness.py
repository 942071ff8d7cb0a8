"""Whether a folder holds a whole checkpoint: one that is still being copied is left alone.

Only headers are read, and a folder is read again only when a file of it has changed: this is asked of a
hundred checkpoints every minute.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from factroots_dagster.errors import InputError
from factroots_dagster.models.files import tokenizer_files, weight_files

Signature = tuple[tuple[str, int, int, int], ...]
_INDEX = "model.safetensors.index.json"


def signature(folder: Path) -> Signature:
    """Name, size, inode and time of change of every file of a folder: what changes when one does."""
    found = []
    for path in folder.iterdir():
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue  # removed since, or a link to nowhere
        found.append((path.name, stat.st_size, stat.st_ino, stat.st_mtime_ns))
    return tuple(sorted(found))


def incomplete(folder: Path) -> str | None:
    """What is missing of a checkpoint, in words; None when it is whole.

    Whole means: its JSON files parse, every shard of the index is there, opens with safetensors and holds
    the tensors that the index puts into it, the vocabulary of the config is the first axis of one of them,
    and there is a tokenizer.
    """
    return _incomplete(folder, signature(folder))


@lru_cache(maxsize=4096)
def _incomplete(folder: Path, seen: Signature) -> str | None:
    from safetensors import SafetensorError

    try:
        return _missing(folder)
    except SafetensorError as error:
        return f"its weights do not open ({error})"
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        return f"it cannot be read ({error})"


def _missing(folder: Path) -> str | None:
    if not (folder / "config.json").is_file():
        return "config.json is missing"
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    files = weight_files(folder)
    absent = [file.name for file in files if not file.is_file()]
    if absent or not files:
        return f"{', '.join(absent) or 'model.safetensors'} is missing"
    shapes: dict[str, list[int]] = {}
    for file in files:
        held = _shapes(file)
        absent = sorted(_expected(folder, file.name) - held.keys())
        if absent:
            return f"{file.name} lacks {absent[0]}"
        shapes |= held
    vocabulary = config.get("vocab_size") or (config.get("text_config") or {}).get("vocab_size")
    if vocabulary and not any(shape[0] == vocabulary for shape in shapes.values() if len(shape) == 2):
        return f"no weight has the {vocabulary} rows of config.json's vocab_size"
    return None if tokenizer_files(folder) else "its tokenizer is missing"


def _shapes(file: Path) -> dict[str, list[int]]:
    """Shape of every tensor of a file; opening it compares its length with its header."""
    from safetensors import safe_open

    with safe_open(file, framework="numpy") as tensors:
        return {name: tensors.get_slice(name).get_shape() for name in tensors.keys()}  # noqa: SIM118


def _expected(folder: Path, file: str) -> set[str]:
    """The tensors that the index, if it counts, puts into a file."""
    if file == "model.safetensors" or not (folder / _INDEX).is_file():
        return set()
    index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    return {tensor for tensor, shard in index["weight_map"].items() if shard == file}
