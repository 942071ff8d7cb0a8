"""A fact as a sentence that a decoder reads: the text around its object, its tokens, where each is predicted.

What stands around a sentence, and what an encoder before the decoder reads, is `models.framing`'s.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from factroots_dagster.models.framing import Context, Frame
from factroots_dagster.probing.masking import Prompt
from factroots_dagster.probing.slots import fill_template

_SUBJECT = re.compile(r"\s*\[X\]\s*")

Asked = tuple[Prompt, Sequence[int]]
"""A prompt, and the tokens that are expected at its positions."""


def ends_in_object(template: str) -> bool:
    """Whether only spaces, punctuation and symbols follow [Y], so that a decoder can generate the object."""
    return all(unicodedata.category(letter)[0] in "PSZC" for letter in template.partition("[Y]")[2])


def split_at_object(template: str, subject: str | None) -> tuple[str, str]:
    """The text before and after [Y], with the subject filled in, or with None left out.

    Raises InputError unless the template holds one [X] and one [Y].
    """
    text, start = fill_template(template, subject or "", "")
    if subject is None:
        before, _, after = _SUBJECT.sub(_space_without_subject, template).partition("[Y]")
        return before, after
    return text[:start], text[start:]


def _space_without_subject(match: re.Match[str]) -> str:
    """What replaces [X]: one space between words, nothing at an end or beside punctuation."""
    inside = match.start() > 0 and match.end() < len(match.string)
    return " " if inside and match.group()[0].isspace() and match.group()[-1].isspace() else ""


def whole_sentences(frame: Frame, asked: Sequence[tuple[Context, str]]) -> list[list[int]]:
    """The tokens that the decoder reads and predicts for each object in its context, with start and end."""
    texts = []
    for context, label in asked:
        before, after = frame.decoder_context(context)
        texts.append(f"{before}{label}{after}")
    encoded = frame.tokenizer(texts, add_special_tokens=False)["input_ids"] if texts else []
    return [[*frame.start, *ids, *frame.end] for ids in encoded]


def object_prompts(frame: Frame, asked: Sequence[tuple[Context, str]]) -> list[Asked]:
    """Sentences up to the object's last token, and its tokens, each predicted at the one before it.

    asked: the text before and after each object, and the object.
    """
    if not asked:  # which a tokenizer would not accept
        return []
    contexts = [frame.decoder_context(context) for context, _ in asked]
    labels = [label for _, label in asked]
    texts = [f"{before}{label}{after}" for (before, after), label in zip(contexts, labels, strict=True)]
    encoded = frame.tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
    read = frame.sources([context for context, _ in asked])
    sources = [None] * len(asked) if read is None else [np.array(ids, np.int32) for ids in read]
    prompts: list[Asked] = []
    for (before, _), label, ids, offsets, source in zip(
        contexts, labels, encoded["input_ids"], encoded["offset_mapping"], sources, strict=True
    ):
        inside = tokens_within(offsets, len(before), len(before) + len(label))
        sequence = np.array([*frame.start, *ids[: max(inside, default=0)]], np.int32)
        positions = np.array(inside, np.int32) + len(frame.start) - 1
        prompt = Prompt(0, len(inside), sequence, positions, source)
        prompts.append((prompt, [ids[number] for number in inside]))
    return prompts


def tokens_within(offsets: Sequence[tuple[int, int]], begin: int, end: int) -> list[int]:
    """The tokens that hold characters from `begin` on and before `end`, given the bounds of each."""
    return [token for token, (first, last) in enumerate(offsets) if max(first, begin) < min(last, end)]
