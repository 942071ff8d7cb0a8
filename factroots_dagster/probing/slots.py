"""The tokens of an object in its template's slot, and those of the text around it.

Two kinds of tokenizers:

- Those that write a word alone as they write it after a space (WordPiece, the SentencePiece models of XLM-R):
  an object has the tokens of its label, as in the published protocol (`object_token_ids`).
- Those that keep the space in the word (byte-level BPE as of RoBERTa, ModernBERT and EuroBERT; Gemma's
  vocabulary as of mmBERT): a label alone is not what stands in a sentence. An object has the tokens that the
  sentence has for it, with the space before it (`SentenceSlots`).

`models.tokenizer` says of which kind a tokenizer is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from factroots_dagster.errors import InputError
from factroots_dagster.models.tokenizer import CheckpointTokenizer, bare_space_ids
from factroots_dagster.text.slots import find_slot_defect

_SLOT = re.compile(r"\[[XY]\]")
_NEUTRAL = ("a", "1")
"""What stands in the slot while the tokens after it are read; letters may merge with the first of them."""

Ids = tuple[int, ...]


def object_token_ids(tokenizer: Any, labels: Sequence[str], space_id: int | None) -> list[Ids]:
    """Token ids of each label alone, without special tokens and without the bare SentencePiece space token.

    tokenizer: of transformers, or anything called alike. space_id: see `models.tokenizer`.
    """
    encoded = tokenizer(list(labels), add_special_tokens=False)["input_ids"] if labels else []
    return [tuple(token for token in ids if token != space_id) for ids in encoded]


def name_token_ids(tokenizer: CheckpointTokenizer, names: Sequence[str]) -> list[Ids]:
    """The tokens that each name has in some place of a sentence, as far as the tokenizer tells places apart.

    To see which tokens two names share; without bare space tokens.
    """
    alone = object_token_ids(tokenizer.tokenizer, names, tokenizer.space_id)
    if not tokenizer.in_sentence:
        return alone
    spaces = bare_space_ids(tokenizer.tokenizer)
    after_space = object_token_ids(tokenizer.tokenizer, [f" {name}" for name in names], None)
    return [
        tuple(token for token in dict.fromkeys((*one, *other)) if token not in spaces)
        for one, other in zip(alone, after_space, strict=True)
    ]


def fill_template(template: str, subject: str, object_text: str) -> tuple[str, int]:
    """The template with both slots filled, and where the object's text begins in it (in code points).

    Both slots are filled in one pass, so that a label that contains "[Y]" stays a label.
    Raises InputError unless the template holds one [X] and one [Y].
    """
    if defect := find_slot_defect(template):
        raise InputError(f"a template {defect}", "write [X] and [Y] once each")
    text = _SLOT.sub(lambda slot: subject if slot.group() == "[X]" else object_text, template)
    start = template.index("[Y]")
    return text, start + (len(subject) - 3 if template.index("[X]") < start else 0)


class SentenceSlots:
    """Reads objects as they stand in the sentence, for a tokenizer that keeps the space in the word.

    The space before [Y] belongs to the object, whether the tokenizer writes it into the first token or as a
    token of its own. Where a tokenizer would merge the object with the text beside it (scripts without
    spaces), the object is tokenized by itself, as it is when a mask stands beside that text.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        special = tokenizer("a", return_special_tokens_mask=True)
        ordinary = [place for place, flag in enumerate(special["special_tokens_mask"]) if not flag]
        self._first: list[int] = special["input_ids"][: ordinary[0]]
        self._last: list[int] = special["input_ids"][ordinary[-1] + 1 :]

    def contexts(self, questions: Sequence[tuple[str, str]]) -> list[tuple[list[int], list[int]]]:
        """The tokens before and after the object of each (template, subject), special tokens included.

        Raises InputError for a broken template.
        """
        texts = [self._split(*question) for question in questions]
        before = self._encode(left for left, _, _ in texts)
        after: list[list[int] | None] = [None] * len(texts)
        for neutral in _NEUTRAL:
            filled = [f"{left}{space}{neutral}" for left, space, _ in texts]
            shorter = self._encode(filled)
            longer = self._encode(text + right for text, (_, _, right) in zip(filled, texts, strict=True))
            for number, (part, whole) in enumerate(zip(shorter, longer, strict=True)):
                if after[number] is None and whole[: len(part)] == part:
                    after[number] = whole[len(part) :]
        mask = self._tokenizer.mask_token
        beside_mask = self._encode(f"{mask}{right}" for _, _, right in texts)
        return [
            (self._first + left, (alone[1:] if right is None else right) + self._last)
            for left, right, alone in zip(before, after, beside_mask, strict=True)
        ]

    def object_ids(self, question: tuple[str, str], labels: Sequence[str]) -> list[Ids]:
        """The tokens of each label as the object of a (template, subject)."""
        left, space, right = self._split(*question)
        ((before, after),) = self.contexts([question])
        begin, end = len(before) - len(self._first), len(after) - len(self._last)
        before, after = before[len(self._first) :], after[:end]
        whole = self._encode(f"{left}{space}{label}{right}" for label in labels)
        alone = self._encode(f"{space}{label}" if label.strip() else "" for label in labels)
        ids: list[Ids] = []
        for sentence, own in zip(whole, alone, strict=True):
            inside = sentence[begin : len(sentence) - end]
            ids.append(tuple(inside if own and inside and before + inside + after == sentence else own))
        return ids

    def _split(self, template: str, subject: str) -> tuple[str, str, str]:
        """The text before [Y], the space that belongs to the object ("" without one), the text after [Y]."""
        if subject == self._tokenizer.mask_token:  # the space before a masked subject belongs to it, too
            template = template.replace(" [X]", "[X]")
        text, start = fill_template(template, subject, "")
        left = text[:start].removesuffix(" ")
        return left, text[len(left) : start], text[start:]

    def _encode(self, texts: Iterable[str]) -> list[list[int]]:
        listed = list(texts)
        encoded: list[list[int]] = (
            self._tokenizer(listed, add_special_tokens=False)["input_ids"] if listed else []
        )
        return encoded
