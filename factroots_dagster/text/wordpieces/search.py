"""Search for labels as in the paper: their wordpieces as a plain substring of those of the text.

Pieces are joined by spaces and compared as strings, so that a label is also found in longer words ("New York"
in "New York ##er", "ab" in "cab"), and a label with an unknown piece wherever any unknown piece is (see
MAX_UNREADABLE_LABELS). A match lies within one chunk of CHUNK_PIECES pieces of the text without its list
items.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.errors import InputError
from factroots_dagster.text.code_points import to_code_points
from factroots_dagster.text.offsets import rows_of_groups
from factroots_dagster.text.symbols import SymbolSearch
from factroots_dagster.text.tokens import joined_bounds
from factroots_dagster.text.wordpieces.piece_cache import MAX_CACHED_CHARACTERS, PieceCache
from factroots_dagster.text.wordpieces.word_tokenizer import PIECE_MARK, Words, WordTokenizer

CHUNK_PIECES = 512

CHUNK_START = 0
"""Replaces the id of PIECE_MARK before the first piece of a chunk; the id of no symbol of a pattern."""

MAX_UNREADABLE_LABELS = 100
"""If more labels than this consist of unknown pieces only, the tokenizer does not know their script; each
would be found at every word, so they are not searched for."""

Matches = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Text, label, start, end and chunk of each match, each of shape [matches]."""


class PieceSearch:
    """Finds the wordpieces of many labels in texts. Created by `piece_search`."""

    def __init__(
        self,
        tokenizer: WordTokenizer,
        labels: Sequence[str],
        max_cached_characters: int = MAX_CACHED_CHARACTERS,
    ) -> None:
        self.tokenizer = tokenizer
        self.unknown: NDArray[np.bool_] = np.zeros(len(labels), dtype=bool)
        """Whether a label holds a piece that the tokenizer does not know, shape [labels]."""
        labels_by_pattern = self._labels_by_pattern(labels)
        lengths = np.fromiter(map(len, labels_by_pattern), np.int64, len(labels_by_pattern))
        mark = to_code_points(PIECE_MARK)
        self._search = SymbolSearch(to_code_points("".join(labels_by_pattern)), lengths, extra=mark)
        self._mark_id = self._search.encode(mark)[0]
        self._cache = PieceCache(tokenizer, self._search.encode, max_cached_characters)
        self._offsets = np.cumsum([0, *map(len, labels_by_pattern.values())])
        """Labels of pattern p: _labels[_offsets[p] : _offsets[p + 1]]."""
        self._labels = np.array(list(chain.from_iterable(labels_by_pattern.values())), dtype=np.int64)

    def _labels_by_pattern(self, labels: Sequence[str]) -> dict[str, list[int]]:
        """The patterns to search for, each with the indices of its labels; sets `unknown`."""
        stripped = [label.strip() for label in labels]
        starts, ends = joined_bounds(stripped)
        words = self.tokenizer.split("\n".join(stripped), ends[:-1])
        pieces = self.tokenizer.tokenize(words.distinct, {words[index] for index in words.uncut.tolist()})
        distinct_pieces = {piece for word in pieces for piece in word.split(PIECE_MARK)} - {""}
        unknown_pieces = self.tokenizer.find_unknown(distinct_pieces)
        in_order = [pieces[index] for index in words.distinct_index.tolist()]
        bounds = np.searchsorted(words.starts, np.append(starts, ends[-1:])).tolist()
        labels_by_pattern: dict[str, list[int]] = {}
        for label, (first, last) in enumerate(pairwise(bounds)):
            if pattern := "".join(in_order[first:last]).removeprefix(PIECE_MARK):
                labels_by_pattern.setdefault(pattern, []).append(label)
                self.unknown[label] = not unknown_pieces.isdisjoint(pattern.split(PIECE_MARK))
        unreadable = {
            pattern for pattern in labels_by_pattern if unknown_pieces.issuperset(pattern.split(PIECE_MARK))
        }
        if sum(len(labels_by_pattern[pattern]) for pattern in unreadable) > MAX_UNREADABLE_LABELS:
            return {key: value for key, value in labels_by_pattern.items() if key not in unreadable}
        return labels_by_pattern

    def find(self, texts: Sequence[str], list_lines: Sequence[Sequence[int]]) -> Matches:
        """All matches in `texts`, in no particular order; each array is int64, shape [matches].

        list_lines: for each text, the numbers of its lines that are left out.

        Start and end are positions in the text with its list lines: those of the words in which the match
        begins and ends (for tokenizers like XLM-R's, whose words may be whole lines: of the pieces). The
        chunks of each text count from 0.
        """
        text, starts, line_starts, shifts = _without_lists(texts, list_lines)
        words = self.tokenizer.split(text, starts[1:] - 1)
        symbols, word_symbols = self._cache(words)
        piece_symbols = np.flatnonzero(symbols == self._mark_id)

        first_word = np.searchsorted(words.starts, starts)
        first_piece = np.searchsorted(piece_symbols, word_symbols[first_word])
        chunks = -(np.diff(first_piece, append=len(piece_symbols)) // -CHUNK_PIECES)
        chunk_offsets = np.append(0, np.cumsum(chunks))
        chunk_text, row = rows_of_groups(chunk_offsets, np.arange(len(texts)))
        chunk_number = row - chunk_offsets[chunk_text]
        chunk_symbols = piece_symbols[first_piece[chunk_text] + CHUNK_PIECES * chunk_number]
        in_chunks = symbols.copy()
        in_chunks[chunk_symbols] = CHUNK_START

        pattern, first_symbol, end_symbol = self._search.find(in_chunks)
        chunk = np.searchsorted(chunk_symbols, first_symbol, side="right") - 1
        bounds = np.stack([first_symbol, end_symbol - 1])
        start, end = self._positions(words, word_symbols, piece_symbols, bounds)
        line = np.searchsorted(line_starts, start, side="right") - 1
        last_line = np.searchsorted(line_starts, end - 1, side="right") - 1
        start, end = start + shifts[line], end + shifts[last_line]

        match, row = rows_of_groups(self._offsets, pattern)
        chunk = chunk[match]
        return chunk_text[chunk], self._labels[row], start[match], end[match], chunk_number[chunk]

    def _positions(
        self,
        words: Words,
        word_symbols: NDArray[np.int64],
        piece_symbols: NDArray[np.int64],
        bounds: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """Starts and ends of matches in the text, shape [2, matches].

        word_symbols, piece_symbols: where the symbols of each word and of each piece begin.
        bounds: the first and last symbol of each match, shape [2, matches].
        """
        word = np.searchsorted(word_symbols, bounds, side="right") - 1
        positions = np.stack([words.starts[word[0]], words.ends[word[1]]])
        by_pieces = np.isin(word, words.uncut) | self.tokenizer.marks_words
        if by_pieces.any():
            word = word[by_pieces]
            nth = np.searchsorted(piece_symbols, bounds[by_pieces], side="right") - 1
            nth -= np.searchsorted(piece_symbols, word_symbols[word])
            distinct, row = np.unique(word, return_inverse=True)
            texts = [words[index] for index in distinct.tolist()]
            encodings = self.tokenizer.hf.encode_batch(texts, add_special_tokens=False)
            first = np.cumsum([0, *(len(encoding.offsets) for encoding in encodings)])
            spans = np.array(list(chain.from_iterable(encoding.offsets for encoding in encodings)))
            side = np.nonzero(by_pieces)[0]
            positions[by_pieces] = words.starts[word] + spans[first[row] + nth, side]
        return positions


def _without_lists(
    texts: Sequence[str], list_lines: Sequence[Sequence[int]]
) -> tuple[str, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """All texts without their list lines, joined by line ends, and the way back to the texts.

    Returns the joined text; where each text starts in it, shape [texts]; where each block of lines starts in
    it, and what must be added to its positions to get those in the block's own text, shape [blocks].
    """
    blocks: list[str] = []
    positions: list[int] = []
    first: list[int] = []
    for text, listed in zip(texts, list_lines, strict=True):
        first.append(len(blocks))
        left_out, position = set(listed), 0
        for number, line in enumerate(text.split("\n") if left_out else [text]):
            if number not in left_out:
                blocks.append(line)
                positions.append(position)
            position += len(line) + 1
        if len(blocks) == first[-1]:
            blocks.append("")
            positions.append(0)
    lengths = np.fromiter(map(len, blocks), np.int64, len(blocks))
    starts = np.cumsum(lengths + 1) - lengths - 1
    return "\n".join(blocks), starts[first], starts, np.array(positions, dtype=np.int64) - starts


def piece_search(tokenizer_json: str, labels: Sequence[str]) -> PieceSearch:
    """The search for `labels` with the tokenizer of this JSON, created once per process.

    Raises InputError if the tokenizer cannot be applied word by word.
    """
    return _piece_search(tokenizer_json, tuple(labels))


@lru_cache(maxsize=2)
def _piece_search(tokenizer_json: str, labels: tuple[str, ...]) -> PieceSearch:
    return PieceSearch(_word_tokenizer(tokenizer_json), labels)


_word_tokenizer = lru_cache(maxsize=1)(WordTokenizer)


def read_tokenizer(folder: Path) -> str:
    """The text of `tokenizer.json` in the folder of a checkpoint.

    Raises InputError if there is none, or if the tokenizer cannot be applied word by word.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise InputError(
            f"{folder} has no tokenizer.json",
            "save the checkpoint's fast tokenizer there "
            "(AutoTokenizer.from_pretrained(..).save_pretrained(folder)), or set no wordpiece_checkpoint",
        )
    text = path.read_text("utf-8")
    try:
        _word_tokenizer(text)
    except InputError as error:
        raise InputError(f"{path}: {error.problem}", error.remedy) from error
    return text
