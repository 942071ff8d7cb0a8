"""A WordPiece vocabulary built in a fixed order, and the fast BERT tokenizer around it.

The trainer of the `tokenizers` library breaks ties at random (dozens of its tokens differ between two runs on
one text); this builder only counts and sorts.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable
from pathlib import Path

from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from transformers import BertTokenizer, PreTrainedTokenizerBase

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PIECE_LENGTHS = range(2, 7)


def split_words(text: str) -> list[str]:
    """The words and punctuation marks of `text`, as the tokenizer splits them before it cuts pieces."""
    normalized = BertNormalizer(lowercase=False, strip_accents=False).normalize_str(text)
    return [word for word, _ in BertPreTokenizer().pre_tokenize_str(normalized)]


def build_vocabulary(texts: Iterable[str], size: int, whole_words: float = 0.8) -> list[str]:
    """At most `size` tokens: special ones, every character, frequent words, frequent pieces of the other words.

    `whole_words` is the share of the room that words take; beginnings and continuations (marked ##) of the
    words that found no place fill the rest, by count times length. Ties are broken by the alphabet.
    """
    counts = collections.Counter(word for text in texts for word in split_words(text))
    characters = sorted({character for word in counts for character in word})
    tokens = dict.fromkeys([*SPECIAL_TOKENS, *characters, *(f"##{character}" for character in characters)])
    room = max(0, size - len(tokens))
    ranked = [word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if len(word) > 1]
    budget = len(ranked) if len(ranked) <= room else int(room * whole_words)
    tokens.update(dict.fromkeys(ranked[:budget]))
    pieces: collections.Counter[str] = collections.Counter()
    for word in ranked[budget:]:
        for length in PIECE_LENGTHS:
            if length < len(word):
                pieces[word[:length]] += counts[word] * length
                pieces[f"##{word[-length:]}"] += counts[word] * length
    for piece, _ in sorted(pieces.items(), key=lambda item: (-item[1], item[0])):
        if len(tokens) >= size:
            break
        tokens.setdefault(piece)
    return list(tokens)


def make_tokenizer(vocabulary: list[str], max_length: int = 64) -> PreTrainedTokenizerBase:
    """A cased fast BERT tokenizer over `vocabulary` (ids are positions in the list)."""
    return BertTokenizer(
        vocab={token: number for number, token in enumerate(vocabulary)},
        do_lower_case=False,
        strip_accents=False,
        tokenize_chinese_chars=True,
        model_max_length=max_length,
    )


def save_tokenizer(tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write the tokenizer into `folder`, which must not hold one: a stale tokenizer.json would win later on."""
    if (folder / "tokenizer.json").exists():
        raise FileExistsError(f"{folder} already holds a tokenizer.json; use a fresh folder")
    tokenizer.save_pretrained(folder)
