"""The files of a checkpoint: finding or downloading them, naming their revision, refusing unsafe ones.

Nothing here builds a model; see `checkpoint`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from factroots_dagster.errors import InputError, UnavailableError

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_ATTENTION = ("eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention")
"""What transformers has itself; any other name can be that of a repository with code."""

_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "sentencepiece.bpe.model",
    "spiece.model",
    "tokenizer.model",
)


@dataclass(frozen=True)
class ResolvedCheckpoint:
    """A checkpoint on this machine: `path` holds the files, `revision` says exactly which ones."""

    source: str
    revision: str
    path: Path
    from_hub: bool


def resolve_checkpoint(source: str, revision: str | None = None) -> ResolvedCheckpoint:
    """Finds the files of a checkpoint: a folder in Hugging Face layout, or a hub id (downloaded once).

    Returns the hub's commit as revision, or for a folder the sha256 of its files, shortened to 40 digits.
    Raises InputError for a source that is neither, or that would need pickled weights or its own code.
    """
    folder = Path(source).expanduser()
    from_hub = not folder.is_dir()
    if from_hub:
        if folder.is_absolute() or source.startswith((".", "~")) or source.count("/") > 1:
            raise InputError(f"checkpoint {source}: no such folder; give one, or a hub id such as owner/name")
        folder, commit = _download(source, revision)
        revision = commit
    _refuse_unsafe(source, folder)
    if not from_hub:
        found = folder_revision(folder)
        if revision is not None and revision != found:
            raise InputError(
                f"checkpoint {source}: the folder's files are {found}, not {revision}; "
                "they changed since they were registered: register the folder again"
            )
        revision = found
    return ResolvedCheckpoint(source, str(revision), folder.resolve(), from_hub)


def _download(source: str, revision: str | None) -> tuple[Path, str]:
    """The snapshot folder of a hub repository and its commit; only needed files are downloaded."""
    from huggingface_hub import snapshot_download

    try:
        commit, files = _listed_on_hub(source, revision)
        path = snapshot_download(source, revision=commit, allow_patterns=files)
    except InputError:
        raise
    except Exception as error:  # no network: each version of the client has errors of its own for that
        try:
            path = snapshot_download(source, revision=revision, local_files_only=True)
        except Exception:
            raise (UnavailableError if passes(error) else InputError)(
                f"checkpoint {source}: not a folder here, and the hub did not give it "
                f"({type(error).__name__}: {error}); check the name and the network, or give a local folder"
            ) from error
    return Path(path), Path(path).name  # snapshots are kept in a folder named by their commit


def folder_revision(folder: Path) -> str:
    """What stands for the commit of a checkpoint in a folder: sha256 of its files, shortened to 40 digits."""
    return _digest_once(_seen([*weight_files(folder), *tokenizer_files(folder), folder / "config.json"]))[:40]


def newest_commit(source: str) -> str:
    """The commit that a hub id's default branch is at, asked from the hub (`HF_ENDPOINT` names another).

    Raises UnavailableError when the hub does not answer, InputError when it has no such repository.
    """
    from huggingface_hub import HfApi

    try:
        return str(HfApi(endpoint=os.environ.get("HF_ENDPOINT")).model_info(source, timeout=10).sha)
    except Exception as error:  # each version of the client has errors of its own
        raise (UnavailableError if passes(error) else InputError)(
            f"hub id {source}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        ) from error


def passes(error: BaseException) -> bool:
    """Whether an error of the hub's client may be gone later: no network, a busy or broken server."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status is None or status == 429 or status >= 500


def _listed_on_hub(source: str, revision: str | None) -> tuple[str, list[str]]:
    """Commit and wanted files of a hub repository."""
    from huggingface_hub import HfApi

    info = HfApi().model_info(source, revision=revision)
    names = {file.rfilename for file in info.siblings or []}
    shards = sorted(name for name in names if "/" not in name and name.endswith(".safetensors"))
    if not shards:
        raise InputError(_pickle_message(source))
    weights = (
        ["model.safetensors"] if "model.safetensors" in names else [*shards, "model.safetensors.index.json"]
    )
    return str(info.sha), ["config.json", *_TOKENIZER_FILES, *weights]


def _refuse_unsafe(source: str, folder: Path) -> None:
    config_file = folder / "config.json"
    if not config_file.is_file():
        raise InputError(f"checkpoint {source}: config.json is missing; give a folder in Hugging Face layout")
    config = _read_json(config_file)
    tokenizer_file = folder / "tokenizer_config.json"
    tokenizer = _read_json(tokenizer_file) if tokenizer_file.is_file() else {}
    if "auto_map" in config or "auto_map" in tokenizer:
        raise InputError(
            f"checkpoint {source}: it wants to run its own code (auto_map), which is refused; use one of an "
            "architecture that transformers has itself (and drop auto_map from its json files)"
        )
    attention = [config.get(name) for name in ("attn_implementation", "_attn_implementation")]
    if any(name is not None and name not in _ATTENTION for name in attention):
        raise InputError(
            f"checkpoint {source}: it asks for attention code of somebody else's ({attention[0]!r}), "
            "which is refused; drop attn_implementation from it"
        )
    if not weight_files(folder):
        if any(file for pattern in _PICKLES for file in folder.glob(pattern)):
            raise InputError(_pickle_message(source))
        raise InputError(f"checkpoint {source}: model.safetensors is missing; export it again")
    missing = [file.name for file in weight_files(folder) if not file.is_file()]
    if missing:
        raise InputError(f"checkpoint {source}: {', '.join(missing[:3])} is missing; download it again")
    if not tokenizer_files(folder):
        raise InputError(f"checkpoint {source}: it has no tokenizer; save the tokenizer into the folder")


def _pickle_message(source: str) -> str:
    return (
        f"checkpoint {source}: its weights are pickled, and loading them can run code; convert them to "
        "model.safetensors first (save_pretrained of a recent transformers writes it)"
    )


def weight_files(folder: Path) -> list[Path]:
    """The weight files that transformers would read: one file, or the shards of the index."""
    index = folder / "model.safetensors.index.json"
    if (folder / "model.safetensors").is_file() or not index.is_file():
        return [file for file in [folder / "model.safetensors"] if file.is_file()]
    names = _shards(index)
    if any(Path(name).name != name or name == ".." for name in names):
        raise InputError(f"{index}: a shard lies outside the folder; download the checkpoint again")
    if any(not name.endswith(".safetensors") for name in names):
        raise InputError(f"{index}: a shard is no .safetensors file; convert the checkpoint to safetensors")
    return [folder / name for name in sorted(names)]


def _shards(index: Path) -> set[str]:
    weights = _read_json(index).get("weight_map")
    if not isinstance(weights, dict) or not weights or not all(isinstance(v, str) for v in weights.values()):
        raise InputError(f"{index}: it has no weight_map of file names; download the checkpoint again")
    return set(weights.values())


def _read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a checkpoint's file; raises InputError when it is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not valid JSON ({error}); download the checkpoint again") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: holds no JSON object; download the checkpoint again")
    return value


def tokenizer_files(folder: Path) -> list[Path]:
    return [folder / name for name in sorted(_TOKENIZER_FILES) if (folder / name).is_file()]


def _seen(files: Iterable[Path]) -> tuple[tuple[Path, int, int, int, int], ...]:
    """What tells without reading them that files have not changed since."""
    stats = ((file, file.stat()) for file in files)
    return tuple(
        (file, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns) for file, stat in stats
    )


@lru_cache(maxsize=64)
def _digest_once(seen: tuple[tuple[Path, int, int, int, int], ...]) -> str:
    """The digest of files as they are: a run that asks 53 languages reads a checkpoint once."""
    return digest(file for file, *_ in seen)


def digest(files: Iterable[Path]) -> str:
    """sha256 over the files' names and contents."""
    total = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            total.update(f"{file.name} {hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()
