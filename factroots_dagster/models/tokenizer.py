"""The tokenizer of a checkpoint, loaded without its weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import transformers

from factroots_dagster.errors import InputError
from factroots_dagster.models.configuration import model_family, read_config
from factroots_dagster.models.files import ResolvedCheckpoint
from factroots_dagster.models.framing import find_blank

SPACE = "▁"  # SentencePiece's bare space token
_BARE_SPACES = (SPACE, "Ġ")  # and that of byte-level BPE
_WORDS = ("a", "1", "東")


@dataclass(frozen=True)
class CheckpointTokenizer:
    """A fast tokenizer of transformers, and how it writes words.

    space_id: its bare SentencePiece space token, None without one. Some tokenizers put it before a word as a
    token of its own; it is no part of a label.
    in_sentence: whether a word alone is another than the word in a sentence, see `keeps_space_in_word`.
    """

    tokenizer: Any
    space_id: int | None
    in_sentence: bool

    def decode(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """The text of each sequence of token ids."""
        texts: list[str] = self.tokenizer.batch_decode([list(ids) for ids in sequences])
        return texts


def load_tokenizer(resolved: ResolvedCheckpoint) -> CheckpointTokenizer:
    """Loads the tokenizer of a checkpoint; reads its JSON and vocabulary files, never its weights.

    Raises InputError: tokenizer unreadable or slow, masked model without a mask token, encoder-decoder
    without anything that marks a gap, unknown architecture.
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
    if family == "encoder-decoder":
        find_blank(tokenizer)
    space: Any = tokenizer.convert_tokens_to_ids(SPACE)
    known = space is not None and space != tokenizer.unk_token_id
    return CheckpointTokenizer(tokenizer, space if known else None, keeps_space_in_word(tokenizer))


def keeps_space_in_word(tokenizer: Any) -> bool:
    """Whether a word after a space has other tokens than the same word alone, so that sentences must be read.

    Byte-level BPE and vocabularies like Gemma's do so. WordPiece and XLM-R's Unigram write a word alone as
    after a space; their objects are asked in this form everywhere, also beside letters, as the published
    results were.
    """
    if type(tokenizer.backend_tokenizer.model).__name__ == "BPE":
        return True
    alone, twice = (
        tokenizer([text(word) for word in _WORDS], add_special_tokens=False)["input_ids"]
        for text in (str, lambda word: f"{word} {word}")
    )
    return any(both != ids + ids for ids, both in zip(alone, twice, strict=True))


def find_start(tokenizer: Any, start_token: str = "") -> tuple[int, ...]:
    """The tokens that a decoder's sentences begin with, without which their first would have no probability.

    start_token: a token of the vocabulary; "": what the tokenizer itself puts first, else BOS, else EOS (as
    lm-evaluation-harness does). Raises InputError for an unknown token, and where there is none.
    """
    if start_token:
        chosen = tokenizer.get_vocab().get(start_token)
        if chosen is None:
            problem = f"the start token {start_token!r} is not in the checkpoint's vocabulary"
            raise InputError(problem, "name another token in FACTROOTS_START_TOKEN, or leave it empty")
        return (int(chosen),)
    encoded = tokenizer("a", return_special_tokens_mask=True)
    count = len(list(takewhile(bool, encoded["special_tokens_mask"])))
    if 0 < count < len(encoded["input_ids"]):
        return tuple(encoded["input_ids"][:count])
    for token in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if token is not None:
            return (int(token),)
    raise InputError(
        "the checkpoint's tokenizer has neither a BOS nor an EOS token to begin a sentence with",
        "set bos_token in tokenizer_config.json",
    )


def bare_space_ids(tokenizer: Any) -> set[int]:
    """The ids of tokens that are a space and nothing else."""
    ids = {tokenizer.convert_tokens_to_ids(token) for token in _BARE_SPACES}
    return ids - {None, tokenizer.unk_token_id}
