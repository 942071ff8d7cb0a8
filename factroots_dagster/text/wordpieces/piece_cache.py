"""The pieces of words as symbol ids, cached, since the same words occur again and again."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factroots_dagster.text.code_points import CodePoints, to_code_points
from factroots_dagster.text.symbols import SymbolIds
from factroots_dagster.text.wordpieces.word_tokenizer import Words, WordTokenizer

MAX_CACHED_CHARACTERS = 2**25
ENTRY_CHARACTERS = 32
"""Words are cached until the sum of their lengths, each counted as so much longer, exceeds the maximum: about
200 MB."""


class PieceCache:
    """Tokenizes words; `encode` gives the ids of code points, of which pieces consist."""

    def __init__(
        self,
        tokenizer: WordTokenizer,
        encode: Callable[[CodePoints], SymbolIds],
        max_cached_characters: int = MAX_CACHED_CHARACTERS,
    ) -> None:
        self.tokenizer, self.encode = tokenizer, encode
        self.max_cached_characters = max_cached_characters
        self.pieces_of_word: dict[str, bytes] = {}
        self._dtype = encode(to_code_points("")).dtype
        self._characters = 0

    def __call__(self, words: Words) -> tuple[SymbolIds, NDArray[np.int64]]:
        """The ids of all words' pieces end to end, each piece after PIECE_MARK, shape [ids]; and where those
        of each word begin, shape [words + 1]."""
        if self._characters > self.max_cached_characters:
            self.pieces_of_word, self._characters = {}, 0
        missing = [word for word in words.distinct if word not in self.pieces_of_word]
        if missing:
            self._add(missing, {words[index] for index in words.uncut.tolist()})
        pieces = pa.array(list(map(self.pieces_of_word.__getitem__, words.distinct)), pa.large_binary())
        _, offsets, joined = pieces.take(pa.array(words.distinct_index)).buffers()
        size = self._dtype.itemsize
        starts = np.frombuffer(offsets, dtype=np.int64, count=len(words.distinct_index) + 1) // size
        return np.frombuffer(joined or b"", dtype=self._dtype, count=starts[-1]), starts

    def _add(self, words: list[str], uncut: set[str]) -> None:
        pieces = self.tokenizer.tokenize(words, uncut)
        ids = self.encode(to_code_points("".join(pieces)))
        bounds = np.cumsum([0, *map(len, pieces)]) * ids.itemsize
        id_bytes, spans = ids.tobytes(), itertools.pairwise(bounds.tolist())
        self.pieces_of_word |= zip(words, (id_bytes[start:end] for start, end in spans), strict=True)
        self._characters += sum(map(len, words)) + ENTRY_CHARACTERS * len(words)
