"""Token ids to text, by a checkpoint's tokenizer where it is on this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from factroots_dagster.errors import InputError
from factroots_dagster.models import registry
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store


def token_decoder(settings: Settings, store: Store, checkpoint: str) -> Callable[[Sequence[int]], str] | None:
    """A function from token ids to text, by a checkpoint's tokenizer; None when it is not on this machine."""
    from huggingface_hub import try_to_load_from_cache
    from tokenizers import Tokenizer

    try:
        source = registry.lookup(settings, checkpoint).source
        revision = store.read("checkpoint", checkpoint)["revision"][0].as_py()
    except InputError:
        return None
    path = Path(source) / "tokenizer.json"
    if not Path(source).is_dir():
        cached = try_to_load_from_cache(source, "tokenizer.json", revision=revision)
        path = Path(cached) if isinstance(cached, str) else path
    if not path.is_file():
        return None
    tokenizer = Tokenizer.from_file(str(path))
    return lambda ids: tokenizer.decode(list(ids))
