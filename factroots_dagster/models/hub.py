"""The Hugging Face hub: what it tells of a model and its revisions, and the download of the files needed.

`HF_ENDPOINT` selects another hub. Every function raises UnavailableError where the hub does not answer, and
InputError where it has no such model or revision.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.store.web import has_credentials, without_credentials

if TYPE_CHECKING:
    from huggingface_hub import HfApi

SECONDS = 10.0
"""How long the hub may take to answer a question."""

TOKENIZER_FILES = (
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
class HubModel:
    """A model at one commit. files: those that are needed; weights: SHA-256 of its weight files, by name.

    The hub does not tell the SHA-256 of files that it keeps in git; then weights is empty.
    """

    commit: str
    files: tuple[str, ...]
    weights: tuple[tuple[str, str], ...]


def find_model(source: str, revision: str | None = None) -> HubModel:
    """What the hub tells of a model. Raises InputError, too, where its weights are not in safetensors."""
    with _answering(source, revision):
        info = _api().model_info(source, revision=revision, files_metadata=True, timeout=SECONDS)
    files = {file.rfilename: file for file in info.siblings or []}
    shards = sorted(name for name in files if "/" not in name and name.endswith(".safetensors"))
    if not shards:
        raise pickle_error(source)
    weights = ["model.safetensors"] if "model.safetensors" in files else shards
    index = [] if "model.safetensors" in files else ["model.safetensors.index.json"]
    digests = [(name, lfs.sha256) for name in weights if (lfs := files[name].lfs) is not None]
    return HubModel(
        str(info.sha),
        ("config.json", *TOKENIZER_FILES, *weights, *index),
        tuple(digests) if len(digests) == len(weights) else (),
    )


def find_revisions(source: str) -> list[str]:
    """The names of a model's branches and tags."""
    with _answering(source):
        refs = _api().list_repo_refs(source)
    return [ref.name for ref in (*refs.branches, *refs.tags)]


def newest_commit(source: str) -> str:
    """The newest commit on the default branch of a model."""
    with _answering(source):
        return str(_api().model_info(source, timeout=SECONDS).sha)


def download_config(source: str, commit: str) -> Path:
    """A folder with the configuration of a model at a commit."""
    from huggingface_hub import hf_hub_download

    with _answering(source, commit):
        return Path(hf_hub_download(source, "config.json", revision=commit, endpoint=_endpoint())).parent


def download(source: str, revision: str | None) -> tuple[Path, str]:
    """The folder of a model's files and its commit; what was downloaded before is used if there is no hub."""
    from huggingface_hub import snapshot_download

    try:
        model = find_model(source, revision)
        with _answering(source, revision):
            path = snapshot_download(
                source, revision=model.commit, allow_patterns=list(model.files), endpoint=_endpoint()
            )
    except UnavailableError:
        cached = _cached_snapshot(source, revision)
        if cached is None:
            raise
        path = cached
    if not any(Path(path).glob("*.safetensors")):  # an earlier call had downloaded the configuration alone
        raise UnavailableError(
            f"hub id {source}: its weights were not downloaded", "check the network, or try again later"
        )
    return Path(path), Path(path).name  # a snapshot's folder is named by its commit


def _cached_snapshot(source: str, revision: str | None) -> str | None:
    from huggingface_hub import snapshot_download

    try:
        return snapshot_download(source, revision=revision, local_files_only=True)
    except Exception:  # nothing was downloaded before; every version of the client raises other errors
        return None


def pickle_error(source: str) -> InputError:
    """What is said of a checkpoint without safetensors."""
    return InputError(
        f"checkpoint {source}: its weights are pickled, and loading them can run code",
        "convert them to model.safetensors first (save_pretrained of a recent transformers writes it)",
    )


def _endpoint() -> str | None:
    """Read anew each time: the client reads it when it is imported."""
    return os.environ.get("HF_ENDPOINT")


def _api() -> HfApi:
    from huggingface_hub import HfApi

    return HfApi(endpoint=_endpoint())


@contextmanager
def _answering(source: str, revision: str | None = None) -> Iterator[None]:
    """Turns the errors of the hub's client into those of this module; keeps credentials out of its log."""
    for handler in logging.getLogger("huggingface_hub").handlers:
        handler.addFilter(_hide_credentials)
    try:
        yield
    except Exception as error:  # every version of the client raises other errors
        temporary = _is_temporary(error)
        reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        raise (UnavailableError if temporary else InputError)(
            f"hub id {source}{f' at {revision}' if revision else ''}: {without_credentials(reason)}",
            "check the network, or try again later"
            if temporary
            else "check the name, the revision and your permissions, or name a local folder",
        ) from (None if has_credentials(_endpoint() or "") else error)  # its text names the endpoint


def _hide_credentials(record: logging.LogRecord) -> bool:
    record.msg, record.args = without_credentials(record.getMessage()), ()
    return True


def _is_temporary(error: BaseException) -> bool:
    """Whether an error of the hub's client may go away: no network, a busy or broken server."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status is None or status == 429 or status >= 500
