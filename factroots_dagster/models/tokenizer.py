"""The tokenizer of a checkpoint, loaded without its weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import transformers

from factroots_dagster.errors import InputError
from factroots_dagster.models.configuration import model_family, read_config
from factroots_dagster.models.files import ResolvedCheckpoint

SPACE = "▁"  # SentencePiece's bare space token


@dataclass(frozen=True)
class CheckpointTokenizer:
    """A fast tokenizer of transformers, and the id of its bare SentencePiece space token (None without one).

    Some tokenizers put the space token before a word as a token of its own; it is no part of a label.
    """

    tokenizer: Any
    space_id: int | None

    def decode(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """The text of each sequence of token ids."""
        texts: list[str] = self.tokenizer.batch_decode([list(ids) for ids in sequences])
        return texts


def load_tokenizer(resolved: ResolvedCheckpoint) -> CheckpointTokenizer:
    """Loads the tokenizer of a checkpoint; reads its JSON and vocabulary files, never its weights.

    Raises InputError: tokenizer unreadable or slow, masked model without a mask token, unknown architecture.
    """
    family = model_family(resolved, read_config(resolved))
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            resolved.path, trust_remote_code=False, local_files_only=True
        )
    except Exception as error:  # converting an old vocabulary fails in many ways
        problem = f"checkpoint {resolved.source}: its tokenizer cannot be read ({error})"
        raise InputError(problem, "save the tokenizer again") from error
    if not tokenizer.is_fast:
        raise InputError(
            f"checkpoint {resolved.source}: it has only a slow tokenizer", "save a fast one (tokenizer.json)"
        )
    if family == "masked" and tokenizer.mask_token_id is None:
        problem = f"checkpoint {resolved.source}: its tokenizer has no mask token, which probing needs"
        raise InputError(problem, "set mask_token in tokenizer_config.json")
    space: Any = tokenizer.convert_tokens_to_ids(SPACE)
    known = space is not None and space != tokenizer.unk_token_id
    return CheckpointTokenizer(tokenizer, space if known else None)
