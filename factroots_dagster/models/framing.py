"""What stands around a text that a decoder writes, and what an encoder before it reads.

A decoder reads and predicts a sentence after its start tokens. An encoder-decoder is asked as it was trained
to fill gaps, the object being the gap:

- With sentinels in its vocabulary (T5, mT5, umT5): the encoder reads the sentence with the first sentinel in
  the object's place; the decoder writes that sentinel, the object, and the next sentinel, which ends it.
- With a mask token (BART, mBART): the encoder reads the sentence with one mask in the object's place; the
  decoder writes the whole sentence. Where the tokenizer has codes of languages, that of the sentence is set.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from factroots_dagster.errors import InputError

_SENTINELS = ("<extra_id_0>", "<extra_id_1>")

Ids = tuple[int, ...]
Context = tuple[str, str]
"""The text before and after an object."""


class Blank(NamedTuple):
    """What stands in the object's place for an encoder: its text and id.

    closing: what the decoder writes after the object; None where it writes the whole sentence.
    """

    text: str
    token: int
    closing: int | None


def find_blank(tokenizer: Any) -> Blank:
    """What an encoder reads in the object's place. Raises InputError where the vocabulary has nothing."""
    first, second = (_find_single(tokenizer, sentinel) for sentinel in _SENTINELS)
    if first is not None and second is not None:
        return Blank(_SENTINELS[0], first, second)
    if tokenizer.mask_token_id is not None:
        return Blank(tokenizer.mask_token, tokenizer.mask_token_id, None)
    raise InputError(
        f"the checkpoint's tokenizer has neither sentinels ({_SENTINELS[0]}) nor a mask token, so its "
        "encoder cannot be told which words are missing",
        "use an encoder-decoder that was trained to fill in missing text, as mT5, umT5 and mBART were",
    )


def _find_single(tokenizer: Any, text: str) -> int | None:
    """The id of a text that is one token of the vocabulary; None for any other."""
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    return int(ids[0]) if len(ids) == 1 and ids[0] != tokenizer.unk_token_id else None


@dataclass(frozen=True)
class Frame:
    """The tokens before and after what a decoder writes, and for an encoder-decoder what the encoder reads.

    blank: None for a decoder alone. first, last: the special tokens around the text that the encoder reads.
    """

    tokenizer: Any
    start: Ids
    end: Ids = ()
    blank: Blank | None = None
    first: Ids = ()
    last: Ids = ()

    def decoder_context(self, context: Context) -> Context:
        """What of the text around the object the decoder writes, too."""
        return context if self.blank is None or self.blank.closing is None else ("", "")

    def sources(self, contexts: Sequence[Context]) -> list[list[int]] | None:
        """What the encoder reads for each context of an object; None without an encoder."""
        if self.blank is None:
            return None
        marked = self._encode([f"{before}{self.blank.text}{after}" for before, after in contexts])
        for number, (before, after) in enumerate(contexts):
            if marked[number].count(self.blank.token) != 1:  # in a word, a vocabulary may lack it
                left, right = self._encode([before, after])
                marked[number] = [*left, self.blank.token, *right]
        return [[*self.first, *ids, *self.last] for ids in marked]

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        encoded: list[list[int]] = (
            self.tokenizer(list(texts), add_special_tokens=False)["input_ids"] if texts else []
        )
        return encoded


def frame_sentences(tokenizer: Any, module: Any, blank: Blank, language: str = "") -> Frame:
    """The frame for an encoder-decoder; raises InputError where its decoder's first token is not known.

    language: of the text, "" for what the tokenizer is set to.
    """
    first, last = _special_tokens(tokenizer, language)
    written = (blank.token,) if blank.closing is not None else first
    labels = torch.tensor([[*written, blank.token, *last]], device=module.device)
    try:
        begin = int(module.prepare_decoder_input_ids_from_labels(labels)[0, 0])
    except (AttributeError, ValueError, TypeError) as error:
        raise InputError(
            f"{type(module).__name__} does not say what its decoder begins with ({error})",
            "set decoder_start_token_id in its config.json",
        ) from error
    end = last if blank.closing is None else (blank.closing,)
    return Frame(tokenizer, (begin, *written), end, blank, first, last)


def _special_tokens(tokenizer: Any, language: str) -> tuple[Ids, Ids]:
    """The special tokens before and after a text in a language, which has a code in some vocabularies."""
    own = getattr(tokenizer, "src_lang", None)
    try:
        if own is not None and language and (code := _find_code(tokenizer, language)) is not None:
            tokenizer.src_lang = code
        encoded = tokenizer("a", return_special_tokens_mask=True)
    finally:
        if own is not None:
            tokenizer.src_lang = own
    ids, special = encoded["input_ids"], encoded["special_tokens_mask"]
    ordinary = [place for place, flag in enumerate(special) if not flag]
    return tuple(ids[: ordinary[0]]), tuple(ids[ordinary[-1] + 1 :])


def _find_code(tokenizer: Any, language: str) -> str | None:
    """A language's token, such as en_XX (mBART); None where the vocabulary has none."""
    code = re.compile(rf"{re.escape(language)}_[A-Z]+")
    return next((token for token in tokenizer.get_vocab() if code.fullmatch(token)), None)
