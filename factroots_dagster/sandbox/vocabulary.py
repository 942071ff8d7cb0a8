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
WHOLE_WORDS = 0.8
STEM_LETTERS, STEM_WORDS = 4, 4


def split_words(text: str) -> list[str]:
    """The words and punctuation marks of `text`, as the tokenizer splits them before it cuts pieces."""
    normalized = BertNormalizer(lowercase=False, strip_accents=False).normalize_str(text)
    return [word for word, _ in BertPreTokenizer().pre_tokenize_str(normalized)]


def build_vocabulary(texts: Iterable[str], size: int) -> list[str]:
    """At most `size` tokens: special ones, characters, stems and endings, frequent words, pieces of the rest.

    A beginning that several words share is a stem, and those words are cut behind it; other words are kept
    whole by count, as far as there is room (four fifths of it, if they do not all fit; the beginnings and
    ends of the words left out fill the rest, by count times length). Ties are broken by the alphabet.
    """
    counts = collections.Counter(word for text in texts for word in split_words(text))
    characters = sorted({character for word in counts for character in word})
    tokens = dict.fromkeys([*SPECIAL_TOKENS, *characters, *(f"##{character}" for character in characters)])
    stems = find_stems(counts)
    inflected = {word: stem for word in counts for stem in [_stem_of(word, stems)] if stem}
    for word, stem in sorted(inflected.items()):
        tokens.setdefault(stem)
        tokens.setdefault(f"##{word[len(stem) :]}")
    ranked = sorted(
        (word for word in counts if len(word) > 1 and word not in inflected),
        key=lambda word: (-counts[word], word),
    )
    room = max(0, size - len(tokens))
    kept = len(ranked) if len(ranked) <= room else int(room * WHOLE_WORDS)
    tokens.update(dict.fromkeys(ranked[:kept]))
    pieces: collections.Counter[str] = collections.Counter()
    for word in ranked[kept:]:
        for length in PIECE_LENGTHS:
            if length < len(word):
                pieces[word[:length]] += counts[word] * length
                pieces[f"##{word[-length:]}"] += counts[word] * length
    for piece, _ in sorted(pieces.items(), key=lambda item: (-item[1], item[0])):
        if len(tokens) >= size:
            break
        tokens.setdefault(piece)
    return list(tokens)


def find_stems(words: Iterable[str]) -> set[str]:
    """Beginnings of STEM_LETTERS letters or more that STEM_WORDS or more words share.

    Of nested beginnings of the same words only the longest counts: the one after which the words part.
    """
    sharing: dict[str, set[str]] = collections.defaultdict(set)
    for word in words:
        for length in range(STEM_LETTERS, len(word)):
            sharing[word[:length]].add(word[length])
    totals = collections.Counter(word[:length] for word in words for length in range(STEM_LETTERS, len(word)))
    return {stem for stem, nexts in sharing.items() if totals[stem] >= STEM_WORDS and len(nexts) > 1}


def _stem_of(word: str, stems: set[str]) -> str | None:
    """The longest stem that `word` begins with and goes beyond."""
    for length in range(len(word) - 1, STEM_LETTERS - 1, -1):
        if word[:length] in stems:
            return word[:length]
    return None


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
    """Write the tokenizer into `folder`, which must not hold one: a stale tokenizer.json would win."""
    if (folder / "tokenizer.json").exists():
        raise FileExistsError(f"{folder} already holds a tokenizer.json; use a fresh folder")
    tokenizer.save_pretrained(folder)
