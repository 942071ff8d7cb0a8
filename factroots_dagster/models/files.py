"""The files of a checkpoint: finding or downloading them, determining their revision, rejecting unsafe ones.

Nothing here builds a model; see `checkpoint`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from factroots_dagster.errors import InputError
from factroots_dagster.models import hub
from factroots_dagster.store.digests import compute_sha256

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
# transformers' own attention implementations; any other name may refer to a repository with code.
_ATTENTION = ("eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention")


@dataclass(frozen=True)
class ResolvedCheckpoint:
    """A checkpoint on this machine: the folder `path`, whose content `revision` identifies.

    asked_revision: the branch, tag or commit by which it was asked for; None where nothing was said.
    """

    source: str
    revision: str
    path: Path
    from_hub: bool
    asked_revision: str | None = None


def resolve_checkpoint(source: str, revision: str | None = None) -> ResolvedCheckpoint:
    """Finds the files of a checkpoint: a folder in Hugging Face layout, or a hub id (downloaded once).

    The revision is the hub's commit, or for a folder the sha256 of its files, shortened to 40 digits.
    Raises InputError for a source that is neither, that has another revision than the one asked for, or that
    would need pickled weights or its own code.
    """
    folder, asked_revision = Path(source).expanduser(), revision
    from_hub = not folder.is_dir()
    if from_hub:
        if folder.is_absolute() or source.startswith((".", "~")) or source.count("/") > 1:
            raise InputError(
                f"checkpoint {source}: no such folder", "name a folder, or a hub id such as owner/name"
            )
        folder, revision = hub.download(source, revision)
    check_folder(source, folder)
    if not from_hub:
        current = folder_revision(folder)
        if revision is not None and revision != current:
            raise InputError(
                f"checkpoint {source}: the folder's files have revision {current}, not {revision}: they "
                "changed since they were registered",
                "register the folder again",
            )
        revision = current
    return ResolvedCheckpoint(source, str(revision), folder.resolve(), from_hub, asked_revision)


def folder_revision(folder: Path) -> str:
    """What a folder has in place of a commit: the sha256 of its files, shortened to 40 digits."""
    files = [*weight_files(folder), *tokenizer_files(folder), folder / "config.json"]
    return _cached_digest(_file_states(files))[:40]


def check_folder(source: str, folder: Path) -> None:
    """Rejects a folder that is incomplete, or whose use would run code that is not part of transformers."""
    config_file = folder / "config.json"
    if not config_file.is_file():
        raise InputError(
            f"checkpoint {source}: config.json is missing", "use a folder in Hugging Face layout"
        )
    config = _read_json(config_file)
    tokenizer_file = folder / "tokenizer_config.json"
    tokenizer = _read_json(tokenizer_file) if tokenizer_file.is_file() else {}
    if "auto_map" in config or "auto_map" in tokenizer:
        raise InputError(
            f"checkpoint {source}: it wants to run its own code (auto_map), which is not allowed",
            "use a checkpoint of an architecture that is part of transformers (and drop auto_map from its "
            "JSON files)",
        )
    attention = [config.get(name) for name in ("attn_implementation", "_attn_implementation")]
    if any(name is not None and name not in _ATTENTION for name in attention):
        raise InputError(
            f"checkpoint {source}: it asks for third-party attention code ({attention[0]!r}), which is not "
            "allowed",
            "drop attn_implementation from its config.json",
        )
    weights = weight_files(folder)
    if not weights:
        if any(file for pattern in _PICKLES for file in folder.glob(pattern)):
            raise hub.pickle_error(source)
        raise InputError(f"checkpoint {source}: model.safetensors is missing", "export the checkpoint again")
    missing = [file.name for file in weights if not file.is_file()]
    if missing:
        raise InputError(
            f"checkpoint {source}: {', '.join(missing[:3])} is missing", "download the checkpoint again"
        )
    if not tokenizer_files(folder):
        raise InputError(
            f"checkpoint {source}: it has no tokenizer", "save the tokenizer into the checkpoint's folder"
        )


def weight_files(folder: Path) -> list[Path]:
    """The weight files that transformers would read: one file, or the shards of the index.

    Raises InputError for an index that names files outside the folder or of another format.
    """
    whole, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if whole.is_file() or not index.is_file():
        return [whole] if whole.is_file() else []
    names = _shards(index)
    if any(Path(name).name != name or name == ".." for name in names):
        raise InputError(f"{index}: a shard is outside the folder", "download the checkpoint again")
    if any(not name.endswith(".safetensors") for name in names):
        raise InputError(f"{index}: a shard is no .safetensors file", "convert the checkpoint to safetensors")
    return [folder / name for name in sorted(names)]


def _shards(index: Path) -> set[str]:
    weights = _read_json(index).get("weight_map")
    if not isinstance(weights, dict) or not weights or not all(isinstance(v, str) for v in weights.values()):
        raise InputError(f"{index}: it has no weight_map of file names", "download the checkpoint again")
    return set(weights.values())


def _read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file of a checkpoint; raises InputError where the file holds none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not valid JSON ({error})", "download the checkpoint again") from error
    if not isinstance(value, dict):
        raise InputError(f"{path} holds no JSON object", "download the checkpoint again")
    return value


def tokenizer_files(folder: Path) -> list[Path]:
    """The files of the folder's tokenizer, in alphabetical order."""
    return [folder / name for name in sorted(hub.TOKENIZER_FILES) if (folder / name).is_file()]


_FileState = tuple[Path, int, int, int, int]


def _file_states(files: Iterable[Path]) -> tuple[_FileState, ...]:
    """What shows, without reading the files, that they have not changed."""
    stats = ((file, file.stat()) for file in files)
    return tuple(
        (file, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns) for file, stat in stats
    )


@lru_cache(maxsize=64)
def _cached_digest(states: tuple[_FileState, ...]) -> str:
    """The digest of files in this state: a run over 53 languages reads a checkpoint once."""
    return digest_files(file for file, *_ in states)


def digest_files(files: Iterable[Path]) -> str:
    """sha256 over the files' names and contents."""
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.name} {compute_sha256(file)}\n".encode())
    return total.hexdigest()


def find_gguf(source: str) -> Path | None:
    """The GGUF file that a source names, or that a folder without config.json holds; None where it is none.

    Raises InputError for a folder with several.
    """
    path = Path(source).expanduser()
    if path.suffix.lower() == ".gguf" and path.is_file():
        return path.resolve()
    if not path.is_dir() or (path / "config.json").exists():
        return None
    files = sorted(file for file in path.iterdir() if file.suffix.lower() == ".gguf")
    if len(files) > 1:
        raise InputError(
            f"{source} holds several models: {', '.join(file.name for file in files)}",
            "name one of these files",
        )
    return files[0].resolve() if files else None
