"""A WordPiece vocabulary built deterministically, and the fast BERT tokenizer around it.

The trainer of the `tokenizers` library breaks ties at random (dozens of tokens differ between two runs on the
same text); this builder only counts and sorts.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable
from pathlib import Path

from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from transformers import BertTokenizer, PreTrainedTokenizerBase

from factroots_dagster.errors import InputError

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PIECE_LENGTHS = range(2, 7)
WHOLE_WORD_SHARE = 0.8
MIN_STEM_LETTERS, MIN_STEM_WORDS = 4, 4


def split_words(text: str) -> list[str]:
    """Split `text` into words and punctuation marks, as BERT's tokenizer does before it cuts wordpieces."""
    normalized = BertNormalizer(lowercase=False, strip_accents=False).normalize_str(text)
    return [word for word, _ in BertPreTokenizer().pre_tokenize_str(normalized)]


def build_vocabulary(texts: Iterable[str], size: int) -> list[str]:
    """Build a vocabulary of special tokens, characters, stems, endings, frequent words and wordpieces.

    A prefix that several words share is a stem, and those words are cut after it. Other words stay whole, the
    most frequent ones first, as far as there is room: all of the room if all of them fit, otherwise
    WHOLE_WORD_SHARE of it, with the rest filled by prefixes and suffixes of the remaining words, ordered by
    count times length. Ties are broken alphabetically. The result has at most `size` tokens, or, if that is
    more, the special tokens, characters, stems and endings.
    """
    counts = collections.Counter(word for text in texts for word in split_words(text))
    characters = sorted({character for word in counts for character in word})
    tokens = dict.fromkeys([*SPECIAL_TOKENS, *characters, *(f"##{character}" for character in characters)])
    stems = find_stems(counts)
    stem_of = {word: stem for word in counts if (stem := _find_stem(word, stems))}
    for word, stem in sorted(stem_of.items()):
        tokens.setdefault(stem)
        tokens.setdefault(f"##{word[len(stem) :]}")
    ranked = sorted(
        (word for word in counts if len(word) > 1 and word not in stem_of),
        key=lambda word: (-counts[word], word),
    )
    room = max(0, size - len(tokens))
    kept = len(ranked) if len(ranked) <= room else int(room * WHOLE_WORD_SHARE)
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
    """Find prefixes of at least MIN_STEM_LETTERS letters that at least MIN_STEM_WORDS words share.

    Of nested prefixes of the same words only the longest counts, the one after which the words differ.
    """
    next_letters: dict[str, set[str]] = collections.defaultdict(set)
    for word in words:
        for length in range(MIN_STEM_LETTERS, len(word)):
            next_letters[word[:length]].add(word[length])
    totals = collections.Counter(
        word[:length] for word in words for length in range(MIN_STEM_LETTERS, len(word))
    )
    return {
        stem for stem, letters in next_letters.items() if totals[stem] >= MIN_STEM_WORDS and len(letters) > 1
    }


def _find_stem(word: str, stems: set[str]) -> str | None:
    """Find the longest stem that is a proper prefix of `word`."""
    for length in range(len(word) - 1, MIN_STEM_LETTERS - 1, -1):
        if word[:length] in stems:
            return word[:length]
    return None


def make_tokenizer(vocabulary: list[str], max_length: int = 64) -> PreTrainedTokenizerBase:
    """Make a cased fast BERT tokenizer over `vocabulary`; token ids are positions in the list."""
    return BertTokenizer(
        vocab={token: number for number, token in enumerate(vocabulary)},
        do_lower_case=False,
        strip_accents=False,
        tokenize_chinese_chars=True,
        model_max_length=max_length,
    )


def save_tokenizer(tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write the tokenizer into `folder`.

    Raises InputError if the folder already holds a tokenizer.json: loaders would prefer stale files.
    """
    if (folder / "tokenizer.json").exists():
        raise InputError(f"{folder} already holds a tokenizer.json", "save the tokenizer to an empty folder")
    tokenizer.save_pretrained(folder)
